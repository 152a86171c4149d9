/* SPDX-License-Identifier: MIT */
/* Builds a line of text in memory that grows, and reuses the memory for the next line. */
#ifndef RECORDER_TEXT_H
#define RECORDER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: empty. */
struct text_builder {
	char *data; /* ends in NUL; NULL before the first addition */
	size_t length, capacity;
	bool failed; /* out of memory: nothing more is added */
};

void text_add(struct text_builder *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a string in quotes, escaped; bytes that are no UTF-8 become "?". */
void text_add_json(struct text_builder *t, const char *string);

/* Adds a field of CSV (RFC 4180), in quotes if it needs them. */
void text_add_csv(struct text_builder *t, const char *string);

/* Adds nine digits, enough to read the same float back. */
void text_add_number(struct text_builder *t, double number);

/* Adds CLOCK_REALTIME in ns as "2026-11-21T11:05:00.123456Z". */
void text_add_time(struct text_builder *t, int64_t wall);

void text_clear(struct text_builder *t);
void text_finish(struct text_builder *t);

#endif
