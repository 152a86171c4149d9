/* SPDX-License-Identifier: MIT */
/*
 * A subcommand of `twobit`: one file, one struct, a line here and a line in commands.c.
 *
 * What a command prints for its user to read on goes to stdout, all else to stderr through base/log.h. It
 * returns an exit code of sysexits.h; `fail` and `output_finish` choose it.
 */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include "options.h"

struct error;

struct command {
	const char *name;
	const char *summary;  /* one line for `twobit help` */
	const char *usage;    /* what follows the name: "[OPTION]… PICTURE…" */
	const char *details;  /* paragraphs for help, wrapped by hand; may be NULL */
	const char *examples; /* "twobit live test\n…", one a line; may be NULL */
	const struct option *options;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
};

/* Each defined in its own file; the function behind `run` can be static. */
extern const struct command live_command, record_command, replay_command, classify_command, evaluate_command,
	measure_command, list_command, import_command, doctor_command;

/* All of them, as `twobit help` lists them; ends in NULL. */
#define COMMANDS_MAXIMUM 32
extern const struct command *const commands[];

/* What was being done when an error came: it decides the exit code. */
enum failure {
	FAILURE_SOURCE,	 /* 66 missing or unreadable, 65 bad data */
	FAILURE_NETWORK, /* 78 */
	FAILURE_KERNELS, /* 69 not for this processor */
	FAILURE_DISPLAY, /* 69; 64 for an unknown name (-EINVAL) */
	FAILURE_PL,	 /* 69; 64 for an unknown name (-EINVAL) */
	FAILURE_CREATE,	 /* 73 cannot make or replace a file; 74 full disk, i/o error */
	FAILURE_OUTPUT,	 /* 74 cannot write on */
	FAILURE_OURS,	 /* 70 */
};

/* The exit code of an error (a negative errno value), 71 for -ENOMEM wherever it came from. */
int failure_exit_code(enum failure where, int code);

/* Tells e->text as an error line and returns the exit code. */
int fail(enum failure where, const struct error *e);

/*
 * To end every command with: flushes stdout. Returns `code`, or, when stdout could not be written, tells it
 * and returns 74.
 */
int output_finish(int code);

#endif
