/* SPDX-License-Identifier: MIT */
/*
 * Sums of several terms. An add makes one of them: where the scales are whole multiples of each other,
 * exactly; else with factors of 30 bits. Linear operators read codes: sums are cut into digits for them.
 */
#include "nn/import/lower/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <math.h>

#define FACTORS 0x1p30 /* the largest sum of an add's factors */
#define SUMS 0x1p30    /* the largest sum that an add passes on */
#define RATIO_LIMIT 0x1p20
#define RATIO_SPLIT 16 /* the least scale may be so many times the unit */
#define RATIO_EXACT 1e-12

static double largest_of(const struct lowering *l, int source, int channel)
{
	double low = (double)reach_low(l, source, channel), high = (double)reach_high(l, source, channel);

	return fmax(fabs(low), fabs(high));
}

/* Whether all scales are whole multiples of the unit and their sums stay within 30 bits. */
static bool unit_fits(const struct lowering *l, const struct signal *signal, int channel, double unit)
{
	double sum = 0;

	for (int k = 0; k < signal->term_count; k++) {
		double ratio = signal->terms[k].scale[channel] / unit;

		if (fabs(ratio) > RATIO_LIMIT || fabs(ratio - rint(ratio)) > RATIO_EXACT * fabs(ratio))
			return false;
		sum += fabs(rint(ratio)) * largest_of(l, signal->terms[k].source, channel);
	}
	return sum < SUMS;
}

/* What the sum of the channel counts in, and by how many bits it is shifted. */
static double unit_find(const struct lowering *l, const struct signal *signal, int channel, int *shift)
{
	double least = 0, scales = 0, range = 0;

	for (int k = 0; k < signal->term_count; k++) {
		double scale = fabs(signal->terms[k].scale[channel]);

		if (scale > 0 && (least == 0 || scale < least))
			least = scale;
		scales += scale;
		range += scale * largest_of(l, signal->terms[k].source, channel);
	}
	*shift = 0;
	for (int split = 1; split <= RATIO_SPLIT && least > 0; split++)
		if (unit_fits(l, signal, channel, least / split))
			return least / split;
	if (scales == 0)
		return 1;
	double unit = scales / FACTORS;
	while (range / unit / ldexp(1, *shift) >= SUMS)
		++*shift;
	return unit;
}

/* Rounds to the nearest where the add shifts. */
static void channel_combine(const struct lowering *l, const struct signal *signal, struct layer *layer,
	int channel, double *scale)
{
	int shift;
	double unit = unit_find(l, signal, channel, &shift);

	for (int k = 0; k < signal->term_count; k++)
		layer->factors[(size_t)k * (size_t)layer->out.channels + (size_t)channel] =
			(int32_t)rint(signal->terms[k].scale[channel] / unit);
	layer->shift[channel] = (uint8_t)shift;
	layer->bias[channel] = shift ? INT64_C(1) << (shift - 1) : 0;
	*scale = ldexp(unit, shift);
}

int signal_combine(struct lowering *l, struct signal *signal, struct error *e)
{
	int sources[TERM_LIMIT], channels = signal->shape.channels, index, rc;
	double *scale, *offset, *summand;

	if (signal->term_count == 1)
		return 0;
	for (int k = 0; k < signal->term_count; k++)
		sources[k] = signal->terms[k].source;
	if ((rc = numbers_take(l, channels, 0, &scale, e)) ||
		(rc = numbers_take(l, channels, 0, &offset, e)) ||
		(rc = numbers_take(l, channels, 0, &summand, e)) ||
		(rc = add_build(l, sources, signal->term_count, &index, e)))
		return rc;
	for (int c = 0; c < channels; c++) {
		channel_combine(l, signal, &l->built[index].layer, c, &scale[c]);
		summand[c] = signal->summand[c];
		for (int k = 0; k < signal->term_count; k++)
			summand[c] += signal->terms[k].scale[c] * signal->terms[k].offset[c];
	}
	signal->terms[0] = (struct term){index, scale, offset};
	signal->term_count = 1;
	signal->summand = summand;
	return reach_make(l, index, e);
}

static int bits_of(int64_t levels)
{
	int bits = 1;

	while (bits < DIGIT_BITS && levels >= INT64_C(1) << bits)
		bits *= 2;
	return bits;
}

/* ((the sources, each times its factor) − low) >> shift, which is at most `levels`, as codes. */
static int digit_build(struct lowering *l, const int *sources, const int32_t *factors, int count, int64_t low,
	int shift, int64_t levels, int *index, struct error *e)
{
	int rc = add_build(l, sources, count, index, e);

	if (rc)
		return rc;
	struct layer *layer = &l->built[*index].layer;
	layer->epilogue = EPILOGUE_REQUANTISE;
	layer->output_bits = bits_of(levels);
	for (int c = 0; c < layer->out.channels; c++) {
		for (int k = 0; k < count; k++)
			layer->factors[k * layer->out.channels + c] = factors[k];
		layer->bias[c] = -low;
		layer->shift[c] = (uint8_t)shift;
	}
	if ((rc = reach_make(l, *index, e)))
		return rc;
	for (int c = 0; c < l->built[*index].layer.out.channels; c++)
		l->built[*index].high[c] = levels;
	return 0;
}

