/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "machine/machine.h"

/*
 * Runs of RUN additions take some 30 µs, so that the system interrupts few of them. RUNS of them give the
 * clock time to rise.
 */
#define RUN 100000
#define RUNS 500

/* Additions in the body of the loop, whose own instructions run beside them. */
#define UNROLLED 20

/*
 * A chain of additions, a cycle each. From register to register, since some processors add constants without
 * spending a cycle. The barrier hides the sum from the compiler, which would find it without a chain.
 */
static int64_t time_chain(void)
{
	unsigned long sum = 0, step = 1;
	int64_t begun = clock_now();

	for (int i = 0; i < RUN; i += UNROLLED) {
#pragma GCC unroll 20
		for (int j = 0; j < UNROLLED; j++) {
			sum += step;
			__asm__ volatile("" : "+r"(sum), "+r"(step));
		}
	}
	return clock_now() - begun;
}

double machine_frequency(void)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < RUNS; i++) {
		int64_t took = time_chain();
		least = took > 0 && took < least ? took : least;
	}
	return 1e3 * RUN / (double)least;
}
