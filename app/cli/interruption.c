/* SPDX-License-Identifier: MIT */
#include "cli/interruption.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/* Set by the signal handler, read by every thread; lock-free, as signal handlers need it. */
static atomic_bool came;

static void note(int number)
{
	(void)number;
	atomic_store(&came, true);
}

void interruption_catch(void)
{
	struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART | (int)SA_RESETHAND}, hang_up;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* nohup(1) ignores HUP: leave it so. When a terminal closes, HUP comes twice: from shell and kernel.
	 */
	action.sa_flags = SA_RESTART;
	if (sigaction(SIGHUP, NULL, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

bool interruption_came(void)
{
	return atomic_load(&came);
}
