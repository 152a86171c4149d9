/* SPDX-License-Identifier: MIT */
/* Splits a command into its program and arguments, as a shell would, without a shell. */
#ifndef SINK_EXEC_ARGUMENTS_H
#define SINK_EXEC_ARGUMENTS_H

#include <limits.h>

struct error;

#define ARGUMENTS_MOST 64

struct command_line {
	char *text;			 /* of all, on the heap */
	char *items[ARGUMENTS_MOST + 1]; /* NULL is behind the last */
	char path[PATH_MAX];		 /* of the program, found in $PATH */
};

/*
 * Blanks are between arguments; '…', "…" and a backslash keep them together. Nothing else is special.
 * -EINVAL: it is no command, and the error is a sentence without the option; -ENOENT, -EACCES: there is no
 * such program; -ENOMEM.
 */
int command_line_parse(const char *text, struct command_line *out, struct error *e);
void command_line_finish(struct command_line *line);

#endif
