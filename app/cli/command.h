/* SPDX-License-Identifier: MIT */
/*
 * A subcommand of `twobit`, and one call of it.
 *
 * A command is one file with one struct, and two lines in commands.c. It prints its result on stdout, and
 * everything else on stderr through base/log.h. It returns an exit code of sysexits.h; `fail` and
 * `output_finish` choose it.
 */
#ifndef APP_CLI_COMMAND_H
#define APP_CLI_COMMAND_H

#include "base/error.h"
#include "cli/configuration.h"

#include <stdbool.h>

struct invocation;
struct option;

struct command {
	const char *name;
	const char *summary;  /* one line for `twobit help` */
	const char *usage;    /* what follows the name: "[OPTION]… PICTURE…" */
	const char *details;  /* paragraphs for help, wrapped by hand; may be NULL */
	const char *examples; /* "twobit live test\n…", one a line; may be NULL */
	const struct option *options;
	int (*run)(struct invocation *invocation); /* the exit code, or OPTIONS_HELP */
};

/* One call: `twobit COMMAND ARGUMENT…`. The caller sets the first four; the rest is 0 before. */
struct invocation {
	const struct command *command;
	const struct command *const
		*commands; /* all, ends in NULL: configuration files have their sections */
	int argc;
	char **argv; /* argv[0] is the command's name; ends in NULL */

	/* The common options, set by options_parse. */
	bool quiet, verbose, help;
	const char *level, *colour; /* NULL: not given */

	const void *values; /* of the command's options, as options_parse filled them; NULL before */
	struct configuration configuration; /* holds the texts of options that come from files */
};

/* Call it when the command is done: it frees the texts of options. */
void invocation_finish(struct invocation *invocation);

/*
 * The exit code of an error (a negative errno value): for FAILURE_SOURCE 66 (missing or unreadable) or 65
 * (bad data), NETWORK 78, KERNELS 69, DISPLAY and PL 69 (64 for an unknown name, -EINVAL), CREATE 73 (74 for
 * a full disk or an i/o error), OUTPUT 74, OURS 70; 71 for -ENOMEM, -EAGAIN (no
 * thread), -EMFILE and -ENFILE and 69 for -ENOSYS (left out of this build) wherever they came from; 74 for
 * -EIO where something is read.
 */
int failure_exit_code(enum failure where, int code);

/* Prints e->text as an error line and returns the exit code. */
int fail(enum failure where, const struct error *e);

#endif
