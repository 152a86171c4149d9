/* SPDX-License-Identifier: MIT */
/* Output for other programs: JSON on standard output, one object a line; names of output files. */
#ifndef APP_CLI_OUTPUT_H
#define APP_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

struct invocation;

/*
 * Every command ends with it: flushes stdout and returns `code`. If stdout could not be written, prints the
 * reason and returns 74; if some JSON could not be made, returns 71.
 */
int output_finish(int code);

/* JSON on one line. */
#define OUTPUT_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(9))

/*
 * All JSON is made by these, as by their namesakes in jansson, and takes over the references that it is
 * given. If memory is missing for any part, no JSON is printed from then on, and output_finish makes the exit
 * code 71: half an answer would look like a whole one.
 */
json_t *output_pack(const char *format, ...);
void output_set(json_t *object, const char *key, json_t *value);
void output_append(json_t *array, json_t *value);
void output_merge(json_t *object, json_t *other); /* json_object_update_new */

/* Prints the object on one line and releases its reference. */
void output_json(json_t *object);

/* A JSON string for a name that may not be UTF-8; in such a name, what is no character becomes "?". */
json_t *output_text(const char *text);

/* A confidence or rate, rounded to six digits after the point: no noise of floating point is printed. */
json_t *output_share(double share);

/* An output file that an option names. */
struct output_name {
	const char *option, *path; /* path NULL: not given */
	/* path is a pattern (names_check accepts it) of videos with logs beside them, which replace no input
	 */
	bool recordings;
	bool read; /* it is an input, which no output may replace */
};

/*
 * If two names are the same file, one would replace the other: this is reported, EX_USAGE. Else EX_OK. Files
 * that are not regular may be named twice. Inputs stand behind the outputs.
 */
int output_names_check(const struct invocation *invocation, const struct output_name *names, int count);

#endif
