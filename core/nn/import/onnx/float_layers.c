/* SPDX-License-Identifier: MIT */
/* Operators with weights or windows, and those that move numbers. */
#include "nn/import/onnx/float_builder.h"

#include "nn/limits.h"

#include <stdlib.h>
#include <string.h>

/* An attribute of whole numbers, `other` where it is missing. */
static int integers_take(const struct builder *b, const char *name, int count, int64_t least, int64_t other,
	int *out, struct error *e)
{
	const struct onnx_attribute *attribute = graph_attribute(b->node, name);

	for (int i = 0; i < count; i++) {
		int64_t value = attribute && attribute->count ? attribute->integers[i] : other;
		if ((attribute && attribute->count && attribute->count != count) || value < least ||
			value > SIDE_LIMIT)
			return graph_error(b->graph, b->node, -EBADMSG, e, "its %s cannot be imported", name);
		out[i] = (int)value;
	}
	return 0;
}

/* Padding in front, where the model leaves it to the operator ("SAME_UPPER", "SAME_LOWER"). */
static int same_padding(const struct builder *b, int in, int out, int stride, int span)
{
	int all = (out - 1) * stride + span - in;

	all = all < 0 ? 0 : all;
	return graph_text_is(b->node, "auto_pad", "SAME_LOWER") ? all - all / 2 : all / 2;
}

static int window_take(struct builder *b, const int kernel[2], struct error *e)
{
	struct float_window *w = &b->op->window;
	int strides[2] = {0}, dilations[2] = {0}, pads[4] = {0}, rc = 0;

	if ((rc = integers_take(b, "strides", 2, 1, 1, strides, e)) ||
		(rc = integers_take(b, "dilations", 2, 1, 1, dilations, e)) ||
		(rc = integers_take(b, "pads", 4, 0, 0, pads, e)))
		return rc;
	*w = (struct float_window){builder_read(b), b->made->shape, kernel[0], kernel[1], strides[0],
		strides[1], dilations[0], dilations[1], pads[0], pads[1], 1};
	if (kernel[0] < 1 || kernel[1] < 1 || kernel[0] > SIDE_LIMIT || kernel[1] > SIDE_LIMIT)
		return graph_error(b->graph, b->node, -EBADMSG, e, "its kernel cannot be imported");
	int64_t down = (int64_t)(kernel[0] - 1) * dilations[0] + 1,
		across = (int64_t)(kernel[1] - 1) * dilations[1] + 1;
	if (down > SIDE_LIMIT || across > SIDE_LIMIT)
		return graph_error(
			b->graph, b->node, -EBADMSG, e, "its kernel spans more than %d pixels", SIDE_LIMIT);
	if (graph_text_is(b->node, "auto_pad", "SAME_UPPER") ||
		graph_text_is(b->node, "auto_pad", "SAME_LOWER")) {
		w->pad_top = same_padding(b, w->in.height, w->out.height, w->stride_height, (int)down);
		w->pad_left = same_padding(b, w->in.width, w->out.width, w->stride_width, (int)across);
	}
	if ((int64_t)w->out.height * w->stride_height > INT32_MAX ||
		(int64_t)w->out.width * w->stride_width > INT32_MAX)
		return graph_error(b->graph, b->node, -EBADMSG, e, "its strides cannot be imported");
	return 0;
}

int conv_build(struct builder *b, struct error *e)
{
	const struct graph_tensor *weights = graph_input(b->node, 1);
	int64_t groups = graph_integer(b->node, "group", 1);
	struct shape in, out = b->made->shape;
	int rc = builder_input(b, 0, e);

	if (rc)
		return rc;
	in = builder_read(b);
	if (!weights || weights->rank != 4 || groups < 1 || groups > in.channels || in.channels % groups ||
		out.channels % groups || weights->dims[1] != in.channels / groups ||
		weights->dims[0] != out.channels)
		return graph_error(b->graph, b->node, -EBADMSG, e, "its weights do not fit its %d channels",
			in.channels);
	if ((rc = window_take(b, weights->dims + 2, e)))
		return rc;
	b->op->kind = FLOAT_CONV;
	b->op->window.groups = (int)groups;
	size_t taps = (size_t)weights->dims[1] * (size_t)weights->dims[2] * (size_t)weights->dims[3];
	rc = builder_numbers(b, 1, "the weights", taps * (size_t)out.channels, &b->op->weights, e);
	if (rc == 0 && graph_input(b->node, 2))
		rc = builder_numbers(b, 2, "the bias", (size_t)out.channels, &b->op->bias, e);
	return rc;
}

