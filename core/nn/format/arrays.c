/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "nn/format/npy.h"
#include "nn/format/parse.h"
#include "nn/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const layer_array_names[ARRAY_COUNT] = {"weights", "weight_offset", "thresholds", "invert",
	"multiplier", "shift", "scale", "bias", "factors", "table"};

bool layer_has_array(const struct layer *layer, enum layer_array array)
{
	bool scaled = layer->kind == LAYER_ADD && layer->epilogue != EPILOGUE_SCORES;
	bool requantised = layer->epilogue == EPILOGUE_REQUANTISE;

	switch (array) {
	case ARRAY_WEIGHTS:
		return layer_has_weights(layer);
	case ARRAY_WEIGHT_OFFSET:
		return layer_has_weights(layer) && layer->weight_bits == 8;
	case ARRAY_THRESHOLDS:
	case ARRAY_INVERT:
		return layer->epilogue == EPILOGUE_THRESHOLDS;
	case ARRAY_MULTIPLIER:
		return requantised && layer->kind != LAYER_ADD;
	case ARRAY_SHIFT:
		return requantised || scaled;
	case ARRAY_SCALE:
		return layer->epilogue == EPILOGUE_SCORES;
	case ARRAY_FACTORS:
		return layer->kind == LAYER_ADD;
	case ARRAY_TABLE:
		return layer->kind == LAYER_TABLE;
	default:
		return requantised || scaled || layer->epilogue == EPILOGUE_SCORES;
	}
}

struct reading {
	const struct network_files *files;
	const struct layer *layer;
	enum layer_array array;
	const char *const *names;
	struct error *e;
};

const char *layer_array_file(const struct network_files *files, const struct layer *layer,
	enum layer_array array, const char *const names[ARRAY_COUNT], char *room, size_t size)
{
	if (names[array])
		return names[array];
	snprintf(room, size, "%s.%s.npy", layer->name, layer_array_names[array]);
	if (array != ARRAY_BIAS || layer->epilogue != EPILOGUE_REQUANTISE ||
		files->exists(files->context, room))
		return room;
	snprintf(room, size, "%s." OLDER_BIAS ".npy", layer->name);
	if (!files->exists(files->context, room))
		snprintf(room, size, "%s.%s.npy", layer->name, layer_array_names[array]);
	return room;
}

static const char *file_name(const struct reading *r, char *room, size_t size)
{
	return layer_array_file(r->files, r->layer, r->array, r->names, room, size);
}

static int fail(const struct reading *r, int code, const char *what)
{
	char room[NAME_LIMIT + 32];

	error_set(r->e, code, "field \"%s\": %s %s", layer_array_names[r->array],
		file_name(r, room, sizeof(room)), what);
	return code;
}

/*
 * Reads the array's file, of the type and shape expected, or of `other` when given. A file longer than the
 * numbers and a header is refused before memory is taken for it.
 */
static int read_file(const struct reading *r, const struct npy *expected, const struct npy *other,
	struct npy *found, uint8_t **file, const uint8_t **values)
{
	char room[NAME_LIMIT + 32];
	size_t limit = (size_t)npy_count(expected) * npy_width(expected) + NPY_HEADER_LIMIT;
	struct error cause = {0};
	size_t size = 0;

	int rc = r->files->read(
		r->files->context, file_name(r, room, sizeof(room)), limit, file, &size, &cause);
	if (rc)
		return fail(r, rc, cause.text);
	rc = npy_parse(*file, size, found, values, &cause);
	if (!rc && !(other && npy_compare(found, other, NULL) == 0))
		rc = npy_compare(found, expected, &cause);
	if (rc) {
		free(*file);
		return fail(r, rc, cause.text);
	}
	return 0;
}

static int read_numbers(const struct reading *r, struct npy expected, const struct npy *other, void **out)
{
	const uint8_t *values = NULL;
	uint8_t *file = NULL;
	size_t width = npy_width(&expected);
	uint64_t count = npy_count(&expected);

	struct npy found;
	int rc = read_file(r, &expected, other, &found, &file, &values);
	if (rc)
		return rc;
	*out = malloc((size_t)count * width);
	if (*out)
		npy_copy(*out, values, count, width);
	else
		rc = fail(r, -ENOMEM, "does not fit into memory");
	free(file);
	return rc;
}

static void unpack_bits(unsigned bits, int8_t *weights, size_t count)
{
	for (size_t i = 0; i < count; i++)
		weights[i] = (int8_t)((bits >> i & 1) * 2) - 1;
}

/* Rows of bits, least significant first, each row filled up with zeros to a byte. */
static int unpack(const uint8_t *bits, int8_t *weights, size_t rows, size_t taps)
{
	size_t rest = taps % 8;

	for (size_t row = 0; row < rows; row++) {
		for (size_t i = 0; i < taps / 8; i++, weights += 8)
			unpack_bits(*bits++, weights, 8);
		if (!rest)
			continue;
		if (*bits >> rest)
			return -EBADMSG;
		unpack_bits(*bits++, weights, rest);
		weights += rest;
	}
	return 0;
}

