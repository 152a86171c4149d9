/* SPDX-License-Identifier: MIT */
/* Folding of operators that move numbers, and keep their scales; and of means. */
#include "nn/import/model/graph_parts.h"

#include <errno.h>
#include <string.h>

static bool is_any(const struct graph_node *node, const char *const *types)
{
	for (; *types; types++)
		if (graph_is(node, *types))
			return true;
	return false;
}

/* A constant of the dimensions of outputs[0], with scales if what it is made of has them. */
static int moved_make(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct graph_constant *in = node->inputs[0]->constant;

	return graph_constant_fold(graph, node, in->type, in->scales != NULL, e);
}

static void number_move(
	const struct graph_constant *from, size_t source, struct graph_constant *to, size_t place)
{
	to->values[place] = to->scales ? from->values[source] : graph_value(from, source);
	if (to->scales)
		to->scales[place] = from->scales ? from->scales[source] : 1;
}

static int reshape_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct graph_tensor *out = node->outputs[0];
	int rc = shape_of_reshape(graph, node, &out->rank, out->dims, e);

	if (rc || (rc = moved_make(graph, node, e)))
		return rc;
	for (size_t i = 0; i < out->constant->count; i++)
		number_move(node->inputs[0]->constant, i, out->constant, i);
	return 0;
}

/* perm[i] is the dimension of the input that becomes dimension i; by default they are mirrored. */
static int permutation_read(
	struct graph *graph, const struct graph_node *node, int perm[GRAPH_RANK], struct error *e)
{
	const struct onnx_attribute *given = graph_attribute(node, "perm");
	int rank = node->inputs[0]->rank;
	unsigned seen = 0;

	for (int i = 0; i < rank; i++) {
		int64_t from = given ? (i < given->count ? given->integers[i] : -1) : rank - 1 - i;

		if (from < 0 || from >= rank || (seen & 1U << from))
			return graph_error(
				graph, node, -EBADMSG, e, "its perm is no order of %d dimensions", rank);
		seen |= 1U << from;
		perm[i] = (int)from;
	}
	return 0;
}

static int transpose_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct graph_tensor *in = node->inputs[0];
	struct graph_tensor *out = node->outputs[0];
	size_t strides[GRAPH_RANK] = {0}, stride = 1;
	int perm[GRAPH_RANK] = {0};
	int rc = permutation_read(graph, node, perm, e);

	if (rc)
		return rc;
	for (int i = in->rank - 1; i >= 0; i--) {
		strides[i] = stride;
		stride *= (size_t)in->dims[i];
	}
	out->rank = in->rank;
	for (int i = 0; i < in->rank; i++)
		out->dims[i] = in->dims[perm[i]];
	if ((rc = moved_make(graph, node, e)))
		return rc;
	for (size_t index = 0; index < out->constant->count; index++) {
		size_t rest = index, place = 0;

		for (int i = in->rank - 1; i >= 0; i--) {
			place += rest % (size_t)out->dims[i] * strides[perm[i]];
			rest /= (size_t)out->dims[i];
		}
		number_move(in->constant, place, out->constant, index);
	}
	return 0;
}

/* The axis of an attribute, counted from the first; −1: it is none. */
static int axis_of(const struct graph_node *node, int64_t axis, int rank)
{
	(void)node;
	axis = axis < 0 ? axis + rank : axis;
	return axis >= 0 && axis < rank ? (int)axis : -1;
}

/* How many numbers lie behind one step along the axis. */
static size_t inner_of(const struct graph_tensor *tensor, int axis)
{
	size_t inner = 1;

	for (int i = axis + 1; i < tensor->rank; i++)
		inner *= (size_t)tensor->dims[i];
	return inner;
}

static int concat_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	struct graph_tensor *out = node->outputs[0], *first = node->inputs[0];
	int axis = axis_of(node, graph_integer(node, "axis", 0), first->rank), rc;

	if (axis < 0)
		return graph_error(graph, node, -EBADMSG, e, "its axis is none of its inputs");
	*out->dims = 0;
	out->rank = first->rank;
	memcpy(out->dims, first->dims, sizeof(out->dims));
	out->dims[axis] = 0;
	for (int i = 0; i < node->input_count; i++) {
		const struct graph_tensor *in = node->inputs[i];

		for (int d = 0; in && d < out->rank; d++)
			if (in->rank != out->rank || (d != axis && in->dims[d] != first->dims[d]))
				return graph_error(
					graph, node, -EBADMSG, e, "its constants do not fit each other");
		out->dims[axis] += in ? in->dims[axis] : 0;
	}
	if ((rc = moved_make(graph, node, e)))
		return rc;
	size_t inner = inner_of(out, axis), row = inner * (size_t)out->dims[axis], before = 0;
	for (int i = 0; i < node->input_count; i++) {
		const struct graph_tensor *in = node->inputs[i];
		size_t part = in ? inner * (size_t)in->dims[axis] : 0;

		for (size_t k = 0; in && k < in->constant->count; k++)
			number_move(in->constant, k, out->constant, k / part * row + before + k % part);
		before += part;
	}
	return 0;
}

