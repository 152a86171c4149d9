/* SPDX-License-Identifier: MIT */
/* A list file: each line is a path, white space, a label index. Relative paths start at its folder. */
#include "dataset/internal.h"

#include "base/error.h"

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

int list_open(struct dataset *d, const char *path, const struct dataset_options *options, struct error *e)
{
	const char *slash = strrchr(path, '/');
	struct list_place at = {
		path, slash ? (int)(slash - path) + 1 : 0, 0, options->class_count, options->unlabelled};
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int error = 0;

	if (!file)
		return error_set(e, -errno, "cannot open %s: %s", path, strerror(errno));
	while (!error && (length = getline(&line, &room, file)) >= 0) {
		at.line++;
		if (strlen(line) != (size_t)length)
			error = error_set(e, -EBADMSG,
				"%s is neither an idx file nor a list of paths and label indices", path);
		else
			error = add_line(d, &at, line, e);
	}
	if (!error && ferror(file))
		error = error_set(e, -EIO, "cannot read %s", path);
	free(line);
	fclose(file);
	return error;
}
