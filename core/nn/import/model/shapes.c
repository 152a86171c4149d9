/* SPDX-License-Identifier: MIT */
/* Dimensions of what nodes make. What does not fit is left unknown here: whoever needs it refuses it. */
#include "nn/import/model/graph_parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static size_t count_of(const struct graph_tensor *tensor)
{
	size_t count = 1;

	for (int i = 0; i < tensor->rank; i++)
		count *= (size_t)tensor->dims[i];
	return count;
}

static int axes_read(
	struct graph *graph, const struct graph_node *node, unsigned *axes, int rank, struct error *e)
{
	const struct onnx_attribute *attribute = graph_attribute(node, "axes");
	const struct graph_constant *list = NULL;
	int rc = attribute ? 0 : graph_constant(graph, node, 1, &list, e);
	int count = attribute ? attribute->count : list ? (int)list->count : 0;

	*axes = 0;
	for (int i = 0; i < count && rc == 0; i++) {
		double axis = !attribute       ? list->values[i]
			      : i < ONNX_EDGES ? (double)attribute->integers[i]
					       : -100;

		axis = axis < 0 ? axis + rank : axis;
		if (!(axis >= 0 && axis < rank))
			return graph_error(graph, node, -EBADMSG, e, "its axis %g is beyond its input", axis);
		*axes |= 1U << (int)axis;
	}
	return rc;
}

static int squeeze_shape(
	struct graph *graph, const struct graph_node *node, int *rank, int dims[GRAPH_RANK], struct error *e)
{
	const struct graph_tensor *in = node->inputs[0];
	unsigned axes;
	int rc = axes_read(graph, node, &axes, in->rank, e);

	*rank = 0;
	for (int i = 0; i < in->rank && rc == 0; i++)
		if (axes ? !(axes & 1U << i) : in->dims[i] != 1)
			dims[(*rank)++] = in->dims[i];
		else if (in->dims[i] != 1)
			return graph_error(
				graph, node, -EBADMSG, e, "its dimension %d is %d, not 1", i, in->dims[i]);
	return rc;
}

static int unsqueeze_shape(
	struct graph *graph, const struct graph_node *node, int *rank, int dims[GRAPH_RANK], struct error *e)
{
	const struct onnx_attribute *attribute = graph_attribute(node, "axes");
	const struct graph_tensor *in = node->inputs[0], *list = graph_input(node, 1);
	int more = attribute ? attribute->count : list && list->rank >= 0 ? (int)count_of(list) : 0;
	unsigned axes;
	int from = 0;

	if (more < 1 || in->rank + more > GRAPH_RANK)
		return graph_error(graph, node, -EBADMSG, e, "makes more than %d dimensions", GRAPH_RANK);
	*rank = in->rank + more;
	int rc = axes_read(graph, node, &axes, *rank, e);
	for (int i = 0; i < *rank && rc == 0; i++)
		if (axes & 1U << i)
			dims[i] = 1;
		else if (from < in->rank)
			dims[i] = in->dims[from++];
		else
			return graph_error(graph, node, -EBADMSG, e, "names an axis twice");
	return rc;
}

static int flatten_shape(const struct graph *graph, const struct graph_node *node, int *rank,
	int dims[GRAPH_RANK], struct error *e)
{
	const struct graph_tensor *in = node->inputs[0];
	int64_t axis = graph_integer(node, "axis", 1);

	axis = axis < 0 ? axis + in->rank : axis;
	if (axis < 0 || axis > in->rank)
		return graph_error(graph, node, -EBADMSG, e, "its axis is beyond its input");
	*rank = 2;
	dims[0] = dims[1] = 1;
	for (int i = 0; i < in->rank; i++)
		dims[i >= axis] *= in->dims[i];
	return 0;
}

static int given_shape(
	struct graph *graph, const struct graph_node *node, int *rank, int dims[GRAPH_RANK], struct error *e)
{
	const struct graph_tensor *in = node->inputs[0];
	const struct graph_constant *shape;
	size_t all = count_of(in), known = 1;
	int rc = graph_constant_needed(graph, node, 1, "the shape", &shape, e), open = -1;

