/* SPDX-License-Identifier: MIT */
/*
 * One message for the user, written by the layer that knows the cause.
 *
 * A function that can fail for a reason worth reporting takes a `struct error *` as its last parameter and
 * returns 0 or a negative errno value: -ENOENT, -EACCES … as the system gave them, -EBADMSG for invalid data,
 * -EOVERFLOW for sizes out of bounds, -ENOMEM.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

struct error {
	int code; /* negative errno value; 0 while nothing failed */
	/* The text at fault, by its address, where the caller passed one that is wrong: so who knows where it
	 * came from can say so. NULL: none. */
	const char *wrong;
	char text[512];
};

/* Sets text and code, and returns code (negative), so that callers can `return error_set(…)`. e may be NULL.
 */
int error_set(struct error *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As error_set, and `wrong` is the caller's text at fault. */
int error_refuse(struct error *e, const char *wrong, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Whether the machine failed, and not what was asked of it: memory, threads, open files, input and output.
 * So a file may be good that could not be read.
 */
bool error_is_of_machine(int code);

/* The operation that failed. */
enum failure {
	FAILURE_SOURCE,	 /* a camera, a picture, a data set, a file to read */
	FAILURE_NETWORK, /* loading a network, or it does not fit */
	FAILURE_KERNELS, /* kernels that are not for this processor */
	FAILURE_DISPLAY,
	FAILURE_PL,
	FAILURE_CREATE, /* making or replacing a file */
	FAILURE_OUTPUT, /* writing to an open file */
	FAILURE_OURS,	/* a fault of the program */
};

#endif
