/* SPDX-License-Identifier: MIT */
/* labels.txt and groups.txt: texts of the network's classes (docs/formats.md). */
#ifndef NN_FORMAT_LABELS_H
#define NN_FORMAT_LABELS_H

#include "nn/network.h"

struct error;

/*
 * Reads one label a line into network->labels, network->class_count of them. `file` is the name for messages:
 * "file:line: …". `text` need not end in a zero.
 */
int labels_parse(struct network *network, const char *file, const char *text, size_t length, struct error *e);

/* Calls the classes "class 0", "class 1" and so on. */
int labels_number(struct network *network, struct error *e);

/* Reads lines "name: label, label, …" into network->groups; labels must have been read. */
int groups_parse(struct network *network, const char *file, const char *text, size_t length, struct error *e);

#endif