static int read_bits(const struct reading *r, int8_t **out)
{
	uint64_t rows = (uint64_t)r->layer->out.channels;
	uint64_t taps = layer_weight_count(r->layer) / rows;
	struct npy expected = {"u1", 2, {rows, (taps + 7) / 8}};
	const uint8_t *values = NULL;
	uint8_t *file = NULL;

	struct npy found;
	int rc = read_file(r, &expected, NULL, &found, &file, &values);
	if (rc)
		return rc;
	*out = malloc((size_t)(rows * taps));
	if (!*out)
		rc = fail(r, -ENOMEM, "does not fit into memory");
	else if (unpack(values, *out, (size_t)rows, (size_t)taps))
		rc = fail(r, -EBADMSG, "has spare bits at the end of a row that are not zero");
	free(file);
	return rc;
}

static int read_weights(const struct reading *r, int8_t **out)
{
	const struct layer *l = r->layer;
	uint64_t rows = (uint64_t)l->out.channels;

	if (l->weight_bits == 1)
		return read_bits(r, out);
	struct npy expected = {"i1", 4,
		{rows, (uint64_t)l->kernel_height, (uint64_t)l->kernel_width,
			(uint64_t)(l->in.channels / l->groups)}};
	struct npy flat = {"i1", 2, {rows, layer_weight_count(l) / rows}};
	return read_numbers(r, expected, l->kind == LAYER_FULLY_CONNECTED ? &flat : NULL, (void **)out);
}

static int read_table(const struct reading *r, struct layer *layer)
{
	uint64_t entries = UINT64_C(1) << layer->input_bits;
	struct npy one = {"u1", 2, {1, entries}}, each = {"u1", 2, {(uint64_t)layer->out.channels, entries}};
	const uint8_t *values = NULL;
	uint8_t *file = NULL;
	struct npy found;

	int rc = read_file(r, &each, &one, &found, &file, &values);
	if (rc)
		return rc;
	layer->table_rows = (int)found.shape[0];
	layer->table = malloc((size_t)npy_count(&found));
	if (layer->table)
		memcpy(layer->table, values, (size_t)npy_count(&found));
	else
		rc = fail(r, -ENOMEM, "does not fit into memory");
	free(file);
	return rc;
}

static int read_floats(const struct reading *r, float **out)
{
	return read_numbers(r, (struct npy){"f4", 1, {(uint64_t)r->layer->out.channels}}, NULL, (void **)out);
}

/* Whether an array that a layer may have is neither named nor there. */
static bool is_left_out(const struct reading *r)
{
	char room[NAME_LIMIT + 32];

	return !r->names[r->array] && !r->files->exists(r->files->context, file_name(r, room, sizeof(room)));
}

static int read_array(struct network *network, struct layer *layer, const struct reading *r)
{
	uint64_t out = (uint64_t)layer->out.channels;

	switch (r->array) {
	case ARRAY_WEIGHTS:
		return read_weights(r, &layer->weights);
	case ARRAY_THRESHOLDS:
		return read_numbers(r, (struct npy){"i4", 2, {out, (uint64_t)layer_levels(layer)}}, NULL,
			(void **)&layer->thresholds);
	case ARRAY_WEIGHT_OFFSET:
		return is_left_out(r) ? 0
				      : read_numbers(r, (struct npy){"i1", 1, {out}}, NULL,
						(void **)&layer->weight_offset);
	case ARRAY_INVERT:
		return is_left_out(r)
			       ? 0
			       : read_numbers(r, (struct npy){"u1", 1, {out}}, NULL, (void **)&layer->invert);
	case ARRAY_MULTIPLIER:
		return read_numbers(r, (struct npy){"i4", 1, {out}}, NULL, (void **)&layer->multiplier);
	case ARRAY_SHIFT:
		return read_numbers(r, (struct npy){"u1", 1, {out}}, NULL, (void **)&layer->shift);
	case ARRAY_FACTORS:
		return read_numbers(r, (struct npy){"i4", 2, {(uint64_t)layer_reads(layer), out}}, NULL,
			(void **)&layer->factors);
	case ARRAY_TABLE:
		return read_table(r, layer);
	case ARRAY_SCALE:
		return read_floats(r, &network->scale);
	default:
		if (layer->epilogue == EPILOGUE_SCORES)
			return read_floats(r, &network->bias);
		return read_numbers(r, (struct npy){"i8", 1, {out}}, NULL, (void **)&layer->bias);
	}
}

int layer_read_array(struct network *network, struct layer *layer, enum layer_array array,
	const char *const names[ARRAY_COUNT], const struct network_files *files, struct error *e)
{
	return read_array(network, layer, &(struct reading){files, layer, array, names, e});
}

int layer_read_arrays(struct network *network, struct layer *layer, const json_t *entry,
	const char *const names[ARRAY_COUNT], const struct network_files *files, struct error *e)
{
	(void)entry;

	if (layer->epilogue == EPILOGUE_SCORES)
		network->class_count = layer->out.channels;
	for (int array = 0; array < ARRAY_COUNT; array++) {
		if (!layer_has_array(layer, (enum layer_array)array))
			continue;
		int rc = layer_read_array(network, layer, (enum layer_array)array, names, files, e);
		if (rc)
			return rc;
	}
	return 0;
}
