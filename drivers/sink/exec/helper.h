/* SPDX-License-Identifier: MIT */
/*
 * The process that runs commands, for this folder's own use. It is forked before the sandbox closes, which
 * forbids to start programs, and holds nothing of the program but a socket and what it was told: it uses
 * neither memory of the heap nor locks, as other threads may hold these while it is forked.
 *
 * One command runs at a time. An event that comes meanwhile waits; a newer one takes its place.
 */
#ifndef SINK_EXEC_HELPER_H
#define SINK_EXEC_HELPER_H

#include <stdint.h>
#include <sys/types.h>

/* Of a message, bytes: the event's variables, "NAME=VALUE", each with its NUL. */
#define EXEC_MESSAGE_BYTES 8192

/* Variables of an event at most. */
#define EXEC_VARIABLES 24

/* What the helper answers: after each command, and at the end. */
struct exec_answer {
	int32_t status;	  /* as of waitpid; the last one's */
	int32_t failure;  /* why no process could be started, errno; or 0 */
	uint64_t skipped; /* events whose place a newer one took, so far */
};

struct helper_options {
	const char *path;	/* of the program */
	char *const *arguments; /* NULL is behind the last */
	int64_t pause;		/* ns between the starts of two commands */
};

struct exec_helper {
	pid_t process;
	int fd; /* its socket, of packets */
};

/* Forks it. It ends when nothing can come any more from the socket, once it has run what waits. The program
 * never waits for it meanwhile. Returns 0 or a negative errno value. */
int helper_start(const struct helper_options *options, struct exec_helper *out);

#endif
