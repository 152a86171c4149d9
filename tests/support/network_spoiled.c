/* SPDX-License-Identifier: MIT */
#include "support/network_spoiled.h"

#include "base/error.h"
#include "nn/format/load.h"
#include "nn/format/save.h"
#include "support/folder.h"
#include "support/network_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_array_equal(const void *a, const void *b, size_t size)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_memory_equal(a, b, size);
}

static void assert_layer_equal(const struct layer *a, const struct layer *b)
{
	size_t out = (size_t)a->out.channels;
	size_t weights = out * (size_t)a->kernel_height * (size_t)a->kernel_width *
			 (size_t)(a->in.channels / a->groups);

	assert_string_equal(a->name, b->name);
	assert_int_equal(a->kind, b->kind);
	assert_memory_equal(&a->in, &b->in, sizeof(a->in));
	assert_memory_equal(&a->out, &b->out, sizeof(a->out));
	assert_int_equal(a->kernel_height, b->kernel_height);
	assert_int_equal(a->kernel_width, b->kernel_width);
	assert_int_equal(a->stride_height, b->stride_height);
	assert_int_equal(a->stride_width, b->stride_width);
	assert_memory_equal(&a->pad_top, &b->pad_top, 4 * sizeof(int));
	assert_int_equal(a->groups, b->groups);
	assert_int_equal(a->input_bits, b->input_bits);
	assert_int_equal(a->output_bits, b->output_bits);
	assert_int_equal(a->weight_bits, b->weight_bits);
	assert_int_equal(a->epilogue, b->epilogue);
	assert_array_equal(a->weights, b->weights, weights);
	if (a->epilogue == EPILOGUE_THRESHOLDS)
		assert_array_equal(a->thresholds, b->thresholds, out * 4 * ((1U << a->output_bits) - 1));
	assert_array_equal(a->invert, b->invert, out);
	assert_array_equal(a->multiplier, b->multiplier, 4 * out);
	assert_array_equal(a->shift, b->shift, out);
	assert_array_equal(a->bias, b->bias, 8 * out);
}

void assert_network_equal(const struct network *a, const struct network *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->view.kind, b->view.kind);
	assert_int_equal(a->view.inverted, b->view.inverted);
	assert_int_equal(a->view.low, b->view.low);
	assert_int_equal(a->view.high, b->view.high);
	assert_memory_equal(&a->view.size, &b->view.size, sizeof(a->view.size));
	assert_memory_equal(&a->view.fill, &b->view.fill, sizeof(a->view.fill));
	assert_memory_equal(&a->temperature, &b->temperature, sizeof(a->temperature));
	assert_memory_equal(&a->unknown_below, &b->unknown_below, sizeof(a->unknown_below));
	assert_int_equal(a->layer_count, b->layer_count);
	for (int i = 0; i < a->layer_count; i++)
		assert_layer_equal(&a->layers[i], &b->layers[i]);
	assert_int_equal(a->class_count, b->class_count);
	assert_array_equal(a->scale, b->scale, 4 * (size_t)a->class_count);
	assert_array_equal(a->bias, b->bias, 4 * (size_t)a->class_count);
	for (int i = 0; i < a->class_count; i++)
		assert_string_equal(a->labels[i], b->labels[i]);
	assert_int_equal(a->group_count, b->group_count);
	for (int i = 0; i < a->group_count; i++) {
		assert_string_equal(a->groups[i].name, b->groups[i].name);
		assert_int_equal(a->groups[i].class_count, b->groups[i].class_count);
		assert_memory_equal(a->groups[i].classes, b->groups[i].classes,
			sizeof(int) * (size_t)a->groups[i].class_count);
	}
}

char *network_saved(const struct network *network)
{
	struct error e = {0};
	char *folder = folder_create();

	if (network_save(network, folder, &e))
		fail_msg("%s", e.text);
	return folder;
}

struct network *network_loaded(const char *folder)
{
	struct error e = {0};
	struct network *network = NULL;

	if (network_load(folder, &network, &e))
		fail_msg("%s", e.text);
	assert_string_equal(network->folder, folder);
	return network;
}

struct spoiled spoiled_begin(void)
{
	struct network *network = tiny_network(7);
	struct spoiled s = {network_saved(network), NULL};
	char path[300];

	snprintf(path, sizeof(path), "%s/network.json", s.folder);
	s.root = json_load_file(path, 0, NULL);
	assert_non_null(s.root);
	network_destroy(network);
	return s;
}

json_t *spoiled_layer(const struct spoiled *s, size_t index)
{
	return json_array_get(json_object_get(s->root, "layers"), index);
}

void spoiled_write(const struct spoiled *s)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/network.json", s->folder);
	assert_int_equal(json_dump_file(s->root, path, 0), 0);
}

void spoiled_put(const struct spoiled *s, const char *name, const void *data, size_t size)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", s->folder, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

void spoiled_end(struct spoiled *s)
{
	json_decref(s->root);
	folder_destroy(s->folder);
}

void spoiled_refused(struct spoiled *s, const char *message)
{
	struct network *network = NULL;
	struct error e = {0};
	char text[700];

	assert_true(network_load(s->folder, &network, &e) < 0);
	assert_null(network);
	snprintf(text, sizeof(text), "%s/%s", s->folder, message);
	assert_string_equal(e.text, text);
	spoiled_end(s);
}

void spoiled_field_refused(size_t index, const char *field, json_t *value, const char *message)
{
	struct spoiled s = spoiled_begin();
	json_t *layer = spoiled_layer(&s, index);
	char text[512];

	if (value)
		json_object_set_new(layer, field, value);
	else
		json_object_del(layer, field);
	snprintf(text, sizeof(text), "network.json: layer \"%s\": %s",
		json_string_value(json_object_get(layer, "name")), message);
	spoiled_write(&s);
	spoiled_refused(&s, text);
}