static int gather_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct graph_tensor *in = node->inputs[0], *at = graph_input(node, 1);
	struct graph_tensor *out = node->outputs[0];
	int axis = axis_of(node, graph_integer(node, "axis", 0), in->rank), rc;

	if (axis < 0 || !at || in->rank - 1 + at->rank > GRAPH_RANK)
		return graph_error(graph, node, -EBADMSG, e, "its axis or indices are none of its input");
	out->rank = 0;
	for (int i = 0; i < axis; i++)
		out->dims[out->rank++] = in->dims[i];
	for (int i = 0; i < at->rank; i++)
		out->dims[out->rank++] = at->dims[i];
	for (int i = axis + 1; i < in->rank; i++)
		out->dims[out->rank++] = in->dims[i];
	if ((rc = moved_make(graph, node, e)))
		return rc;
	size_t inner = inner_of(in, axis), size = (size_t)in->dims[axis], count = at->constant->count;
	for (size_t i = 0; i < out->constant->count; i++) {
		double index = at->constant->values[i / inner % count];

		index = index < 0 ? index + (double)size : index;
		if (!(index >= 0 && index < (double)size))
			return graph_error(
				graph, node, -EBADMSG, e, "its index %g is beyond its input", index);
		number_move(in->constant, (i / inner / count * size + (size_t)index) * inner + i % inner,
			out->constant, i);
	}
	return 0;
}

/* Begin, end and step along each axis. */
struct cut {
	int64_t begin[GRAPH_RANK], step[GRAPH_RANK];
};

static double bounded(double number, double low, double high)
{
	return number < low ? low : number > high ? high : number;
}

static int cut_axis(struct graph *graph, const struct graph_node *node, int axis, const double numbers[3],
	struct cut *cut, struct error *e)
{
	struct graph_tensor *out = node->outputs[0];
	double size = out->dims[axis], begin = numbers[0], end = numbers[1], step = numbers[2];

	if (step == 0)
		return graph_error(graph, node, -EBADMSG, e, "its step is 0");
	begin = begin < 0 ? begin + size : begin;
	end = end < 0 ? end + size : end;
	begin = step > 0 ? bounded(begin, 0, size) : bounded(begin, -1, size - 1);
	end = step > 0 ? bounded(end, 0, size) : bounded(end, -1, size);
	double count = (end - begin) / step;
	cut->begin[axis] = (int64_t)begin;
	cut->step[axis] = (int64_t)bounded(step, -size - 1, size + 1);
	out->dims[axis] = count > 0 ? (int)(count + (count > (double)(int64_t)count)) : 0;
	return 0;
}

static int cut_read(struct graph *graph, const struct graph_node *node, struct cut *cut, struct error *e)
{
	const struct graph_tensor *const *in = (const struct graph_tensor *const *)node->inputs;
	int rc = 0;

	if (node->input_count < 3 || !in[1] || !in[2] || in[1]->constant->count != in[2]->constant->count)
		return graph_error(graph, node, -EBADMSG, e, "needs starts and ends as inputs");
	for (int i = 0; i < GRAPH_RANK; i++) {
		cut->begin[i] = 0;
		cut->step[i] = 1;
	}
	for (size_t i = 0; i < in[1]->constant->count && rc == 0; i++) {
		const struct graph_tensor *axes = graph_input(node, 3), *steps = graph_input(node, 4);
		bool odd = (axes && i >= axes->constant->count) || (steps && i >= steps->constant->count);
		double which = odd ? GRAPH_RANK : axes ? axes->constant->values[i] : (double)i;
		int axis = which >= -GRAPH_RANK && which < GRAPH_RANK
				   ? axis_of(node, (int64_t)which, in[0]->rank)
				   : -1;

		if (axis < 0)
			return graph_error(graph, node, -EBADMSG, e, "its axes are none of its input");
		const double numbers[] = {in[1]->constant->values[i], in[2]->constant->values[i],
			steps ? steps->constant->values[i] : 1};
		rc = cut_axis(graph, node, axis, numbers, cut, e);
	}
	return rc;
}

