/* SPDX-License-Identifier: MIT */
#include "commands.h"

#include <stddef.h>

/* Each command is defined in its own file. No header declares them, so that no command sees another. */
extern const struct command live_command, record_command, replay_command, classify_command, evaluate_command,
	measure_command, teach_command, list_command, import_command, doctor_command, pl_command,
	summary_command;

const struct command *const commands[] = {
	&live_command,
	&record_command,
	&replay_command,
	&summary_command,
	&classify_command,
	&evaluate_command,
	&measure_command,
	&list_command,
	&import_command,
	&teach_command,
	&doctor_command,
	&pl_command,
	NULL,
};
