/* SPDX-License-Identifier: MIT */
/* What goes to standard output for other programs, one JSON object a line, and to files. */
#ifndef APP_CLI_OUTPUT_H
#define APP_CLI_OUTPUT_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct error;
struct invocation;

/*
 * To end every command with: flushes stdout. Returns `code`, or, when stdout could not be written, prints why
 * and returns 74.
 */
int output_finish(int code);

/* How JSON is written: on one line. */
#define OUTPUT_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(9))

/* Prints the object on one line and gives its reference up. NULL (out of memory) shows in output_finish. */
void output_json(json_t *object);

/* A JSON string of a name from outside; bytes that are not UTF-8 become "?". */
json_t *output_text(const char *text);

/* A confidence or rate to six digits after the point, so that the last bits of a float do not show. */
json_t *output_share(double share);

/*
 * A file that comes into being whole: an old one stays until then. What is no regular file (a pipe,
 * /dev/null) is written as it goes.
 */
struct output_file {
	FILE *file;
	char path[PATH_MAX], temporary[PATH_MAX];
};

int output_file_open(struct output_file *out, const char *path, struct error *e);

/* status: 0, or the negative errno value with which writing failed: then nothing is left, and it is reported.
 */
int output_file_close(struct output_file *out, int status, struct error *e);

/* Leaves nothing. Takes one that is all 0 or closed. */
void output_file_drop(struct output_file *out);

/* What an option says shall be written. */
struct output_name {
	const char *option, *path; /* path NULL: not given */
	bool recordings; /* path is a pattern that names_check passes, of videos with logs beside them */
};

/*
 * Whether two of them are one file, so that one would replace the other: reported, EX_USAGE; else EX_OK. What
 * is no regular file is nobody's.
 */
int output_names_check(const struct invocation *invocation, const struct output_name *names, int count);

#endif
