/* SPDX-License-Identifier: MIT */
/* The values of the command line. */
#ifndef APP_EVALUATE_VALUES_H
#define APP_EVALUATE_VALUES_H

#include "cli/options.h"

#define JOBS_MAXIMUM 1024

struct evaluate_values {
	struct option_text network, pl, kernels, threads, labels, scores, confusion, unknown, codes;
	struct option_texts codes_of;
	double named;			   /* 0 … 1 */
	int pictures, jobs, layer_threads; /* layer_threads: of --threads */
	bool json;
};

/* Threads for so many tasks: --jobs, or one per processor; one if --threads has them share layers instead. */
int evaluate_jobs(const struct evaluate_values *values, int tasks);

/* `evaluate` with --codes or --codes-of: files alone, and no accuracy. path: the data set, or NULL. Returns
 * the exit code. */
int codes_command(
	const struct invocation *invocation, const struct evaluate_values *values, const char *path);

#endif
