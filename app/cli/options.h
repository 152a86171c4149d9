/* SPDX-License-Identifier: MIT */
/*
 * Options, described once in a table that serves both parsing and `--help`.
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
 * A value that no option sets keeps what the caller put there: that is where defaults live. Every command
 * also has -q, -v, --log-level, --color and -h/--help, whose values are in struct invocation.
 */
#ifndef APP_CLI_OPTIONS_H
#define APP_CLI_OPTIONS_H

#include "cli/option_values.h"

#include <stdbool.h>
#include <stddef.h>

struct invocation;

/* Rows that several commands share; `type` is the command's struct of values. */
#define OPTION_ROW_NETWORK(type, member)                                                                     \
	{                                                                                                    \
		"network", 0, OPTION_TEXT, "NAME|DIR", "Network to run, by name or folder [dorefanet]",      \
			offsetof(type, member), 0, 0, NULL                                                   \
	}
#define OPTION_ROW_PL(type, member)                                                                          \
	{                                                                                                    \
		"pl", 0, OPTION_TEXT, "NAME",                                                                \
			"What runs the layers after Conv0; see `twobit list pl` [auto]",                     \
			offsetof(type, member), 0, 0, NULL                                                   \
	}
#define OPTION_ROW_KERNELS(type, member)                                                                     \
	{                                                                                                    \
		"kernels", 0, OPTION_TEXT, "NAME",                                                           \
			"Kernels for what software computes; see `twobit list kernels` [the fastest]",       \
			offsetof(type, member), 0, 0, NULL                                                   \
	}
#define OPTION_ROW_TRACE(type, member)                                                                       \
	{                                                                                                    \
		"trace", 0, OPTION_TEXT, "FILE.json",                                                        \
			"Write when each stage worked on which frame, for ui.perfetto.dev",                  \
			offsetof(type, member), 0, 0, NULL                                                   \
	}

/* Every command has these: -q, -v, --log-level, --color and -h. */
extern const struct option common_options[];

#define OPTIONS_GO_ON (-1)
#define OPTIONS_HELP (-2)

/*
 * Reads the invocation's argv[1] … argv[argc − 1] into *values. What is no option is moved to the front of
 * argv, from argv[0] on, and *count is its number (`--` ends the options; `-` alone is no option). Returns
 * OPTIONS_GO_ON, or what the command returns at once: OPTIONS_HELP, for its caller to print help, or the exit
 * code after a usage error, which is printed.
 */
int options_parse(struct invocation *invocation, void *values, int *count);

/* Prints one line on stderr, "twobit live: MESSAGE; try `twobit live --help`", and returns EX_USAGE. */
int usage_error(const struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * For a text that proves wrong after options_parse: prints the message with its option and its place, as
 * options_parse does, and returns EX_USAGE or EX_CONFIG. A default has no option to name.
 */
int option_refuse(
	const struct invocation *invocation, const struct option_origin *origin, const char *message);

/* The candidate (NULL-terminated list) that `word` was probably meant to be, or NULL. */
const char *closest_word(const char *word, const char *const *candidates);

/*
 * The common options for those who print more or less than log lines; options_parse configures the log with
 * them.
 */
bool quiet(const struct invocation *invocation); /* -q: no progress, no summary that was not asked for */
/* --color, else: a terminal, NO_COLOR unset, TERM not dumb */
bool colour_wanted(const struct invocation *invocation, int fd);

#endif
