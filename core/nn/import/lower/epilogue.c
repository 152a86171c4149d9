/* SPDX-License-Identifier: MIT */
/*
 * Quantisation points. What a signal's one term makes of a whole number is a function computed in double
 * precision. Behind sums it must be monotone, and becomes thresholds, found by search; behind codes it
 * becomes a table.
 */
#include "nn/import/lower/epilogue.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * What a pixel stands for, each step rounded to single precision, as whoever trained the network computes it.
 * With a mean and a deviation of a half, every pixel lies between two codes, and these roundings decide.
 */
static double pixel_number(const struct epilogue *end, int channel, int64_t pixel)
{
	const struct lower_options *o = end->l->options;
	float number = (float)pixel / (end->input_factor == 1 ? (float)UINT8_MAX : 1);
	int i = o->channels == 1 ? 0 : channel;

	return (double)(o->mean ? (number - (float)o->mean[i]) / (float)o->std[i] : number);
}

/* The number that the point quantises. */
static double number_of(const struct epilogue *end, int c, int64_t x)
{
	const struct signal *signal = end->signal;

	if (end->single)
		return epilogue_functions(end, c, pixel_number(end, c, x));
	const struct term *term = &signal->terms[0];
	double number =
		term->scale[c] * end->input_factor * ((double)x + term->offset[c]) + signal->summand[c];

	return epilogue_functions(end, c, number);
}

static int whole_of(const struct epilogue *end, int channel, int64_t x)
{
	double scale = end->scale[channel], number = number_of(end, channel, x);

	if (!end->single)
		return (int)quantisation_apply(end->point, scale, end->zero[channel], number, end->tolerance);
	return (int)quantisation_apply(
		end->point, 1, end->zero[channel], (double)((float)number / (float)scale), 0);
}

static int code_of(const struct epilogue *end, int channel, int64_t x)
{
	int whole = whole_of(end, channel, x);

	return end->point->bipolar ? whole > 0 : whole - end->lowest;
}

static int range_find(struct epilogue *end, struct error *e)
{
	const struct lowering *l = end->l;
	int source = end->signal->terms[0].source;
	double least = end->point->low > 0 ? end->point->low : 0, most = end->point->low;
	bool codes = built_tensor(l, source).bits != TENSOR_SUMS;

	for (int c = 0; c < end->signal->shape.channels; c++) {
		int64_t low = reach_low(l, source, c), high = reach_high(l, source, c);

		for (int64_t x = low; x <= high; x = codes || x == high ? x + 1 : high) {
			if (!isfinite(number_of(end, c, x)))
				return node_error(l, -EBADMSG, e,
					"the numbers before it leave double precision in channel %d", c);
			least = fmin(least, whole_of(end, c, x));
			most = fmax(most, whole_of(end, c, x));
		}
	}
	if (epilogue_range(end, least, most))
		return 0;
	return node_error(l, -EBADMSG, e, "its numbers from %g to %g need more than 8 bits", end->point->low,
		end->point->high);
}

/* The least x from `from` on whose code is at least `code` (inverted: at most); none: INT32_MAX. */
static int32_t threshold_find(
	const struct epilogue *end, int channel, bool inverted, int code, int64_t from, int64_t last)
{
	int64_t low = from, high = last + 1;

	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		int found = code_of(end, channel, middle);

		if (inverted ? found <= code : found >= code)
			high = middle;
		else
			low = middle + 1;
	}
	return low > last ? INT32_MAX : (int32_t)low;
}

static void thresholds_find(const struct epilogue *end, struct layer *layer, int channel)
{
	int levels = layer_levels(layer), source = end->signal->terms[0].source;
	int32_t *thresholds = layer->thresholds + (size_t)channel * (size_t)levels;
	int64_t low = reach_low(end->l, source, channel), high = reach_high(end->l, source, channel),
		at = low;
	bool inverted = code_of(end, channel, low) > code_of(end, channel, high);

	layer->invert[channel] = inverted;
	for (int i = 0; i < levels; i++) {
		int32_t found = at > high ? INT32_MAX
					  : threshold_find(end, channel, inverted,
						    inverted ? levels - 1 - i : i + 1, at, high);

		at = found;
		thresholds[i] = found == low ? INT32_MIN : found;
	}
}

