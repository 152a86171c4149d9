/* SPDX-License-Identifier: MIT */
/* The option --threads: a pool of threads that share the work inside each layer. */
#ifndef APP_CLI_THREADS_H
#define APP_CLI_THREADS_H

#include "cli/options.h"

struct invocation;
struct pool;

/* A row of an options table, for a struct option_text. */
#define OPTION_ROW_THREADS(type, member)                                                                     \
	{                                                                                                    \
		"threads", 0, OPTION_TEXT, "N|auto",                                                         \
			"Threads that share the work inside each layer; auto: one for each core [1]",        \
			offsetof(type, member), 0, 0, NULL                                                   \
	}

/* How many the option asks for, 1 without it. OPTIONS_GO_ON, or an exit code; errors are reported. */
int threads_count(const struct invocation *invocation, const struct option_text *given, int *out);

/*
 * Starts the pool that the option asks for; NULL if one thread is enough, as without the option. The caller
 * owns it: pool_destroy. OPTIONS_GO_ON, or an exit code; errors are reported.
 */
int threads_start(const struct invocation *invocation, const struct option_text *given, struct pool **out);

#endif
