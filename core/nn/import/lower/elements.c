/* SPDX-License-Identifier: MIT */
/* Operators on each number for itself: arithmetic with constants and between signals, and functions. */
#include "nn/import/lower/parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static double leaky(double x, double slope, double b)
{
	(void)b;
	return x < 0 ? slope * x : x;
}

static double bounded(double x, double low, double high)
{
	return fmin(fmax(x, low), high);
}

static double sigmoid(double x, double a, double b)
{
	(void)a, (void)b;
	return 1 / (1 + exp(-x));
}

static double hard_sigmoid(double x, double a, double b)
{
	return bounded(a * x + b, 0, 1);
}

static double hyperbolic(double x, double a, double b)
{
	(void)a, (void)b;
	return tanh(x);
}

static double exponential(double x, double a, double b)
{
	(void)b;
	return x < 0 ? a * expm1(x) : x;
}

static double softplus(double x, double a, double b)
{
	(void)a, (void)b;
	return x > 30 ? x : log1p(exp(x));
}

static double hard_swish(double x, double a, double b)
{
	(void)a, (void)b;
	return x * bounded(x / 6 + 0.5, 0, 1);
}

static double absolute(double x, double a, double b)
{
	(void)a, (void)b;
	return fabs(x);
}

static double lower_whole(double x, double a, double b)
{
	(void)a, (void)b;
	return floor(x);
}

static double upper_whole(double x, double a, double b)
{
	(void)a, (void)b;
	return ceil(x);
}

static double nearest_whole(double x, double a, double b)
{
	(void)a, (void)b;
	return rounding_half_even(x);
}

static const struct function {
	const char *type;
	double (*compute)(double x, double a, double b);
	const char *a, *b; /* attributes; NULL: none */
	double a_preset, b_preset;
	bool not_monotone, ends_scores;
} functions[] = {
	{"LeakyRelu", leaky, "alpha", NULL, 0.01},
	{"Sigmoid", sigmoid, .ends_scores = true},
	{"HardSigmoid", hard_sigmoid, "alpha", "beta", 0.2, 0.5},
	{"Tanh", hyperbolic, .ends_scores = true},
	{"Elu", exponential, "alpha", NULL, 1},
	{"Softplus", softplus, .ends_scores = true},
	{"HardSwish", hard_swish, .not_monotone = true},
	{"Abs", absolute, .not_monotone = true},
	{"Floor", lower_whole},
	{"Ceil", upper_whole},
	{"Round", nearest_whole},
};

static int function_lower(struct lowering *l, const struct function *f, struct signal *out, struct error *e)
{
	struct step step = {
		.compute = f->compute, .not_monotone = f->not_monotone, .ends_scores = f->ends_scores};
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);
	double *a, *b;

	if (rc)
		return rc;
	*out = *in;
	double first = f->a ? graph_number(l->node, f->a, f->a_preset) : 0;
	double second = f->b ? graph_number(l->node, f->b, f->b_preset) : 0;
	if (!isfinite(first) || !isfinite(second))
		return node_error(l, -EBADMSG, e, "computes with a number that is not finite");
	if ((rc = numbers_take(l, in->shape.channels, first, &a, e)) ||
		(rc = numbers_take(l, in->shape.channels, second, &b, e)))
		return rc;
	step.a = a;
	step.b = b;
	step.not_monotone = step.not_monotone || first < 0;
	return signal_step(l, out, step, e);
}

/* A slope a channel. */
static int prelu_lower(struct lowering *l, struct signal *out, struct error *e)
{
	struct step step = {.compute = leaky};
	const struct graph_constant *slope;
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = graph_constant_needed(l->graph, l->node, 1, "the slope", &slope, e)) ||
		(rc = channel_numbers(l, l->node->inputs[1], in, l->node->inputs[0], &step.a, e)))
		return rc;
	for (int c = 0; c < in->shape.channels; c++)
		step.not_monotone = step.not_monotone || step.a[c] < 0;
	*out = *in;
	return signal_step(l, out, step, e);
}

/* A bound: an input, or an attribute in older models. */
static int bound_read(
	struct lowering *l, int index, const char *name, double otherwise, double *bound, struct error *e)
{
	const struct graph_constant *constant;
	int rc = graph_constant(l->graph, l->node, index, &constant, e);

	*bound = graph_number(l->node, name, otherwise);
	if (rc || !constant)
		return rc;
	if (constant->count != 1)
		return node_error(l, -EBADMSG, e, "its bounds must be one number each");
	*bound = graph_value(constant, 0);
	return 0;
}

static int bounds_lower(struct lowering *l, const struct signal *in, double low, double high,
	struct signal *out, struct error *e)
{
	struct step step = {.compute = bounded, .bounds = true};
	double *a, *b;
	int rc;