static int slice_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct graph_tensor *in = node->inputs[0];
	struct graph_tensor *out = node->outputs[0];
	struct cut cut = {0};
	int rc;

	out->rank = in->rank;
	memcpy(out->dims, in->dims, sizeof(out->dims));
	if ((rc = cut_read(graph, node, &cut, e)) || (rc = moved_make(graph, node, e)))
		return rc;
	for (size_t i = 0; i < out->constant->count; i++) {
		size_t rest = i, place = 0, stride = 1;

		for (int d = in->rank - 1; d >= 0; d--) {
			int64_t at = cut.begin[d] + (int64_t)(rest % (size_t)out->dims[d]) * cut.step[d];

			place += (size_t)at * stride;
			stride *= (size_t)in->dims[d];
			rest /= (size_t)out->dims[d];
		}
		number_move(in->constant, place, out->constant, i);
	}
	return 0;
}

static int expand_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct graph_tensor *in = node->inputs[0], *shape = graph_input(node, 1);
	struct graph_tensor *out = node->outputs[0];
	int rc;

	if (!shape || shape->constant->count > GRAPH_RANK)
		return graph_error(graph, node, -EBADMSG, e, "needs a shape");
	int count = (int)shape->constant->count;
	out->rank = count > in->rank ? count : in->rank;
	for (int d = 0; d < out->rank; d++) {
		int own = d < in->rank ? in->dims[in->rank - 1 - d] : 1;
		double size = d < count ? shape->constant->values[count - 1 - d] : 1;

		if (!(size >= 1 && size < 1 << 28) || (own != 1 && size != 1 && size != own))
			return graph_error(graph, node, -EBADMSG, e, "its shape holds %g", size);
		out->dims[out->rank - 1 - d] = own == 1 ? (int)size : own;
	}
	if ((rc = moved_make(graph, node, e)))
		return rc;
	for (size_t i = 0; i < out->constant->count; i++)
		number_move(in->constant, graph_stretched(in, out, i), out->constant, i);
	return 0;
}

/* The mean (or sum) over all axes, or over those of the attribute or of input 1. */
static int mean_fold(struct graph *graph, struct graph_node *node, struct error *e)
{
	const struct onnx_attribute *axes = graph_attribute(node, "axes");
	const struct graph_constant *in = node->inputs[0]->constant;
	struct graph_tensor *out = node->outputs[0];
	double sum = 0;
	int rc;

	if ((axes && axes->count != node->inputs[0]->rank) ||
		(graph_input(node, 1) && (int)node->inputs[1]->constant->count != node->inputs[0]->rank))
		return graph_error(
			graph, node, -EBADMSG, e, "of a constant only the mean of all numbers can be taken");
	out->rank = graph_integer(node, "keepdims", 1) ? node->inputs[0]->rank : 0;
	for (int i = 0; i < out->rank; i++)
		out->dims[i] = 1;
	if ((rc = graph_constant_fold(graph, node, in->type, false, e)))
		return rc;
	for (size_t i = 0; i < in->count; i++)
		sum += graph_value(in, i);
	sum = graph_is(node, "ReduceMean") && in->count ? sum / (double)in->count : sum;
	out->constant->values[0] = in->type == TYPE_FLOAT ? (double)(float)sum : sum;
	return 0;
}

int fold_move(struct graph *graph, struct graph_node *node, struct error *e)
{
	static const char *const reshapes[] = {
		"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", NULL};
	static const char *const means[] = {"ReduceMean", "ReduceSum", NULL};

	if (!graph_input(node, 0))
		return 1;
	if (is_any(node, reshapes))
		return reshape_fold(graph, node, e);
	if (is_any(node, means))
		return mean_fold(graph, node, e);
	if (graph_is(node, "Transpose"))
		return transpose_fold(graph, node, e);
	if (graph_is(node, "Concat"))
		return concat_fold(graph, node, e);
	if (graph_is(node, "Gather"))
		return gather_fold(graph, node, e);
	if (graph_is(node, "Slice"))
		return slice_fold(graph, node, e);
	return graph_is(node, "Expand") ? expand_fold(graph, node, e) : 1;
}
