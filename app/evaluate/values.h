/* SPDX-License-Identifier: MIT */
/* The values of the command line. */
#ifndef APP_EVALUATE_VALUES_H
#define APP_EVALUATE_VALUES_H

#include "cli/options.h"

#define JOBS_MAXIMUM 1024

struct evaluate_values {
	struct option_text network, pl, kernels, labels, scores, confusion, unknown;
	double named; /* 0 … 1 */
	int pictures, jobs;
	bool json;
};

/* Threads for so many tasks: --jobs, or one per processor. */
int evaluate_threads(const struct evaluate_values *values, int tasks);

#endif