	if (!(low <= high))
		return node_error(l, -EBADMSG, e, "its bounds are %g and %g", low, high);
	if ((rc = numbers_take(l, in->shape.channels, low, &a, e)) ||
		(rc = numbers_take(l, in->shape.channels, high, &b, e)))
		return rc;
	*out = *in;
	step.a = a;
	step.b = b;
	return signal_step(l, out, step, e);
}

static int clip_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct signal *in;
	double low, high;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = bound_read(l, 1, "min", -INFINITY, &low, e)) ||
		(rc = bound_read(l, 2, "max", INFINITY, &high, e)))
		return rc;
	return bounds_lower(l, in, low, high, out, e);
}

static int relu_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct signal *in;
	int rc = signal_input(l, 0, &in, e);

	return rc ? rc : bounds_lower(l, in, 0, INFINITY, out, e);
}

/* (x − mean) / √(variance + ε) · weight + bias, as a factor and a summand a channel. */
static int norm_fold(struct lowering *l, const struct graph_constant *const in[4], int channels,
	double *factor, double *summand, struct error *e)
{
	double epsilon = graph_number(l->node, "epsilon", (double)1e-5F);

	for (int c = 0; c < channels; c++) {
		size_t i = (size_t)c;
		double variance = graph_value(in[3], i) + epsilon;

		if (!(variance > 0))
			return node_error(l, -EBADMSG, e, "its variance of channel %d is %g", c, variance);
		factor[c] = graph_value(in[0], i) / sqrt(variance);
		summand[c] = graph_value(in[1], i) - graph_value(in[2], i) * factor[c];
	}
	return 0;
}

static int norm_lower(struct lowering *l, struct signal *out, struct error *e)
{
	static const char *const names[] = {"the weight", "the bias", "the mean", "the variance"};
	const struct graph_tensor *place = graph_input(l->node, 0);
	const struct graph_constant *constants[4];
	const struct signal *in;
	double *factor, *summand;
	int rc = signal_input(l, 0, &in, e);

	if (rc)
		return rc;
	int channels = in->shape.channels;
	if (graph_integer(l->node, "training_mode", 0))
		return node_error(l, -EBADMSG, e, "is in training mode; export with the model's eval()");
	if (place->rank < 2 || place->dims[1] != channels ||
		(place->rank == 4 && !signal_is_picture(in, place)))
		return node_error(l, -EBADMSG, e, "must read channels along axis 1, here %d", channels);
	for (int i = 0; i < 4; i++) {
		if ((rc = graph_constant_needed(l->graph, l->node, i + 1, names[i], &constants[i], e)))
			return rc;
		if (constants[i]->count != (size_t)channels)
			return node_error(l, -EBADMSG, e, "%s has %zu numbers, but there are %d channels",
				names[i], constants[i]->count, channels);
	}
	if ((rc = numbers_take(l, channels, 0, &factor, e)) ||
		(rc = numbers_take(l, channels, 0, &summand, e)) ||
		(rc = norm_fold(l, constants, channels, factor, summand, e)))
		return rc;
	*out = *in;
	return signal_affine(l, out, factor, summand, e);
}

/* Terms of both, the second times `sign`. */
static int signals_add(struct lowering *l, const struct signal *a, const struct signal *b, double sign,
	struct signal *out, struct error *e)
{
	struct signal second = *b;
	int channels = a->shape.channels, rc;
	double *factor;

	if (memcmp(&a->shape, &b->shape, sizeof(a->shape)) != 0 || strcmp(a->order, b->order) != 0)
		return node_error(l, -EBADMSG, e, "adds [%d, %d, %d] and [%d, %d, %d], which differ",
			a->shape.channels, a->shape.height, a->shape.width, b->shape.channels,
			b->shape.height, b->shape.width);
	if ((rc = signal_plain(l, a, e)) || (rc = signal_plain(l, b, e)) ||
		(rc = numbers_take(l, channels, sign, &factor, e)) ||
		(rc = signal_affine(l, &second, factor, NULL, e)))
		return rc;
	*out = *a;
	if (a->term_count + b->term_count > TERM_LIMIT &&
		((rc = signal_combine(l, out, e)) || (rc = signal_combine(l, &second, e))))
		return rc;
	for (int k = 0; k < second.term_count; k++)
		out->terms[out->term_count++] = second.terms[k];
	return signal_affine(l, out, NULL, second.summand, e);
}

/* Which input is the constant of an operation between two: −1: neither. */
static int constant_index(const struct lowering *l)
{
	for (int i = 0; i < 2; i++)
		if (graph_input(l->node, i) && graph_is_constant(l->node->inputs[i]))
			return i;
	return -1;
}