static int term_put(struct lowering *l, struct code_terms *out, struct term term, int source, double factor,
	double offset, struct error *e)
{
	int channels = built_tensor(l, source).shape.channels, rc;
	double *scale, *shifted;

	if ((rc = numbers_take(l, channels, 0, &scale, e)) ||
		(rc = numbers_take(l, channels, 0, &shifted, e)))
		return rc;
	for (int c = 0; c < channels; c++) {
		scale[c] = term.scale[c] * factor;
		shifted[c] = isnan(offset) ? 0 : term.offset[c] + offset;
	}
	out->terms[out->count++] = (struct term){source, scale, shifted};
	return 0;
}

/* Cuts a term of sums into terms of codes. */
static int digits_make(struct lowering *l, struct term term, struct code_terms *out, struct error *e)
{
	struct shape shape = built_tensor(l, term.source).shape;
	int64_t low = INT64_MAX, high = INT64_MIN;
	int sources[2] = {term.source, 0}, upper, lower, rc;

	for (int c = 0; c < shape.channels; c++) {
		low = reach_low(l, term.source, c) < low ? reach_low(l, term.source, c) : low;
		high = reach_high(l, term.source, c) > high ? reach_high(l, term.source, c) : high;
	}
	if (low >= 0 && high < 1 << DIGIT_BITS)
		low = 0;
	int64_t range = high - low;
	if (range >= INT64_C(1) << DIGIT_BITS * DIGIT_LIMIT)
		return node_error(l, -EBADMSG, e, "what it reads is not quantised; %s", l->options->advice);
	if (range < 1 << DIGIT_BITS) {
		rc = digit_build(l, sources, (const int32_t[]){1}, 1, low, 0, range, &lower, e);
		return rc ? rc : term_put(l, out, term, lower, 1, (double)low, e);
	}
	if ((rc = digit_build(
		     l, sources, (const int32_t[]){1}, 1, low, DIGIT_BITS, range >> DIGIT_BITS, &upper, e)))
		return rc;
	sources[1] = upper;
	if ((rc = digit_build(l, sources, (const int32_t[]){1, -(1 << DIGIT_BITS)}, 2, low, 0,
		     (1 << DIGIT_BITS) - 1, &lower, e)))
		return rc;
	rc = term_put(l, out, term, lower, 1, (double)low, e);
	return rc ? rc : term_put(l, out, term, upper, 1 << DIGIT_BITS, NAN, e);
}

/* The code that stands for the number 0 in all channels; −1: there is none. */
static int zero_of(const struct lowering *l, const struct term *term, int channels)
{
	int levels = (1 << built_tensor(l, term->source).bits) - 1;
	double zero = -term->offset[0];

	for (int c = 1; c < channels; c++)
		if (term->offset[c] != term->offset[0])
			return -1;
	return zero >= 0 && zero <= levels && zero == rint(zero) ? (int)zero : -1;
}

/*
 * Padding is 0 in the graph. What a term, or the sum, adds to 0 comes from a term of its own then: 1 wherever
 * there are pixels.
 */
static int padding_make(
	struct lowering *l, const struct signal *signal, struct code_terms *out, struct error *e)
{
	int channels = signal->shape.channels, index, rc;
	double *rest, *nothing;
	bool needed = false;

	if ((rc = numbers_take(l, channels, 0, &rest, e)) || (rc = numbers_take(l, channels, 0, &nothing, e)))
		return rc;
	for (int c = 0; c < channels; c++)
		rest[c] = out->summand[c];
	for (int k = 0; k < out->count; k++) {
		out->zeros[k] = zero_of(l, &out->terms[k], channels);
		if (out->zeros[k] >= 0)
			continue;
		for (int c = 0; c < channels; c++)
			rest[c] += out->terms[k].scale[c] * out->terms[k].offset[c];
		out->terms[k].offset = nothing;
		out->zeros[k] = 0;
	}
	for (int c = 0; c < channels; c++)
		needed = needed || rest[c] != 0;
	out->summand = nothing;
	if (!needed)
		return 0;
	if ((rc = table_build(l, out->terms[0].source, 1, 1, &index, e)))
		return rc;
	struct layer *layer = &l->built[index].layer;
	for (int code = 0; code < 1 << layer->input_bits; code++)
		layer->table[code] = 1;
	out->terms[out->count] = (struct term){index, rest, nothing};
	out->zeros[out->count++] = 0;
	return reach_make(l, index, e);
}

int signal_codes(
	struct lowering *l, const struct signal *signal, bool padded, struct code_terms *out, struct error *e)
{
	int rc = signal_plain(l, signal, e);

	out->count = 0;
	out->summand = signal->summand;
	for (int k = 0; k < signal->term_count && rc == 0; k++) {
		const struct term *term = &signal->terms[k];

		out->zeros[out->count] = -1;
		if (built_tensor(l, term->source).bits == TENSOR_SUMS)
			rc = digits_make(l, *term, out, e);
		else
			out->terms[out->count++] = *term;
	}
	return rc == 0 && padded ? padding_make(l, signal, out, e) : rc;
}
