/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/log.h"
#include "measure/measure.h"

#include <math.h>

#define PROGRESS_NANOSECONDS 200000000

void measure_progress(
	const struct measure_options *options, const char *network, const char *part, double share)
{
	static int64_t last;
	int64_t now = clock_now();

	if (!options->progress || now - last < PROGRESS_NANOSECONDS)
		return;
	last = now;
	log_progress("%s: %s, %.0f %%", network, part, 100 * fmin(1, share));
}

void measure_progress_end(const struct measure_options *options)
{
	if (options->progress)
		log_progress_end();
}