	if (rc)
		return rc;
	if (shape->count > GRAPH_RANK)
		return graph_error(graph, node, -EBADMSG, e, "makes more than %d dimensions", GRAPH_RANK);
	*rank = (int)shape->count;
	for (int i = 0; i < *rank; i++) {
		double size = shape->values[i];

		if (size == 0 && i < in->rank && !graph_integer(node, "allowzero", 0))
			size = in->dims[i];
		if (size == -1 && open < 0)
			open = i;
		else if (size >= 1 && size * (double)known <= (double)all)
			known *= (size_t)(dims[i] = (int)size);
		else
			return graph_error(graph, node, -EBADMSG, e,
				"its shape holds %g, which does not fit the %zu numbers of its input", size,
				all);
	}
	if (open >= 0)
		known *= (size_t)(dims[open] = (int)(all / known));
	if (known != all)
		return graph_error(graph, node, -EBADMSG, e,
			"its shape does not hold the %zu numbers of its input", all);
	return 0;
}

int shape_of_reshape(
	struct graph *graph, const struct graph_node *node, int *rank, int dims[GRAPH_RANK], struct error *e)
{
	if (graph_is(node, "Reshape"))
		return given_shape(graph, node, rank, dims, e);
	if (graph_is(node, "Flatten"))
		return flatten_shape(graph, node, rank, dims, e);
	if (graph_is(node, "Squeeze"))
		return squeeze_shape(graph, node, rank, dims, e);
	if (graph_is(node, "Unsqueeze"))
		return unsqueeze_shape(graph, node, rank, dims, e);
	*rank = node->inputs[0]->rank;
	memcpy(dims, node->inputs[0]->dims, sizeof(node->inputs[0]->dims));
	return 0;
}

/* A number of a list attribute; what is beyond any picture is cut, so that sums of some cannot overflow. */
static int64_t attribute_at(const struct graph_node *node, const char *name, int at, int64_t other)
{
	const struct onnx_attribute *attribute = graph_attribute(node, name);
	const int64_t most = 4 * (int64_t)CHANNEL_LIMIT;
	int64_t number =
		attribute && at < attribute->count && at < ONNX_EDGES ? attribute->integers[at] : other;

	return number < -most ? -most : number > most ? most : number;
}

/* 0: does not fit. */
static int window_size(const struct graph_node *node, int axis, int64_t in, int64_t kernel)
{
	int64_t stride = attribute_at(node, "strides", axis, 1);
	int64_t dilation = attribute_at(node, "dilations", axis, 1);
	int64_t pads = attribute_at(node, "pads", axis, 0) + attribute_at(node, "pads", axis + 2, 0);
	bool same = graph_text_is(node, "auto_pad", "SAME_UPPER") ||
		    graph_text_is(node, "auto_pad", "SAME_LOWER");

	if (stride < 1 || stride > SIDE_LIMIT || dilation < 1 || dilation > SIDE_LIMIT || kernel < 1 ||
		kernel > SIDE_LIMIT || pads < 0 || pads > SIDE_LIMIT || in > CHANNEL_LIMIT)
		return 0;
	int64_t span = (kernel - 1) * dilation + 1;
	if (graph_is(node, "ConvTranspose"))
		return (int)((in - 1) * stride + span - pads + attribute_at(node, "output_padding", axis, 0));
	if (same)
		return (int)((in + stride - 1) / stride);
	if (span > in + pads)
		return 0;
	int64_t steps = (in + pads - span) / stride;
	if (graph_integer(node, "ceil_mode", 0) && (in + pads - span) % stride &&
		(steps + 1) * stride < in + attribute_at(node, "pads", axis, 0))
		steps++;
	return (int)steps + 1;
}

static void windowed_shape(const struct graph_node *node, int channels, const int *kernel)
{
	const struct graph_tensor *in = node->inputs[0];
	struct graph_tensor *out = node->outputs[0];

	if (in->rank != 4 || channels < 1)
		return;
	out->dims[0] = in->dims[0];
	out->dims[1] = channels;
	for (int axis = 0; axis < 2; axis++) {
		int64_t size = kernel ? kernel[axis] : attribute_at(node, "kernel_shape", axis, 0);

		out->dims[2 + axis] = window_size(node, axis, in->dims[2 + axis], size);
		if (out->dims[2 + axis] < 1)
			return;
	}
	out->rank = 4;
}

static void like_first(const struct graph_node *node)
{
	node->outputs[0]->rank = node->inputs[0]->rank;
	memcpy(node->outputs[0]->dims, node->inputs[0]->dims, sizeof(node->inputs[0]->dims));
}

