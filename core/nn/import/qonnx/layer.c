/* SPDX-License-Identifier: MIT */
/*
 * The end of a layer: what stands between its sums and the next codes, or the scores, is a monotone function
 * of the accumulator, computed here in double precision. Thresholds are where it changes, found by search. A
 * requantisation is taken where it changes at the same places.
 */
#include "base/log.h"
#include "nn/import/qonnx/parts.h"
#include "nn/limits.h"
#include "nn/requantise.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct qonnx_epilogue {
	const struct qonnx_import *m;
	const struct quant *quant;
	struct layer *layer;
	int32_t largest; /* no accumulator of the layer is beyond ± this */
	int lowest;	 /* the whole number that code 0 stands for */
};

static double sum_of(const struct qonnx_import *m, int channel, int32_t accumulator)
{
	return m->sum_scale[channel] * (accumulator + m->sum_offset[channel]);
}

/* The code of an accumulator. */
static int code_of(const struct qonnx_epilogue *end, int channel, int32_t accumulator)
{
	double number = steps_apply(end->m, channel, sum_of(end->m, channel, accumulator));
	int whole = (int)quant_apply(end->quant, number);

	return end->quant->bipolar ? whole > 0 : whole - end->lowest;
}

/* The least accumulator from `from` on whose code is at least `code` (inverted: at most); none: INT32_MAX. */
static int32_t threshold_find(
	const struct qonnx_epilogue *end, int channel, bool inverted, int code, int64_t from)
{
	int64_t low = from, high = (int64_t)end->largest + 1;

	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		int found = code_of(end, channel, (int32_t)middle);

		if (inverted ? found <= code : found >= code)
			high = middle;
		else
			low = middle + 1;
	}
	return low > end->largest ? INT32_MAX : (int32_t)low;
}

static void thresholds_find(const struct qonnx_epilogue *end, int channel)
{
	int levels = layer_levels(end->layer);
	int32_t *thresholds = end->layer->thresholds + (size_t)channel * (size_t)levels;
	int32_t before = -end->largest;
	bool inverted = code_of(end, channel, -end->largest) > code_of(end, channel, end->largest);

	end->layer->invert[channel] = inverted;
	for (int i = 0; i < levels; i++) {
		if (before != INT32_MAX)
			before = threshold_find(
				end, channel, inverted, inverted ? levels - 1 - i : i + 1, before);
		thresholds[i] = before == -end->largest ? INT32_MIN : before;
	}
}

/* The number before the Quant's rounding as factor · accumulator + summand, wherever no ReLU cuts it. */
static void line_of(const struct qonnx_import *m, int channel, double *factor, double *summand)
{
	*factor = m->sum_scale[channel];
	*summand = m->sum_scale[channel] * m->sum_offset[channel];
	for (int i = 0; i < m->step_count; i++) {
		const struct qonnx_step *step = &m->steps[i];

		if (step->kind == STEP_RELU || step->kind == STEP_POOL)
			continue;
		if (step->kind != STEP_ADD)
			*factor = step_apply(step, channel, *factor);
		*summand = step_apply(step, channel, *summand);
	}
}

/* Accumulators that the channel can have. */
static void reach_find(const struct layer *layer, int channel, int32_t *low, int32_t *high)
{
	size_t taps = (size_t)layer_weight_count(layer) / (size_t)layer->out.channels;
	const int8_t *weights = layer->weights + (size_t)channel * taps;
	int code = (1 << layer->input_bits) - 1;

	*low = *high = 0;
	for (size_t i = 0; i < taps; i++)
		*(weights[i] < 0 ? low : high) += weights[i] * code;
}

/* Takes a requantisation in place of thresholds when it gives the same codes. */
static int requantise_try(const struct qonnx_epilogue *end, struct error *e)
{
	struct layer *layer = end->layer;
	size_t channels = (size_t)layer->out.channels;
	int32_t low, high;
	int exact = 0;

	layer->multiplier = calloc(channels, sizeof(*layer->multiplier));
	layer->shift = calloc(channels, sizeof(*layer->shift));
	layer->bias = calloc(channels, sizeof(*layer->bias));
	if (!layer->multiplier || !layer->shift || !layer->bias)
		return node_error(end->m, -ENOMEM, e, "out of memory");
	for (; exact < layer->out.channels; exact++) {
		reach_find(layer, exact, &low, &high);
		if (!requantise_fit(layer, exact, low, high))
			break;
	}
	if (exact == layer->out.channels) {
		layer->epilogue = EPILOGUE_REQUANTISE;
		free(layer->thresholds);
		free(layer->invert);
		layer->thresholds = NULL;
		layer->invert = NULL;
		return 0;
	}
	log_debug("%s: layer %s keeps thresholds: no requantisation of channel %d is exact", end->m->path,
		layer->name, exact);
	free(layer->multiplier);
	free(layer->shift);
	free(layer->bias);
	layer->multiplier = NULL;
	layer->shift = NULL;
	layer->bias = NULL;
	return 0;
}

/*
 * A pool in the model takes the largest number, ours the largest code: operations behind a pool must not
 * reverse the order. No intermediate number may be too large for double precision.
 */
