/* SPDX-License-Identifier: MIT */
#include "recorder/text.h"
#include "base/clock.h"
#include "base/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool reserve(struct text_builder *t, size_t more)
{
	size_t needed;

	if (t->failed || __builtin_add_overflow(t->length, more, &needed))
		return false;
	if (needed < t->capacity)
		return true;
	char *grown = realloc(t->data, 2 * needed + 256);
	if (!grown) {
		t->failed = true;
		return false;
	}
	t->data = grown;
	t->capacity = 2 * needed + 256;
	return true;
}

static void add_bytes(struct text_builder *t, const char *bytes, size_t count)
{
	if (!reserve(t, count))
		return;
	memcpy(t->data + t->length, bytes, count);
	t->length += count;
	t->data[t->length] = '\0';
}

void text_add(struct text_builder *t, const char *format, ...)
{
	va_list arguments, again;

	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length >= 0 && reserve(t, (size_t)length)) {
		vsnprintf(t->data + t->length, (size_t)length + 1, format, again);
		t->length += (size_t)length;
	}
	va_end(again);
}

void text_add_json(struct text_builder *t, const char *string)
{
	add_bytes(t, "\"", 1);
	while (*string) {
		size_t size = utf8_length(string);
		if (!size)
			add_bytes(t, "?", 1);
		else if (*string == '"' || *string == '\\')
			text_add(t, "\\%c", *string);
		else if ((unsigned char)*string < 0x20)
			text_add(t, "\\u%04x", (unsigned int)*string);
		else
			add_bytes(t, string, size);
		string += size ? size : 1;
	}
	add_bytes(t, "\"", 1);
}

void text_add_csv(struct text_builder *t, const char *string)
{
	if (!strpbrk(string, "\",\r\n")) {
		add_bytes(t, string, strlen(string));
		return;
	}
	add_bytes(t, "\"", 1);
	for (; *string; string++)
		add_bytes(t, *string == '"' ? "\"\"" : string, *string == '"' ? 2 : 1);
	add_bytes(t, "\"", 1);
}

void text_add_number(struct text_builder *t, double number)
{
	text_add(t, "%.9g", number);
}

void text_add_time(struct text_builder *t, int64_t wall)
{
	time_t seconds = (time_t)(wall / NS_PER_S);
	struct tm utc;
	char date[40];

	gmtime_r(&seconds, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	text_add(t, "%s.%06dZ", date, (int)(wall % NS_PER_S / 1000));
}

void text_clear(struct text_builder *t)
{
	t->length = 0;
	t->failed = false;
	if (t->data)
		t->data[0] = '\0';
}

void text_finish(struct text_builder *t)
{
	free(t->data);
	*t = (struct text_builder){0};
}
