/* SPDX-License-Identifier: MIT */
#include "nn/import/onnx/float_graph.h"

#include "base/error.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void float_graph_finish(struct float_graph *graph)
{
	for (int i = 0; i < graph->op_count && graph->ops; i++) {
		struct float_op *op = &graph->ops[i];

		free(op->weights);
		free(op->quantised);
		free(op->scales);
		free(op->bias);
		free(op->quantised_bias);
		free(op->factor);
		free(op->summand);
	}
	free(graph->ops);
	free(graph->values);
	*graph = (struct float_graph){0};
}

int float_run_create(const struct float_graph *graph, bool quantised, struct float_run **out, struct error *e)
{
	struct float_run *run = calloc(1, sizeof(*run));
	size_t scratch = 1;

	*out = NULL;
	for (int i = 0; i < graph->op_count; i++)
		if (graph->ops[i].kind == FLOAT_CONV) {
			size_t needed = float_conv_scratch(&graph->ops[i].window);
			scratch = needed > scratch ? needed : scratch;
		}
	if (run) {
		run->graph = graph;
		run->quantised = quantised;
		run->data = calloc((size_t)graph->op_count + 1, sizeof(*run->data));
		run->unread = calloc((size_t)graph->op_count + 1, sizeof(*run->unread));
		run->scratch = malloc(scratch * sizeof(*run->scratch));
	}
	if (!run || !run->data || !run->unread || !run->scratch) {
		float_run_destroy(run);
		return error_set(e, -ENOMEM, "no memory to compute the network");
	}
	*out = run;
	return 0;
}

static void values_free(struct float_run *run)
{
	for (int i = 0; i <= run->graph->op_count; i++) {
		free(run->data[i]);
		run->data[i] = NULL;
		run->unread[i] = run->graph->values[i].readers;
	}
}

void float_run_destroy(struct float_run *run)
{
	if (!run)
		return;
	if (run->data && run->unread)
		values_free(run);
	free((void *)run->data);
	free(run->unread);
	free(run->scratch);
	free(run);
}

static void quantise(const struct range *range, float *numbers, size_t count)
{
	float scale = (float)range->scale, inverse = (float)(1 / range->scale), zero = (float)range->zero;

	for (size_t i = 0; i < count; i++) {
		float code = rintf(numbers[i] * inverse) + zero;

		code = code < 0 ? 0 : code > 255 ? 255 : code;
		numbers[i] = (code - zero) * scale;
	}
}

static int value_make(struct float_run *run, int value, struct error *e)
{
	run->data[value] = malloc(shape_size(run->graph->values[value].shape) * sizeof(float));
	if (run->data[value])
		return 0;
	error_set(e, -ENOMEM, "no memory to compute the network");
	return -ENOMEM;
}

static void value_finish(const struct float_run *run, int value)
{
	const struct float_value *v = &run->graph->values[value];

	if (run->quantised && v->quantised)
		quantise(&v->range, run->data[value], shape_size(v->shape));
}

int float_run_begin(struct float_run *run, const float *picture, struct error *e)
{
	values_free(run);
	int rc = value_make(run, 0, e);
	if (rc)
		return rc;
	memcpy(run->data[0], picture, shape_size(run->graph->values[0].shape) * sizeof(*picture));
	value_finish(run, 0);
	return 0;
}

static float function_apply(const struct float_op *op, float slope, float x)
{
	float a = (float)op->a, b = (float)op->b;

	switch (op->function) {
	case FUNCTION_CLIP:
		return x < a ? a : x > b ? b : x;
	case FUNCTION_LEAKY:
		return x < 0 ? slope * x : x;
	case FUNCTION_SIGMOID:
		return 1 / (1 + expf(-x));
	case FUNCTION_HARD_SIGMOID:
		x = a * x + b;
		return x < 0 ? 0 : x > 1 ? 1 : x;
	case FUNCTION_TANH:
		return tanhf(x);
	}
	return x;
}

/* Operations on each number. */
static void each_apply(const struct float_op *op, struct shape shape, const float *in, float *out)
{
	size_t plane = (size_t)shape.height * (size_t)shape.width;

	for (int c = 0; c < shape.channels; c++, in += plane, out += plane) {
		float factor = op->factor ? op->factor[c] : 1, summand = op->summand ? op->summand[c] : 0;

		if (op->kind == FLOAT_AFFINE)
			for (size_t i = 0; i < plane; i++)
				out[i] = factor * in[i] + summand;
		else
			for (size_t i = 0; i < plane; i++)
				out[i] = function_apply(op, factor, in[i]);
	}
}