static int channel_check(const struct qonnx_epilogue *end, int channel, struct error *e)
{
	const struct qonnx_import *m = end->m;
	int sign = 1;

	for (int side = -1; side <= 1; side += 2) {
		double number = sum_of(m, channel, side * end->largest);

		for (int i = 0; i < m->step_count && isfinite(number); i++)
			number = step_apply(&m->steps[i], channel, number);
		if (!isfinite(number))
			return node_error(m, -EBADMSG, e,
				"the numbers before it leave double precision in channel %d", channel);
	}
	for (int i = m->step_count - 1; i >= 0; i--) {
		const struct qonnx_step *step = &m->steps[i];

		if (step->kind == STEP_MULTIPLY || step->kind == STEP_DIVIDE)
			sign *= step->numbers[step->count == 1 ? 0 : channel] < 0 ? -1 : 1;
		if (step->kind == STEP_POOL && sign < 0)
			return node_error(m, -EBADMSG, e,
				"channel %d falls behind a max pool; pool behind the Quant instead", channel);
	}
	return 0;
}

/* What code 0 stands for: 0 when no number is below it, else the lowest of the Quant. */
static int lowest_find(struct qonnx_epilogue *end)
{
	int lowest = 0;

	end->lowest = 0;
	for (int c = 0; c < end->layer->out.channels && !end->quant->bipolar; c++)
		for (int side = -1; side <= 1; side += 2) {
			int code = code_of(end, c, side * end->largest);

			lowest = code < lowest ? code : lowest;
		}
	return lowest < 0 ? (int)end->quant->low : 0;
}

/* Bits for codes 0 … levels; 0: more than 8. */
static int bits_for(int levels)
{
	int bits = 1;

	while (bits <= 8 && levels >= 1 << bits)
		bits *= 2;
	return bits <= 8 ? bits : 0;
}

static int epilogue_find(const struct qonnx_epilogue *end, struct error *e)
{
	struct layer *layer = end->layer;
	size_t channels = (size_t)layer->out.channels;

	layer->epilogue = EPILOGUE_THRESHOLDS;
	layer->thresholds = calloc(channels * (size_t)layer_levels(layer), sizeof(*layer->thresholds));
	layer->invert = calloc(channels, sizeof(*layer->invert));
	if (!layer->thresholds || !layer->invert)
		return node_error(end->m, -ENOMEM, e, "out of memory");
	for (int c = 0; c < layer->out.channels; c++)
		thresholds_find(end, c);
	return layer->output_bits > 4 && !end->quant->bipolar ? requantise_try(end, e) : 0;
}

/* The path goes on at the codes. */
static int codes_begin(struct qonnx_import *m, const struct qonnx_epilogue *end, struct error *e)
{
	bool bipolar = end->quant->bipolar;

	free(m->offset);
	m->offset = calloc((size_t)m->shape.channels, sizeof(*m->offset));
	if (!m->offset)
		return node_error(m, -ENOMEM, e, "out of memory");
	for (int c = 0; c < m->shape.channels; c++)
		m->offset[c] = bipolar ? -0.5 : end->lowest;
	m->scale = end->quant->scale * (bipolar ? 2 : 1);
	m->bits = end->layer->output_bits;
	m->levels = bipolar ? 1 : (int)end->quant->high - end->lowest;
	for (int i = m->open + 1; i < m->network->layer_count; i++)
		m->network->layers[i].input_bits = m->network->layers[i].output_bits = m->bits;
	m->place = AT_CODES;
	steps_clear(m);
	return 0;
}

static int32_t largest_sum(const struct layer *layer)
{
	uint64_t taps = layer_weight_count(layer) / (uint64_t)layer->out.channels;

	return (int32_t)(taps * ((UINT64_C(1) << (layer->weight_bits - 1)) *
					((UINT64_C(1) << layer->input_bits) - 1)));
}

int layer_end_codes(struct qonnx_import *m, const struct quant *quant, struct error *e)
{
	struct layer *layer = &m->network->layers[m->open];
	struct qonnx_epilogue end = {m, quant, layer, largest_sum(layer), 0};
	int rc = 0;

	for (int c = 0; c < layer->out.channels && rc == 0; c++)
		rc = channel_check(&end, c, e);
	if (rc)
		return rc;
	if (quant->high - quant->low <= 2 * UINT8_MAX + 1) {
		end.lowest = lowest_find(&end);
		layer->output_bits = bits_for(quant->bipolar ? 1 : (int)quant->high - end.lowest);
	}
	if (layer->output_bits == 0)
		return node_error(m, -EBADMSG, e, "its numbers from %g to %g need more than 8 bits",
			quant->low, quant->high);
	rc = epilogue_find(&end, e);
	return rc ? rc : codes_begin(m, &end, e);
}

int layer_end_scores(struct qonnx_import *m, struct error *e)
{
	struct network *network = m->network;
	struct layer *layer = &network->layers[m->open];
	size_t channels = (size_t)layer->out.channels;

	if (m->open != network->layer_count - 1)
		return node_error(m, -EBADMSG, e, "a max pool stands behind the last layer");
	for (int i = 0; i < m->step_count; i++)
		if (m->steps[i].kind == STEP_RELU)
			return node_error(
				m, -EBADMSG, e, "a ReLU without a Quant stands behind the last layer");
	layer->epilogue = EPILOGUE_SCORES;
	layer->output_bits = 32;
	network->scale = calloc(channels, sizeof(*network->scale));
	network->bias = calloc(channels, sizeof(*network->bias));
	if (!network->scale || !network->bias)
		return node_error(m, -ENOMEM, e, "out of memory");
	network->class_count = layer->out.channels;
	for (int c = 0; c < layer->out.channels; c++) {
		double factor, summand;

		line_of(m, c, &factor, &summand);
		network->scale[c] = (float)factor;
		network->bias[c] = (float)summand;
	}
	return 0;
}
