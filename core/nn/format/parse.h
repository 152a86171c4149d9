/* SPDX-License-Identifier: MIT */
/* What the parts of the loader share: network.json and the arrays, from any source of files. */
#ifndef NN_FORMAT_PARSE_H
#define NN_FORMAT_PARSE_H

#include "nn/network.h"

#include <jansson.h>

struct error;

struct network_files;

/* The name of a requantisation's bias in networks of older versions. */
#define OLDER_BIAS "addend"

/* Names of a layer's arrays: fields of network.json, and parts of the default names NAME.FIELD.npy. `bias` is
 * of integers where a multiplier stands before it, of reals in scores. */
enum layer_array {
	ARRAY_WEIGHTS,
	ARRAY_WEIGHT_OFFSET,
	ARRAY_THRESHOLDS,
	ARRAY_INVERT,
	ARRAY_MULTIPLIER,
	ARRAY_SHIFT,
	ARRAY_SCALE,
	ARRAY_BIAS,
	ARRAY_FACTORS,
	ARRAY_TABLE,
	ARRAY_COUNT
};
extern const char *const layer_array_names[ARRAY_COUNT];

/* Whether a layer of this kind and epilogue has the array; `weight_offset` and `invert` it may have. */
bool layer_has_array(const struct layer *layer, enum layer_array array);

/*
 * The array's file: the name in `names`, else a default name built in `room` (NAME_LIMIT + 32 bytes); the
 * older default name where only that file exists.
 */
const char *layer_array_file(const struct network_files *files, const struct layer *layer,
	enum layer_array array, const char *const names[ARRAY_COUNT], char *room, size_t size);

/*
 * Where files come from. read: the whole file `name` into *data, which the caller frees; longer than `limit`
 * bytes: -EFBIG. Its error begins with a verb: "is …". exists: whether the file is there. An importer whose
 * list is like network.json names it, reads its arrays in its own way (`entry`: the layer's object in the
 * list), and may allow one more field of a layer; NULL: as a network has it.
 */
struct network_files {
	int (*read)(
		void *context, const char *name, size_t limit, uint8_t **data, size_t *size, struct error *e);
	bool (*exists)(void *context, const char *name);
	void *context;
	const char *list;
	int (*arrays)(struct network *network, struct layer *layer, const json_t *entry,
		const char *const names[ARRAY_COUNT], const struct network_files *files, struct error *e);
	const char *field;
};

/* network.json and all that it names. The network's folder is left NULL. Errors begin with a file's name. */
typedef int network_parser(const struct network_files *files, struct network **out, struct error *e);
network_parser network_parse;

/* The network that `parse` makes of the folder's files. Errors begin with a path. */
int folder_parse(const char *folder, network_parser *parse, struct network **out, struct error *e);

/* Reads one array that the layer has. names: the file of each, NULL for the default. */
int layer_read_array(struct network *network, struct layer *layer, enum layer_array array,
	const char *const names[ARRAY_COUNT], const struct network_files *files, struct error *e);

/*
 * Reads the arrays of a layer that passed layer_check_shape. A layer of scores gives the network its
 * class_count, scale and bias. The error begins with a field.
 */
int layer_read_arrays(struct network *network, struct layer *layer, const json_t *entry,
	const char *const names[ARRAY_COUNT], const struct network_files *files, struct error *e);

#endif
