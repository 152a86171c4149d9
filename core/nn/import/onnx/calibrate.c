/* SPDX-License-Identifier: MIT */
#include "nn/import/onnx/calibrate.h"

#include "base/log.h"
#include "nn/import/onnx/float_build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPORT_PICTURES = 32 };

struct calibrator {
	struct graph *graph;
	const struct import_onnx_options *options;
	struct float_graph network;
	struct float_points points;
	struct range_histogram **histograms; /* [value], of the first of each group */
	double **means;			     /* [op] of the weights of one channel, see float_conv_means */
	uint8_t *pixels;
	float *picture;
};

static int memory_short(const struct calibrator *c, struct error *e)
{
	return graph_error(c->graph, NULL, -ENOMEM, e, "out of memory");
}

/* Multiplications, or numbers moved, of one picture. */
static double effort_of(const struct float_graph *network)
{
	double effort = (double)shape_size(network->values[0].shape);

	for (int i = 0; i < network->op_count; i++) {
		const struct float_op *op = &network->ops[i];
		const struct float_window *w = &op->window;
		double each = op->kind == FLOAT_MATRIX
				      ? (double)shape_size(network->values[op->inputs[0]].shape)
				      : 1;

		if (w->kernel_height > 0)
			each = (double)w->kernel_height * w->kernel_width;
		if (op->kind == FLOAT_CONV)
			each *= (double)w->in.channels / w->groups;
		effort += each * (double)shape_size(network->values[i + 1].shape);
	}
	return effort;
}

/* The pictures' own pass, and two of some of them for the report. */
static int effort_check(const struct calibrator *c, struct error *e)
{
	const struct calibration_pictures *pictures = &c->options->pictures;
	double most = pictures->effort > 0 ? pictures->effort : CALIBRATION_EFFORT;
	double needed = effort_of(&c->network) * pictures->count;

	if (needed <= most)
		return 0;
	return graph_error(c->graph, NULL, -EOVERFLOW, e,
		"needs %.3g multiplications for %d pictures, more than %.3g; calibrate with fewer or smaller "
		"ones, or "
		"quantise the model elsewhere",
		needed, pictures->count, most);
}

static int calibrator_init(struct calibrator *c, struct error *e)
{
	int rc = float_build(c->graph, &c->network, e);

	if (rc || (rc = effort_check(c, e)) || (rc = float_points_find(&c->network, &c->points, e)))
		return rc;
	struct shape shape = c->network.values[0].shape;
	size_t values = (size_t)c->network.op_count + 1;
	c->histograms = calloc(values, sizeof(struct range_histogram *));
	c->means = calloc(values, sizeof(*c->means));
	c->pixels = malloc(shape_size(shape));
	c->picture = malloc(shape_size(shape) * sizeof(*c->picture));
	return c->histograms && c->means && c->pixels && c->picture ? 0 : memory_short(c, e);
}

static void calibrator_finish(struct calibrator *c)
{
	for (int i = 0; i <= c->network.op_count; i++) {
		if (c->histograms)
			free(c->histograms[i]);
		if (c->means)
			free(c->means[i]);
	}
	free((void *)c->histograms);
	free((void *)c->means);
	free(c->pixels);
	free(c->picture);
	float_points_finish(&c->points);
	float_graph_finish(&c->network);
}

static int picture_read(struct calibrator *c, int index, struct error *e)
{
	const struct calibration_pictures *pictures = &c->options->pictures;
	struct shape shape = c->network.values[0].shape;
	int rc = pictures->read(pictures->context, index, shape, c->pixels, e);

	if (rc == 0)
		picture_numbers(c->options, shape, c->pixels, c->picture);
	return rc;
}

/* Numbers of one picture into the histogram of the value's group. */
static int value_count(struct calibrator *c, int value, const float *numbers, struct error *e)
{
	struct range_histogram **histogram = &c->histograms[c->points.group[value]];
	size_t count = shape_size(c->network.values[value].shape);

	for (size_t i = 0; i < count; i++)
		if (!isfinite(numbers[i]))
			return graph_error(c->graph, value ? c->network.ops[value - 1].node : NULL, -EBADMSG,
				e, "makes numbers that are not finite");
	if (!*histogram)
		*histogram = calloc(1, sizeof(**histogram));
	if (!*histogram)
		return memory_short(c, e);
	range_add(*histogram, numbers, count);
	return 0;
}

