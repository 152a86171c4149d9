/* SPDX-License-Identifier: MIT */
/*
 * Text of others as it may reach a terminal: names of files, labels, cameras, networks. A control character
 * there could move the cursor, change the window's title or answer in the user's name.
 */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include <stddef.h>

/* Bytes of the UTF-8 character that begins at `text`, which a zero ends; 0: it is none (RFC 3629). */
size_t utf8_length(const char *text);

/* Columns that the character takes on a terminal, at most: East Asian ones and pictograms take two, and all
 * others of three bytes and more are counted as two, but for punctuation (U+2000 …). */
int utf8_columns(const char *text);

/* In place: each byte of control characters (C0, DEL, C1) and of what is not UTF-8 becomes "?". Other
 * characters stay. */
void printable_make(char *text);

#define PRINTABLE_BYTES 4096

/* A printable copy of the text; `buffer` holds it. What is longer is cut. Of NULL: "". */
const char *printable_copy(char buffer[PRINTABLE_BYTES], const char *text);

/* A printable copy that lives until the end of the block: printf("%s\n", PRINTABLE(path)). */
#define PRINTABLE(text) printable_copy((char[PRINTABLE_BYTES]){0}, text)

#endif
