/* SPDX-License-Identifier: MIT */
/*
 * Text files that people write, on any system: a byte order mark in front, lines that end in LF or in CR LF,
 * and empty lines at the end mean nothing.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct error;

struct text {
	const char *rest; /* what text_line has not given yet, not zero-terminated */
	size_t length;	  /* bytes of rest */
	int line;	  /* of the line given last, from 1 */
};

/*
 * Begins at the first line of a file's bytes, which stay the caller's. -EBADMSG for UTF-16; the error begins
 * with a verb, for the caller to put the file's name in front.
 */
int text_begin(struct text *text, const void *file, size_t size, struct error *e);

/* The next line, without its end and the spaces and tabs around it; false behind the last. */
bool text_line(struct text *text, const char **line, size_t *length);

/* Leaves out the spaces and tabs around a part of a line. */
void text_trim(const char **part, size_t *length);

#endif
