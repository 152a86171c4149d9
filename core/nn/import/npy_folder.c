/* SPDX-License-Identifier: MIT */
/*
 * network_parse reads the list; this file reads the arrays, whose types and order of dimensions may differ
 * from a network's.
 */
#include "nn/import/npy_folder.h"

#include "base/error.h"
#include "nn/format/npy.h"
#include "nn/format/parse.h"
#include "nn/limits.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One array of a layer, and its file while it is open. */
struct array {
	const struct network_files *files;
	const struct layer *layer;
	enum layer_array field;
	const char *file;
	char room[NAME_LIMIT + 32];
	uint8_t *data;
	struct npy npy;
	const uint8_t *values;
	uint64_t count;
};

#define array_error(a, code, e, format, ...)                                                                 \
	(error_set(e, code, "field \"%s\": %s " format, layer_array_names[(a)->field], (a)->file,            \
		 ##__VA_ARGS__),                                                                             \
		(code))

/* NumPy's kinds of numbers, and their bytes. */
static bool type_known(const char *type)
{
	static const char *const types[] = {"b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* most: numbers that the array can hold. */
static int array_open(struct array *a, uint64_t most, struct error *e)
{
	struct error cause = {0};
	size_t size = 0;
	int rc = a->files->read(a->files->context, a->file,
		(size_t)most * sizeof(uint64_t) + NPY_HEADER_LIMIT, &a->data, &size, &cause);

	if (rc)
		return array_error(a, rc, e, "%s", cause.text);
	rc = npy_parse(a->data, size, &a->npy, &a->values, &cause);
	if (rc)
		return array_error(a, rc, e, "%s", cause.text);
	if (!type_known(a->npy.type))
		return array_error(a, -EBADMSG, e,
			"is of type \"%s\"; whole numbers, float32 and float64 are read: convert it with "
			"astype",
			a->npy.type);
	a->count = npy_count(&a->npy);
	return 0;
}

static uint64_t raw_at(const struct array *a, uint64_t index)
{
	size_t width = npy_width(&a->npy);
	uint64_t raw = 0;

	for (size_t i = width; i-- > 0;)
		raw = raw << 8 | a->values[index * width + i];
	return raw;
}

static int64_t signed_at(const struct array *a, uint64_t index)
{
	unsigned spare = 64 - 8 * (unsigned)npy_width(&a->npy);

	return (int64_t)(raw_at(a, index) << spare) >> spare;
}

static double real_at(const struct array *a, uint64_t index)
{
	uint64_t raw = raw_at(a, index);
	uint32_t low = (uint32_t)raw;
	double wide;
	float narrow;

	if (a->npy.type[0] == 'i')
		return (double)signed_at(a, index);
	if (a->npy.type[0] != 'f')
		return (double)raw;
	memcpy(&wide, &raw, sizeof(wide));
	memcpy(&narrow, &low, sizeof(narrow));
	return npy_width(&a->npy) == sizeof(float) ? (double)narrow : wide;
}

/* False: no int64_t holds it. */
static bool to_whole(const struct array *a, uint64_t index, int64_t *out)
{
	if (a->npy.type[0] == 'f') {
		double real = real_at(a, index);
		bool fits = real >= -0x1p63 && real < 0x1p63;
		*out = fits ? (int64_t)real : 0;
		return fits;
	}
	*out = a->npy.type[0] == 'i' ? signed_at(a, index) : (int64_t)raw_at(a, index);
	return a->npy.type[0] == 'i' || *out >= 0;
}

/* The number at `index`, which must be whole and within low … high; channel: for messages. */
static int whole_at(const struct array *a, uint64_t index, int channel, int64_t low, int64_t high,
	int64_t *out, struct error *e)
{
	double real = real_at(a, index);

	if (!(real == trunc(real)))
		return array_error(a, -EBADMSG, e,
			"holds %g at channel %d, which is no whole number; round it (thresholds: numpy.ceil)",
			real, channel);
	if (to_whole(a, index, out) && *out >= low && *out <= high)
		return 0;
	return array_error(a, -EBADMSG, e, "holds %.17g at channel %d, which is not within %lld … %lld", real,
		channel, (long long)low, (long long)high);
}

/* The channel has `each` numbers: of shape [out, each], or [1, each] for the same in all; where each is 1
 * also [out], [1] and []. *step: from a channel's numbers to the next one's. */
static int vector_open(struct array *a, int each, uint64_t *step, struct error *e)
{
	uint64_t out = (uint64_t)a->layer->out.channels;
	struct npy whole = {.dimensions = each > 1 ? 2 : 1, .shape = {out, (uint64_t)each}};
	struct npy same = {.dimensions = 2, .shape = {1, (uint64_t)each}};
	struct error cause = {0};
	int rc = array_open(a, out * (uint64_t)each, e);

	if (rc)
		return rc;
	memcpy(whole.type, a->npy.type, sizeof(whole.type));
	memcpy(same.type, a->npy.type, sizeof(same.type));
	*step = (uint64_t)each;
	if (each == 1 && a->npy.dimensions == 2 && a->npy.shape[1] == 1)
		a->npy.dimensions = 1;
	if (npy_compare(&a->npy, &whole, &cause) == 0)
		return 0;
	*step = 0;
	if (npy_compare(&a->npy, &same, NULL) == 0 || (each == 1 && a->npy.dimensions < 2 && a->count == 1))
		return 0;
	return array_error(a, -EBADMSG, e, "%s", cause.text);
}

/* Where the weights' dimensions stand: the distance of two neighbours in numbers. */
struct strides {
	uint64_t out, in, row, column;
};

/* The layout's letters in their order, each with its length. Two dimensions will do when `o` is at an end. */
static int weights_open(struct array *a, const char *layout, struct strides *s, struct error *e)
{
	const struct layer *l = a->layer;
	uint64_t *const strides[] = {&s->out, &s->in, &s->row, &s->column};
	const uint64_t lengths[] = {(uint64_t)l->out.channels, (uint64_t)(l->in.channels / l->groups),
		(uint64_t)l->kernel_height, (uint64_t)l->kernel_width};
	struct npy whole = {.dimensions = 4}, flat = {.dimensions = 2};
	uint64_t taps = layer_weight_count(l) / lengths[0];
	struct error cause = {0};
	uint64_t stride = 1;
	int rc = array_open(a, layer_weight_count(l), e);

	if (rc)
		return rc;
	memcpy(whole.type, a->npy.type, sizeof(whole.type));
	memcpy(flat.type, a->npy.type, sizeof(flat.type));
	for (int i = 3; i >= 0; i--) {
		size_t letter = (size_t)(strchr("oihw", layout[i]) - "oihw");
		whole.shape[i] = lengths[letter];
		*strides[letter] = stride;
		stride *= lengths[letter];
	}
	flat.shape[0] = layout[0] == 'o' ? lengths[0] : taps;
	flat.shape[1] = layout[0] == 'o' ? taps : lengths[0];
	if (npy_compare(&a->npy, l->kind == LAYER_FULLY_CONNECTED ? &flat : &whole, &cause) == 0 ||
		npy_compare(&a->npy, &whole, NULL) == 0 ||
		((layout[0] == 'o' || layout[3] == 'o') && npy_compare(&a->npy, &flat, NULL) == 0))
		return 0;
	return array_error(a, -EBADMSG, e, "%s (layout \"%s\")", cause.text, layout);
}

/* Weights of 1 bit are −1 and +1, or 0 and 1 for them: 0 then becomes −1. */
static int signs_make(const struct array *a, int8_t *weights, struct error *e)
{
	size_t count = (size_t)layer_weight_count(a->layer);
	bool zero = memchr(weights, 0, count) != NULL;

	if (zero && memchr(weights, -1, count))
		return array_error(a, -EBADMSG, e,
			"holds both 0 and -1; weights of 1 bit are -1 and 1, or 0 and 1 for these");
	for (size_t i = 0; i < count; i++)
		weights[i] = weights[i] > 0 ? 1 : -1;
	return 0;
}

static int weights_read(struct array *a, const char *layout, int8_t **out, struct error *e)
{
	const struct layer *l = a->layer;
	int64_t low = l->weight_bits == 1 ? -1 : -(1 << (l->weight_bits - 1)), high = -low - (low < -1);
	int64_t number = 0;
	struct strides s;
	int rc = weights_open(a, layout, &s, e);

	if (rc)
		return rc;
	int8_t *to = calloc((size_t)layer_weight_count(l), 1);
	if (!to)
		return array_error(a, -ENOMEM, e, "does not fit into memory");
	*out = to;
	for (int o = 0; o < l->out.channels; o++)
		for (int y = 0; y < l->kernel_height; y++)
			for (int x = 0; x < l->kernel_width; x++)
				for (int i = 0; i < l->in.channels / l->groups; i++) {
					uint64_t at = (uint64_t)o * s.out + (uint64_t)i * s.in +
						      (uint64_t)y * s.row + (uint64_t)x * s.column;
					if ((rc = whole_at(a, at, o, low, high, &number, e)))
						return rc;
					*to++ = (int8_t)number;
				}
	return l->weight_bits == 1 ? signs_make(a, *out, e) : 0;
}

/* `each` whole numbers for each channel, in a new array of int32_t, int64_t or uint8_t. */
static int wholes_read(
	struct array *a, int each, size_t width, int64_t low, int64_t high, void **out, struct error *e)
{
	int64_t number = 0;
	uint64_t step;
	int rc = vector_open(a, each, &step, e);

	if (rc)
		return rc;
	*out = calloc((size_t)a->layer->out.channels * (size_t)each, width);
	if (!*out)
		return array_error(a, -ENOMEM, e, "does not fit into memory");
	for (int c = 0; c < a->layer->out.channels; c++)
		for (int k = 0; k < each; k++) {
			size_t at = (size_t)c * (size_t)each + (size_t)k;
			if ((rc = whole_at(a, (uint64_t)c * step + (uint64_t)k, c, low, high, &number, e)))
				return rc;
			if (width == sizeof(int32_t))
				((int32_t *)*out)[at] = (int32_t)number;
			else if (width == sizeof(int64_t))
				((int64_t *)*out)[at] = number;
			else
				((uint8_t *)*out)[at] = (uint8_t)number;
		}
	return 0;
}

/* One number for each class; `missing` for all where there is no file. */
static int reals_read(struct array *a, bool there, float missing, float **out, struct error *e)
{
	uint64_t step = 0;
	int rc = there ? vector_open(a, 1, &step, e) : 0;

	if (rc)
		return rc;
	*out = calloc((size_t)a->layer->out.channels, sizeof(**out));
	if (!*out)
		return array_error(a, -ENOMEM, e, "does not fit into memory");
	for (int c = 0; c < a->layer->out.channels; c++) {
		double real = there ? real_at(a, (uint64_t)c * step) : (double)missing;
		if (!(fabs(real) <= (double)FLT_MAX))
			return array_error(
				a, -EBADMSG, e, "holds %g at channel %d, which is no float32", real, c);
		(*out)[c] = (float)real;
	}
	return 0;
}

static int field_read(struct array *a, struct network *network, struct layer *l, const char *layout,
	bool there, struct error *e)
{
	switch (a->field) {
	case ARRAY_WEIGHTS:
		return weights_read(a, layout, &l->weights, e);
	case ARRAY_THRESHOLDS:
		return wholes_read(a, layer_levels(l), sizeof(int32_t), INT32_MIN, INT32_MAX,
			(void **)&l->thresholds, e);
	case ARRAY_INVERT:
		return there ? wholes_read(a, 1, 1, 0, 1, (void **)&l->invert, e) : 0;
	case ARRAY_MULTIPLIER:
		return wholes_read(a, 1, sizeof(int32_t), INT32_MIN, INT32_MAX, (void **)&l->multiplier, e);
	case ARRAY_SHIFT:
		return wholes_read(a, 1, 1, 0, SHIFT_LIMIT, (void **)&l->shift, e);
	case ARRAY_SCALE:
		return reals_read(a, there, 1, &network->scale, e);
	default:
		if (l->epilogue == EPILOGUE_SCORES)
			return reals_read(a, there, 0, &network->bias, e);
		return wholes_read(a, 1, sizeof(int64_t), -BIAS_LIMIT, BIAS_LIMIT, (void **)&l->bias, e);
	}
}

/* A permutation of "oihw". */
static int layout_get(const json_t *entry, const char **out, struct error *e)
{
	const json_t *value = json_object_get(entry, "layout");
	bool fits = true;

	*out = value ? json_string_value(value) : "oihw";
	for (const char *letter = "oihw"; *letter && fits; letter++)
		fits = *out && strlen(*out) == 4 && strchr(*out, *letter);
	if (fits)
		return 0;
	return error_set(e, -EBADMSG,
		"field \"layout\": is not the letters o, i, h, w in an order, as in \"oihw\" and \"ohwi\"");
}

static int arrays_read(struct network *network, struct layer *layer, const json_t *entry,
	const char *const names[ARRAY_COUNT], const struct network_files *files, struct error *e)
{
	const char *layout;
	int rc = layout_get(entry, &layout, e);

	if (layer->epilogue == EPILOGUE_SCORES)
		network->class_count = layer->out.channels;
	for (int field = 0; field < ARRAY_COUNT && rc == 0; field++) {
		struct array a = {.files = files, .layer = layer, .field = (enum layer_array)field};

		if (!layer_has_array(layer, a.field))
			continue;
		if (a.field == ARRAY_WEIGHT_OFFSET || a.field == ARRAY_FACTORS || a.field == ARRAY_TABLE) {
			rc = layer_read_array(network, layer, a.field, names, files, e);
			continue;
		}
		a.file = layer_array_file(files, layer, a.field, names, a.room, sizeof(a.room));
		rc = field_read(
			&a, network, layer, layout, names[field] || files->exists(files->context, a.file), e);
		free(a.data);
	}
	return rc;
}

int import_npy_files(const struct network_files *files, struct network **out, struct error *e)
{
	struct network_files relaxed = *files;

	relaxed.list = "layers.json";
	relaxed.arrays = arrays_read;
	relaxed.field = "layout";
	*out = NULL;
	return network_parse(&relaxed, out, e);
}

int import_npy(const char *folder, struct network **out, struct error *e)
{
	*out = NULL;
	return folder_parse(folder, import_npy_files, out, e);
}
