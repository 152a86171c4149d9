/* SPDX-License-Identifier: MIT */
/* Models as graphs: the order of nodes, constants folded, dimensions, changes, quantisation points. */
#include "base/error.h"
#include "nn/import/model/graph.h"
#include "support/onnx_builder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static char path[] = "/tmp/test-model-XXXXXX";

static int setup(void **state)
{
	int file = mkstemp(path);

	(void)state;
	return file < 0 ? -1 : close(file);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* Input x of [1, 2, 3, 4] (or as given), output y; a is [1 2 3; 4 5 6], b is [2 0.5 4]. */
static void graph_begin(struct onnx_buffer *graph)
{
	onnx_put_tensor(graph, "a", (const int[]){2, 3}, 2, (const float[]){1, 2, 3, 4, 5, 6});
	onnx_put_tensor(graph, "b", (const int[]){3}, 1, (const float[]){2, 0.5F, 4});
	onnx_put_tensor(graph, "zero", NULL, 0, (const float[]){0});
	onnx_put_tensor(graph, "one", NULL, 0, (const float[]){1});
	onnx_put_tensor(graph, "ones", (const int[]){1}, 1, (const float[]){1});
	onnx_put_tensor(graph, "scale", NULL, 0, (const float[]){0.5F});
	onnx_put_tensor(graph, "ends", (const int[]){1}, 1, (const float[]){-1});
	onnx_put_tensor(graph, "shape", (const int[]){2}, 1, (const float[]){0, -1});
	onnx_put_tensor(graph, "row", (const int[]){2}, 1, (const float[]){2, 3});
	onnx_put_tensor(graph, "w", (const int[]){5, 2, 2, 2}, 4, (const float[40]){0});
	onnx_put_tensor(graph, "twice", (const int[]){4}, 1, (const float[]){1, 1, 2, 2});
	onnx_put_value(graph, 11, "x", (const int[]){-1, 2, 3, 4}, 4);
	onnx_put_value(graph, 12, "y", (const int[]){1, 3}, 2);
}

static struct graph *graph_of(struct onnx_buffer *buffer, struct error *e)
{
	struct onnx_buffer model = {.size = 0};
	struct graph *graph = NULL;
	FILE *file = fopen(path, "wb");

	onnx_put_model(&model, buffer);
	assert_non_null(file);
	assert_int_equal(fwrite(model.data, 1, model.size, file), model.size);
	assert_int_equal(fclose(file), 0);
	graph_load(path, &graph, e);
	return graph;
}

static struct graph *graph_or_fail(struct onnx_buffer *buffer)
{
	struct error e = {0};
	struct graph *graph = graph_of(buffer, &e);

	if (!graph || graph_fold(graph, NULL, &e))
		fail_msg("%s", e.text);
	return graph;
}

/* One operator on constants, and what it makes. */
static const struct {
	const char *type, *inputs, *attributes;
	int rank, dims[4];
	int count;
	double values[6];
} folds[] = {
	{"Add", "a b", "", 2, {2, 3}, 6, {3, 2.5, 7, 6, 5.5, 10}},
	{"Sub", "b a", "", 2, {2, 3}, 6, {1, -1.5, 1, -2, -4.5, -2}},
	{"Mul", "b b", "", 1, {3}, 3, {4, 0.25, 16}},
	{"Div", "a b", "", 2, {2, 3}, 6, {0.5, 4, 0.75, 2, 10, 1.5}},
	{"Pow", "a b", "", 2, {2, 3}, 3, {1, 1.4142135381698608, 81}},
	{"Max", "a b", "", 2, {2, 3}, 6, {2, 2, 4, 4, 5, 6}},
	{"Min", "a b", "", 2, {2, 3}, 6, {1, 0.5, 3, 2, 0.5, 4}},
	{"Sqrt", "b", "", 1, {3}, 3, {1.4142135381698608, 0.70710676908493042, 2}},
	{"Neg", "b", "", 1, {3}, 3, {-2, -0.5, -4}},
	{"Floor", "b", "", 1, {3}, 3, {2, 0, 4}},
	{"Round", "b", "", 1, {3}, 3, {2, 0, 4}},
	{"Abs", "ends", "", 1, {1}, 1, {1}},
	{"Cast", "b", "to=7", 1, {3}, 3, {2, 0, 4}},
	{"Clip", "a one scale", "", 2, {2, 3}, 6, {0.5, 0.5, 0.5, 0.5, 0.5, 0.5}},
	{"Where", "zero a b", "", 2, {2, 3}, 6, {2, 0.5, 4, 2, 0.5, 4}},
	{"Transpose", "a", "perm=1,0", 2, {3, 2}, 6, {1, 4, 2, 5, 3, 6}},
	{"Reshape", "a shape", "", 2, {2, 3}, 6, {1, 2, 3, 4, 5, 6}},
	{"Flatten", "a", "axis=0", 2, {1, 6}, 6, {1, 2, 3, 4, 5, 6}},
	{"Unsqueeze", "b ones", "", 2, {3, 1}, 3, {2, 0.5, 4}},
	{"Squeeze", "ones zero", "", 0, {0}, 1, {1}},
	{"Concat", "a a", "axis=1", 2, {2, 6}, 6, {1, 2, 3, 1, 2, 3}},
	{"Concat", "b ones", "axis=-1", 1, {4}, 4, {2, 0.5, 4, 1}},
	{"Gather", "a one", "axis=1", 1, {2}, 2, {2, 5}},
	{"Gather", "b ends", "", 1, {1}, 1, {4}},
	{"Slice", "a ones ends ones", "", 2, {2, 1}, 2, {2, 5}},
	{"Slice", "b ends ones zero ends", "", 1, {1}, 1, {4}},
	{"Expand", "b row", "", 2, {2, 3}, 6, {2, 0.5, 4, 2, 0.5, 4}},
	{"ReduceMean", "a", "keepdims=0", 0, {0}, 1, {3.5}},
	{"ConstantOfShape", "row", "", 2, {2, 3}, 6, {0, 0, 0, 0, 0, 0}},
	{"Shape", "x", "", 1, {4}, 4, {1, 2, 3, 4}},
	{"QuantizeLinear", "b scale", "", 1, {3}, 3, {4, 1, 8}},
	{"DequantizeLinear", "a scale one", "", 2, {2, 3}, 6, {0, 0.5, 1, 1.5, 2, 2.5}},
};

static void check_constant(const struct graph_tensor *made, int index)
{
	assert_int_equal(made->rank, folds[index].rank);
	assert_memory_equal(made->dims, folds[index].dims, (size_t)made->rank * sizeof(int));
	for (int i = 0; i < folds[index].count; i++)
		if (graph_value(made->constant, (size_t)i) != folds[index].values[i])
			fail_msg("%s of %s: number %d is %.17g, but %.17g expected", folds[index].type,
				folds[index].inputs, i, graph_value(made->constant, (size_t)i),
				folds[index].values[i]);
}

static void test_fold(void **state)
{
	(void)state;
	for (int i = 0; i < COUNT(folds); i++) {
		struct onnx_buffer buffer = {.size = 0};

		graph_begin(&buffer);
		onnx_put_node(&buffer, "", folds[i].type, folds[i].inputs, "c", folds[i].attributes);
		onnx_put_node(&buffer, "", "Unknown", "x c", "y", "");
		struct graph *graph = graph_or_fail(&buffer);
		assert_int_equal(graph->node_count, 1);
		check_constant(graph->nodes[0]->inputs[1], i);
		graph_destroy(graph);
	}
}

/* Operators on the picture, and the dimensions that follow. */
static const struct {
	const char *type, *inputs, *attributes;
	int rank, dims[4];
} shapes[] = {
	{"Relu", "x", "", 4, {1, 2, 3, 4}},
	{"Conv", "x w", "pads=1,0,0,1", 4, {1, 5, 3, 4}},
	{"Conv", "x w", "strides=2,1 dilations=1,2", 4, {1, 5, 1, 2}},
	{"Conv", "x w", "auto_pad=SAME_UPPER strides=2,2", 4, {1, 5, 2, 2}},
	{"MaxPool", "x", "kernel_shape=2,2 strides=2,2 ceil_mode=1", 4, {1, 2, 2, 2}},
	{"GlobalAveragePool", "x", "", 4, {1, 2, 1, 1}},
	{"ReduceMean", "x", "axes=2,3 keepdims=0", 2, {1, 2}},
	{"Flatten", "x", "", 2, {1, 24}},
	{"Reshape", "x shape", "", 2, {1, 24}},
	{"Transpose", "x", "perm=0,2,3,1", 4, {1, 3, 4, 2}},
	{"Concat", "x x", "axis=1", 4, {1, 4, 3, 4}},
	{"Resize", "x - twice", "mode=NEAREST", 4, {1, 2, 6, 8}},
	{"Add", "one x", "", 4, {1, 2, 3, 4}},
};

static void test_shapes(void **state)
{
	(void)state;
	for (int i = 0; i < COUNT(shapes); i++) {
		struct onnx_buffer buffer = {.size = 0};

		graph_begin(&buffer);
		onnx_put_node(&buffer, "", shapes[i].type, shapes[i].inputs, "y", shapes[i].attributes);
		struct graph *graph = graph_or_fail(&buffer);
		if (graph->output->rank != shapes[i].rank ||
			memcmp(graph->output->dims, shapes[i].dims, (size_t)shapes[i].rank * sizeof(int)) !=
				0)
			fail_msg("%s %s: %d dimensions, %d × %d × %d × %d", shapes[i].type,
				shapes[i].attributes, graph->output->rank, graph->output->dims[0],
				graph->output->dims[1], graph->output->dims[2], graph->output->dims[3]);
		graph_destroy(graph);
	}
}

/* Nodes come in any order; what the output does not need goes. */
static void test_order(void **state)
{
	struct onnx_buffer buffer = {.size = 0};

	(void)state;
	graph_begin(&buffer);
	onnx_put_node(&buffer, "", "Add", "p q", "y", "");
	onnx_put_node(&buffer, "", "Relu", "p", "q", "");
	onnx_put_node(&buffer, "", "Relu", "x", "unneeded", "");
	onnx_put_node(&buffer, "", "Relu", "x", "p", "");
	struct graph *graph = graph_or_fail(&buffer);
	assert_int_equal(graph->node_count, 3);
	assert_string_equal(graph->nodes[0]->name, "p");
	assert_string_equal(graph->nodes[1]->name, "q");
	assert_int_equal(graph_readers(graph, graph->nodes[0]->outputs[0], NULL), 2);
	assert_int_equal(graph_readers(graph, graph->output, NULL), 1);
	graph_destroy(graph);
}

static const struct {
	const char *inputs, *output, *message;
} faults[] = {
	{"y", "y", "depends on this node itself"},
	{"nowhere", "y", "reads \"nowhere\", which nothing gives"},
	{"x", "x", "two tensors are called \"x\""},
	{"x", "a", "two tensors are called \"a\""},
	{"x", "z", "nothing makes the output \"y\""},
	{"a", "y", "its output does not depend on its input"},
};

static void test_faults(void **state)
{
	(void)state;
	for (int i = 0; i < COUNT(faults); i++) {
		struct onnx_buffer buffer = {.size = 0};
		struct error e = {0};

		graph_begin(&buffer);
		onnx_put_node(&buffer, "", "Relu", faults[i].inputs, faults[i].output, "");
		struct graph *graph = graph_of(&buffer, &e);
		if (graph)
			assert_true(graph_fold(graph, NULL, &e) < 0);
		if (!strstr(e.text, faults[i].message))
			fail_msg("\"%s\" expected, \"%s\" found", faults[i].message, e.text);
		graph_destroy(graph);
	}
}

/* A Quant behind all readers, one before a single reader, and a node that goes. */
static void test_changes(void **state)
{
	struct onnx_buffer buffer = {.size = 0};
	struct graph_node *after, *before;
	struct graph_tensor *scale;
	struct error e = {0};

	(void)state;
	graph_begin(&buffer);
	onnx_put_node(&buffer, "", "Relu", "x", "p", "");
	onnx_put_node(&buffer, "", "Add", "p p", "y", "");
	struct graph *graph = graph_or_fail(&buffer);
	struct graph_node *relu = graph->nodes[0], *add = graph->nodes[1];
	assert_int_equal(graph_insert_after(graph, relu->outputs[0], "Identity", &after, &e), 0);
	assert_ptr_equal(add->inputs[0], after->outputs[0]);
	assert_ptr_equal(add->inputs[1], after->outputs[0]);
	assert_int_equal(graph_insert_before(graph, add, 1, "Identity", &before, &e), 0);
	assert_ptr_equal(before->inputs[0], after->outputs[0]);
	assert_ptr_equal(add->inputs[0], after->outputs[0]);
	assert_int_equal(graph_constant_add(graph, "s", 0, NULL, &scale, &e), 0);
	scale->constant->values[0] = 0.25;
	const struct quantisation point = {.scale = scale, .high = 15, .round = rounding_half_even};
	assert_int_equal(graph_quantise(graph, before, &point, &e), 0);
	assert_int_equal(graph_sort(graph, &e), 0);
	assert_int_equal(graph_fold(graph, NULL, &e), 0);
	assert_int_equal(graph->node_count, 4);
	assert_ptr_equal(graph->nodes[3], add);
	assert_true(before->quantisation && !graph_is(before, "Quant"));
	assert_int_equal(before->outputs[0]->rank, 4);
	before->inputs[0] = add->inputs[0] = relu->outputs[0];
	graph_node_remove(graph, after);
	assert_int_equal(graph_sort(graph, &e), 0);
	assert_int_equal(graph->node_count, 3);
	graph_destroy(graph);
}

static void test_quantisation(void **state)
{
	struct quantisation q = {.low = -8, .high = 7, .round = rounding_find("round")};

	(void)state;
	assert_true(quantisation_apply(&q, 0.5, 0, 1.25, 0) == 2);
	assert_true(quantisation_apply(&q, 0.5, 0, 1.75, 0) == 4);
	assert_true(quantisation_apply(&q, 0.5, 0, 99, 0) == 7);
	assert_true(quantisation_apply(&q, 0.5, 0, -99, 0) == -8);
	assert_true(quantisation_apply(&q, 0.5, 1, 0.25, 0) == 2);
	q.zero_after = true;
	assert_true(quantisation_apply(&q, 0.5, 1, 0.25, 0) == 1);
	q.zero_after = false;
	/* 7.5 but for the rounding of the scale: a half only where that counts. */
	assert_true(quantisation_apply(&q, (double)0.1F, -3, 0.75, 0) == 4);
	assert_true(quantisation_apply(&q, (double)0.1F, -3, 0.75, QUANTISATION_ROUNDED) == 4);
	assert_true(quantisation_apply(&q, (double)0.1F, -1, 0.75, 0) == 6);
	assert_true(quantisation_apply(&q, (double)0.1F, -1, 0.75, QUANTISATION_ROUNDED) == 6);
	assert_true(quantisation_apply(&q, (double)0.1F, -4, 0.75, 0) == 3);
	assert_true(quantisation_apply(&q, (double)0.1F, -4, 0.75, QUANTISATION_ROUNDED) == 4);
	q.round = rounding_find("FLOOR");
	assert_true(quantisation_apply(&q, (double)0.1F, 0, 0.3, 0) == 2);
	assert_true(quantisation_apply(&q, (double)0.1F, 0, 0.3, QUANTISATION_ROUNDED) == 3);
	assert_null(rounding_find("SIDEWAYS"));
	q.bipolar = true;
	assert_true(quantisation_apply(&q, 1, 0, -0.001, 0) == -1);
	assert_true(quantisation_apply(&q, 1, 0, 0, 0) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_quantisation),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
