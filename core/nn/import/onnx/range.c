/* SPDX-License-Identifier: MIT */
/*
 * A narrow range cuts off the numbers beyond it, a wide one has coarse steps. Both errors follow from sums
 * over the histogram: a number inside a range errs by step² / 12 in the mean, one outside by its distance.
 */
#include "nn/import/onnx/range.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HALF = RANGE_BINS / 2, STEPS = 100 /* candidates for each end of a range */ };

/* Doubles the bins' width: pairs of bins become one, on both sides of 0. */
static void bins_widen(struct range_histogram *h)
{
	uint64_t wide[RANGE_BINS] = {0};

	for (int i = 0; i < HALF; i++) {
		wide[HALF + i / 2] += h->bins[HALF + i];
		wide[HALF - 1 - i / 2] += h->bins[HALF - 1 - i];
	}
	memcpy(h->bins, wide, sizeof(wide));
	h->width *= 2;
}

/* Room for this number on its side. */
static void bins_reach(struct range_histogram *h, double number)
{
	double size = fabs(number);

	if (h->width == 0)
		h->width = size / (HALF - 1);
	if (h->width < (double)__FLT_MIN__) /* of subnormal numbers */
		h->width = (double)__FLT_MIN__;
	while (size >= h->width * HALF)
		bins_widen(h);
}

/* The bin of a number that is not 0 and fits. */
static int bin_at(const struct range_histogram *h, double number)
{
	int bin = (int)(number / h->width); /* towards 0 */

	return number < 0 ? (HALF - 1 + bin > 0 ? HALF - 1 + bin : 0) : HALF + bin;
}

void range_add(struct range_histogram *histogram, const float *numbers, size_t count)
{
	struct range_histogram *h = histogram;

	for (size_t i = 0; i < count; i++) {
		double number = (double)numbers[i];

		h->least = number < h->least ? number : h->least;
		h->most = number > h->most ? number : h->most;
		h->squares += number * number;
		if (number == 0) {
			h->zeros++;
			continue;
		}
		if (fabs(number) >= h->width * HALF)
			bins_reach(h, number);
		h->bins[bin_at(h, number)]++;
	}
	h->count += count;
}

/* Sums over the bins below bin i: of their counts, numbers and squares. */
struct range_sums {
	double counts[RANGE_BINS + 1], numbers[RANGE_BINS + 1], squares[RANGE_BINS + 1];
};

static void sums_make(const struct range_histogram *h, struct range_sums *s)
{
	s->counts[0] = s->numbers[0] = s->squares[0] = 0;
	for (int i = 0; i < RANGE_BINS; i++) {
		double middle = (i - HALF + 0.5) * h->width, count = (double)h->bins[i];

		s->counts[i + 1] = s->counts[i] + count;
		s->numbers[i + 1] = s->numbers[i] + count * middle;
		s->squares[i + 1] = s->squares[i] + count * middle * middle;
	}
}

static int bin_of(const struct range_histogram *h, double number)
{
	double bin = HALF + floor(number / h->width + 0.5);

	return bin < 0 ? 0 : bin > RANGE_BINS ? RANGE_BINS : (int)bin;
}

/* Σ (number − edge)² over the bins [from, to). */
static double distance(const struct range_sums *s, int from, int to, double edge)
{
	return (s->squares[to] - s->squares[from]) - 2 * edge * (s->numbers[to] - s->numbers[from]) +
	       edge * edge * (s->counts[to] - s->counts[from]);
}

static double error_of(const struct range_histogram *h, const struct range_sums *s, const struct range *range)
{
	double low = -range->zero * range->scale, high = (255 - range->zero) * range->scale;
	int first = bin_of(h, low - range->scale / 2), last = bin_of(h, high + range->scale / 2);
	double inside = (s->counts[last] - s->counts[first]) * range->scale * range->scale / 12;

	return distance(s, 0, first, low) + inside + distance(s, last, RANGE_BINS, high);
}

/* Codes from low to high, moved so that a code stands for 0. */
struct range range_between(double low, double high)
{
	struct range range = {(high - low) / 255, 0};

	range.zero = (int)floor(-low / range.scale + 0.5);
	if (range.zero > 0 && range.zero < 255) {
		/* the side that the rounding shortened keeps its end */
		double up = high / (255 - range.zero), down = -low / range.zero;
		range.scale = up > down ? up : down;
	}
	return range;
}

struct range range_find(const struct range_histogram *histogram, double low, double high)
{
	struct range best = {1.0 / 255, 0};
	double least = INFINITY;
	struct range_sums *sums = malloc(sizeof(*sums));

	low = fmin(fmax(low, histogram->least), 0);
	high = fmax(fmin(high, histogram->most), 0);
	if (high > low)
		best = range_between(low, high);
	if (!sums || histogram->width == 0 || high <= low) {
		free(sums);
		return best;
	}
	sums_make(histogram, sums);
	for (int i = STEPS; i > (low < 0 ? STEPS / 10 : STEPS - 1); i--)
		for (int k = STEPS; k > (high > 0 ? STEPS / 10 : STEPS - 1); k--) {
			struct range range = range_between(low * i / STEPS, high * k / STEPS);
			double error = error_of(histogram, sums, &range);

			if (error < least) {
				least = error;
				best = range;
			}
		}
	free(sums);
	return best;
}

static double weights_error(const float *weights, size_t count, double scale)
{
	double error = 0;

	for (size_t i = 0; i < count; i++) {
		double whole = rint((double)weights[i] / scale);
		whole = whole > 127 ? 127 : whole < -127 ? -127 : whole;
		double difference = (double)weights[i] - whole * scale;
		error += difference * difference;
	}
	return error;
}

double range_of_weights(const float *weights, size_t count)
{
	double most = 0, best, least = INFINITY;

	for (size_t i = 0; i < count; i++)
		most = fmax(most, fabs((double)weights[i]));
	best = most / 127;
	for (int i = STEPS; i >= STEPS / 2 && most > 0; i -= 2) {
		double scale = most / 127 * i / STEPS, error = weights_error(weights, count, scale);

		if (error < least) {
			least = error;
			best = scale;
		}
	}
	return best;
}
