/* SPDX-License-Identifier: MIT */
#include "evaluate/values.h"

#include <unistd.h>

int evaluate_threads(const struct evaluate_values *values, int tasks)
{
	long threads = values->jobs ? values->jobs : sysconf(_SC_NPROCESSORS_ONLN);

	threads = threads < 1 ? 1 : threads > JOBS_MAXIMUM ? JOBS_MAXIMUM : threads;
	return threads < tasks ? (int)threads : tasks;
}
