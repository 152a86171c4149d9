/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "measure/measure.h"

#include <math.h>
#include <stdio.h>

#define PROGRESS_NANOSECONDS 200000000

void measure_progress(
	const struct measure_options *options, const char *network, const char *part, double share)
{
	static int64_t last;
	int64_t now = clock_now();

	if (!options->progress || now - last < PROGRESS_NANOSECONDS)
		return;
	last = now;
	fprintf(stderr, "\r\033[K%s: %s, %.0f %%", network, part, 100 * fmin(1, share));
	fflush(stderr);
}

void measure_progress_end(const struct measure_options *options)
{
	if (options->progress)
		fputs("\r\033[K", stderr);
}
