/* SPDX-License-Identifier: MIT */
/* Help of one command: `twobit help COMMAND`, `twobit COMMAND --help`. */
#ifndef APP_CLI_HELP_H
#define APP_CLI_HELP_H

struct command;

/* Prints the command's help on stdout and returns the exit code. */
int command_help(const struct command *command);

#endif
