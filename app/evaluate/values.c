/* SPDX-License-Identifier: MIT */
#include "evaluate/values.h"

#include <unistd.h>

int evaluate_jobs(const struct evaluate_values *values, int tasks)
{
	long jobs = values->jobs		? values->jobs
		    : values->layer_threads > 1 ? 1
						: sysconf(_SC_NPROCESSORS_ONLN);

	jobs = jobs < 1 ? 1 : jobs > JOBS_MAXIMUM ? JOBS_MAXIMUM : jobs;
	return jobs < tasks ? (int)jobs : tasks;
}
