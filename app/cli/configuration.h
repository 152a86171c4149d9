/* SPDX-License-Identifier: MIT */
/*
 * Options that do not come from the command line. The environment overrides the user's file, which overrides
 * the system's file.
 *
 *     # /etc/twobit/config, then $XDG_CONFIG_HOME/twobit/config (~/.config/twobit/config)
 *     network = emotion-w4a4        # for every command that has this option
 *     [record]
 *     segment = 10min               # for one command
 *
 * Names are those of the long options; a flag is yes or no. Quotes around a value are left out, and a #
 * between them begins no comment. The environment sets them as TWOBIT_SEGMENT=10min. TWOBIT_CONFIG names one
 * file to read instead of both.
 */
#ifndef APP_CLI_CONFIGURATION_H
#define APP_CLI_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>

/* Largest size of a file, and of a place ("FILE:LINE") as text, in bytes. */
#define CONFIGURATION_BYTES 65536
#define CONFIGURATION_PLACE 300

/* One setting. Its strings belong to struct configuration. */
struct setting {
	const char *section;	  /* NULL: before the first one */
	const char *name, *value; /* name NULL: the line begins the section */
	const char *file;
	int line;
};

/* The files that configuration_read has read; they hold the strings of the settings. All 0: none. */
struct configuration {
	struct configuration_file {
		char *path, *text;
	} files[2];
	int count;
};

/* Calls `apply` for each section and each setting in a file's text; writes into the text. Stops at the first
 * result that is not 0, and returns it. A line that is not a setting is reported: EX_CONFIG. */
int configuration_parse(const char *file, char *text,
	int (*apply)(void *context, const struct setting *setting), void *context);

/* Parses the files that exist, as configuration_parse does, and keeps them until configuration_finish, which
 * also takes a struct that is all 0. A file that cannot be read is reported: EX_CONFIG, or EX_OSERR where
 * memory or descriptors are missing. */
int configuration_read(struct configuration *configuration,
	int (*apply)(void *context, const struct setting *setting), void *context);
void configuration_finish(struct configuration *configuration);

/* The value of an option in the environment; NULL: none. Writes the variable's name into `variable`. */
const char *configuration_environment(const char *option, char *variable, size_t size);

#endif
