/* SPDX-License-Identifier: MIT */
#include "base/printable.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

size_t utf8_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t size = c[0] < 0x80   ? 1
		      : c[0] < 0xc2 ? 0
		      : c[0] < 0xe0 ? 2
		      : c[0] < 0xf0 ? 3
		      : c[0] < 0xf5 ? 4
				    : 0;

	for (size_t i = 1; i < size; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
	bool beyond = (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf4 && c[1] > 0x8f);
	return overlong || beyond ? 0 : size;
}

static bool is_control(const char *character)
{
	const unsigned char *c = (const unsigned char *)character;

	return c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
}

int utf8_columns(const char *text)
{
	return utf8_length(text) >= 3 && (unsigned char)*text != 0xe2 ? 2 : 1;
}

void printable_make(char *text)
{
	while (*text) {
		size_t size = utf8_length(text);
		if (!size || is_control(text))
			memset(text, '?', size ? size : 1);
		text += size ? size : 1;
	}
}

const char *printable_copy(char buffer[PRINTABLE_BYTES], const char *text)
{
	snprintf(buffer, PRINTABLE_BYTES, "%s", text ? text : "");
	printable_make(buffer);
	return buffer;
}
