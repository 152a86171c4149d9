/* SPDX-License-Identifier: MIT */
/*
 * Latencies as a histogram with a relative error of at most 1/64, after HdrHistogram's buckets (G. Tene):
 * fixed memory, no allocation on adding. Not locked: one writer, and readers after it has stopped.
 */
#ifndef FLOW_HISTOGRAM_H
#define FLOW_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	int64_t minimum, maximum;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* A negative value counts as 0. */
void histogram_add(struct histogram *histogram, int64_t nanoseconds);

/* The smallest value that at least `percent` (0 … 100) of the values do not exceed; 0 when empty. */
int64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
