/* SPDX-License-Identifier: MIT */
/* Operators that compute each number from numbers at the same place. */
#include "nn/import/onnx/float_builder.h"

#include <math.h>
#include <stdlib.h>

int batch_norm_build(struct builder *b, struct error *e)
{
	size_t channels = (size_t)b->made->shape.channels;
	float *mean = NULL, *variance = NULL;
	double epsilon = graph_number(b->node, "epsilon", 1e-5);
	int rc = 0;

	b->op->kind = FLOAT_AFFINE;
	if ((rc = builder_input(b, 0, e)) ||
		(rc = builder_numbers(b, 1, "the factors", channels, &b->op->factor, e)) ||
		(rc = builder_numbers(b, 2, "the summands", channels, &b->op->summand, e)) ||
		(rc = builder_numbers(b, 3, "the means", channels, &mean, e)) ||
		(rc = builder_numbers(b, 4, "the variances", channels, &variance, e)))
		goto end;
	for (size_t c = 0; c < channels; c++) {
		double factor = (double)b->op->factor[c] / sqrt((double)variance[c] + epsilon);

		b->op->factor[c] = (float)factor;
		b->op->summand[c] = (float)((double)b->op->summand[c] - (double)mean[c] * factor);
	}
end:
	free(mean);
	free(variance);
	return rc;
}

/* A constant stretched over the channels of what the node makes. */
static int channels_take(struct builder *b, int index, float **out, struct error *e)
{
	const struct graph_constant *constant;
	const struct graph_tensor *made = b->made->tensor;
	size_t plane = (size_t)b->made->shape.height * (size_t)b->made->shape.width;
	int rc = graph_constant_needed(b->graph, b->node, index, "the numbers", &constant, e);

	if (rc || (rc = builder_channels(b, out, e)))
		return rc;
	for (int c = 0; c < b->made->shape.channels; c++) {
		size_t first = 0, last = 0;

		if (constant->count > 1) {
			if (constant->count > (size_t)b->made->shape.channels ||
				!graph_stretches(b->node->inputs[index], made))
				return graph_error(b->graph, b->node, -EBADMSG, e,
					"its constant is neither one number nor one for each channel");
			first = graph_stretched(b->node->inputs[index], made, (size_t)c * plane);
			last = graph_stretched(b->node->inputs[index], made, (size_t)c * plane + plane - 1);
		}
		if (first != last || constant->count == 0)
			return graph_error(b->graph, b->node, -EBADMSG, e,
				"its constant is neither one number nor one for each channel");
		(*out)[c] = (float)graph_value(constant, first);
	}
	return 0;
}

static int tensors_add(struct builder *b, float second, struct error *e)
{
	int rc = 0;

	b->op->kind = FLOAT_ADD;
	for (int i = 0; i < b->node->input_count && rc == 0; i++) {
		if ((rc = builder_input(b, i, e)))
			return rc;
		b->op->factors[i] = i ? second : 1;
		if (shape_size(b->out->values[b->op->inputs[i]].shape) != shape_size(b->made->shape))
			return graph_error(b->graph, b->node, -EBADMSG, e,
				"reads tensors of different shapes; only constants are stretched");
	}
	return rc;
}

/* x + c, x − c, c − x, x · c, x / c with one number a channel. */
int arithmetic_build(struct builder *b, struct error *e)
{
	const struct graph_tensor *left = graph_input(b->node, 0), *right = graph_input(b->node, 1);
	bool product = graph_is(b->node, "Mul") || graph_is(b->node, "Div");
	bool minus = graph_is(b->node, "Sub"), divided = graph_is(b->node, "Div");
	float *numbers = NULL;

	if (!left || !right)
		return graph_error(b->graph, b->node, -EBADMSG, e, "needs two inputs");
	bool constant_first = graph_is_constant(left);
	if (!constant_first && !graph_is_constant(right) && !product)
		return tensors_add(b, minus ? -1 : 1, e);
	if ((!constant_first && !graph_is_constant(right)) || (constant_first && divided))
		return graph_error(b->graph, b->node, -EBADMSG, e,
			"multiplies what depends on the picture with what depends on it (a gate, "
			"squeeze-and-excitation); only sums of such tensors can be imported");
	int rc = builder_input(b, constant_first ? 1 : 0, e);
	b->op->kind = FLOAT_AFFINE;
	rc = rc ? rc : channels_take(b, constant_first ? 0 : 1, &numbers, e);
	for (int c = 0; c < b->made->shape.channels && rc == 0 && divided; c++)
		numbers[c] = 1 / numbers[c];
	for (int c = 0; c < b->made->shape.channels && rc == 0 && minus && !constant_first; c++)
		numbers[c] = -numbers[c];
	*(product ? &b->op->factor : &b->op->summand) = numbers;
	if (rc || !minus || !constant_first)
		return rc;
	rc = builder_channels(b, &b->op->factor, e);
	for (int c = 0; c < b->made->shape.channels && rc == 0; c++)
		b->op->factor[c] = -1;
	return rc;
}

static int function_take(
	struct builder *b, enum float_function function, double low, double high, struct error *e)
{
	b->op->kind = FLOAT_FUNCTION;
	b->op->function = function;
	b->op->a = low;
	b->op->b = high;
	return builder_input(b, 0, e);
}

/* A bound of Clip: an attribute of older models, an input of newer ones. */
static int bound_take(const struct builder *b, const char *name, int index, double *out, struct error *e)
{
	const struct graph_constant *constant = NULL;
	int rc = graph_constant(b->graph, b->node, index, &constant, e);

	*out = graph_number(b->node, name, *out);
	if (rc == 0 && constant && constant->count == 1)
		*out = graph_value(constant, 0);
	return rc;
}

int clip_build(struct builder *b, struct error *e)
{
	double low = -INFINITY, high = INFINITY;
	int rc = bound_take(b, "min", 1, &low, e);

	rc = rc ? rc : bound_take(b, "max", 2, &high, e);
	return rc ? rc : function_take(b, FUNCTION_CLIP, low, high, e);
}

int relu_build(struct builder *b, struct error *e)
{
	return function_take(b, FUNCTION_CLIP, 0, INFINITY, e);
}

int leaky_build(struct builder *b, struct error *e)
{
	float slope = (float)graph_number(b->node, "alpha", 0.01);
	int rc = function_take(b, FUNCTION_LEAKY, 0, 0, e);

	if (rc || graph_is(b->node, "PRelu"))
		return rc ? rc : channels_take(b, 1, &b->op->factor, e);
	rc = builder_channels(b, &b->op->factor, e);
	for (int c = 0; c < b->made->shape.channels && rc == 0; c++)
		b->op->factor[c] = slope;
	return rc;
}

int sigmoid_build(struct builder *b, struct error *e)
{
	return function_take(b, FUNCTION_SIGMOID, 0, 0, e);
}

int hard_sigmoid_build(struct builder *b, struct error *e)
{
	return function_take(b, FUNCTION_HARD_SIGMOID, graph_number(b->node, "alpha", 0.2),
		graph_number(b->node, "beta", 0.5), e);
}

int tanh_build(struct builder *b, struct error *e)
{
	return function_take(b, FUNCTION_TANH, 0, 0, e);
}

int sum_build(struct builder *b, struct error *e)
{
	return tensors_add(b, 1, e);
}