/* Zeros between the numbers that a transposed convolution reads: an operation of its own. */
static int stuffing_build(struct builder *b, const int factor[2], struct error *e)
{
	int rc = builder_input(b, 0, e);

	if (rc)
		return rc;
	struct shape in = builder_read(b);
	int64_t height = (int64_t)(in.height - 1) * factor[0] + 1,
		width = (int64_t)(in.width - 1) * factor[1] + 1;
	if (height > SIDE_LIMIT || width > SIDE_LIMIT || height * width * in.channels > FLOAT_TENSOR_MAXIMUM)
		return graph_error(b->graph, b->node, -EOVERFLOW, e, "makes a picture that is too large");
	b->made->shape = (struct shape){(int)height, (int)width, in.channels};
	b->made->tensor = NULL;
	b->op->kind = FLOAT_UPSAMPLE;
	b->op->stuffed = true;
	b->op->window = (struct float_window){
		.in = in, .out = b->made->shape, .stride_height = factor[0], .stride_width = factor[1]};
	return 0;
}

/* The operation of the same node that reads what the current one makes. */
static void builder_follow(struct builder *b, struct shape shape)
{
	int value = ++b->out->op_count;

	b->op = &b->out->ops[value];
	b->op->node = b->node;
	b->op->inputs[b->op->input_count++] = value;
	b->out->values[value].readers++;
	b->made = &b->out->values[value + 1];
	b->made->shape = shape;
	b->made->tensor = b->node->outputs[0];
}

/* Turns a kernel [in][out of a group] round, into [out][in of a group]. */
static int kernel_turn(
	const struct builder *b, const struct graph_tensor *weights, float **kernel, struct error *e)
{
	size_t in = (size_t)weights->dims[0], outs = (size_t)weights->dims[1];
	size_t taps = (size_t)weights->dims[2] * (size_t)weights->dims[3];
	size_t depth = in / (size_t)b->op->window.groups;
	float *turned = malloc((in * outs * taps + 1) * sizeof(*turned));

	if (!turned)
		return builder_memory(b, e);
	for (size_t i = 0; i < in; i++)
		for (size_t o = 0; o < outs; o++)
			for (size_t tap = 0; tap < taps; tap++)
				turned[((i / depth * outs + o) * depth + i % depth) * taps + taps - 1 - tap] =
					(*kernel)[(i * outs + o) * taps + tap];
	free(*kernel);
	*kernel = turned;
	return 0;
}

/* A convolution of stride 1 with the kernel turned round, over numbers with zeros between them. */
int transposed_build(struct builder *b, struct error *e)
{
	const struct graph_tensor *weights = graph_input(b->node, 1);
	int64_t groups = graph_integer(b->node, "group", 1);
	struct shape out = b->made->shape;
	int strides[2], rc = integers_take(b, "strides", 2, 1, 1, strides, e);

	if (rc || (rc = stuffing_build(b, strides, e)))
		return rc;
	struct shape in = b->made->shape;
	if (!weights || weights->rank != 4 || groups < 1 || groups > in.channels || in.channels % groups ||
		weights->dims[0] != in.channels || weights->dims[1] * groups != out.channels)
		return graph_error(b->graph, b->node, -EBADMSG, e, "its weights do not fit its %d channels",
			in.channels);
	if (graph_attribute(b->node, "output_shape") || graph_text_is(b->node, "auto_pad", "SAME_UPPER") ||
		graph_text_is(b->node, "auto_pad", "SAME_LOWER"))
		return graph_error(b->graph, b->node, -EBADMSG, e,
			"its output_shape or auto_pad cannot be imported; give pads instead");
	builder_follow(b, out);
	if ((rc = window_take(b, weights->dims + 2, e)))
		return rc;
	struct float_window *w = &b->op->window;
	w->stride_height = w->stride_width = 1;
	w->pad_top = (w->kernel_height - 1) * w->dilation_height - w->pad_top;
	w->pad_left = (w->kernel_width - 1) * w->dilation_width - w->pad_left;
	w->groups = (int)groups;
	b->op->kind = FLOAT_CONV;
	size_t taps = (size_t)weights->dims[2] * (size_t)weights->dims[3];
	size_t count = (size_t)weights->dims[0] * (size_t)weights->dims[1] * taps;
	if ((rc = builder_numbers(b, 1, "the weights", count, &b->op->weights, e)) ||
		(rc = kernel_turn(b, weights, &b->op->weights, e)) || !graph_input(b->node, 2))
		return rc;
	return builder_numbers(b, 2, "the bias", (size_t)out.channels, &b->op->bias, e);
}

