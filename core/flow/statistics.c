/* SPDX-License-Identifier: MIT */
#include "flow/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int samples_create(struct samples *samples, size_t capacity)
{
	size_t bytes;

	*samples = (struct samples){0};
	if (__builtin_mul_overflow(capacity, sizeof(int64_t), &bytes))
		return -EOVERFLOW;
	samples->values = malloc(bytes ? bytes : 1);
	if (!samples->values)
		return -ENOMEM;
	samples->capacity = capacity;
	return 0;
}

void samples_finish(struct samples *samples)
{
	free(samples->values);
	*samples = (struct samples){0};
}

bool samples_add(struct samples *samples, int64_t value)
{
	if (samples->count == samples->capacity)
		return false;
	samples->values[samples->count++] = value;
	return true;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Of `count` ascending values, count > 0. */
static int64_t percentile(const int64_t *values, size_t count, double percent)
{
	double rank = ceil(percent / 100 * (double)count);

	return values[rank < 1 ? 0 : (size_t)rank - 1];
}

static void interval(const int64_t *values, size_t count, struct summary *out)
{
	double middle = (double)count / 2, reach = 0.98 * sqrt((double)count);
	double low = floor(middle - reach), high = ceil(1 + middle + reach);

	out->low = values[low < 1 ? 0 : (size_t)low - 1];
	out->high = values[high > (double)count ? count - 1 : (size_t)high - 1];
}

static bool near(int64_t a, int64_t b, double share, int64_t of)
{
	return fabs((double)a - (double)b) <= share * fabs((double)of);
}

int samples_summarise(const struct samples *samples, struct summary *out)
{
	size_t count = samples->count, half = count / 2;

	*out = (struct summary){.runs = count};
	if (!count)
		return 0;
	int64_t *sorted = malloc(count * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, samples->values, count * sizeof(*sorted));
	qsort(sorted, half, sizeof(*sorted), compare);
	qsort(sorted + half, count - half, sizeof(*sorted), compare);
	int64_t later = percentile(sorted + half, count - half, 50);
	int64_t earlier = half ? percentile(sorted, half, 50) : later;

	qsort(sorted, count, sizeof(*sorted), compare);
	out->minimum = sorted[0];
	out->maximum = sorted[count - 1];
	out->p50 = percentile(sorted, count, 50);
	out->p95 = percentile(sorted, count, 95);
	out->p99 = percentile(sorted, count, 99);
	interval(sorted, count, out);
	free(sorted);
	out->stable = count >= STATISTICS_RUNS && near(out->low, out->high, 2 * STATISTICS_WIDTH, out->p50) &&
		      near(earlier, later, STATISTICS_DRIFT, out->p50);
	return 0;
}

struct summary summary_constant(int64_t ns)
{
	return (struct summary){.runs = 1,
		.minimum = ns,
		.p50 = ns,
		.p95 = ns,
		.p99 = ns,
		.maximum = ns,
		.stable = true,
		.low = ns,
		.high = ns};
}
