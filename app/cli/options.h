/* SPDX-License-Identifier: MIT */
/*
 * Options. One table describes them for parsing and for `--help`.
 *
 *     struct values { struct option_text network; int frames; bool json; };
 *
 *     static const struct option options[] = {
 *             {"frames", 'n', OPTION_INTEGER, "N", "Stop after N frames", offsetof(struct values, frames),
 *                     .minimum = 1, .maximum = INT_MAX},
 *             OPTION_ROW_NETWORK(struct values, network),
 *             {"json", 0, OPTION_FLAG, NULL, "Print JSON", offsetof(struct values, json)},
 *             {0},
 *     };
 *
 * The caller fills the values with the defaults before parsing. Every command also has -q, -v, --log-level,
 * --color and -h/--help; their values are in struct invocation.
 */
#ifndef APP_CLI_OPTIONS_H
#define APP_CLI_OPTIONS_H

#include "base/error.h"
#include "cli/option_values.h"

#include <stdbool.h>
#include <stddef.h>

struct invocation;

/* Rows that several commands share; `type` is the command's struct of values. */
#define OPTION_ROW_NETWORK(type, member)                                                                     \
	{                                                                                                    \
		"network", 0, OPTION_TEXT, "NAME|DIR",                                                       \
			"Network to run, by name or folder [imagenet where it is fast enough, or "           \
			"dorefanet]",                                                                        \
			offsetof(type, member), 0, 0, NULL                                                   \
	}
#define OPTION_ROW_PL(type, member)                                                                          \
	{                                                                                                    \
		"pl", 0, OPTION_TEXT, "NAME",                                                                \
			"PL that runs the layers after Conv0; see `twobit list pl` [auto]",                  \
			offsetof(type, member), 0, 0, NULL                                                   \
	}
#define OPTION_ROW_KERNELS(type, member)                                                                     \
	{                                                                                                    \
		"kernels", 0, OPTION_TEXT, "NAME",                                                           \
			"Kernels for the layers in software; see `twobit list kernels` [the fastest]",       \
			offsetof(type, member), 0, 0, NULL                                                   \
	}
#define OPTION_ROW_TRACE(type, member)                                                                       \
	{                                                                                                    \
		"trace", 0, OPTION_TEXT, "FILE.json",                                                        \
			"Write a trace of all stages and frames, for ui.perfetto.dev",                       \
			offsetof(type, member), 0, 0, NULL                                                   \
	}

/* Every command has these: -q, -v, --log-level, --color and -h. */
extern const struct option common_options[];

#define OPTIONS_GO_ON (-1)
#define OPTIONS_HELP (-2)

/*
 * Parses the invocation's argv[1] … argv[argc − 1] into *values. Arguments that are not options are moved to
 * the front of argv, from argv[0] on; *count is their number (`--` ends the options; `-` alone is no option).
 * Returns OPTIONS_GO_ON, or a code that the command returns at once: OPTIONS_HELP, so that the caller prints
 * the help, or the exit code of a usage error, which is already printed.
 */
int options_parse(struct invocation *invocation, void *values, int *count);

/* Prints one line on stderr, "live: MESSAGE; see `twobit live --help`", and returns EX_USAGE. */
int usage_error(const struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * For a text that turns out to be wrong after options_parse: prints the message with its option and place, as
 * options_parse does, and returns EX_USAGE or EX_CONFIG. For a default, the message names no option.
 */
int option_refuse(
	const struct invocation *invocation, const struct option_origin *origin, const char *message);

/*
 * As fail (command.h), for an error that a text of the options may have caused (e->wrong). One that came from
 * a file or the environment is named with its place; if it is wrong itself, EX_CONFIG is returned.
 */
int fail_at(const struct invocation *invocation, enum failure where, const struct error *e);

/* Whether a text was given on the command line. What came from elsewhere may be meant for other calls. */
bool option_given(const struct option_text *text);

/* Common options for output other than log lines; options_parse configures the log itself. */
bool quiet(const struct invocation *invocation); /* -q: no summary unless an option asks for it */
/* A line about work under way (log_progress): stderr is a terminal, and neither -q nor --log-level forbids
 * it. */
bool progress_wanted(const struct invocation *invocation);
/* --color; without it: a terminal, NO_COLOR unset, TERM not dumb */
bool colour_wanted(const struct invocation *invocation, int fd);

#endif
