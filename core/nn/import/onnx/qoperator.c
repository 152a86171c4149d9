/* SPDX-License-Identifier: MIT */
/*
 * Operators of QOperator read each tensor with its scale and zero point, and have a scale and zero point for
 * what they make. The tensors that they read come from quantisation points, so that only constants among
 * them must become numbers.
 */
#include "nn/import/onnx/integers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Places among a node's inputs; 0: the operator has none. A scale is followed by its zero point. */
static const struct qoperator {
	const char *type, *becomes;
	int second; /* the second tensor: weights, summand */
	int made;   /* the scale of what it makes */
	int bias;
	bool microsoft; /* in that domain */
	bool many;	/* a concat: made 0, then three inputs for each tensor */
} qoperators[] = {
	{"QLinearConv", "Conv", 3, 6, 8, false, false},
	{"QLinearMatMul", "MatMul", 3, 6, 0, false, false},
	{"QGemm", "Gemm", 3, 7, 6, true, false},
	{"QLinearAdd", "Add", 3, 6, 0, true, false},
	{"QLinearMul", "Mul", 3, 6, 0, true, false},
	{"QLinearAveragePool", "AveragePool", 0, 3, 0, true, false},
	{"QLinearGlobalAveragePool", "GlobalAveragePool", 0, 3, 0, true, false},
	{"QLinearReduceMean", "ReduceMean", 0, 3, 0, true, false},
	{"QLinearSigmoid", "Sigmoid", 0, 3, 0, true, false},
	{"QLinearLeakyRelu", "LeakyRelu", 0, 3, 0, true, false},
	{"QLinearSoftmax", "Softmax", 0, 3, 0, true, false},
	{"QLinearConcat", "Concat", 0, 0, 0, true, true},
};

/* One rewrite, and the node's inputs as they were. */
struct rewrite {
	struct graph *graph;
	struct graph_node *node;
	const struct qoperator *places;
	struct graph_tensor *was[GRAPH_EDGES];
	int was_count;
};

static const struct qoperator *qoperator_find(const struct graph_node *node)
{
	for (size_t i = 0; i < sizeof(qoperators) / sizeof(*qoperators); i++)
		if (strcmp(node->type, qoperators[i].type) == 0 &&
			strcmp(node->domain, qoperators[i].microsoft ? "com.microsoft" : "") == 0)
			return &qoperators[i];
	return NULL;
}

static struct graph_tensor *was_input(const struct rewrite *r, int index)
{
	return index < r->was_count ? r->was[index] : NULL;
}

/* The constants of a tensor with its scale and zero point; those left out are NULL. */
static int constants_get(
	const struct rewrite *r, const int places[3], const struct graph_constant *out[3], struct error *e)
{
	struct graph_node node = *r->node;
	int rc = 0;

	memcpy((void *)node.inputs, (const void *)r->was, sizeof(node.inputs));
	node.input_count = r->was_count;
	for (int i = 0; i < 3 && rc == 0; i++)
		rc = graph_constant(r->graph, &node, places[i], &out[i], e);
	return rc;
}

/* Which number of a scale or zero point belongs to number `index` of the tensor: all share it, or one a
 * channel. */
static size_t place_of(const struct graph_constant *numbers, const struct graph_tensor *tensor, size_t index)
{
	bool last = tensor->rank > 1 && tensor->dims[0] != (int)numbers->count;
	size_t inner = last ? 1 : numbers->count ? tensor->constant->count / numbers->count : 1;

	if (numbers->count < 2 || inner == 0)
		return 0;
	return index / inner % numbers->count;
}

/* A quantised constant in place of whole numbers that have a scale and a zero point. */
static int constant_make(const struct rewrite *r, int place, struct graph_tensor **out, struct error *e)
{
	const struct graph_tensor *from = r->was[place];
	const struct graph_constant *numbers[3];
	int rc = constants_get(r, (const int[]){place, place + 1, place + 2}, numbers, e);

	if (rc)
		return rc;
	if (!numbers[0] || !numbers[1] || numbers[1]->count == 0)
		return graph_error(
			r->graph, r->node, -EBADMSG, e, "its input %d has no scale in the model", place);
	if ((rc = graph_constant_add(r->graph, from->name, from->rank, from->dims, out, e)))
		return rc;
	struct graph_constant *made = (*out)->constant;
	made->scales = calloc(made->count + 1, sizeof(*made->scales));
	if (!made->scales || made->count != numbers[0]->count)
		return graph_error(r->graph, r->node, -ENOMEM, e, "out of memory");
	for (size_t i = 0; i < made->count; i++) {
		double zero = numbers[2] && numbers[2]->count
				      ? numbers[2]->values[place_of(numbers[2], *out, i)]
				      : 0;

		made->values[i] = numbers[0]->values[i] - zero;
		made->scales[i] = (float)graph_value(numbers[1], place_of(numbers[1], *out, i));
	}
	return 0;
}

