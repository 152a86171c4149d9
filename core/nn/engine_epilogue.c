/* SPDX-License-Identifier: MIT */
/* Packs what turns accumulators into codes. */
#include "nn/engine_plan.h"

#include "nn/limits.h"
#include "nn/requantise.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Stores the thresholds of one channel in the layout of `struct thresholds`. */
static void lay_thresholds(const struct thresholds *t, const int32_t *thresholds, int channel)
{
	int32_t *rows = t->values + (size_t)channel * ROWS_OF_CHANNEL * ROW;

	for (int i = 0; i < t->levels && t->levels <= ROW; i++)
		t->values[(size_t)i * (size_t)t->stride + (size_t)channel] = thresholds[i];
	for (int i = 0; i <= t->levels && t->levels > ROW; i++) {
		rows[ROW + i] = i < t->levels ? thresholds[i] : INT32_MAX;
		rows[i / ROW] = rows[ROW + i];
	}
}

static int plan_thresholds(struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	struct thresholds *t = &plan->thresholds;
	int channels = layer->out.channels;

	t->levels = layer_levels(layer);
	t->stride = (channels + SLACK - 1) / SLACK * SLACK;
	size_t each = t->levels > ROW ? (size_t)ROWS_OF_CHANNEL * ROW : (size_t)t->levels;
	t->values = engine_allocate(each * (size_t)t->stride * sizeof(int32_t));
	t->flip = engine_allocate((size_t)t->stride);
	if (!t->values || !t->flip)
		return -ENOMEM;
	for (int c = 0; c < channels; c++) {
		lay_thresholds(t, layer->thresholds + (size_t)c * (size_t)t->levels, c);
		if (layer->invert && layer->invert[c])
			t->flip[c] = (uint8_t)t->levels;
	}
	return 0;
}

/* Brings a channel's shift to 32 or more by larger numbers, where these are in range: the codes are the same.
 */
static bool raise_shift(const struct requantisation *r, int channel)
{
	int by = r->shifts[channel] < 32 ? 32 - (int)r->shifts[channel] : 0;
	int64_t multiplier = r->multipliers[channel], bias = r->biases[channel];
	int64_t most = (int64_t)INT32_MAX >> by, most_bias = BIAS_LIMIT >> by;

	if (multiplier > most || multiplier < -most || bias > most_bias || bias < -most_bias)
		return false;
	r->multipliers[channel] = multiplier * (INT64_C(1) << by);
	r->biases[channel] = bias * (INT64_C(1) << by);
	r->shifts[channel] += by;
	return true;
}

/* Vector code takes the even and the odd of 16 channels apart. */
static void lay_high(const struct requantisation *r, int c)
{
	r->high_multipliers[c] = (int32_t)r->multipliers[c];
	r->high_shifts[c] = (int32_t)r->shifts[c] - 32;
	r->high_biases[c / 16 * 16 + c % 2 * 8 + c % 16 / 2] = r->biases[c];
}

static int allocate_requantisation(struct requantisation *r)
{
	size_t stride = (size_t)(r->channels + SLACK - 1) / SLACK * SLACK;

	r->multipliers = engine_allocate(stride * sizeof(int64_t));
	r->biases = engine_allocate(stride * sizeof(int64_t));
	r->shifts = engine_allocate(stride * sizeof(int64_t));
	r->high_multipliers = engine_allocate(stride * sizeof(int32_t));
	r->high_shifts = engine_allocate(stride * sizeof(int32_t));
	r->high_biases = engine_allocate(stride * sizeof(int64_t));
	r->wide = engine_allocate((size_t)r->channels * sizeof(int));
	r->slopes = engine_allocate(stride * sizeof(float));
	r->intercepts = engine_allocate(stride * sizeof(float));
	bool all = r->multipliers && r->biases && r->shifts && r->wide && r->slopes && r->intercepts;
	return all && r->high_multipliers && r->high_shifts && r->high_biases ? 0 : -ENOMEM;
}

/*
 * The accumulators that a channel's weights can make of any codes. The sums of the weights' values and sizes
 * give those of the positive and the negative ones without a branch for each weight, of which there are
 * millions. They fit: layer_check.c refuses layers whose accumulators do not.
 */
static void find_reach(const struct layer *layer, int channel, int32_t *low, int32_t *high)
{
	size_t taps = (size_t)(layer_weight_count(layer) / (uint64_t)layer->out.channels);
	const int8_t *weights = layer->weights + (size_t)channel * taps;
	int offset = layer->weight_offset ? layer->weight_offset[channel] : 0;
	int32_t values = 0, sizes = 0, most = (1 << layer->input_bits) - 1;

	for (size_t i = 0; i < taps; i++) {
		int weight = weights[i] + offset;
		values += weight;
		sizes += abs(weight);
	}
	*low = (int32_t)(((int64_t)values - sizes) / 2 * most);
	*high = (int32_t)(((int64_t)values + sizes) / 2 * most);
}

/*
 * How far a channel's estimate can be from its number, for numbers up to 256: the accumulator, the slope and
 * the intercept are each rounded to 24 digits before the sum is, whose last digit is worth 1 or less, and its
 * whole part is taken. The product is as large as the number and the intercept together.
 */
