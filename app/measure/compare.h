/* SPDX-License-Identifier: MIT */
/* Two documents of `twobit measure --json`, side by side. */
#ifndef APP_MEASURE_COMPARE_H
#define APP_MEASURE_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

/*
 * Reads a document and checks it against docs/formats.md as far as comparing goes. name: for the message.
 * -EBADMSG: it is none; -EOVERFLOW: it is too large to be one. The caller owns *out.
 */
int comparison_read(const void *text, size_t size, const char *name, json_t **out, struct error *e);
int comparison_load(const char *path, json_t **out, struct error *e);

/*
 * ours: of `measure_json`, with or without times. 0: networks that both have are the same, and there is one
 * at least; those that theirs lacks are reported. -EBADMSG else.
 */
int comparison_check(const json_t *ours, const json_t *theirs, const char *name, struct error *e);

/*
 * Of two that comparison_check has passed: an array of a row for each time that both know: {network, what,
 * unit, this, other, ratio, differs}. ratio > 1: this is faster; differs: the confidence intervals of the two
 * do not touch. Where PL or kernels are not the same, this_by and other_by name them. NULL: out of memory.
 */
json_t *comparison_make(const json_t *ours, const json_t *theirs);

/* A table for people, on stdout. */
void comparison_print(const json_t *rows, const json_t *theirs, const char *name);

#endif
