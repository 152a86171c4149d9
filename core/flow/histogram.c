/* SPDX-License-Identifier: MIT */
#include "flow/histogram.h"

/*
 * Values below 2^7 have a bucket each. Above, each power of two is cut into 2^6 buckets of equal width
 * 2^shift, so that a bucket is at most 1/64 as wide as the values in it are large.
 */
static int bucket_of(int64_t value)
{
	uint64_t v = (uint64_t)value;
	int shift = 63 - __builtin_clzll(v | 1) - HISTOGRAM_SUB_BITS;

	if (shift < 0)
		shift = 0;
	return (shift << HISTOGRAM_SUB_BITS) + (int)(v >> shift);
}

/* The largest value that falls into the bucket. */
static int64_t bucket_top(int bucket)
{
	int shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	uint64_t lowest;

	if (shift <= 0)
		return bucket;
	lowest = (uint64_t)(bucket - (shift << HISTOGRAM_SUB_BITS)) << shift;
	return (int64_t)(lowest + ((1ULL << shift) - 1));
}

void histogram_add(struct histogram *histogram, int64_t nanoseconds)
{
	if (nanoseconds < 0)
		nanoseconds = 0;
	if (!histogram->count || nanoseconds < histogram->minimum)
		histogram->minimum = nanoseconds;
	if (!histogram->count || nanoseconds > histogram->maximum)
		histogram->maximum = nanoseconds;
	histogram->count++;
	histogram->buckets[bucket_of(nanoseconds)]++;
}

int64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	double wanted = percent / 100 * (double)histogram->count;
	uint64_t seen = 0;

	if (!histogram->count)
		return 0;
	/* 99.9 is a little more than 99.9 in binary: without the margin it would take the 1000th of 1000
	 * values. */
	wanted *= 1 - 1e-12;
	if (!(wanted > 1))
		return histogram->minimum;
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if ((double)seen >= wanted) {
			int64_t top = bucket_top(i);

			return top < histogram->maximum ? top : histogram->maximum;
		}
	}
	return histogram->maximum;
}
