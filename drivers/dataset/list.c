/* SPDX-License-Identifier: MIT */
/*
 * A list file: each line is a path, white space, a label index. Relative paths start at its folder, those of
 * a pipe where the program runs.
 */
#include "dataset/internal.h"

#include "base/error.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list_place {
	const char *path;
	int folder_length; /* of the list's folder in `path`, with its slash */
	int line;
	int class_count;
	bool unlabelled;
};

/* Splits "path with spaces.jpg 12" at the last white space. False: the line is not of this form. */
static bool split_line(char *line, long *label)
{
	char *end = line + strlen(line), *rest;

	while (end > line && isspace((unsigned char)end[-1]))
		*--end = 0;
	while (end > line && !isspace((unsigned char)end[-1]))
		end--;
	errno = 0;
	*label = strtol(end, &rest, 10);
	if (end == line || rest == end || *rest || errno)
		return false;
	while (end > line && isspace((unsigned char)end[-1]))
		*--end = 0;
	return end > line;
}

static int add_line(struct dataset *d, const struct list_place *at, char *line, struct error *e)
{
	char *name = NULL;
	long label = -1;

	line += strspn(line, " \t\r\n");
	if (!*line || *line == '#')
		return 0;
	bool split = split_line(line, &label);
	if (at->unlabelled)
		label = -1;
	else if (!split)
		return error_set(
			e, -EBADMSG, "%s line %d: it must be a path and a label index", at->path, at->line);
	else if (label < 0 || label >= at->class_count)
		return error_set(e, -EBADMSG,
			"%s line %d: label %ld is outside the network's 0 to %d; is it for another network?",
			at->path, at->line, label, at->class_count - 1);
	int folder = line[0] == '/' ? 0 : at->folder_length;
	if (asprintf(&name, "%.*s%s", folder, at->path, line) < 0)
		name = NULL;
	return dataset_add(d, name, (int)label, e);
}

/* The rest of the input as a whole, for the caller to free. */
static int read_all(struct dataset_input *in, char **out, size_t *size, struct error *e)
{
	size_t room = 1 << 16, got;

	*out = NULL;
	for (*size = 0;; room *= 2) {
		char *grown = realloc(*out, room);
		if (!grown)
			return error_set(e, -ENOMEM, "out of memory after %zu bytes of %s", *size, in->path);
		*out = grown;
		int error = dataset_input_read(in, grown + *size, room - *size, &got, e);
		*size += got;
		if (error || *size < room)
			return error;
	}
}

/* add_line needs a line of its own, with a zero at its end. */
static int copy_line(struct dataset *d, const struct list_place *at, const char *text, size_t length,
	char **room, struct error *e)
{
	char *line = realloc(*room, length + 1);

	if (!line)
		return error_set(e, -ENOMEM, "out of memory at line %d of %s", at->line, at->path);
	*room = line;
	memcpy(line, text, length);
	line[length] = 0;
	return add_line(d, at, line, e);
}

static int add_lines(struct dataset *d, struct list_place *at, const char *file, size_t size, struct error *e)
{
	char *line = NULL;
	const char *text;
	struct error cause;
	struct text lines;
	size_t length;
	int error = text_begin(&lines, file, size, &cause);

	if (error)
		return error_set(e, error, "%s %s", at->path, cause.text);
	if (size && memchr(file, 0, size))
		return error_set(e, -EBADMSG,
			"%s is neither an idx file nor a list of paths and label indices", at->path);
	while (!error && text_line(&lines, &text, &length)) {
		at->line = lines.line;
		error = copy_line(d, at, text, length, &line, e);
	}
	free(line);
	return error;
}

int list_open(
	struct dataset *d, struct dataset_input *in, const struct dataset_options *options, struct error *e)
{
	const char *slash = in->regular ? strrchr(in->path, '/') : NULL;
	struct list_place at = {in->path, slash ? (int)(slash - in->path) + 1 : 0, 0, options->class_count,
		options->unlabelled};
	char *file;
	size_t size;

	int error = read_all(in, &file, &size, e);
	if (!error)
		error = add_lines(d, &at, file, size, e);
	free(file);
	return error;
}
