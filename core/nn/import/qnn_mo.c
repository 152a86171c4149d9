/* SPDX-License-Identifier: MIT */
/* The list of layers. The files of weights and thresholds: qnn_mo_parameters.c. */
#include "nn/import/qnn_mo.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "nn/import/qnn_mo_list.h"
#include "nn/limits.h"
#include "nn/network_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	LARGEST_SIDE = 4096,	/* pixels */
	LARGEST_CHANNELS = 384, /* of one group: a pixel has 96 bytes there */
	LARGEST_CHANNELS_3_BITS = 512,
	LARGEST_KERNEL = 64,
	LARGEST_SPLIT = 16,
	LARGEST_SKIP = 10000,
	LARGEST_LIST = 4 << 20, /* bytes */
};

/* The part of a path up to its last slash; the caller frees it. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static char *join(const char *folder, const char *name)
{
	char *path = NULL;

	if (name[0] == '/')
		return strdup(name);
	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* The only file in the folder whose name ends in -layers.json. */
static int list_in_folder(const char *folder, char **list, struct error *e)
{
	static const char suffix[] = "-layers.json";
	DIR *directory = opendir(folder);
	int count = 0;

	if (!directory)
		return error_set(e, -errno, "%s: %s", folder, strerror(errno));
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		size_t length = strlen(entry->d_name);

		if (length < strlen(suffix) || strcmp(entry->d_name + length - strlen(suffix), suffix) != 0)
			continue;
		count++;
		free(*list);
		*list = join(folder, entry->d_name);
	}
	closedir(directory);
	if (count == 1)
		return *list ? 0 : error_set(e, -ENOMEM, "%s: out of memory", folder);
	free(*list);
	*list = NULL;
	return error_set(e, count ? -EBADMSG : -ENOENT,
		count ? "%s: holds %d files *-layers.json; name one of them"
		      : "%s: holds no file *-layers.json (%d found); name the layer list",
		folder, count);
}

