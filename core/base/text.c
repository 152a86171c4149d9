/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

static bool begins(const char *text, size_t length, const char *mark)
{
	size_t size = strlen(mark);

	return length >= size && memcmp(text, mark, size) == 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_blank(char c)
{
	return is_space(c) || c == '\r' || c == '\n';
}

int text_begin(struct text *text, const void *file, size_t size, struct error *e)
{
	*text = (struct text){file, size, 0};
	if (begins(text->rest, size, "\xff\xfe") || begins(text->rest, size, "\xfe\xff"))
		return error_set(e, -EBADMSG, "is text in UTF-16; save it as UTF-8");
	if (begins(text->rest, size, "\xef\xbb\xbf")) {
		text->rest += 3;
		text->length -= 3;
	}
	while (text->length && is_blank(text->rest[text->length - 1]))
		text->length--;
	return 0;
}

void text_trim(const char **part, size_t *length)
{
	const char *begin = *part;
	const char *end = begin + *length;

	while (begin < end && is_space(*begin))
		begin++;
	while (end > begin && is_space(end[-1]))
		end--;
	*part = begin;
	*length = (size_t)(end - begin);
}

bool text_line(struct text *text, const char **line, size_t *length)
{
	if (text->length == 0)
		return false;
	const char *begin = text->rest;
	const char *feed = memchr(begin, '\n', text->length);
	const char *end = feed ? feed : begin + text->length;
	size_t used = (size_t)(end - begin) + (feed != NULL);

	text->rest += used;
	text->length -= used;
	text->line++;
	if (end > begin && end[-1] == '\r')
		end--;
	*line = begin;
	*length = (size_t)(end - begin);
	text_trim(line, length);
	return true;
}