/* The signal and the constant's numbers. */
static int operands_read(
	struct lowering *l, int constant, const struct signal **in, const double **numbers, struct error *e)
{
	const struct graph_constant *read;
	int rc = signal_input(l, 1 - constant, in, e);

	if (rc || (rc = graph_constant_needed(l->graph, l->node, constant, "a constant", &read, e)))
		return rc;
	return channel_numbers(l, l->node->inputs[constant], *in, l->node->inputs[1 - constant], numbers, e);
}

static int sum_lower(struct lowering *l, struct signal *out, struct error *e)
{
	double sign = graph_is(l->node, "Sub") ? -1 : 1, *factor, *summand;
	int constant = constant_index(l), rc;
	const struct signal *in, *second;
	const double *numbers;

	if (l->node->input_count != 2)
		return node_error(l, -EBADMSG, e, "has %d inputs; only sums of 2 can be imported",
			l->node->input_count);
	if (constant < 0) {
		if ((rc = signal_input(l, 0, &in, e)) || (rc = signal_input(l, 1, &second, e)))
			return rc;
		return signals_add(l, in, second, sign, out, e);
	}
	if ((rc = operands_read(l, constant, &in, &numbers, e)) ||
		(rc = numbers_take(l, in->shape.channels, constant ? 1 : sign, &factor, e)) ||
		(rc = numbers_take(l, in->shape.channels, 0, &summand, e)))
		return rc;
	for (int c = 0; c < in->shape.channels; c++)
		summand[c] = constant ? sign * numbers[c] : numbers[c];
	*out = *in;
	return signal_affine(l, out, factor, summand, e);
}

static int product_lower(struct lowering *l, struct signal *out, struct error *e)
{
	int constant = constant_index(l), rc;
	const struct signal *in;
	const double *numbers;

	if (constant < 0)
		return node_error(l, -EBADMSG, e,
			"multiplies two tensors of the picture, which no layer can; take a network without "
			"squeeze-and-excitation and swish, such as EfficientNet-Lite or MobileNetV2");
	if ((rc = operands_read(l, constant, &in, &numbers, e)))
		return rc;
	*out = *in;
	return signal_affine(l, out, numbers, NULL, e);
}

static int quotient_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct signal *in;
	const double *numbers;
	double *factor;
	int rc;

	if (constant_index(l) != 1)
		return node_error(l, -EBADMSG, e, "divides by what the picture makes");
	if ((rc = operands_read(l, 1, &in, &numbers, e)) ||
		(rc = numbers_take(l, in->shape.channels, 0, &factor, e)))
		return rc;
	for (int c = 0; c < in->shape.channels; c++) {
		if (numbers[c] == 0)
			return node_error(l, -EBADMSG, e, "computes with 0 as divisor");
		factor[c] = 1 / numbers[c];
	}
	*out = *in;
	return signal_affine(l, out, factor, NULL, e);
}

/* Max, Min with a constant. */
static int extreme_lower(struct lowering *l, struct signal *out, struct error *e)
{
	struct step step = {.compute = bounded, .bounds = true};
	int constant = constant_index(l), rc;
	const struct signal *in;
	const double *numbers;
	double *other;

	if (constant < 0 || l->node->input_count != 2)
		return node_error(l, -EBADMSG, e, "only a tensor and a constant can be compared");
	bool least = graph_is(l->node, "Max");
	if ((rc = operands_read(l, constant, &in, &numbers, e)) ||
		(rc = numbers_take(l, in->shape.channels, least ? INFINITY : -INFINITY, &other, e)))
		return rc;
	step.a = least ? numbers : other;
	step.b = least ? other : numbers;
	*out = *in;
	return signal_step(l, out, step, e);
}

static int negative_lower(struct lowering *l, struct signal *out, struct error *e)
{
	const struct signal *in;
	double *factor;
	int rc = signal_input(l, 0, &in, e);

	if (rc || (rc = numbers_take(l, in->shape.channels, -1, &factor, e)))
		return rc;
	*out = *in;
	return signal_affine(l, out, factor, NULL, e);
}

static const struct {
	const char *type;
	int (*lower)(struct lowering *l, struct signal *out, struct error *e);
} others[] = {
	{"Add", sum_lower},
	{"BatchNormalization", norm_lower},
	{"Clip", clip_lower},
	{"Div", quotient_lower},
	{"Max", extreme_lower},
	{"Min", extreme_lower},
	{"Mul", product_lower},
	{"Neg", negative_lower},
	{"PRelu", prelu_lower},
	{"Relu", relu_lower},
	{"Sub", sum_lower},
	{"Sum", sum_lower},
};

int element_lower(struct lowering *l, struct signal *out, struct error *e)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (graph_is(l->node, functions[i].type))
			return function_lower(l, &functions[i], out, e);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (graph_is(l->node, others[i].type))
			return others[i].lower(l, out, e);
	return 1;
}
