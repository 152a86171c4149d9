/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static sigset_t watched(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	return set;
}

void signals_block(void)
{
	sigset_t set = watched();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A file that may not grow further is an error of write, not the end. */
	signal(SIGXFSZ, SIG_IGN);
}

enum signal_wish signals_next(void)
{
	static const struct timespec now = {0};
	sigset_t set = watched(), deadly;

	switch (sigtimedwait(&set, NULL, &now)) {
	case SIGINT:
	case SIGTERM:
		sigemptyset(&deadly);
		sigaddset(&deadly, SIGINT);
		sigaddset(&deadly, SIGTERM);
		pthread_sigmask(SIG_UNBLOCK, &deadly, NULL);
		return WISH_END;
	case SIGHUP:
		return WISH_CUT;
	case SIGUSR1:
		return WISH_RECORD;
	default:
		return WISH_NONE;
	}
}
