/* SPDX-License-Identifier: MIT */
/* The table of all commands. */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

struct command;

/* In the order in which `twobit help` lists them; ends in NULL. */
#define COMMANDS_MAXIMUM 32
extern const struct command *const commands[];

#endif
