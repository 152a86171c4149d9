/* SPDX-License-Identifier: MIT */
/* A line of text that grows as it is put together, and keeps its memory for the next one. */
#ifndef RECORDER_TEXT_H
#define RECORDER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: empty. */
struct text_builder {
	char *data; /* ends in NUL once something was added */
	size_t length, capacity;
	bool failed; /* out of memory, once: what follows is not added */
};

void text_add(struct text_builder *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* In quotes, escaped; bytes that are no UTF-8 become "?". */
void text_add_json(struct text_builder *t, const char *string);

/* A field of CSV (RFC 4180): in quotes where it needs them. */
void text_add_csv(struct text_builder *t, const char *string);

/* To nine digits, from which a float reads back as the same float. */
void text_add_number(struct text_builder *t, double number);

/* CLOCK_REALTIME in ns as "2026-11-21T11:05:00.123456Z". */
void text_add_time(struct text_builder *t, int64_t wall);

void text_clear(struct text_builder *t);
void text_finish(struct text_builder *t);

#endif
