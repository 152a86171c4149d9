/* SPDX-License-Identifier: MIT */
/* Folding of quantisation points, and of what turns whole numbers into quantised ones. */
#include "nn/import/model/graph_parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static void dims_copy(const struct graph_tensor *from, struct graph_tensor *to)
{
	to->rank = from->rank;
	memcpy(to->dims, from->dims, sizeof(to->dims));
}

/* The value that belongs to number `index` of `to`, 0 of no tensor. */
static double stretched_value(const struct graph_tensor *from, const struct graph_tensor *to, size_t index)
{
	return from ? graph_value(from->constant, graph_stretched(from, to, index)) : 0;
}

static int point_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct quantisation *q = node->quantisation;
	const struct graph_tensor *in = node->inputs[0];
	struct graph_tensor *out = node->outputs[0];

	if (!in)
		return graph_error(graph, node, -EBADMSG, e, "its input 0, what it quantises, is missing");
	if (!graph_stretches(q->scale, in) || (q->zero && !graph_stretches(q->zero, in)))
		return graph_error(
			graph, node, -EBADMSG, e, "its scale has not the shape of what it quantises");
	dims_copy(in, out);
	struct quantisation unit = *q; /* of numbers that are divided by the scale already */
	int rc = graph_constant_fold(graph, node, TYPE_FLOAT, true, e);
	for (size_t i = 0; i < in->constant->count && rc == 0; i++) {
		float scale = (float)stretched_value(q->scale, in, i);
		unit.finest = q->finest / (double)scale;
		double zero = stretched_value(q->zero, in, i), number = graph_value(in->constant, i);

		/* In single precision, as the exporter computes, so that halves are the same. */
		if (!q->bipolar)
			number = (double)((float)number / scale);
		if (!q->bipolar && !q->zero_after)
			number = (double)((float)number + (float)zero) - zero;
		out->constant->values[i] = quantisation_apply(&unit, 1, zero, number, 0) - zero;
		out->constant->scales[i] = q->gain > 0 ? (float)((double)scale * q->gain) : scale;
	}
	return rc;
}

/* A scale or a zero point a channel lies along the axis: made to stretch over the tensor. */
static int along_axis(const struct graph *graph, const struct graph_node *node,
	const struct graph_tensor *from, const struct graph_tensor *in, struct graph_tensor *to,
	struct error *e)
{
	int64_t axis = graph_integer(node, "axis", 1);

	*to = *from;
	if (from->constant->count == 1 || from->rank != 1)
		return 0;
	axis = axis < 0 ? axis + in->rank : axis;
	if (axis < 0 || axis >= in->rank || from->dims[0] != in->dims[axis])
		return graph_error(graph, node, -EBADMSG, e, "its scale does not fit its axis");
	to->rank = in->rank;
	for (int d = 0; d < in->rank; d++)
		to->dims[d] = d == axis ? from->dims[0] : 1;
	return 0;
}

static int dequantise_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct graph_tensor scale, zero = {0}, *out = node->outputs[0];
	const struct graph_tensor *in = graph_input(node, 0), *offset = graph_input(node, 2);
	int rc = 0;

	if (!in || !graph_input(node, 1))
		return graph_error(graph, node, -EBADMSG, e, "needs a tensor and a scale");
	if ((rc = along_axis(graph, node, node->inputs[1], in, &scale, e)) ||
		(offset && (rc = along_axis(graph, node, offset, in, &zero, e))))
		return rc;
	if (!graph_stretches(&scale, in) || (offset && !graph_stretches(&zero, in)))
		return graph_error(
			graph, node, -EBADMSG, e, "its scale has not the shape of what it multiplies");
	dims_copy(in, out);
	rc = graph_constant_fold(graph, node, TYPE_FLOAT, true, e);
	for (size_t i = 0; i < in->constant->count && rc == 0; i++) {
		out->constant->values[i] =
			in->constant->values[i] - stretched_value(offset ? &zero : NULL, in, i);
		out->constant->scales[i] = (float)stretched_value(&scale, in, i);
	}
	return rc;
}

/* To the whole numbers of the zero point's type, or uint8. */
static int quantise_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct graph_tensor scale, zero = {0}, *out = node->outputs[0];
	const struct graph_tensor *in = graph_input(node, 0), *offset = graph_input(node, 2);
	struct quantisation q = {.high = 255, .round = rounding_half_even, .zero_after = true};
	int rc = 0;

	if (!in || !graph_input(node, 1))
		return graph_error(graph, node, -EBADMSG, e, "needs a tensor and a scale");
	if ((rc = along_axis(graph, node, node->inputs[1], in, &scale, e)) ||
		(offset && (rc = along_axis(graph, node, offset, in, &zero, e))))
		return rc;
	int64_t type = offset ? offset->constant->type : TYPE_UINT8;
	if (type == TYPE_INT8) {
		q.low = -128;
		q.high = 127;
	} else if (type != TYPE_UINT8) {
		return graph_error(graph, node, -EBADMSG, e, "its zero point must be of 8 bits");
	}
	dims_copy(in, out);
	rc = graph_constant_fold(graph, node, type, false, e);
	for (size_t i = 0; i < in->constant->count && rc == 0; i++) {
		float step = (float)stretched_value(&scale, in, i);
		float number = (float)graph_value(in->constant, i) / step;

		out->constant->values[i] = quantisation_apply(
			&q, 1, stretched_value(offset ? &zero : NULL, in, i), (double)number, 0);
	}
	return rc;
}

int fold_quantised(struct graph *graph, struct graph_node *node, struct error *e)
{
	if (node->quantisation)
		return point_fold(graph, node, e);
	if (graph_is(node, "DequantizeLinear"))
		return dequantise_fold(graph, node, e);
	return graph_is(node, "QuantizeLinear") ? quantise_fold(graph, node, e) : 1;
}
