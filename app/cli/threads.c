/* SPDX-License-Identifier: MIT */
#include "cli/threads.h"

#include "cli/command.h"
#include "nn/cores.h"
#include "nn/pool.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int threads_count(const struct invocation *invocation, const struct option_text *given, int *out)
{
	bool automatic = given->text && !strcmp(given->text, "auto");
	char *end = NULL, text[120];
	long threads = automatic ? cores_count() : given->text ? strtol(given->text, &end, 10) : 1;

	*out = (int)threads;
	if (!end || (end != given->text && !*end && threads >= 1 && threads <= POOL_MOST))
		return OPTIONS_GO_ON;
	snprintf(text, sizeof(text), "takes auto or a number from 1 to %d, not \"%.40s\"", POOL_MOST,
		given->text);
	return option_refuse(invocation, &given->origin, text);
}

int threads_start(const struct invocation *invocation, const struct option_text *given, struct pool **out)
{
	int threads, code = threads_count(invocation, given, &threads);
	struct error e;

	*out = NULL;
	int status = code == OPTIONS_GO_ON && threads > 1 ? pool_create(threads, out) : 0;
	if (!status)
		return code;
	error_set(&e, status, "cannot start %d threads: %s", threads, strerror(-status));
	return fail(FAILURE_OURS, &e);
}
