/* SPDX-License-Identifier: MIT */
#include "sink/exec/arguments.h"

#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS " \t\n"

/* Moves one argument to *to, without its quotes. NULL: a quote has no end. */
static const char *take(const char *from, char **to)
{
	char quote = '\0';

	for (; *from && (quote || !strchr(BLANKS, *from)); from++) {
		if (quote ? *from == quote : *from == '\'' || *from == '"')
			quote = quote ? '\0' : *from;
		else if (*from == '\\' && quote != '\'' && from[1])
			*(*to)++ = *++from;
		else
			*(*to)++ = *from;
	}
	*(*to)++ = '\0';
	return quote ? NULL : from;
}

static int split(const char *text, struct command_line *out, struct error *e)
{
	const char *from = text + strspn(text, BLANKS);
	char *to = out->text;

	for (int count = 0; *from; count++) {
		if (count == ARGUMENTS_MOST)
			return error_set(e, -EINVAL, "takes at most %d arguments", ARGUMENTS_MOST - 1);
		out->items[count] = to;
		from = take(from, &to);
		if (!from)
			return error_set(e, -EINVAL, "has a quote without an end: %s", text);
		from += strspn(from, BLANKS);
	}
	if (!out->items[0] || !out->items[0][0])
		return error_set(e, -EINVAL, "takes a program and its arguments");
	return 0;
}

static bool is_program(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, X_OK);
}

/* In the folders of $PATH, unless it has a folder itself. */
static int find(struct command_line *line, struct error *e)
{
	const char *name = line->items[0], *folders = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(line->path, sizeof(line->path), "%s", name);
		if (is_program(line->path))
			return 0;
		folders = NULL;
	}
	for (const char *at = folders; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		int length = (int)strcspn(at, ":");
		snprintf(line->path, sizeof(line->path), "%.*s/%s", length, length ? at : ".", name);
		if (is_program(line->path))
			return 0;
	}
	return error_set(e, -ENOENT, "%s: there is no such program, or it may not be run", name);
}

int command_line_parse(const char *text, struct command_line *out, struct error *e)
{
	*out = (struct command_line){.text = malloc(strlen(text) + ARGUMENTS_MOST + 1)};
	if (!out->text)
		return error_set(e, -ENOMEM, "out of memory");
	int status = split(text, out, e);
	if (!status)
		status = find(out, e);
	if (status)
		command_line_finish(out);
	return status;
}

void command_line_finish(struct command_line *line)
{
	free(line->text);
	line->text = NULL;
}