/* Turns [in][out] into [out][in]. */
static int transpose(const struct builder *b, size_t rows, size_t columns, float **matrix, struct error *e)
{
	float *turned = malloc((rows * columns + 1) * sizeof(*turned));

	if (!turned)
		return builder_memory(b, e);
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < columns; c++)
			turned[c * rows + r] = (*matrix)[r * columns + c];
	free(*matrix);
	*matrix = turned;
	return 0;
}

int matrix_build(struct builder *b, struct error *e)
{
	bool gemm = graph_is(b->node, "Gemm"), turned = gemm && graph_integer(b->node, "transB", 0);
	double alpha = gemm ? graph_number(b->node, "alpha", 1) : 1,
	       beta = gemm ? graph_number(b->node, "beta", 1) : 0;
	size_t out = shape_size(b->made->shape);
	int rc = builder_input(b, 0, e);
	size_t in = rc ? 0 : shape_size(builder_read(b));

	if (rc == 0 && gemm && (graph_integer(b->node, "transA", 0) || alpha <= 0 || beta <= 0))
		rc = graph_error(
			b->graph, b->node, -EBADMSG, e, "its transA, alpha or beta cannot be imported");
	if (rc || (rc = builder_numbers(b, 1, "the weights", in * out, &b->op->weights, e)) ||
		(!turned && (rc = transpose(b, in, out, &b->op->weights, e))))
		return rc;
	b->op->kind = FLOAT_MATRIX;
	if (gemm && graph_input(b->node, 2))
		rc = builder_numbers(b, 2, "the bias", out, &b->op->bias, e);
	for (size_t i = 0; i < in * out && rc == 0; i++)
		b->op->weights[i] *= (float)alpha;
	for (size_t i = 0; i < out && rc == 0 && b->op->bias; i++)
		b->op->bias[i] *= (float)beta;
	return rc;
}

int concat_build(struct builder *b, struct error *e)
{
	int64_t axis = graph_integer(b->node, "axis", 1);
	int channels = 0, rc = 0;

	b->op->kind = FLOAT_CONCAT;
	for (int i = 0; i < b->node->input_count && rc == 0; i++)
		if ((rc = builder_input(b, i, e)) == 0)
			channels += b->out->values[b->op->inputs[i]].shape.channels;
	if (rc == 0 &&
		((axis != 1 && axis != 1 - b->made->tensor->rank) || channels != b->made->shape.channels))
		rc = graph_error(b->graph, b->node, -EBADMSG, e, "only channels can be joined");
	return rc;
}

int pool_build(struct builder *b, struct error *e)
{
	bool max = graph_is(b->node, "MaxPool");
	int kernel[2] = {0}, rc = builder_input(b, 0, e);

	if (rc || (rc = integers_take(b, "kernel_shape", 2, 1, 0, kernel, e)) ||
		(rc = window_take(b, kernel, e)))
		return rc;
	b->op->kind = max ? FLOAT_MAX_POOL : FLOAT_AVERAGE_POOL;
	b->op->padding_counts = graph_integer(b->node, "count_include_pad", 0) != 0;
	return 0;
}

