/* SPDX-License-Identifier: MIT */
/* What goes to standard output for other programs: one JSON object a line. */
#ifndef APP_OUTPUT_H
#define APP_OUTPUT_H

#include <jansson.h>

/* Prints the object on one line and gives its reference up. NULL (out of memory) shows in output_finish. */
void output_json(json_t *object);

/* A JSON string of a name from outside; bytes that are not UTF-8 become "?". */
json_t *output_text(const char *text);

/* A confidence or rate to six digits after the point, so that the last bits of a float do not show. */
json_t *output_share(double share);

#endif