/* An add of one input, which the layer of sums takes in where nothing else reads them (finish.c). */
static int thresholds_build(struct lowering *l, const struct epilogue *end, int *index, struct error *e)
{
	int source = end->signal->terms[0].source;
	int rc = add_build(l, &source, 1, index, e);

	if (rc)
		return rc;
	struct built *built = &l->built[*index];
	struct layer *layer = &built->layer;
	size_t channels = (size_t)layer->out.channels;
	layer->epilogue = EPILOGUE_THRESHOLDS;
	layer->output_bits = epilogue_bits(end->levels);
	if ((rc = lowering_charge(l, channels * (size_t)layer_levels(layer), sizeof(int32_t), e)))
		return rc;
	layer->thresholds = calloc(channels * (size_t)layer_levels(layer), sizeof(*layer->thresholds));
	layer->invert = calloc(channels, sizeof(*layer->invert));
	if (!layer->thresholds || !layer->invert)
		return node_error(l, -ENOMEM, e, "out of memory");
	for (int c = 0; c < layer->out.channels; c++) {
		layer->factors[c] = 1;
		thresholds_find(end, layer, c);
	}
	if ((rc = reach_make(l, *index, e)))
		return rc;
	for (size_t c = 0; c < channels; c++) {
		l->built[*index].low[c] = 0;
		l->built[*index].high[c] = end->levels;
	}
	return 0;
}

static bool rows_differ(const uint8_t *table, int rows, int codes)
{
	for (int c = 1; c < rows; c++)
		if (memcmp(table, table + (size_t)c * (size_t)codes, (size_t)codes) != 0)
			return true;
	return false;
}

/* Codes that cannot be are entered as the nearest that can. */
static int tabled_build(struct lowering *l, const struct epilogue *end, int *index, struct error *e)
{
	int source = end->signal->terms[0].source, rows = end->signal->shape.channels;
	int codes = 1 << built_tensor(l, source).bits;
	int rc = table_build(l, source, epilogue_bits(end->levels), rows, index, e);

	if (rc)
		return rc;
	struct layer *layer = &l->built[*index].layer;
	for (int c = 0; c < rows; c++)
		for (int code = 0; code < codes; code++) {
			int64_t high = reach_high(l, source, c);

			layer->table[c * codes + code] = (uint8_t)code_of(end, c, code < high ? code : high);
		}
	if (!rows_differ(layer->table, rows, codes))
		layer->table_rows = 1;
	return reach_make(l, *index, e);
}

/* Whether the codes stay, but for a number that is added: they then only get another meaning. */
static bool codes_same(const struct epilogue *end, int *difference)
{
	int source = end->signal->terms[0].source;

	*difference = whole_of(end, 0, 0);
	for (int c = 0; c < end->signal->shape.channels && !end->point->bipolar; c++)
		for (int code = 0; code <= reach_high(end->l, source, c); code++)
			if (whole_of(end, c, code) - code != *difference)
				return false;
	return !end->point->bipolar;
}

static int distinct_codes(const struct epilogue *end)
{
	int count = 1;

	for (int x = 1; x <= UINT8_MAX; x++)
		count += whole_of(end, 0, x) != whole_of(end, 0, x - 1);
	return count;
}

/* Pixels go from 0 to 1, unless only from 0 to 255 each has a code of its own, or they are told apart at all.
 */
static void input_decide(struct lowering *l, struct epilogue *end)
{
	int difference, few = distinct_codes(end);

	if (l->input_decided || l->options->mean || end->signal->terms[0].source != NETWORK_INPUT)
		return;
	l->input_decided = true;
	if (codes_same(end, &difference))
		return;
	end->input_factor = UINT8_MAX;
	if (!codes_same(end, &difference) && !(few <= 2 && distinct_codes(end) > 2))
		end->input_factor = 1;
}

/* Whether the functions from `first` on rise, or stay, in a channel: monotone ones that fall do so at the
 * ends. */
static bool rises(const struct signal *signal, int first, int channel)
{
	double low = -1e3, high = 1e3;

	for (int i = first; i < signal->step_count; i++) {
		const struct step *s = &signal->steps[i];

		if (!s->compute)
			continue;
		if (s->not_monotone)
			return false;
		low = s->compute(low, s->a ? s->a[channel] : 0, s->b ? s->b[channel] : 0);
		high = s->compute(high, s->a ? s->a[channel] : 0, s->b ? s->b[channel] : 0);
	}
	return low <= high;
}

/* A pool takes the largest code for the largest number: functions behind it must not fall. */
static int pools_check(const struct epilogue *end, struct error *e)
{
	const struct signal *signal = end->signal;

	for (int i = 0; i < signal->step_count; i++) {
		if (!signal->steps[i].spatial || signal->steps[i].spatial->kind != LAYER_MAX_POOL)
			continue;
		for (int c = 0; c < signal->shape.channels; c++)
			if (!rises(signal, i + 1, c))
				return node_error(end->l, -EBADMSG, e,
					"channel %d falls behind a max pool; pool behind the Quant instead",
					c);
	}
	return 0;
}

/* Pools and upsamples that came before the point, now of codes. */
static int spatial_follow(struct lowering *l, const struct signal *signal, int *index, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < signal->step_count && rc == 0; i++)
		if (signal->steps[i].spatial)
			rc = spatial_build(l, *index, signal->steps[i].spatial, index, e);
	return rc;
}