/* The mean over both directions. */
int global_build(struct builder *b, struct error *e)
{
	int rc = builder_input(b, 0, e);

	if (rc)
		return rc;
	struct shape in = builder_read(b);
	if (shape_size(b->made->shape) != (size_t)in.channels)
		return graph_error(b->graph, b->node, -EBADMSG, e,
			"only the mean over height and width can be imported");
	b->op->kind = graph_is(b->node, "GlobalMaxPool") ? FLOAT_MAX_POOL : FLOAT_AVERAGE_POOL;
	b->op->window =
		(struct float_window){in, {1, 1, in.channels}, in.height, in.width, 1, 1, 1, 1, 0, 0, 1};
	return 0;
}

int copy_build(struct builder *b, struct error *e)
{
	int rc = builder_input(b, 0, e);

	b->op->kind = FLOAT_COPY;
	if (rc == 0 && shape_size(builder_read(b)) != shape_size(b->made->shape))
		rc = graph_error(b->graph, b->node, -EBADMSG, e, "makes more or fewer numbers than it reads");
	return rc;
}

int transpose_build(struct builder *b, struct error *e)
{
	const struct graph_tensor *made = b->made->tensor;
	int wide = 0;

	for (int i = 0; i < made->rank; i++)
		wide += made->dims[i] > 1;
	if (wide > 1)
		return graph_error(
			b->graph, b->node, -EBADMSG, e, "reorders numbers that depend on the picture");
	return copy_build(b, e);
}

int pad_build(struct builder *b, struct error *e)
{
	const struct graph_constant *pads = NULL, *value = NULL;
	const struct onnx_attribute *attribute = graph_attribute(b->node, "pads");
	int rc = builder_input(b, 0, e), place[2];

	if (rc || (rc = graph_constant(b->graph, b->node, 1, &pads, e)) ||
		(rc = graph_constant(b->graph, b->node, 2, &value, e)))
		return rc;
	bool zeros = !graph_attribute(b->node, "mode") || graph_text_is(b->node, "mode", "constant");
	if ((!pads || pads->count != 8) && (!attribute || attribute->count != 8))
		return graph_error(b->graph, b->node, -EBADMSG, e, "only height and width can be padded");
	for (int i = 0; i < 2; i++) {
		double at = pads ? pads->values[2 + i] : (double)attribute->integers[2 + i];
		place[i] = at >= 0 && at <= SIDE_LIMIT ? (int)at : -1;
	}
	struct shape in = builder_read(b), out = b->made->shape;
	if (memcmp(&in, &out, sizeof(in)) == 0 && place[0] == 0 && place[1] == 0) {
		b->op->kind = FLOAT_COPY; /* whatever it would pad with */
		return 0;
	}
	if (!zeros || (value && value->count && graph_value(value, 0) != 0) || place[0] < 0 || place[1] < 0 ||
		in.channels != out.channels || in.height + place[0] > out.height ||
		in.width + place[1] > out.width)
		return graph_error(
			b->graph, b->node, -EBADMSG, e, "only zeros around a picture can be imported");
	b->op->kind = FLOAT_PAD;
	b->op->window =
		(struct float_window){.in = in, .out = out, .pad_top = place[0], .pad_left = place[1]};
	return 0;
}

int upsample_build(struct builder *b, struct error *e)
{
	int rc = builder_input(b, 0, e);

	if (rc)
		return rc;
	struct shape in = builder_read(b), out = b->made->shape;
	if ((graph_attribute(b->node, "mode") && !graph_text_is(b->node, "mode", "nearest")) ||
		in.channels != out.channels || out.height % in.height || out.width % in.width)
		return graph_error(b->graph, b->node, -EBADMSG, e,
			"only whole factors and the mode \"nearest\" can be imported");
	b->op->kind = FLOAT_UPSAMPLE;
	b->op->window = (struct float_window){.in = in,
		.out = out,
		.stride_height = out.height / in.height,
		.stride_width = out.width / in.width};
	return 0;
}