static void inputs_add(const struct float_run *run, const struct float_op *op, size_t count, float *out)
{
	memset(out, 0, count * sizeof(*out));
	for (int k = 0; k < op->input_count; k++) {
		const float *in = run->data[op->inputs[k]];
		float factor = op->factors[k];

		for (size_t i = 0; i < count; i++)
			out[i] += factor * in[i];
	}
}

static void inputs_join(const struct float_run *run, const struct float_op *op, float *out)
{
	for (int k = 0; k < op->input_count; k++) {
		size_t count = shape_size(run->graph->values[op->inputs[k]].shape);

		memcpy(out, run->data[op->inputs[k]], count * sizeof(*out));
		out += count;
	}
}

static void upsample(const struct float_window *w, bool stuffed, const float *in, float *out)
{
	for (int c = 0; c < w->out.channels; c++, in += (size_t)w->in.height * (size_t)w->in.width)
		for (int y = 0; y < w->out.height; y++)
			for (int x = 0; x < w->out.width; x++) {
				size_t from = (size_t)(y / w->stride_height) * (size_t)w->in.width +
					      (size_t)(x / w->stride_width);
				bool between = y % w->stride_height || x % w->stride_width;

				*out++ = stuffed && between ? 0 : in[from];
			}
}

static void pad(const struct float_window *w, const float *in, float *out)
{
	size_t plane = (size_t)w->out.height * (size_t)w->out.width;

	memset(out, 0, plane * (size_t)w->out.channels * sizeof(*out));
	for (int c = 0; c < w->out.channels; c++, out += plane)
		for (int y = 0; y < w->in.height; y++, in += w->in.width)
			memcpy(out + (size_t)(y + w->pad_top) * (size_t)w->out.width + w->pad_left, in,
				(size_t)w->in.width * sizeof(*out));
}

static void op_run(
	const struct float_run *run, const struct float_op *op, const struct float_value *made, float *out)
{
	const struct float_value *read = &run->graph->values[op->inputs[0]];
	const float *in = run->data[op->inputs[0]];
	const float *weights = run->quantised && op->quantised ? op->quantised : op->weights;
	const float *bias = run->quantised && op->quantised_bias ? op->quantised_bias : op->bias;

	switch (op->kind) {
	case FLOAT_CONV:
		float_conv(&op->window, in, weights, bias, out, run->scratch);
		break;
	case FLOAT_MATRIX:
		float_matrix(
			(int)shape_size(read->shape), (int)shape_size(made->shape), in, weights, bias, out);
		break;
	case FLOAT_AFFINE:
	case FLOAT_FUNCTION:
		each_apply(op, made->shape, in, out);
		break;
	case FLOAT_ADD:
		inputs_add(run, op, shape_size(made->shape), out);
		break;
	case FLOAT_CONCAT:
		inputs_join(run, op, out);
		break;
	case FLOAT_MAX_POOL:
		float_max_pool(&op->window, in, out);
		break;
	case FLOAT_AVERAGE_POOL:
		float_average_pool(&op->window, op->padding_counts, in, out);
		break;
	case FLOAT_COPY:
		memcpy(out, in, shape_size(made->shape) * sizeof(*out));
		break;
	case FLOAT_PAD:
		pad(&op->window, in, out);
		break;
	case FLOAT_UPSAMPLE:
		upsample(&op->window, op->stuffed, in, out);
		break;
	}
}

int float_run_step(struct float_run *run, int index, struct error *e)
{
	const struct float_op *op = &run->graph->ops[index];

	if (!run->data[op->inputs[0]])
		return error_set(e, -EINVAL, "operation %d is computed before what it reads", index);
	int rc = value_make(run, index + 1, e);

	if (rc)
		return rc;
	op_run(run, op, &run->graph->values[index + 1], run->data[index + 1]);
	value_finish(run, index + 1);
	for (int k = 0; k < op->input_count; k++) {
		int value = op->inputs[k];

		if (--run->unread[value] > 0)
			continue;
		free(run->data[value]);
		run->data[value] = NULL;
	}
	return 0;
}