static int list_find(const char *path, char **list, struct error *e)
{
	struct stat status;

	*list = NULL;
	if (stat(path, &status) != 0)
		return error_set(e, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return list_in_folder(path, list, e);
	if (!S_ISREG(status.st_mode))
		return error_set(e, -EBADMSG, "%s: neither a file nor a folder", path);
	*list = strdup(path);
	return *list ? 0 : error_set(e, -ENOMEM, "%s: out of memory", path);
}

static int list_read(const char *path, json_t **out, struct error *e)
{
	struct text plain = {0};
	json_error_t mistake;
	struct error cause;
	uint8_t *text;
	size_t size;

	int rc = file_read(AT_FDCWD, path, LARGEST_LIST, &text, &size, &cause);
	if (!rc)
		rc = text_begin(&plain, text, size, &cause);
	if (rc) {
		free(text);
		return error_set(e, rc, "%s: %s", path, cause.text);
	}
	rc = json_from_text(plain.rest, plain.length, out, &mistake);
	free(text);
	if (rc == -ENOMEM)
		return error_set(e, rc, "%s: out of memory", path);
	return rc ? error_set(e, rc, "%s:%d: %s", path, mistake.line, mistake.text) : 0;
}

static int integer_get(const struct qnn_mo_import *m, const json_t *json, const char *field, int low,
	int high, int *value, struct error *e)
{
	const json_t *number = json_object_get(json, field);

	if (!json_is_integer(number))
		return layer_error(m, e, "%s must be a whole number", field);
	json_int_t integer = json_integer_value(number);
	if (integer < low || integer > high)
		return layer_error(m, e, "%s is %" JSON_INTEGER_FORMAT ", but must be %d to %d", field,
			integer, low, high);
	*value = (int)integer;
	return 0;
}

/* [channels, height, width] */
static int shape_get(const struct qnn_mo_import *m, const json_t *json, const char *field,
	struct shape *shape, struct error *e)
{
	const json_t *array = json_object_get(json, field);
	int *const to[] = {&shape->channels, &shape->height, &shape->width};
	const int largest[] = {
		m->bits == 3 ? LARGEST_CHANNELS_3_BITS : LARGEST_CHANNELS, LARGEST_SIDE, LARGEST_SIDE};

	if (json_array_size(array) != 3)
		return layer_error(m, e, "%s must be [channels, height, width]", field);
	for (size_t i = 0; i < 3; i++) {
		const json_t *number = json_array_get(array, i);
		json_int_t integer = json_integer_value(number);

		if (!json_is_integer(number) || integer < 1 || integer > largest[i])
			return layer_error(
				m, e, "%s[%zu] must be a whole number from 1 to %d", field, i, largest[i]);
		*to[i] = (int)integer;
	}
	return 0;
}

/* The fields in their order: of codes, of weights, of thresholds; a negative number fits any. */
static int bits_check(
	const struct qnn_mo_import *m, const json_t *json, const int expected[4], struct error *e)
{
	static const char *const fields[] = {"input_bits", "output_bits", "weight_bits", "threshold_bits"};

	for (int i = 0; i < 4; i++) {
		json_int_t given = json_integer_value(json_object_get(json, fields[i]));

		if (expected[i] >= 0 && given != expected[i])
			return layer_error(m, e,
				"%s is %" JSON_INTEGER_FORMAT
				", but only networks of 1-bit weights and activations of 2 or 3 bits can be "
				"imported, of the same bits in all layers (%s %d)",
				fields[i], given, fields[i], expected[i]);
	}
	return 0;
}

/* Whole for a convolution; a pool may pad half pixels, which means one more at the bottom and right. */
static int padding_get(
	const struct qnn_mo_import *m, const json_t *json, bool pool, struct layer *layer, struct error *e)
{
	const json_t *number = json_object_get(json, "padding");
	double twice = 2 * json_number_value(number);
	int sum = twice >= 0 && twice <= 2 * LARGEST_KERNEL ? (int)twice : -1;

	if (!json_is_number(number) || sum != twice || (!pool && sum % 2))
		return layer_error(m, e, "padding must be a multiple of %s from 0 to %d", pool ? "0.5" : "1",
			LARGEST_KERNEL);
	layer->pad_top = layer->pad_left = sum / 2;
	layer->pad_bottom = layer->pad_right = sum - sum / 2;
	return 0;
}

/* Padding may also stand only in the shape of a pool's input, as in the published Tinier-YOLO: half of it. */
static void padding_find(const struct shape *given, const struct shape *before, struct layer *layer)
{
	int more = given->height - before->height;

	if (more < 1 || more >= layer->kernel_height || given->width - before->width != more)
		return;
	layer->pad_top = layer->pad_left = more / 2;
	layer->pad_bottom = layer->pad_right = more - more / 2;
}

/* Sets layer->in: the list's shape of one group, for a pool with its padding, must be what the layers so far
 * give. */
static int input_check(
	const struct qnn_mo_import *m, const json_t *json, bool pool, struct layer *layer, struct error *e)
{
	struct shape given = {0};
	int padding = layer->pad_top + layer->pad_bottom;
	int result = shape_get(m, json, "input", &given, e);

	if (result < 0)
		return result;
	if (m->shape.channels == 0) {
		layer->in = given;
		layer->in.height -= pool ? padding : 0;
		layer->in.width -= pool ? padding : 0;
		if (layer->in.height < 1 || layer->in.width < 1)
			return layer_error(m, e, "input holds nothing but padding");
		return 0;
	}
	layer->in = m->shape;
	struct shape needed = {m->shape.height, m->shape.width, m->shape.channels / m->groups};
	if (pool && padding == 0) {
		padding_find(&given, &needed, layer);
		padding = layer->pad_top + layer->pad_bottom;
	}
	if (pool) {
		needed.height += padding;
		needed.width += padding;
	}
	if (given.channels != needed.channels || given.height != needed.height || given.width != needed.width)
		return layer_error(m, e, "input is [%d, %d, %d], but the layer before%s gives [%d, %d, %d]",
			given.channels, given.height, given.width, pool ? ", padded," : "", needed.channels,
			needed.height, needed.width);
	return 0;
}

static int output_check(
	const struct qnn_mo_import *m, const json_t *json, bool pool, struct layer *layer, struct error *e)
{
	struct shape given = {0};
	int height = layer->in.height + layer->pad_top + layer->pad_bottom - layer->kernel_height;
	int width = layer->in.width + layer->pad_left + layer->pad_right - layer->kernel_width;
	int result = shape_get(m, json, "output", &given, e);

	if (result < 0)
		return result;
	if (height < 0 || width < 0)
		return layer_error(
			m, e, "kernel_shape %d is larger than the padded input", layer->kernel_height);
	height = height / layer->stride_height + 1;
	width = width / layer->stride_width + 1;
	if (given.height != height || given.width != width)
		return layer_error(m, e, "output is %d by %d, but kernel, stride and padding give %d by %d",
			given.height, given.width, height, width);
	if (pool && given.channels * m->groups != layer->in.channels)
		return layer_error(m, e, "output has %d channels, but a pool keeps its %d", given.channels,
			layer->in.channels / m->groups);
	layer->out = (struct shape){height, width, given.channels * m->groups};
	return 0;
}

static int geometry_get(
	const struct qnn_mo_import *m, const json_t *json, bool pool, struct layer *layer, struct error *e)
{
	int result = integer_get(m, json, "kernel_shape", 1, LARGEST_KERNEL, &layer->kernel_height, e);

	layer->kernel_width = layer->kernel_height;
	if (result == 0)
		result = integer_get(m, json, "kernel_stride", 1, LARGEST_KERNEL, &layer->stride_height, e);
	layer->stride_width = layer->stride_height;
	layer->dilation_height = layer->dilation_width = 1;
	if (result == 0)
		result = padding_get(m, json, pool, layer, e);
	if (result == 0)
		result = input_check(m, json, pool, layer, e);
	if (result == 0)
		result = output_check(m, json, pool, layer, e);
	return result;
}

/* A field of a layer of the list; empty when it is no text. */
static const char *text_of(const json_t *layers, size_t index, const char *field)
{
	const char *text = json_string_value(json_object_get(json_array_get(layers, index), field));

	return text ? text : "";
}

static int window_add(struct qnn_mo_import *m, const json_t *layers, size_t index, struct error *e)
{
	const json_t *json = json_array_get(layers, index);
	bool pool = strcmp(text_of(layers, index, "func"), "maxpool_layer") == 0;
	struct layer *layer = &m->network->layers[m->network->layer_count++];
	int files = 0;

	if (m->bits == 0) { /* of the first layer, in and out alike */
		json_int_t in = json_integer_value(json_object_get(json, "input_bits"));
		m->bits = in == 3 && json_integer_value(json_object_get(json, "output_bits")) == 3 ? 3 : 2;
	}

	*layer = (struct layer){
		.name = strdup(m->layer),
		.kind = pool ? LAYER_MAX_POOL : LAYER_CONV,
		.groups = pool ? 1 : m->groups,
		.input_bits = m->bits == 3 ? 4 : 2,
		.weight_bits = pool ? 0 : 1,
		.output_bits = m->bits == 3 ? 4 : 2,
		.epilogue = pool ? EPILOGUE_NONE : EPILOGUE_THRESHOLDS,
	};
	if (!layer->name)
		return error_set(e, -ENOMEM, "%s: out of memory", m->path);
	const int bits[4] = {m->bits, m->bits, pool ? -1 : 1, pool ? -1 : 16};
	int result = bits_check(m, json, bits, e);
	if (result == 0)
		result = geometry_get(m, json, pool, layer, e);
	if (result == 0 && !pool)
		result = qnn_mo_read_parameters(m, layer, &files, e);
	m->file += files;
	m->shape = layer->out;
	return result;
}

static int border_check(const struct qnn_mo_import *m, const json_t *json, const char *channels_field,
	const char *side_field, struct shape *shape, struct error *e)
{
	int channels = 0;
	int side = 0;
	int result = integer_get(m, json, channels_field, 1, LARGEST_CHANNELS * LARGEST_SPLIT, &channels, e);

	if (result == 0)
		result = integer_get(m, json, side_field, 1, LARGEST_SIDE, &side, e);
	if (result < 0)
		return result;
	if (m->shape.channels != 0 &&
		(channels != m->shape.channels || side != m->shape.height || side != m->shape.width))
		return layer_error(m, e, "%s and %s are %d and %d, but the layer before gives %d by %d by %d",
			channels_field, side_field, channels, side, m->shape.channels, m->shape.height,
			m->shape.width);
	*shape = (struct shape){side, side, channels};
	return 0;
}

static int split_add(struct qnn_mo_import *m, const json_t *layers, size_t index, struct error *e)
{
	const json_t *json = json_array_get(layers, index);
	int split = 0;
	int result = integer_get(m, json, "split", 1, LARGEST_SPLIT, &split, e);

	if (result == 0)
		result = border_check(m, json, "input_channels", "input_dim", &m->shape, e);
	if (result < 0)
		return result;
	if (m->file_step != 0)
		return layer_error(m, e, "a split follows a split without a merge between them");
	if (m->shape.channels % split != 0)
		return layer_error(m, e, "%d channels cannot be split by %d", m->shape.channels, split);
	m->groups = split;
	for (size_t i = index + 1;
		i < json_array_size(layers) && strcmp(text_of(layers, i, "func"), "merge_layer") != 0; i++)
		m->file_step += strcmp(text_of(layers, i, "func"), "conv_layer") == 0;
	if (m->file_step == 0)
		return layer_error(m, e, "no convolution follows the split");
	return 0;
}

static int merge_add(struct qnn_mo_import *m, const json_t *layers, size_t index, struct error *e)
{
	const json_t *json = json_array_get(layers, index);
	int merge = 0;
	int result = integer_get(m, json, "merge", 1, LARGEST_SPLIT, &merge, e);

	if (result < 0)
		return result;
	if (m->file_step == 0 || merge != m->groups)
		return layer_error(m, e, "merges %d, but %d were split", merge, m->file_step ? m->groups : 0);
	result = border_check(m, json, "output_channels", "output_dim", &m->shape, e);
	if (result < 0)
		return result;
	m->file += (m->groups - 1) * m->file_step;
	m->groups = 1;
	m->file_step = 0;
	return 0;
}

/* Fully connected layers ran in software there, from weights that the format does not hold; "none" marks an
 * end. */
static int end_mark(struct qnn_mo_import *m, const json_t *layers, size_t index, struct error *e)
{
	(void)layers, (void)index, (void)e;
	m->ended = true;
	return 0;
}

static int layer_add(struct qnn_mo_import *m, const json_t *layers, size_t index, struct error *e)
{
	static const struct {
		const char *func;
		int (*add)(struct qnn_mo_import *m, const json_t *layers, size_t index, struct error *e);
	} kinds[] = {
		{"conv_layer", window_add},
		{"maxpool_layer", window_add},
		{"split_layer", split_add},
		{"merge_layer", merge_add},
		{"fc_layer", end_mark},
		{"none", end_mark},
	};
	const char *name = text_of(layers, index, "name");
	const char *func = text_of(layers, index, "func");

	if (!name_valid(name))
		return error_set(e, -EBADMSG,
			"%s: layers[%zu]: name must be 1 to %d letters, digits, '_', '-' or '.'", m->path,
			index, NAME_LIMIT);
	m->layer = name;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(func, kinds[i].func) == 0) {
			if (m->ended && kinds[i].add != end_mark)
				return layer_error(
					m, e, "comes after the end, or after a fully connected layer");
			return kinds[i].add(m, layers, index, e);
		}
	return layer_error(
		m, e, "func must be conv_layer, maxpool_layer, split_layer, merge_layer, fc_layer or none");
}