/* How many weights there are for one input channel and tap: the means that an operation needs. */
static size_t mean_count(const struct float_op *op, struct shape in)
{
	if (op->kind == FLOAT_CONV)
		return (size_t)in.channels * (size_t)op->window.kernel_height *
		       (size_t)op->window.kernel_width;
	return shape_size(in);
}

static int means_add(struct calibrator *c, int index, const float *in, struct error *e)
{
	const struct float_op *op = &c->network.ops[index];
	struct shape shape = c->network.values[op->inputs[0]].shape;
	size_t count = mean_count(op, shape);

	if (!c->means[index])
		c->means[index] = calloc(count, sizeof(**c->means));
	if (!c->means[index])
		return memory_short(c, e);
	if (op->kind == FLOAT_CONV)
		float_conv_means(&op->window, in, c->means[index]);
	else
		for (size_t i = 0; i < count; i++)
			c->means[index][i] += (double)in[i];
	return 0;
}

static int picture_count(struct calibrator *c, struct float_run *run, struct error *e)
{
	int rc = float_run_begin(run, c->picture, e);

	for (int i = 0; i < c->network.op_count && rc == 0; i++) {
		const struct float_op *op = &c->network.ops[i];

		if (op->weights)
			rc = means_add(c, i, run->data[op->inputs[0]], e);
		if (rc == 0)
			rc = float_run_step(run, i, e);
		if (rc == 0 && c->points.points[i + 1])
			rc = value_count(c, i + 1, run->data[i + 1], e);
	}
	return rc;
}

static int pictures_count(struct calibrator *c, struct error *e)
{
	struct float_run *run;
	int rc = float_run_create(&c->network, false, &run, e);

	for (int i = 0; i < c->options->pictures.count && rc == 0; i++)
		if ((rc = picture_read(c, i, e)) == 0)
			rc = picture_count(c, run, e);
	float_run_destroy(run);
	return rc;
}

/* The range of these numbers; wider where so few were seen that others will lie beyond them. */
static struct range histogram_range(const struct range_histogram *histogram)
{
	struct range range = range_find(histogram, -INFINITY, INFINITY);
	double few =
		1 - log10((double)histogram->count / 1000) / 2; /* 1 from 1,000 down, 0 from 100,000 up */
	double factor = 1 + 0.2 * fmin(fmax(few, 0), 1);

	return range_between(-range.zero * range.scale * factor, (255 - range.zero) * range.scale * factor);
}

/* Each value's range, from its group's histogram; the pictures' from what pixels can be. */
static void ranges_choose(struct calibrator *c)
{
	for (int v = 0; v < c->points.value_count; v++) {
		struct float_value *value = &c->network.values[v];
		int group = c->points.group[v];

		value->quantised =
			c->points.points[v] && (v > 0 || !picture_is_exact(c->options, &c->network));
		if (!value->quantised)
			continue;
		if (group == 0)
			value->range = picture_range(c->options, c->network.values[0].shape.channels);
		else if (group < v && c->network.values[group].quantised)
			value->range = c->network.values[group].range;
		else
			value->range = histogram_range(c->histograms[group]);
	}
}

/* Weights of one output channel, and what its rounding adds to the mean of what it makes. */
static double channel_quantise(
	const float *weights, float *quantised, size_t count, const double *means, float *scale)
{
	double error = 0;

	*scale = (float)range_of_weights(weights, count);
	for (size_t i = 0; i < count; i++) {
		float whole = *scale > 0 ? rintf(weights[i] / *scale) : 0;

		whole = whole > 127 ? 127 : whole < -127 ? -127 : whole;
		quantised[i] = whole * *scale;
		error += ((double)quantised[i] - (double)weights[i]) * means[i];
	}
	if (*scale <= 0)
		*scale = 1; /* of zeros */
	return error;
}

/* Rounds the weights, and takes the mean error that this makes off the bias. */
static int weights_quantise(struct calibrator *c, int index, struct error *e)
{
	struct float_op *op = &c->network.ops[index];
	bool conv = op->kind == FLOAT_CONV;
	size_t out = conv ? (size_t)op->window.out.channels : shape_size(c->network.values[index + 1].shape);
	size_t groups = conv ? (size_t)op->window.groups : 1;
	size_t each = mean_count(op, c->network.values[op->inputs[0]].shape) / groups;

	op->quantised = malloc((out * each + 1) * sizeof(*op->quantised));
	op->scales = calloc(out + 1, sizeof(*op->scales));
	op->quantised_bias = calloc(out + 1, sizeof(*op->quantised_bias));
	if (!op->quantised || !op->quantised_bias || !op->scales)
		return memory_short(c, e);
	for (size_t o = 0; o < out; o++) {
		const double *means = c->means[index] + o / (out / groups) * each;
		double error = channel_quantise(
			op->weights + o * each, op->quantised + o * each, each, means, &op->scales[o]);

		op->quantised_bias[o] =
			(float)((op->bias ? (double)op->bias[o] : 0) - error / c->options->pictures.count);
	}
	return 0;
}