/* A tensor that the operator reads, as numbers. */
static int tensor_take(struct rewrite *r, int place, struct error *e)
{
	struct graph_tensor *tensor = was_input(r, place);
	int rc = 0;

	if (!tensor)
		return graph_error(r->graph, r->node, -EBADMSG, e, "has no input %d", place);
	if (graph_is_constant(tensor))
		rc = constant_make(r, place, &tensor, e);
	return rc ? rc : graph_input_add(r->graph, r->node, tensor, e);
}

/* A bias of int32 counts in steps of both scales. */
static int bias_take(struct rewrite *r, struct error *e)
{
	const struct qoperator *o = r->places;
	struct graph_tensor *from = was_input(r, o->bias), *made;
	const struct graph_constant *numbers[3];
	double alpha = graph_number(r->node, "alpha", 1);
	int rc = from ? constants_get(r, (const int[]){o->bias, 1, o->second + 1}, numbers, e) : 0;

	if (rc || !from)
		return rc;
	if (!numbers[0] || !numbers[1] || !numbers[2] || !numbers[1]->count || !numbers[2]->count)
		return graph_error(r->graph, r->node, -EBADMSG, e, "its bias or a scale is not in the model");
	if ((rc = graph_constant_add(r->graph, from->name, from->rank, from->dims, &made, e)))
		return rc;
	if (made->constant->count != numbers[0]->count ||
		(numbers[2]->count > 1 && numbers[2]->count != numbers[0]->count))
		return graph_error(r->graph, r->node, -EBADMSG, e,
			"has %zu scales for %zu numbers of its bias", numbers[2]->count, numbers[0]->count);
	for (size_t i = 0; i < made->constant->count; i++)
		made->constant->values[i] = numbers[0]->values[i] * alpha * graph_value(numbers[1], 0) *
					    graph_value(numbers[2], numbers[2]->count > 1 ? i : 0);
	return graph_input_add(r->graph, r->node, made, e);
}

static int inputs_take(struct rewrite *r, struct error *e)
{
	int rc = 0;

	for (int i = 2; r->places->many && i + 2 < r->was_count && rc == 0; i += 3)
		rc = tensor_take(r, i, e);
	if (!r->places->many)
		rc = tensor_take(r, 0, e);
	if (rc == 0 && r->places->second)
		rc = tensor_take(r, r->places->second, e);
	return rc == 0 && r->places->bias ? bias_take(r, e) : rc;
}

static int text_set(const struct rewrite *r, char **text, const char *value, struct error *e)
{
	char *copy = strdup(value);

	if (!copy)
		return graph_error(r->graph, r->node, -ENOMEM, e, "out of memory");
	free(*text);
	*text = copy;
	return 0;
}

static int operator_rewrite(
	struct graph *graph, struct graph_node *node, const struct qoperator *places, struct error *e)
{
	struct rewrite r = {graph, node, places, .was_count = node->input_count};
	struct graph_node *point;
	int rc = 0;

	if (graph_integer(node, "channels_last", 0))
		return graph_error(graph, node, -EBADMSG, e,
			"has its channels last; give the model as it was before onnxruntime's optimisations");
	memcpy((void *)r.was, (const void *)node->inputs, sizeof(r.was));
	node->input_count = 0;
	if ((rc = inputs_take(&r, e)) || (rc = text_set(&r, &node->type, places->becomes, e)) ||
		(rc = text_set(&r, &node->domain, "", e)))
		return rc;
	struct graph_tensor *scale = was_input(&r, places->made), *zero = was_input(&r, places->made + 1);
	if (!scale) /* a QGemm that ends in floats */
		return 0;
	rc = graph_insert_after(graph, node->outputs[0], "QuantizeLinear", &point, e);
	return rc ? rc : integers_point(graph, point, scale, zero, e);
}

static int dynamic_refuse(const struct graph *graph, const struct graph_node *node, struct error *e)
{
	static const char *const types[] = {"ConvInteger", "MatMulInteger", "DynamicQuantizeLinear",
		"DynamicQuantizeMatMul", "MatMulIntegerToFloat"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(node->type, types[i]) == 0)
			return graph_error(graph, node, -EBADMSG, e,
				"belongs to dynamic quantisation, whose scales depend on each picture; "
				"quantise "
				"statically (onnxruntime's quantize_static), or give the model of floats and "
				"--calibrate");
	return 0;
}

int qoperators_rewrite(struct graph *graph, struct error *e)
{
	int count = graph->node_count, rc = 0; /* rewriting adds nodes behind them */

	for (int i = 0; i < count && rc == 0; i++) {
		struct graph_node *node = graph->nodes[i];
		const struct qoperator *places = qoperator_find(node);

		rc = places ? operator_rewrite(graph, node, places, e) : dynamic_refuse(graph, node, e);
	}
	return rc;
}
