/* SPDX-License-Identifier: MIT */
/*
 * Options that do not come from the command line: the system's file, over it the user's, over it the
 * environment.
 *
 *     # /etc/twobit/config, then $XDG_CONFIG_HOME/twobit/config (~/.config/twobit/config)
 *     network = emotion-w4a4        # for every command that has this option
 *     [record]
 *     segment = 10min               # for one command
 *
 * Names are those of the options; a flag is yes or no. In the environment TWOBIT_SEGMENT=10min. TWOBIT_CONFIG
 * names one file to read instead of both.
 */
#ifndef APP_CLI_CONFIGURATION_H
#define APP_CLI_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a file, and of a place as text. */
#define CONFIGURATION_BYTES 65536
#define CONFIGURATION_PLACE 300

/* One setting. Its strings are those of the file and its text. */
struct setting {
	const char *section; /* NULL: before the first one */
	const char *name, *value;
	const char *file;
	int line;
};

/* The files that configuration_read has read: the settings' strings. All 0: none. */
struct configuration {
	struct configuration_file {
		char *path, *text;
	} files[2];
	int count;
};

/* Calls apply for each setting in a file's text, which it cuts up. Ends at the first result that is not 0,
 * and gives it; EX_CONFIG, reported, for a line that is no setting. */
int configuration_parse(const char *file, char *text,
	int (*apply)(void *context, const struct setting *setting), void *context);

/* The files that there are, kept until configuration_finish, which takes one that is all 0. As
 * configuration_parse; EX_CONFIG, printed, for one that cannot be read. */
int configuration_read(struct configuration *configuration,
	int (*apply)(void *context, const struct setting *setting), void *context);
void configuration_finish(struct configuration *configuration);

/* The environment's value for an option; NULL: none. Writes the variable's name into `variable`. */
const char *configuration_environment(const char *option, char *variable, size_t size);

#endif