static int meaning_set(
	struct lowering *l, const struct epilogue *end, int index, struct signal *out, struct error *e)
{
	int channels = out->shape.channels, rc;
	double *scale, *offset, *summand;

	if ((rc = numbers_take(l, channels, 0, &scale, e)) ||
		(rc = numbers_take(l, channels, 0, &offset, e)) ||
		(rc = numbers_take(l, channels, 0, &summand, e)))
		return rc;
	for (int c = 0; c < channels; c++) {
		scale[c] = end->scale[c] * (end->point->bipolar ? 2 : 1) *
			   (end->point->gain > 0 ? end->point->gain : 1);
		offset[c] = end->point->bipolar ? -0.5 : end->lowest - end->zero[c];
	}
	out->terms[0] = (struct term){index, scale, offset};
	out->term_count = 1;
	out->summand = summand;
	out->step_count = 0;
	return 0;
}

static int codes_build(struct lowering *l, struct epilogue *end, int *index, struct error *e)
{
	int source = end->signal->terms[0].source, difference, rc = 0;

	if (built_tensor(l, source).bits == TENSOR_SUMS) {
		for (int i = 0; i < end->signal->step_count; i++)
			if (end->signal->steps[i].not_monotone)
				return node_error(l, -EBADMSG, e,
					"a function that rises and falls stands before it; quantise in front "
					"of that function, too");
		return (rc = range_find(end, e)) ? rc : thresholds_build(l, end, index, e);
	}
	if (codes_same(end, &difference)) {
		end->lowest = difference;
		*index = source;
		return 0;
	}
	return (rc = range_find(end, e)) ? rc : tabled_build(l, end, index, e);
}

/*
 * Codes, and their averages and sums, can be halves by design. Behind weights a number that is nearly one is
 * so by accident.
 */
static double tolerance_of(const struct lowering *l, int source)
{
	const struct layer *layer = source == NETWORK_INPUT ? NULL : &l->built[source].layer;

	if (layer && layer_has_weights(layer))
		return 0;
	for (int i = 0; layer && layer->kind == LAYER_ADD && i < layer->from_count; i++)
		if (built_tensor(l, layer->from[i]).bits == TENSOR_SUMS &&
			tolerance_of(l, layer->from[i]) == 0)
			return 0;
	return QUANTISATION_ROUNDED;
}

/* The scale and the zero point in each channel. */
static int point_read(
	struct lowering *l, const struct graph_node *node, struct epilogue *end, struct error *e)
{
	const struct graph_tensor *place = node->inputs[0], *zero = end->point->zero;
	double *none;
	int rc = numbers_take(l, end->signal->shape.channels, 0, &none, e);

	if (rc || (rc = channel_numbers(l, end->point->scale, end->signal, place, &end->scale, e)))
		return rc;
	end->zero = none;
	if (zero && (rc = channel_numbers(l, zero, end->signal, place, &end->zero, e)))
		return rc;
	if (fabs(end->point->low) <= INT32_MAX / 2 && end->point->high <= INT32_MAX / 2)
		return 0;
	return node_error(l, -EBADMSG, e, "its numbers from %g to %g need more than 8 bits", end->point->low,
		end->point->high);
}

/* Pixels that nothing has computed with. */
static bool is_pixels(const struct lowering *l, const struct signal *signal)
{
	return signal->term_count == 1 && signal->terms[0].source == NETWORK_INPUT &&
	       signal->terms[0].scale == l->pixel_scale && signal->summand == l->pixel_summand;
}

static bool without_weights(const struct lowering *l, const struct signal *signal)
{
	for (int k = 0; k < signal->term_count; k++)
		if (tolerance_of(l, signal->terms[k].source) == 0)
			return false;
	return true;
}

int signal_quantise(struct lowering *l, const struct signal *in, const struct graph_node *node,
	struct signal *out, struct error *e)
{
	struct signal signal = *in;
	struct epilogue end = {l, &signal, node->quantisation, .input_factor = 1};
	int index = 0, rc;

	end.tolerance = without_weights(l, in) ? QUANTISATION_ROUNDED : 0;
	end.single = l->options->single && is_pixels(l, in);
	if ((rc = point_read(l, node, &end, e)) || (rc = pools_check(&end, e)) ||
		(rc = epilogue_add(l, &end, &index, e)))
		return rc;
	if (index < 0) {
		if ((rc = signal_combine(l, &signal, e)))
			return rc;
		input_decide(l, &end);
		rc = codes_build(l, &end, &index, e);
	}
	*out = signal;
	if (rc || (rc = spatial_follow(l, &signal, &index, e)))
		return rc;
	return meaning_set(l, &end, index, out, e);
}
