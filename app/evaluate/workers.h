/* SPDX-License-Identifier: MIT */
/* Threads that share a row of tasks, with a line of progress on stderr. */
#ifndef APP_EVALUATE_WORKERS_H
#define APP_EVALUATE_WORKERS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct workers {
	int tasks;     /* 0 … tasks − 1, taken in this order */
	int step;      /* so many at once, at least 1 */
	int threads;   /* at least 1 */
	bool progress; /* print a line of progress on stderr and overwrite it */
	void *shared;  /* given to all of the following, which several threads call at once */

	/* Makes what a thread needs for itself. On failure *where is what *e is about. */
	int (*create)(void *shared, void **own, enum failure *where, struct error *e);
	void (*destroy)(void *own); /* takes NULL */
	/* Does tasks first … first + count − 1; count ≤ step. A failure stops all, as FAILURE_PL. */
	int (*run)(void *shared, void *own, int first, int count, struct error *e);
	void (*describe)(
		void *shared, char *text, size_t size); /* what the progress says besides; NULL: nothing */
};

/*
 * Runs the tasks. INT, TERM or HUP ends it early, without an error. *attempted: tasks that were begun, from
 * the first one on; each of them is done. On failure *where is what *e is about.
 */
int workers_run(
	const struct workers *workers, int *attempted, double *seconds, enum failure *where, struct error *e);

#endif
