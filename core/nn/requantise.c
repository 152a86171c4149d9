/* SPDX-License-Identifier: MIT */
/*
 * Code k begins at accumulator t when multiplier · t + bias ≥ k · 2^shift, and multiplier · (t − 1) + bias <
 * k · 2^shift. Under a given multiplier and shift that is an interval of biases for each border; all of them
 * together are as wide as a concave function of the multiplier, so that bisection finds where it is not
 * empty, or that it always is.
 */
#include "nn/requantise.h"

#include "nn/limits.h"
#include "nn/reference.h"

/* The accumulators of a channel, negated where codes fall with them, and where they reach each code. */
struct borders {
	int64_t low, high;
	int64_t first[UINT8_MAX + 1]; /* [code]: the least accumulator with that code or a larger one */
	int levels;
};

static void borders_find(struct borders *b, const struct layer *layer, int channel, int32_t low, int32_t high)
{
	int levels = layer_levels(layer);
	bool falling = layer->invert && layer->invert[channel];
	const int32_t *thresholds = layer->thresholds + (size_t)channel * (size_t)levels;

	b->levels = levels;
	b->low = falling ? -(int64_t)high : low;
	b->high = falling ? -(int64_t)low : high;
	for (int code = 1; code <= levels; code++)
		b->first[code] = falling ? 1 - (int64_t)thresholds[levels - code] : thresholds[code - 1];
}

/* The interval of biases, empty when first > last; returns how fast it widens with the multiplier. */
static int64_t biases_find(
	const struct borders *b, int64_t multiplier, int shift, int64_t *first, int64_t *last)
{
	int64_t first_at = 0, last_at = 0;

	*first = -BIAS_LIMIT;
	*last = BIAS_LIMIT;
	for (int code = 1; code <= b->levels; code++) {
		int64_t sum = (int64_t)code << shift;
		int64_t at = b->first[code] < b->low ? b->low : b->first[code];
		int64_t before = b->first[code] > b->high ? b->high : b->first[code] - 1;

		if (at <= b->high && sum - multiplier * at > *first) {
			*first = sum - multiplier * at;
			first_at = at;
		}
		if (before >= b->low && sum - 1 - multiplier * before < *last) {
			*last = sum - 1 - multiplier * before;
			last_at = before;
		}
	}
	return first_at - last_at;
}

static bool fit_shifted(const struct borders *b, int shift, int64_t *multiplier, int64_t *bias)
{
	int64_t low = 0, high = INT32_MAX, first, last;

	/* a shift that is too large shows at once */
	for (*multiplier = high; low <= high; *multiplier = low + (high - low) / 2) {
		int64_t growth = biases_find(b, *multiplier, shift, &first, &last);

		if (first <= last) {
			*bias = first + (int64_t)(((uint64_t)last - (uint64_t)first) / 2);
			return true;
		}
		if (growth > 0)
			low = *multiplier + 1;
		else
			high = growth < 0 ? *multiplier - 1 : -1;
	}
	return false;
}

/* Both epilogues are monotone: with the same codes at the ends and where one changes, they are the same. */
static bool is_same(const struct layer *layer, int channel, int32_t low, int32_t high)
{
	int levels = layer_levels(layer);
	const int32_t *thresholds = layer->thresholds + (size_t)channel * (size_t)levels;
	struct layer requantised = *layer;
	bool same = true;

	requantised.epilogue = EPILOGUE_REQUANTISE;
	for (int i = -1; i <= levels && same; i++) {
		int64_t at = i < 0 ? low : i == levels ? high : thresholds[i];

		for (int64_t a = at - 1; a <= at; a++)
			if (a >= low && a <= high)
				same = same && reference_code(&requantised, channel, (int32_t)a) ==
						       reference_code(layer, channel, (int32_t)a);
	}
	return same;
}

bool requantise_fit(const struct layer *layer, int channel, int32_t low, int32_t high)
{
	struct borders b;
	int64_t multiplier, bias;

	borders_find(&b, layer, channel, low, high);
	/*
	 * The largest shift leaves the multiplier most digits: whatever a smaller one gives, it gives as
	 * well. With codes · 2^shift below 2^62 no number here needs more than 64 bits.
	 */
	int shift = SHIFT_LIMIT - layer->output_bits;
	while (!fit_shifted(&b, shift, &multiplier, &bias))
		if (--shift < 0)
			return false;
	layer->multiplier[channel] =
		(int32_t)(layer->invert && layer->invert[channel] ? -multiplier : multiplier);
	layer->shift[channel] = (uint8_t)shift;
	layer->bias[channel] = bias;
	return is_same(layer, channel, low, high);
}
