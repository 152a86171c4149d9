/* SPDX-License-Identifier: MIT */
/* A small QONNX model, for the tests beside it. */
#ifndef UNIT_QONNX_MODEL_H
#define UNIT_QONNX_MODEL_H

#include "base/error.h"
#include "nn/import/qonnx/qonnx.h"
#include "support/onnx_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

/* A model in which each test changes one thing: codes of 2 bits, 2 channels, then a matrix over 2×2×2
 * numbers. */
struct overlay_tensor {
	const char *name;
	int rank, dims[4];
	float values[24];
};

struct node {
	const char *domain, *type, *inputs, *output, *attributes;
};

#define QONNX "qonnx.custom_op.general"
#define QUANT(sign) "signed=" sign " narrow=0 rounding_mode=ROUND"

static const struct overlay_tensor base_tensors[] = {
	{"byte", 0, {0}, {1.0F / 255}},
	{"none", 0, {0}, {0}},
	{"bits8", 0, {0}, {8}},
	{"bits2", 0, {0}, {2}},
	{"bits4", 0, {0}, {4}},
	{"w0", 4, {2, 1, 3, 3}, {1, -1, 0.5F, 0, 0.5F, -0.5F, 1, 0.5F, 0, 3, -6, 0, 0, 3, 3, -9, 0, 3}},
	{"w0.scale", 4, {2, 1, 1, 1}, {0.5F, 3}},
	{"gamma", 1, {2}, {1.5F, -0.25F}},
	{"beta", 1, {2}, {0.25F, 1}},
	{"mean", 1, {2}, {0.125F, -0.5F}},
	{"variance", 1, {2}, {0.75F, 1.75F}},
	{"a0.scale", 0, {0}, {0.5F}},
	{"w1", 2, {3, 8}, {1, 2, 3, 4, 5, 6, 7, -8, -1, -2, -3, -4, -5, -6, -7, -8, 0, 0, 1, 0, 0, 0, 0, 7}},
	{"w1.scale", 0, {0}, {1}},
	{"bias", 1, {3}, {0.5F, -1, 2}},
	{"two", 0, {0}, {2}},
	{"bits16", 0, {0}, {16}},
	{"bits32", 0, {0}, {32}},
	{"other", 1, {2}, {1, 2}},
	{"none.small", 0, {0}, {1e-4F}},
};

enum { IN, W0, CONV, NORM, RELU, ACT, FLAT, W1, FC, END };

static const struct node base_nodes[] = {
	[IN] = {QONNX, "Quant", "x byte none bits8", "q", QUANT("0")},
	[W0] = {"onnx.brevitas", "Quant", "w0 w0.scale none bits4", "w0.q", QUANT("1")},
	[CONV] = {"", "Conv", "q w0.q", "c",
		"kernel_shape=3,3 pads=0,0,0,0 strides=1,1 dilations=1,1 group=1"},
	[NORM] = {"", "BatchNormalization", "c gamma beta mean variance", "n", "epsilon=f0.25"},
	[RELU] = {"ai.onnx", "Relu", "n", "r", ""},
	[ACT] = {QONNX, "Quant", "r a0.scale none bits2", "a", QUANT("0")},
	[FLAT] = {"", "Flatten", "a", "f", "axis=1"},
	[W1] = {QONNX, "Quant", "w1 w1.scale none bits4", "w1.q", QUANT("1")},
	[FC] = {"", "Gemm", "f w1.q bias", "g", "transB=1 alpha=f1 beta=f1"},
	[END] = {"", "Softmax", "g", "y", "axis=1"},
};

struct model {
	struct overlay_tensor tensors[COUNT(base_tensors)];
	struct node nodes[COUNT(base_nodes) + 4];
	int input[4], input_rank, node_count;
};

static struct model model_base(void)
{
	struct model model = {.input = {1, 1, 4, 4}, .input_rank = 4, .node_count = COUNT(base_nodes)};

	memcpy(model.tensors, base_tensors, sizeof(base_tensors));
	memcpy(model.nodes, base_nodes, sizeof(base_nodes));
	return model;
}

static inline struct overlay_tensor *tensor_of(struct model *model, const char *name)
{
	for (int i = 0; i < COUNT(model->tensors); i++)
		if (strcmp(model->tensors[i].name, name) == 0)
			return &model->tensors[i];
	fail_msg("no tensor %s", name);
	return NULL;
}

static void node_insert(struct model *model, int place, struct node node)
{
	memmove(model->nodes + place + 1, model->nodes + place,
		(size_t)(model->node_count - place) * sizeof(node));
	model->nodes[place] = node;
	model->node_count++;
}

/* Writes the model to the path, and returns the path. */
static const char *model_write(const struct model *model, const char *path)
{
	struct onnx_buffer graph = {.size = 0}, file = {.size = 0};

	for (int i = 0; i < model->node_count; i++) {
		const struct node *n = &model->nodes[i];
		onnx_put_node(&graph, n->domain, n->type, n->inputs, n->output, n->attributes);
	}
	for (int i = 0; i < COUNT(model->tensors); i++) {
		const struct overlay_tensor *t = &model->tensors[i];
		onnx_put_tensor(&graph, t->name, t->dims, t->rank, t->values);
	}
	onnx_put_value(&graph, 11, "x", model->input, model->input_rank);
	onnx_put_value(
		&graph, 11, "w0", model->tensors[5].dims, 4); /* as older exporters list their tensors */
	onnx_put_value(&graph, 12, "y", (const int[]){1, 3}, 2);
	onnx_put_model(&file, &graph);
	FILE *stream = fopen(path, "wb");
	assert_non_null(stream);
	assert_int_equal(fwrite(file.data, 1, file.size, stream), file.size);
	assert_int_equal(fclose(stream), 0);
	return path;
}

/* Imports the model from the path. */
static struct network *model_read(const struct model *model, const char *path)
{
	struct network *network = NULL;
	struct error e = {0};

	if (import_qonnx(model_write(model, path), &network, &e))
		fail_msg("%s", e.text);
	return network;
}

static void model_refused(const struct model *model, const char *path, const char *message)
{
	struct network *network = NULL;
	struct error e = {0};
	int rc = import_qonnx(model_write(model, path), &network, &e);

	assert_null(network);
	if (rc >= 0 || rc != e.code || !strstr(e.text, message) || !strstr(e.text, "/model.onnx: "))
		fail_msg("\"%s\" expected, \"%s\" found", message, e.text);
}

#endif
