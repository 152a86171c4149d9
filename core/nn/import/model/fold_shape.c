/* SPDX-License-Identifier: MIT */
/* Folding of shapes and of constants that nodes hold. */
#include "nn/import/model/graph_parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int list_make(struct graph *graph, struct graph_node *node, int count, int64_t type, struct error *e)
{
	node->outputs[0]->rank = 1;
	node->outputs[0]->dims[0] = count;
	return graph_constant_fold(graph, node, type, false, e);
}

static int shape_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct graph_tensor *in = graph_input(node, 0);

	if (!in || in->rank < 0)
		return 1;
	int64_t from = graph_integer(node, "start", 0), to = graph_integer(node, "end", in->rank);
	from = from < 0 ? from + in->rank : from;
	to = to < 0 ? to + in->rank : to;
	if (from < 0 || to > in->rank || from > to)
		return graph_error(graph, node, -EBADMSG, e, "its start and end are none of its input");
	int rc = list_make(graph, node, (int)(to - from), TYPE_INT64, e);
	for (int64_t i = from; i < to && rc == 0; i++)
		node->outputs[0]->constant->values[i - from] = in->dims[i];
	return rc;
}

/* One of the attributes that a constant's value can stand in. */
static int constant_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct onnx_attribute *value = graph_attribute(node, "value");
	const struct onnx_attribute *floats = graph_attribute(node, "value_floats");
	const struct onnx_attribute *ints = graph_attribute(node, "value_ints");
	struct graph_tensor *out = node->outputs[0];
	int rc = 0;

	if (value)
		return graph_constant_read(graph, node, out, &value->tensor, e);
	if (floats || ints) {
		int count = floats ? floats->number_count : ints->count;

		if (count > ONNX_EDGES)
			return graph_error(graph, node, -EBADMSG, e, "has more than %d numbers", ONNX_EDGES);
		rc = list_make(graph, node, count, floats ? TYPE_FLOAT : TYPE_INT64, e);
		for (int i = 0; i < count && rc == 0; i++)
			out->constant->values[i] =
				floats ? (double)floats->numbers[i] : (double)ints->integers[i];
		return rc;
	}
	bool whole = graph_attribute(node, "value_int") != NULL;
	double number =
		whole ? (double)graph_integer(node, "value_int", 0) : graph_number(node, "value_float", NAN);
	if (!isfinite(number))
		return graph_error(graph, node, -EBADMSG, e, "its value must be finite numbers");
	out->rank = 0;
	rc = graph_constant_fold(graph, node, whole ? TYPE_INT64 : TYPE_FLOAT, false, e);
	if (rc == 0)
		out->constant->values[0] = number;
	return rc;
}

static int filled_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct onnx_attribute *value = graph_attribute(node, "value");
	const struct graph_constant *shape = node->inputs[0] ? node->inputs[0]->constant : NULL;
	struct graph_tensor *out = node->outputs[0];
	double number = 0;
	int rc = 0;

	if (!shape || shape->count > GRAPH_RANK)
		return graph_error(graph, node, -EBADMSG, e, "needs a shape");
	if (value) {
		if ((rc = graph_constant_read(graph, node, out, &value->tensor, e)))
			return rc;
		number = out->constant->count ? out->constant->values[0] : 0;
	}
	out->rank = (int)shape->count;
	for (int i = 0; i < out->rank; i++) {
		if (!(shape->values[i] >= 0 && shape->values[i] <= (double)WEIGHT_LIMIT))
			return graph_error(graph, node, -EBADMSG, e, "its shape holds %g", shape->values[i]);
		out->dims[i] = (int)shape->values[i];
	}
	rc = graph_constant_fold(graph, node, value ? value->tensor.type : TYPE_FLOAT, false, e);
	for (size_t i = 0; rc == 0 && i < out->constant->count; i++)
		out->constant->values[i] = number;
	return rc;
}

int fold_shape(struct graph *graph, struct graph_node *node, struct error *e)
{
	if (graph_is(node, "Shape"))
		return shape_fold(graph, node, e);
	if (graph_is(node, "Constant"))
		return constant_fold(graph, node, e);
	return graph_is(node, "ConstantOfShape") ? filled_fold(graph, node, e) : 1;
}