/* The layer before those of the overlay, where it is Conv0 and its file is there. */
static int conv0_add(struct qnn_mo_import *m, const json_t *layers, size_t index, struct error *e)
{
	static const int bits[4] = {8, 2, -1, -1};
	const json_t *json = json_array_get(layers, index);

	m->layer = text_of(layers, index, "name");
	if (strcmp(text_of(layers, index, "func"), "conv_layer") != 0 || !name_valid(m->layer) ||
		!qnn_mo_has_conv0(m))
		return 0;
	struct layer *layer = &m->network->layers[m->network->layer_count++];
	*layer = (struct layer){
		.name = strdup(m->layer),
		.kind = LAYER_CONV,
		.groups = 1,
		.input_bits = 8,
		.weight_bits = 8,
		.output_bits = 2,
		.epilogue = EPILOGUE_THRESHOLDS,
	};
	m->bits = 2;
	int result = layer->name ? bits_check(m, json, bits, e)
				 : error_set(e, -ENOMEM, "%s: out of memory", m->path);
	if (result == 0)
		result = geometry_get(m, json, false, layer, e);
	if (result == 0)
		result = qnn_mo_read_conv0(m, layer, e);
	m->shape = layer->out;
	return result;
}

static int layers_add(struct qnn_mo_import *m, const json_t *list, struct error *e)
{
	const json_t *layers = json_object_get(list, "layers");
	size_t count = json_array_size(layers);
	int skip = 0;
	int result;

	m->layer = "list";
	if (count == 0 || count > LAYER_LIMIT)
		return error_set(
			e, -EBADMSG, "%s: layers must be a list of 1 to %d layers", m->path, LAYER_LIMIT);
	result = integer_get(m, list, "layer_skip", 0, (int)count - 1, &skip, e);
	if (result == 0)
		result = integer_get(m, list, "binparam_skip", 0, LARGEST_SKIP, &m->file, e);
	if (result < 0)
		return result;
	m->network->layers = calloc(count, sizeof(*m->network->layers));
	if (!m->network->layers)
		return error_set(e, -ENOMEM, "%s: out of memory", m->path);
	if (skip > 0)
		result = conv0_add(m, layers, (size_t)skip - 1, e);
	for (size_t i = (size_t)skip; result == 0 && i < count; i++)
		result = layer_add(m, layers, i, e);
	if (result == 0 && m->file_step != 0)
		return layer_error(m, e, "the list ends without the merge of a split");
	if (result == 0 && (m->network->layer_count == 0 ||
				   m->network->layers[m->network->layer_count - 1].input_bits == 8))
		return error_set(e, -EBADMSG, "%s: layers hold no convolution to import", m->path);
	return result;
}

