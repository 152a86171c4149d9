/* SPDX-License-Identifier: MIT */
/*
 * What `live` and `record` may do once all is open (drivers/sandbox). They read pictures of strangers in many
 * threads, for days, and need little of the system for it.
 *
 * The pipeline's threads are limited from their start. The main thread opens the display with the first
 * picture, which needs more: it is limited in confinement_close.
 */
#ifndef APP_LIVE_CONFINEMENT_H
#define APP_LIVE_CONFINEMENT_H

#include <stdbool.h>

struct confinement;
struct error;
struct invocation;

#define CONFINEMENT_OUTPUTS 4

struct confinement_plan {
	const char *mode;	 /* of --sandbox: "auto", "on", "off" */
	const char *source;	 /* NULL: the first camera */
	bool serves;		 /* a socket that listens already accepts connections */
	const char *broker;	 /* an address that is connected to; NULL: none */
	const char *authorities; /* a file that is read for that; NULL: none */
	/* What is written: files that are there or not, or patterns of recordings; their folders are allowed.
	 * NULL: none. */
	const char *outputs[CONFINEMENT_OUTPUTS];
};

extern const char *const confinement_modes[]; /* what --sandbox takes */

/*
 * Limits the system calls of all threads, if it is wanted and the kernel can. Call it before a stranger's
 * file is opened. *out NULL: no sandbox. Returns an exit code; errors are reported: 69 where it must be and
 * cannot.
 */
int confinement_create(
	const struct confinement_plan *plan, const struct invocation *invocation, struct confinement **out);

/* Calls run(argument) in a thread that is limited, as are those that it starts, and waits for it. Returns
 * what it returns, or 71, reported, where no thread can be started. */
int confinement_run(const struct confinement *confinement, int (*run)(void *argument), void *argument);

/* The calling thread is limited, too, and no thread makes connections but to the source. Call it once. A
 * failure is logged: what is in force stays so. */
void confinement_close(const struct confinement *confinement);

void confinement_destroy(struct confinement *confinement); /* takes NULL */

#endif