/* A constant of the graph: numbers times a factor. */
static int numbers_put(struct calibrator *c, const char *name, int rank, const int *dims,
	const float *numbers, double factor, struct graph_tensor **out, struct error *e)
{
	int rc = graph_constant_add(c->graph, name, rank, dims, out, e);

	for (size_t i = 0; rc == 0 && i < (*out)->constant->count; i++)
		(*out)->constant->values[i] = (double)numbers[i] * factor;
	return rc;
}

/* The scale of each output channel, as it stretches over the weights. */
static int scales_put(
	struct calibrator *c, const struct float_op *op, struct graph_tensor **scale, struct error *e)
{
	const struct graph_tensor *weights = op->node->inputs[1];
	bool first = graph_is(op->node, "Conv") || graph_integer(op->node, "transB", 0);
	double alpha = graph_is(op->node, "Gemm") ? graph_number(op->node, "alpha", 1) : 1;
	int dims[4] = {1, 1, 1, 1}, axis = first ? 0 : weights->rank - 1, rc;

	if (!graph_is(op->node, "ConvTranspose")) {
		dims[axis] = weights->dims[axis];
		return numbers_put(c, weights->name, weights->rank, dims, op->scales, 1 / alpha, scale, e);
	}
	dims[0] = weights->dims[0]; /* in */
	dims[1] = weights->dims[1]; /* out of a group */
	if ((rc = graph_constant_add(c->graph, weights->name, 4, dims, scale, e)))
		return rc;
	for (int i = 0; i < dims[0]; i++)
		for (int o = 0; o < dims[1]; o++) {
			int channel = i / (dims[0] / op->window.groups) * dims[1] + o;

			(*scale)->constant->values[i * dims[1] + o] = (double)op->scales[channel];
		}
	return 0;
}

static int weights_point(struct calibrator *c, const struct float_op *op, struct error *e)
{
	struct graph_tensor *scale;
	struct graph_node *point;
	int rc;

	if ((rc = scales_put(c, op, &scale, e)) ||
		(rc = graph_insert_before(c->graph, op->node, 1, "Quant", &point, e)))
		return rc;
	return graph_quantise(c->graph, point,
		&(struct quantisation){.scale = scale, .low = -127, .high = 127, .round = rounding_half_even},
		e);
}

/* The corrected bias: in place of the old one, or in a sum of its own behind a MatMul. */
static int bias_put(struct calibrator *c, const struct float_op *op, int channels, struct error *e)
{
	double beta = graph_is(op->node, "Gemm") ? graph_number(op->node, "beta", 1) : 1;
	struct graph_node *node = op->node;
	struct graph_tensor *bias;
	int rc = numbers_put(c, node->outputs[0]->name, 1, &channels, op->quantised_bias, 1 / beta, &bias, e);

	if (rc == 0 && graph_is(node, "MatMul"))
		rc = graph_insert_after(c->graph, node->outputs[0], "Add", &node, e);
	if (rc)
		return rc;
	if (!graph_is(node, "Add") && node->input_count > 2) {
		node->inputs[2] = bias;
		return 0;
	}
	return graph_input_add(c->graph, node, bias, e);
}

static int value_point(struct calibrator *c, const struct float_value *value, struct error *e)
{
	struct graph_tensor *scale, *zero;
	struct graph_node *point;
	int rc;

	if ((rc = graph_constant_add(c->graph, value->tensor->name, 0, NULL, &scale, e)) ||
		(rc = graph_constant_add(c->graph, value->tensor->name, 0, NULL, &zero, e)) ||
		(rc = graph_insert_after(c->graph, value->tensor, "Quant", &point, e)))
		return rc;
	scale->constant->values[0] = value->range.scale;
	zero->constant->values[0] = value->range.zero;
	return graph_quantise(c->graph, point,
		&(struct quantisation){.scale = scale,
			.zero = zero,
			.high = UINT8_MAX,
			.round = rounding_half_even,
			.zero_after = true},
		e);
}