static void stretched_shape(const struct graph_node *node)
{
	struct graph_tensor *out = node->outputs[0];

	out->rank = -1;
	for (int i = 0; i < node->input_count; i++) {
		const struct graph_tensor *in = node->inputs[i];

		if (!in)
			continue;
		if (in->rank < 0) {
			out->rank = -1;
			return;
		}
		for (int d = out->rank < 0 ? 0 : out->rank; d < in->rank;
			d++) { /* more dimensions: to the left */
			memmove(out->dims + 1, out->dims, sizeof(out->dims) - sizeof(*out->dims));
			out->dims[0] = 1;
		}
		out->rank = in->rank > out->rank ? in->rank : out->rank;
		for (int d = 0; d < in->rank; d++)
			if (in->dims[in->rank - 1 - d] != 1)
				out->dims[out->rank - 1 - d] = in->dims[in->rank - 1 - d];
	}
}

static void product_shape(const struct graph_node *node)
{
	const struct graph_tensor *a = node->inputs[0], *b = graph_input(node, 1);
	struct graph_tensor *out = node->outputs[0];
	bool gemm = graph_is(node, "Gemm");

	if (!b || b->rank != 2 || a->rank < 1 || (gemm && a->rank != 2))
		return;
	like_first(node);
	out->dims[out->rank - 1] = b->dims[gemm && graph_integer(node, "transB", 0) ? 0 : 1];
}

static void reduced_shape(struct graph *graph, const struct graph_node *node)
{
	const struct graph_tensor *in = node->inputs[0];
	struct graph_tensor *out = node->outputs[0];
	struct error ignored;
	unsigned axes;

	if (axes_read(graph, node, &axes, in->rank, &ignored))
		return;
	out->rank = 0;
	for (int i = 0; i < in->rank; i++)
		if (axes && !(axes & 1U << i))
			out->dims[out->rank++] = in->dims[i];
		else if (graph_integer(node, "keepdims", 1))
			out->dims[out->rank++] = 1;
}

static void transposed_shape(const struct graph_node *node)
{
	const struct graph_tensor *in = node->inputs[0];
	struct graph_tensor *out = node->outputs[0];

	for (int i = 0; i < in->rank; i++) {
		int64_t from = attribute_at(node, "perm", i, in->rank - 1 - i);

		if (from < 0 || from >= in->rank)
			return;
		out->dims[i] = in->dims[from];
	}
	out->rank = in->rank;
}

static void concatenated_shape(const struct graph_node *node)
{
	struct graph_tensor *out = node->outputs[0];
	int64_t axis = graph_integer(node, "axis", 0);

	for (int i = 0; i < node->input_count; i++)
		if (!node->inputs[i] || node->inputs[i]->rank != node->inputs[0]->rank)
			return;
	like_first(node);
	axis = axis < 0 ? axis + out->rank : axis;
	for (int i = 1; i < node->input_count && axis >= 0 && axis < out->rank; i++)
		out->dims[axis] += node->inputs[i]->dims[axis];
}

/* Resize, Upsample: by the scales, or to the sizes. */
static void resized_shape(struct graph *graph, const struct graph_node *node)
{
	const struct graph_tensor *in = node->inputs[0];
	const struct onnx_attribute *attribute = graph_attribute(node, "scales");
	const struct graph_constant *scales = NULL, *sizes = NULL;
	struct error ignored;
	int at = graph_is(node, "Resize") && node->input_count > 2 ? 2 : 1;

	if (graph_constant(graph, node, at, &scales, &ignored) ||
		graph_constant(graph, node, 3, &sizes, &ignored))
		return;
	bool by_scales = (scales && (int)scales->count == in->rank) ||
			 (attribute && attribute->number_count == in->rank);
	if (in->rank > ONNX_EDGES || (!by_scales && !(sizes && (int)sizes->count == in->rank)))
		return;
	for (int i = 0; i < in->rank; i++) {
		double scale = !by_scales ? 0 : attribute ? (double)attribute->numbers[i] : scales->values[i];
		double size = by_scales ? floor(in->dims[i] * scale + 1e-6) : sizes->values[i];

		if (!(size >= 1 && size <= CHANNEL_LIMIT))
			return;
		node->outputs[0]->dims[i] = (int)size;
	}
	node->outputs[0]->rank = in->rank;
}

static void depth_shape(const struct graph_node *node)
{
	const struct graph_tensor *in = node->inputs[0];
	struct graph_tensor *out = node->outputs[0];
	int64_t block = graph_integer(node, "blocksize", 0);

	if (in->rank != 4 || block < 1 || block > CHANNEL_LIMIT || in->dims[1] % (block * block) ||
		in->dims[2] > CHANNEL_LIMIT / block || in->dims[3] > CHANNEL_LIMIT / block)
		return;
	out->rank = 4;
	out->dims[0] = in->dims[0];
	out->dims[1] = (int)(in->dims[1] / (block * block));
	out->dims[2] = (int)(in->dims[2] * block);
	out->dims[3] = (int)(in->dims[3] * block);
}

