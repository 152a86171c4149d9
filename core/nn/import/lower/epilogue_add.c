/* SPDX-License-Identifier: MIT */
/*
 * An add that requantises: code = (Σ factor · x + bias) >> shift, within bounds. With factors of so few bits
 * that 32 hold the sums, the engine is much faster than with thresholds. Where two codes are added, all pairs
 * of them are tried; a code of 8 bits may differ only where single precision does not tell which it is.
 */
#include "nn/import/lower/epilogue.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { SHIFT_MOST = 50 };
#define NARROW_SUMS 0x1.fp30	      /* the largest sum of 32 bits, with room for rounded factors */
#define WIDE_FACTORS 0x1p30	      /* of all factors of a channel */
#define SINGLE_PRECISION (1.0 / 8192) /* of a code, at the highest of 8 bits, and after some operations */

struct requantised_add {
	int32_t *factors; /* [terms][channels] */
	int64_t *bias;	  /* [channels] */
	int shift;
	int low, high; /* bounds of the codes */
};

/* The whole number at a bound. */
static double whole_at(const struct epilogue *end, int channel, double bound)
{
	if (isinf(bound))
		return bound > 0 ? end->point->high : end->point->low;
	return quantisation_apply(end->point, end->scale[channel], end->zero[channel], bound, end->tolerance);
}

/* Bounds of whole numbers that Relu and Clip make, the same in all channels; false: other functions. */
static bool bounds_find(const struct epilogue *end, double *low, double *high)
{
	*low = end->point->low;
	*high = end->point->high;
	for (int i = 0; i < end->signal->step_count; i++) {
		const struct step *step = &end->signal->steps[i];

		if (step->spatial)
			continue;
		if (!step->bounds)
			return false;
		double least = whole_at(end, 0, step->a[0]), most = whole_at(end, 0, step->b[0]);
		for (int c = 1; c < end->signal->shape.channels; c++)
			if (whole_at(end, c, step->a[c]) != least || whole_at(end, c, step->b[c]) != most)
				return false;
		*low = fmin(fmax(*low, least), most);
		*high = fmin(fmax(*high, least), most);
	}
	return true;
}

/* The sum in a channel for these numbers of the terms. */
static double sum_of(const struct epilogue *end, int channel, const int64_t *x)
{
	double sum = end->signal->summand[channel];

	for (int k = 0; k < end->signal->term_count; k++) {
		const struct term *term = &end->signal->terms[k];

		sum += term->scale[channel] * ((double)x[k] + term->offset[channel]);
	}
	return sum;
}

/* What all sums come to, in whole numbers. */
static bool range_find(struct epilogue *end, double low, double high)
{
	const struct signal *signal = end->signal;
	double least = high, most = low;

	for (int c = 0; c < signal->shape.channels; c++)
		for (int side = 0; side < 2; side++) {
			int64_t x[TERM_LIMIT];

			for (int k = 0; k < signal->term_count; k++) {
				bool highest = (signal->terms[k].scale[c] < 0) != (side == 1);
				int source = signal->terms[k].source;

				x[k] = highest ? reach_high(end->l, source, c) : reach_low(end->l, source, c);
			}
			double number = sum_of(end, c, x);
			if (!isfinite(number))
				return false;
			number = fmin(fmax(whole_at(end, c, number), low), high);
			least = fmin(least, number);
			most = fmax(most, number);
		}
	return epilogue_range(end, fmin(least, fmax(end->point->low, 0)), most);
}

static bool reads_sums(const struct epilogue *end)
{
	for (int k = 0; k < end->signal->term_count; k++)
		if (built_tensor(end->l, end->signal->terms[k].source).bits == TENSOR_SUMS)
			return true;
	return false;
}

/* The largest shift for which the factors, or the sums of narrow ones, fit. */
static int shift_find(const struct epilogue *end, bool narrow)
{
	int shift = SHIFT_MOST;

	for (int c = 0; c < end->signal->shape.channels; c++) {
		double sum = 0;

		for (int k = 0; k < end->signal->term_count; k++) {
			const struct term *term = &end->signal->terms[k];
			int bits = built_tensor(end->l, term->source).bits;

			sum += fabs(term->scale[c] / end->scale[c]) * (narrow ? ldexp(1, bits) : 1);
		}
		while (shift >= 0 && ldexp(sum, shift) > (narrow ? NARROW_SUMS : WIDE_FACTORS))
			shift--;
	}
	return shift;
}

static int add_make(struct lowering *l, const struct epilogue *end, bool narrow, struct requantised_add *add,
	struct error *e)
{
	const struct signal *signal = end->signal;
	int channels = signal->shape.channels;
	size_t count = (size_t)channels;
	double half = end->point->round == floor ? 0 : 0.5;
	int rc;

