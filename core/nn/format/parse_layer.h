/* SPDX-License-Identifier: MIT */
/* One entry of the list of layers: its fields, and what it reads. */
#ifndef NN_FORMAT_PARSE_LAYER_H
#define NN_FORMAT_PARSE_LAYER_H

#include "nn/format/parse.h"
#include "nn/limits.h"

#define ENTRY_LIMIT (3 * LAYER_LIMIT) /* each layer may have a split before and a merge behind it */

struct parser {
	const struct network_files *files;
	json_t *entries;
	struct network *network;
	int made[ENTRY_LIMIT]; /* by each entry before this one: the layer of it, or the last one before it */
	int split;	       /* groups between a split and its merge; else 1 */
	bool splitting;
};

/* The name of an entry, "" where it has none. */
const char *entry_name(const struct parser *p, size_t index);

/* Adds the layer of an entry to the network, with its arrays. */
int parse_layer(struct parser *p, const json_t *entry, size_t index, enum layer_kind kind, struct error *e);

/* 0 when the field is missing, or what was computed. */
int compare_int(const json_t *entry, const char *field, int computed, struct error *e);

#endif
