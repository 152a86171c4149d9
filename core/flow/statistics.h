/* SPDX-License-Identifier: MIT */
/*
 * Times of repeated work, each one kept: exact percentiles, and whether the median is known well enough to
 * stop. For one thread.
 */
#ifndef FLOW_STATISTICS_H
#define FLOW_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A median is stable when its 95 % confidence interval reaches no farther than 1 % to either side on average
 * (half its width), the medians of the first and the second half of the runs are no farther than 2 % apart,
 * and there are at least so many runs. */
#define STATISTICS_RUNS 30
#define STATISTICS_WIDTH 0.01
#define STATISTICS_DRIFT 0.02

struct samples {
	int64_t *values; /* in the order of adding, ns */
	size_t count, capacity;
};

struct summary {
	size_t runs;				 /* 0: all that follows is 0 */
	int64_t minimum, p50, p95, p99, maximum; /* ns */
	int64_t low, high;			 /* 95 % confidence interval of the median */
	bool stable;
};

/* capacity: later values are not kept. 0, -EOVERFLOW or -ENOMEM. */
int samples_create(struct samples *samples, size_t capacity);
void samples_finish(struct samples *samples);

/* False: `samples` is full. */
bool samples_add(struct samples *samples, int64_t value);

/*
 * Percentiles are the nearest rank: the smallest value that at least so many percent do not exceed. The
 * confidence interval is the distribution-free one, between the order statistics of ranks n/2 ∓ 0.98 √n;
 * of fewer than six values the extremes, which are less than that.
 * 0 or -ENOMEM.
 */
int samples_summarise(const struct samples *samples, struct summary *out);

/* The summary of a value that is the same in each run, such as a count of cycles. */
struct summary summary_constant(int64_t value);

#endif