	add->shift = shift_find(end, narrow);
	if (add->shift < 0)
		return 0;
	if ((rc = lowering_take(l, count * (size_t)signal->term_count, sizeof(int32_t), &add->factors, e)) ||
		(rc = lowering_take(l, count, sizeof(int64_t), &add->bias, e)))
		return rc;
	for (int c = 0; c < channels; c++) {
		const int64_t none[TERM_LIMIT] = {0};
		double bias = sum_of(end, c, none) / end->scale[c] + end->zero[c] - end->lowest + half;

		if (!(fabs(ldexp(bias, add->shift)) < 0x1p60)) {
			add->shift = -1;
			return 0;
		}
		add->bias[c] = llrint(ldexp(bias, add->shift));
		for (int k = 0; k < signal->term_count; k++)
			add->factors[k * channels + c] =
				(int32_t)llrint(ldexp(signal->terms[k].scale[c] / end->scale[c], add->shift));
	}
	return 0;
}

static int code_made(
	const struct epilogue *end, const struct requantised_add *add, int channel, const int64_t *x)
{
	int64_t sum = add->bias[channel];

	for (int k = 0; k < end->signal->term_count; k++)
		sum += add->factors[k * end->signal->shape.channels + channel] * x[k];
	sum >>= add->shift;
	return (int)(sum < add->low ? add->low : sum > add->high ? add->high : sum);
}

/* Whether a number is so near to where its code changes that single precision does not tell. */
static bool is_undecided(const struct epilogue *end, int channel, double number)
{
	double quotient = number / end->scale[channel] + (end->point->round == floor ? 0.5 : 0);

	return end->levels > 127 && fabs(quotient - floor(quotient) - 0.5) < SINGLE_PRECISION;
}

static bool channel_agrees(const struct epilogue *end, const struct requantised_add *add, int c)
{
	const struct term *terms = end->signal->terms;
	int64_t x[TERM_LIMIT];

	for (x[0] = 0; x[0] <= reach_high(end->l, terms[0].source, c); x[0]++)
		for (x[1] = 0; x[1] <= reach_high(end->l, terms[1].source, c); x[1]++) {
			double number = sum_of(end, c, x);
			double whole = whole_at(end, c, epilogue_functions(end, c, number));

			if (code_made(end, add, c, x) != (int)whole - end->lowest &&
				!is_undecided(end, c, number))
				return false;
		}
	return true;
}

static bool channels_same(const struct epilogue *end, const struct requantised_add *add, int a, int b)
{
	int channels = end->signal->shape.channels;

	for (int k = 0; k < end->signal->term_count; k++)
		if (add->factors[k * channels + a] != add->factors[k * channels + b] ||
			end->signal->terms[k].scale[a] != end->signal->terms[k].scale[b])
			return false;
	return add->bias[a] == add->bias[b];
}

/* Two codes: all pairs. Others: where weights are behind the sums, no number is a half by design. */
static bool codes_agree(const struct epilogue *end, const struct requantised_add *add)
{
	if (end->signal->term_count != 2 || reads_sums(end))
		return end->tolerance == 0;
	for (int c = 0; c < end->signal->shape.channels; c++)
		if ((c == 0 || !channels_same(end, add, c, c - 1)) && !channel_agrees(end, add, c))
			return false;
	return true;
}

static int add_take(struct lowering *l, const struct epilogue *end, const struct requantised_add *add,
	int *index, struct error *e)
{
	int sources[TERM_LIMIT], count = end->signal->term_count, rc;

	for (int k = 0; k < count; k++)
		sources[k] = end->signal->terms[k].source;
	if ((rc = add_build(l, sources, count, index, e)))
		return rc;
	struct layer *layer = &l->built[*index].layer;
	size_t channels = (size_t)layer->out.channels;
	layer->epilogue = EPILOGUE_REQUANTISE;
	layer->output_bits = epilogue_bits(end->levels);
	memcpy(layer->factors, add->factors, (size_t)count * channels * sizeof(*layer->factors));
	memcpy(layer->bias, add->bias, channels * sizeof(*layer->bias));
	memset(layer->shift, add->shift, channels);
	if (add->low > 0 || add->high < (1 << layer->output_bits) - 1) {
		layer->clamp_low = add->low;
		layer->clamp_high = add->high;
	}
	if ((rc = reach_make(l, *index, e)))
		return rc;
	for (size_t c = 0; c < channels; c++)
		l->built[*index].high[c] = add->high;
	return 0;
}

int epilogue_add(struct lowering *l, struct epilogue *end, int *index, struct error *e)
{
	double low, high;
	int rc = 0;

	*index = -1;
	if (end->signal->term_count < 2 || end->point->bipolar || end->point->finest > 0 ||
		(end->point->round != rounding_half_even && end->point->round != floor) ||
		!bounds_find(end, &low, &high) || !range_find(end, low, high))
		return 0;
	for (int narrow = !reads_sums(end); narrow >= 0 && rc == 0; narrow--) {
		struct requantised_add add = {.low = (int)low - end->lowest, .high = (int)high - end->lowest};

		add.low = add.low < 0 ? 0 : add.low;
		add.high = add.high > end->levels ? end->levels : add.high;
		rc = add_make(l, end, narrow == 1, &add, e);
		if (rc == 0 && add.shift >= 0 && add.high > 0 && codes_agree(end, &add))
			return add_take(l, end, &add, index, e);
	}
	return rc;
}
