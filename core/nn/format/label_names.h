/* SPDX-License-Identifier: MIT */
/* Other names for a network's labels and groups, such as in another language (docs/formats.md). */
#ifndef NN_FORMAT_LABEL_NAMES_H
#define NN_FORMAT_LABEL_NAMES_H

#include "nn/network.h"

struct error;
struct label_names;

/*
 * Reads a file, or a pipe, for the network, which must outlive *out. -ENOENT … as the system says; -EBADMSG,
 * with the line.
 */
int label_names_create(
	const char *path, const struct network *network, struct label_names **out, struct error *e);

/* The same of a text that need not end in a zero; `file` is the name for messages. */
int label_names_parse(const char *file, const void *text, size_t length, const struct network *network,
	struct label_names **out, struct error *e);

/* The network with the other names. It lives as long as `names`, and is not for network_destroy. */
const struct network *label_names_network(const struct label_names *names);

void label_names_destroy(struct label_names *names); /* takes NULL */

#endif
