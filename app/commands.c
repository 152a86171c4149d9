/* SPDX-License-Identifier: MIT */
#include "command.h"

const struct command *const commands[] = {
	&live_command,
	&record_command,
	&replay_command,
	&classify_command,
	&evaluate_command,
	&measure_command,
	&list_command,
	&import_command,
	&doctor_command,
	NULL,
};
