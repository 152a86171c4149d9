/* SPDX-License-Identifier: MIT */
/*
 * Numbers become codes where something reads them that needs codes: the last of a chain of operations on each
 * number, since the chain and the sums before it become one layer. Operations that move numbers only pass
 * codes on, in the same range.
 */
#include "nn/import/onnx/calibrate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static bool is_each(const struct float_op *op)
{
	return op->kind == FLOAT_AFFINE || op->kind == FLOAT_FUNCTION;
}

static bool is_passing(const struct float_op *op)
{
	return op->kind == FLOAT_CONCAT || op->kind == FLOAT_MAX_POOL || op->kind == FLOAT_COPY ||
	       op->kind == FLOAT_PAD || op->kind == FLOAT_UPSAMPLE;
}

/* The only operation that reads the value; NULL: none or many. */
static const struct float_op *sole_reader(const struct float_graph *graph, int value)
{
	if (graph->values[value].readers != 1)
		return NULL;
	for (int i = value; i < graph->op_count; i++)
		for (int k = 0; k < graph->ops[i].input_count; k++)
			if (graph->ops[i].inputs[k] == value)
				return &graph->ops[i];
	return NULL;
}

/*
 * Whether the value goes on as a number: through operations that move each to another on each number, or to
 * the network's end.
 */
static bool stays_number(const struct float_graph *graph, int value)
{
	for (const struct float_op *reader = NULL; value != graph->output;
		value = (int)(reader - graph->ops) + 1) {
		reader = sole_reader(graph, value);
		if (!reader)
			return false;
		if (is_each(reader))
			return true;
		if (reader->kind != FLOAT_MAX_POOL && reader->kind != FLOAT_COPY)
			return false;
	}
	return true;
}

static int group_of(const struct float_points *p, int value)
{
	while (p->group[value] != value)
		value = p->group[value];
	return value;
}

static void groups_join(struct float_points *p, int a, int b)
{
	a = group_of(p, a);
	b = group_of(p, b);
	p->group[a > b ? a : b] = a > b ? b : a;
}

int float_points_find(const struct float_graph *graph, struct float_points *out, struct error *e)
{
	int count = graph->op_count + 1;

	*out = (struct float_points){calloc((size_t)count, sizeof(*out->points)),
		calloc((size_t)count, sizeof(*out->group)), count};
	if (!out->points || !out->group)
		return error_set(e, -ENOMEM, "out of memory");
	for (int v = 0; v < count; v++) {
		bool passed = v > 0 && is_passing(&graph->ops[v - 1]);

		out->group[v] = v;
		out->points[v] =
			!passed && graph->values[v].readers > 0 && (v == 0 || !stays_number(graph, v));
		for (int k = 0; passed && k < graph->ops[v - 1].input_count; k++)
			groups_join(out, v, graph->ops[v - 1].inputs[k]);
	}
	for (int v = 0; v < count; v++)
		out->group[v] = group_of(out, v);
	return 0;
}

void float_points_finish(struct float_points *points)
{
	free(points->points);
	free(points->group);
	*points = (struct float_points){0};
}

static double mean_of(const struct import_onnx_options *o, int channel)
{
	return o->mean_count == 0 ? 0 : o->mean[o->mean_count == 1 ? 0 : channel];
}

static double std_of(const struct import_onnx_options *o, int channel)
{
	return o->std_count == 0 ? 1 : o->std[o->std_count == 1 ? 0 : channel];
}

void picture_numbers(
	const struct import_onnx_options *options, struct shape shape, const uint8_t *pixels, float *out)
{
	size_t plane = (size_t)shape.height * (size_t)shape.width;

	for (int c = 0; c < shape.channels; c++) {
		float mean = (float)mean_of(options, c), std = (float)std_of(options, c);

		for (size_t i = 0; i < plane; i++)
			*out++ = ((float)pixels[i * (size_t)shape.channels + (size_t)c] / UINT8_MAX - mean) /
				 std;
	}
}

/* Whether a window reaches beyond its input. */
static bool is_padded(const struct float_window *w)
{
	int down = (w->out.height - 1) * w->stride_height + (w->kernel_height - 1) * w->dilation_height;
	int across = (w->out.width - 1) * w->stride_width + (w->kernel_width - 1) * w->dilation_width;

	return w->pad_top > 0 || w->pad_left > 0 || down - w->pad_top >= w->in.height ||
	       across - w->pad_left >= w->in.width;
}

bool picture_is_exact(const struct import_onnx_options *options, const struct float_graph *graph)
{
	for (int c = 1; c < graph->values[0].shape.channels; c++)
		if (std_of(options, c) != std_of(options, 0))
			return false;
	for (int i = 0; i < graph->op_count; i++) {
		const struct float_op *op = &graph->ops[i];

		for (int k = 0; k < op->input_count; k++)
			if (op->inputs[k] == 0 && (op->kind != FLOAT_CONV || is_padded(&op->window)))
				return false;
	}
	return true;
}

struct range picture_range(const struct import_onnx_options *options, int channels)
{
	double low = 0, high = 0, zero = 255 * mean_of(options, 0);
	bool same = true;

	for (int c = 0; c < channels; c++) {
		double mean = mean_of(options, c), std = std_of(options, c);

		low = fmin(low, -mean / std);
		high = fmax(high, (1 - mean) / std);
		same = same && mean == mean_of(options, 0) && std == std_of(options, 0);
	}
	if (same && zero >= 0 && zero <= 255 && fabs(zero - rint(zero)) < 0.02)
		return (struct range){1 / (255 * std_of(options, 0)), (int)rint(zero)};
	return range_between(low, high);
}