/* What was found goes into the graph. */
static int graph_change(struct calibrator *c, struct error *e)
{
	int rc = 0;

	for (int v = 0; v < c->points.value_count && rc == 0; v++) {
		const struct float_op *op = v ? &c->network.ops[v - 1] : NULL;
		const struct float_value *value = &c->network.values[v];

		/* a MatMul's sum comes before its point: what is put behind a tensor last lies next to it */
		if (value->quantised)
			rc = value_point(c, value, e);
		if (rc == 0 && op && op->weights)
			rc = weights_point(c, op, e);
		if (rc == 0 && op && op->weights)
			rc = bias_put(c, op,
				op->kind == FLOAT_CONV ? op->window.out.channels
						       : (int)shape_size(value->shape),
				e);
	}
	return rc;
}

/* One layer of the report for each value that becomes codes, and one for the output. */
static int report_make(struct calibrator *c, struct layer_report *report, struct error *e)
{
	report->layers = calloc((size_t)c->points.value_count + 1, sizeof(*report->layers));
	if (!report->layers)
		return memory_short(c, e);
	for (int v = 1; v < c->points.value_count; v++) {
		const struct float_value *value = &c->network.values[v];
		const struct range_histogram *histogram = c->histograms[c->points.group[v]];
		struct layer_error *layer = &report->layers[report->count];

		if (!value->quantised && v != c->network.output)
			continue;
		layer->name = strdup(value->tensor->name);
		layer->type = strdup(c->network.ops[v - 1].node->type);
		report->count++;
		if (!layer->name || !layer->type)
			return memory_short(c, e);
		layer->least = value->quantised && histogram ? histogram->least : NAN;
		layer->most = value->quantised && histogram ? histogram->most : NAN;
		layer->low = value->quantised ? -value->range.zero * value->range.scale : NAN;
		layer->high = value->quantised ? (255 - value->range.zero) * value->range.scale : NAN;
	}
	return 0;
}

static void error_add(struct layer_error *layer, const float *exact, const float *quantised, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double difference = (double)quantised[i] - (double)exact[i];

		layer->noise += difference * difference;
		layer->power += (double)exact[i] * (double)exact[i];
	}
}

/* Both networks for one picture, operation by operation, so that few tensors are in memory. */
static int picture_compare(
	struct calibrator *c, struct float_run *runs[2], struct layer_report *report, struct error *e)
{
	int rc = 0, layer = 0;

	for (int k = 0; k < 2 && rc == 0; k++)
		rc = float_run_begin(runs[k], c->picture, e);
	for (int i = 0; i < c->network.op_count && rc == 0; i++) {
		const struct float_value *value = &c->network.values[i + 1];

		for (int k = 0; k < 2 && rc == 0; k++)
			rc = float_run_step(runs[k], i, e);
		if (rc == 0 && (value->quantised || i + 1 == c->network.output))
			error_add(&report->layers[layer++], runs[0]->data[i + 1], runs[1]->data[i + 1],
				shape_size(value->shape));
	}
	return rc;
}

static int networks_compare(struct calibrator *c, struct layer_report *report, struct error *e)
{
	struct float_run *runs[2] = {NULL, NULL};
	int all = c->options->pictures.count, count = all < REPORT_PICTURES ? all : REPORT_PICTURES;
	int rc = report_make(c, report, e);

	for (int k = 0; k < 2 && rc == 0; k++)
		rc = float_run_create(&c->network, k == 1, &runs[k], e);
	for (int i = 0; i < count && rc == 0; i++)
		if ((rc = picture_read(c, (int)((int64_t)i * all / count), e)) == 0)
			rc = picture_compare(c, runs, report, e);
	for (int k = 0; k < 2; k++)
		float_run_destroy(runs[k]);
	return rc;
}

int calibrate(struct graph *graph, const struct import_onnx_options *options, struct layer_report *report,
	struct error *e)
{
	struct calibrator c = {.graph = graph, .options = options};
	int rc = calibrator_init(&c, e);

	rc = rc ? rc : pictures_count(&c, e);
	if (rc == 0)
		ranges_choose(&c);
	for (int i = 0; i < c.network.op_count && rc == 0; i++)
		if (c.network.ops[i].weights)
			rc = weights_quantise(&c, i, e);
	if (rc == 0 && report)
		rc = networks_compare(&c, report, e);
	if (rc == 0)
		rc = graph_change(&c, e);
	calibrator_finish(&c);
	return rc;
}