static double estimate_error(double bias)
{
	const double digit = ldexp(1, -FLT_MANT_DIG);
	double intercept = fabs(bias) * ESTIMATE_ONE, number = 256.0 * ESTIMATE_ONE;

	return 2 * digit * (number + intercept) + digit * intercept + 2;
}

static double bias_of(const struct requantisation *r, int channel)
{
	return ldexp((double)r->biases[channel], -(int)r->shifts[channel]);
}

#define MOST_ERROR 250 /* of 65536: one estimate in 130 proves nothing then */

static void lay_estimates(struct requantisation *r)
{
	double most = 0;

	for (int c = 0; c < r->channels; c++)
		most = fmax(most, r->multipliers[c] ? estimate_error(bias_of(r, c)) : 0);
	r->margin = most < MOST_ERROR ? (int)most + 2 : 0;
	for (int c = 0; c < (r->channels + SLACK - 1) / SLACK * SLACK; c++)
		r->intercepts[c] = 0.5F * ESTIMATE_ONE; /* where there is no channel, or a wide one */
	for (int c = 0; c < r->channels; c++)
		if (r->shifts[c] >= 32 && r->multipliers[c]) {
			r->slopes[c] = (float)ldexp((double)r->multipliers[c], 16 - (int)r->shifts[c]);
			r->intercepts[c] = (float)(bias_of(r, c) * ESTIMATE_ONE + r->margin);
		} else if (r->shifts[c] >= 32) { /* always the same, and proved */
			r->intercepts[c] += (float)fmin(fmax(floor(bias_of(r, c)), -1), 256) * ESTIMATE_ONE;
		}
}

/* layer: the plan's, or one that has a requantisation instead of thresholds. */
static int plan_requantisation(struct layer_plan *plan, const struct layer *layer)
{
	struct requantisation *r = &plan->requantisation;

	r->channels = layer->out.channels;
	r->least = (uint8_t)layer->clamp_low;
	r->largest = (uint8_t)(layer->clamp_high ? layer->clamp_high : layer_levels(layer));
	if (allocate_requantisation(r))
		return -ENOMEM;
	for (int c = 0; c < layer->out.channels; c++) {
		r->multipliers[c] = layer->kind == LAYER_ADD ? 1 : layer->multiplier[c];
		r->biases[c] = layer->bias[c];
		r->shifts[c] = layer->shift[c];
		if (raise_shift(r, c))
			lay_high(r, c);
		else
			r->wide[r->wide_count++] = c;
	}
	lay_estimates(r);
	return 0;
}

static bool fit_channels(const struct layer *layer)
{
	for (int c = 0; c < layer->out.channels; c++) {
		int32_t low, high;

		find_reach(layer, c, &low, &high);
		if (!requantise_fit(layer, c, low, high))
			return false;
	}
	return true;
}

/* Takes a requantisation where it gives the same codes as the thresholds. */
static int try_requantisation(struct layer_plan *plan)
{
	struct layer layer = *plan->layer;
	size_t channels = (size_t)layer.out.channels;
	int rc = -ENOMEM;

	layer.multiplier = calloc(channels, sizeof(*layer.multiplier));
	layer.shift = calloc(channels, sizeof(*layer.shift));
	layer.bias = calloc(channels, sizeof(*layer.bias));
	if (layer.multiplier && layer.shift && layer.bias)
		rc = fit_channels(&layer) ? plan_requantisation(plan, &layer) : 0;
	free(layer.multiplier);
	free(layer.shift);
	free(layer.bias);
	return rc;
}

bool engine_estimates_stay(const struct layer_plan *plan)
{
	const struct requantisation *r = &plan->requantisation;

	for (int c = 0; c < r->channels; c++) {
		int32_t low, high;

		find_reach(plan->layer, c, &low, &high);
		double most = fmax(-(double)low, high), slope = r->slopes[c], intercept = r->intercepts[c];
		if (fabs(slope) * most + fabs(intercept) > INT32_MAX / 2.0)
			return false;
	}
	return true;
}

int engine_pack_epilogue(const struct engine *engine, struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	int rc = 0;

	if (layer->epilogue == EPILOGUE_REQUANTISE)
		return plan_requantisation(plan, layer);
	if (layer->epilogue != EPILOGUE_THRESHOLDS)
		return 0;
	/* the fit of 255 thresholds a channel takes long, and an import has tried it */
	if (layer_has_weights(layer) && layer->output_bits >= engine->requantise_bits &&
		layer->output_bits < 8)
		rc = try_requantisation(plan);
	return rc || plan->requantisation.multipliers ? rc : plan_thresholds(plan);
}

void engine_unpack_epilogue(struct layer_plan *plan)
{
	free(plan->thresholds.values);
	free(plan->thresholds.flip);
	free(plan->requantisation.multipliers);
	free(plan->requantisation.biases);
	free(plan->requantisation.shifts);
	free(plan->requantisation.high_multipliers);
	free(plan->requantisation.high_shifts);
	free(plan->requantisation.high_biases);
	free(plan->requantisation.wide);
	free(plan->requantisation.slopes);
	free(plan->requantisation.intercepts);
}