static void padded_shape(struct graph *graph, const struct graph_node *node)
{
	const struct graph_tensor *in = node->inputs[0];
	const struct onnx_attribute *attribute = graph_attribute(node, "pads");
	const struct graph_constant *pads = NULL;
	struct error ignored;

	if (!attribute && (graph_constant(graph, node, 1, &pads, &ignored) || !pads))
		return;
	int count = attribute ? attribute->count : (int)pads->count;
	if (count != 2 * in->rank || (attribute && count > ONNX_EDGES))
		return;
	for (int i = 0; i < in->rank; i++) {
		double more =
			attribute ? (double)attribute->integers[i] + (double)attribute->integers[i + in->rank]
				  : pads->values[i] + pads->values[i + in->rank];
		double size = in->dims[i] + more;

		if (!(size >= 1 && size <= CHANNEL_LIMIT))
			return;
		node->outputs[0]->dims[i] = (int)size;
	}
	node->outputs[0]->rank = in->rank;
}

static bool is_of(const struct graph_node *node, const char *const *types)
{
	for (; *types; types++)
		if (graph_is(node, *types))
			return true;
	return false;
}

static int channels_of_groups(const struct graph_node *node, int channels)
{
	int64_t groups = graph_integer(node, "group", 1);

	return groups >= 1 && groups <= CHANNEL_LIMIT && channels * groups <= CHANNEL_LIMIT
		       ? (int)(channels * groups)
		       : 0;
}

static void shape_of_layer(const struct graph_node *node)
{
	const struct graph_tensor *in = node->inputs[0], *weights = graph_input(node, 1);
	struct graph_tensor *out = node->outputs[0];

	if (graph_is(node, "Conv") && weights && weights->rank == 4)
		windowed_shape(node, weights->dims[0], weights->dims + 2);
	if (graph_is(node, "ConvTranspose") && weights && weights->rank == 4)
		windowed_shape(node, channels_of_groups(node, weights->dims[1]), weights->dims + 2);
	if (graph_is(node, "MaxPool") || graph_is(node, "AveragePool"))
		windowed_shape(node, in->dims[1], NULL);
	if (graph_is(node, "GlobalAveragePool") || graph_is(node, "GlobalMaxPool")) {
		like_first(node);
		for (int i = 2; i < out->rank; i++)
			out->dims[i] = 1;
	}
	if (graph_is(node, "Gemm") || graph_is(node, "MatMul"))
		product_shape(node);
	if (graph_is(node, "Transpose"))
		transposed_shape(node);
	if (graph_is(node, "Concat"))
		concatenated_shape(node);
}

static bool all_known(const struct graph_node *node)
{
	for (int i = 0; i < node->input_count; i++)
		if (node->inputs[i] && node->inputs[i]->rank < 0)
			return false;
	return node->input_count > 0 && node->inputs[0];
}

int shapes_infer(struct graph *graph, struct graph_node *node, struct error *e)
{
	static const char *const kept[] = {"Abs", "BatchNormalization", "Cast", "Ceil", "Clip",
		"DequantizeLinear", "Dropout", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish",
		"Identity", "LeakyRelu", "LogSoftmax", "Neg", "PRelu", "QuantizeLinear", "Relu", "Round",
		"Sigmoid", "Softmax", "Softplus", "Sqrt", "Tanh", NULL};
	static const char *const stretched[] = {
		"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Pow", "Mean", NULL};
	static const char *const reshapes[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", NULL};
	static const char *const reduced[] = {"ReduceMean", "ReduceSum", "ReduceMax", NULL};
	struct graph_tensor *out = node->outputs[0];

	if (!out || !all_known(node))
		return 0;
	if (node->quantisation || is_of(node, kept))
		like_first(node);
	else if (is_of(node, stretched))
		stretched_shape(node);
	else if (is_of(node, reshapes))
		return shape_of_reshape(graph, node, &out->rank, out->dims, e);
	else if (is_of(node, reduced))
		reduced_shape(graph, node);
	else if (graph_is(node, "Resize") || graph_is(node, "Upsample"))
		resized_shape(graph, node);
	else if (graph_is(node, "DepthToSpace"))
		depth_shape(node);
	else if (graph_is(node, "Pad"))
		padded_shape(graph, node);
	else
		shape_of_layer(node);
	return 0;
}
