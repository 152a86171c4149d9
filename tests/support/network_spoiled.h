/* SPDX-License-Identifier: MIT */
/* Comparing networks, and spoiling a folder that would load. */
#ifndef NETWORK_SPOILED_H
#define NETWORK_SPOILED_H

#include "base/error.h"
#include "nn/format/load.h"
#include "nn/format/save.h"
#include "nn/network.h"
#include "support/network_builder.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static inline void array_is(const void *a, const void *b, size_t size)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_memory_equal(a, b, size);
}

static inline void layer_is(const struct layer *a, const struct layer *b)
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
	assert_int_equal(a->stride, b->stride);
	assert_memory_equal(&a->pad_top, &b->pad_top, 4 * sizeof(int));
	assert_int_equal(a->groups, b->groups);
	assert_int_equal(a->input_bits, b->input_bits);
	assert_int_equal(a->output_bits, b->output_bits);
	assert_int_equal(a->weight_bits, b->weight_bits);
	assert_int_equal(a->epilogue, b->epilogue);
	array_is(a->weights, b->weights, weights);
	if (a->epilogue == EPILOGUE_THRESHOLDS)
		array_is(a->thresholds, b->thresholds, out * 4 * ((1U << a->output_bits) - 1));
	array_is(a->invert, b->invert, out);
	array_is(a->multiplier, b->multiplier, 4 * out);
	array_is(a->shift, b->shift, out);
	array_is(a->bias, b->bias, 8 * out);
}

static inline void network_is(const struct network *a, const struct network *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->view.kind, b->view.kind);
	assert_int_equal(a->view.inverted, b->view.inverted);
	assert_int_equal(a->view.low, b->view.low);
	assert_int_equal(a->view.high, b->view.high);
	assert_memory_equal(&a->view.size, &b->view.size, sizeof(a->view.size));
	assert_memory_equal(&a->view.fill, &b->view.fill, sizeof(a->view.fill));
	assert_int_equal(a->layer_count, b->layer_count);
	for (int i = 0; i < a->layer_count; i++)
		layer_is(&a->layers[i], &b->layers[i]);
	assert_int_equal(a->class_count, b->class_count);
	array_is(a->scale, b->scale, 4 * (size_t)a->class_count);
	array_is(a->bias, b->bias, 4 * (size_t)a->class_count);
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

static inline char *saved(const struct network *network)
{
	struct error e = {0};
	char *folder = folder_make();

	if (network_save(network, folder, &e))
		fail_msg("%s", e.text);
	return folder;
}

static inline struct network *loaded(const char *folder)
{
	struct error e = {0};
	struct network *network = NULL;

	if (network_load(folder, &network, &e))
		fail_msg("%s", e.text);
	assert_string_equal(network->folder, folder);
	return network;
}

/* Every width of weights and codes, uneven kernels and paddings; ends with codes. */
static inline struct network *odd_network(void)
{
	struct network *network = taken(1, sizeof(*network));
	struct layer *l = taken(6, sizeof(*l));
	uint32_t seed = 5;

	l[0] = tiny_layer("a", LAYER_CONV, (struct shape){9, 11, 3}, 6, 3, 1, 1, 3, 1, 4, 8);
	l[0].kernel_width = 5;
	l[0].pad_left = 4;
	l[0].pad_bottom = 0;
	layer_measure(&l[0]);
	l[1] = tiny_layer("b", LAYER_CONV, l[0].out, 5, 3, 3, 2, 1, 8, 2, 4);
	l[2] = tiny_layer("c", LAYER_CONV, l[1].out, 7, 1, 1, 0, 1, 4, 8, 8);
	l[3] = tiny_layer("d", LAYER_MAX_POOL, l[2].out, 7, 2, 1, 0, 1, 8, 0, 8);
	l[4] = tiny_layer("e", LAYER_FULLY_CONNECTED, l[3].out, 9, 1, 1, 0, 1, 8, 4, 1);
	l[5] = tiny_layer("f", LAYER_FULLY_CONNECTED, l[4].out, 3, 1, 1, 0, 1, 1, 1, 2);
	for (int i = 0; i < 6; i++)
		layer_fill(&l[i], &seed);
	free(l[5].invert);
	l[5].invert = NULL;
	*network = (struct network){.name = strdup("odd \"one\""), .layers = l, .layer_count = 6};
	return network;
}

/* A saved tiny_network to spoil: its folder and the parsed network.json. */
struct spoiled {
	char *folder;
	json_t *root;
};

static inline struct spoiled spoil(void)
{
	struct network *network = tiny_network(7);
	struct spoiled s = {saved(network), NULL};
	char path[300];

	snprintf(path, sizeof(path), "%s/network.json", s.folder);
	s.root = json_load_file(path, 0, NULL);
	assert_non_null(s.root);
	network_destroy(network);
	return s;
}

static inline json_t *layer_of(const struct spoiled *s, size_t index)
{
	return json_array_get(json_object_get(s->root, "layers"), index);
}

static inline void write_json(const struct spoiled *s)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/network.json", s->folder);
	assert_int_equal(json_dump_file(s->root, path, 0), 0);
}

static inline void put_file(const struct spoiled *s, const char *name, const void *data, size_t size)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", s->folder, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

static inline void gone(struct spoiled *s)
{
	json_decref(s->root);
	folder_remove(s->folder);
}

/* The whole message is FOLDER/ and then `message`. */
static inline void refused(struct spoiled *s, const char *message)
{
	struct network *network = NULL;
	struct error e = {0};
	char text[700];

	assert_true(network_load(s->folder, &network, &e) < 0);
	assert_null(network);
	snprintf(text, sizeof(text), "%s/%s", s->folder, message);
	assert_string_equal(e.text, text);
	gone(s);
}

/* Sets a field of a layer (NULL: removes it), and expects `layer "NAME": MESSAGE`. */
static inline void field_refused(size_t index, const char *field, json_t *value, const char *message)
{
	struct spoiled s = spoil();
	json_t *layer = layer_of(&s, index);
	char text[512];

	if (value)
		json_object_set_new(layer, field, value);
	else
		json_object_del(layer, field);
	snprintf(text, sizeof(text), "network.json: layer \"%s\": %s",
		json_string_value(json_object_get(layer, "name")), message);
	write_json(&s);
	refused(&s, text);
}

#endif