static int list_import(struct qnn_mo_import *m, const json_t *list, struct error *e)
{
	const char *name = json_string_value(json_object_get(list, "network"));
	const char *parameters = json_string_value(json_object_get(list, "binparam"));

	if (!name || !parameters)
		return error_set(
			e, -EBADMSG, "%s: %s must be a text", m->path, name ? "binparam" : "network");
	m->network = calloc(1, sizeof(*m->network));
	if (!m->network)
		return error_set(e, -ENOMEM, "%s: out of memory", m->path);
	m->network->name = strdup(name);
	m->network->folder = folder_of(m->path);
	if (m->network->folder)
		m->parameters = join(m->network->folder, parameters);
	if (!m->network->name || !m->parameters)
		return error_set(e, -ENOMEM, "%s: out of memory", m->path);
	int result = layers_add(m, list, e);
	if (result < 0)
		return result;
	struct error fault = {0};
	result = network_check(m->network, &fault);
	return result < 0 ? error_set(e, result, "%s: %.300s", m->path, fault.text) : 0;
}

int import_qnn_mo(const char *path, struct network **out, struct error *e)
{
	struct qnn_mo_import m = {.groups = 1};
	int result = list_find(path, &m.path, e);

	*out = NULL;
	if (!m.path)
		return result;
	json_t *list = NULL;
	result = list_read(m.path, &list, e);
	if (result == 0)
		result = list_import(&m, list, e);
	json_decref(list);
	free(m.path);
	free(m.parameters);
	if (result == 0)
		*out = m.network;
	else
		network_destroy(m.network);
	return result;
}
