/* SPDX-License-Identifier: MIT */
/* Two documents of `twobit measure --json`, side by side. */
#ifndef APP_MEASURE_COMPARE_H
#define APP_MEASURE_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

/*
 * Reads a document and checks the fields that a comparison needs (docs/formats.md). name: for the message.
 * -EBADMSG: it is not a measurement; -EOVERFLOW: it is too large. The caller owns *out.
 */
int comparison_read(const void *text, size_t size, const char *name, json_t **out, struct error *e);
int comparison_load(const char *path, json_t **out, struct error *e);

/*
 * ours: from measure_json, with or without times. 0: both documents have at least one network in common, and
 * common networks are the same; networks that theirs lacks are reported. Else -EBADMSG.
 */
int comparison_check(const json_t *ours, const json_t *theirs, const char *name, struct error *e);

/*
 * Takes two documents that comparison_check has passed. Returns an array with a row for each time that both
 * have: {network, what, unit, this, other, ratio, differs}. ratio > 1: this is faster; differs: the two
 * confidence intervals do not touch. If PL or kernels differ, this_by and other_by name them. NULL: out of
 * memory.
 */
json_t *comparison_make(const json_t *ours, const json_t *theirs);

/* Prints the rows as a table on stdout. */
void comparison_print(const json_t *rows, const json_t *theirs, const char *name);

#endif
