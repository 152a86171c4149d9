/* SPDX-License-Identifier: MIT */
#include "live/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

static int end_descriptor = -1, descriptor = -1;

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

static sigset_t deadly(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

void signals_block(void)
{
	sigset_t set = watched(), deadly_set = deadly();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	end_descriptor = signalfd(end_descriptor, &deadly_set, SFD_CLOEXEC | SFD_NONBLOCK);
	descriptor = signalfd(descriptor, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* A file at its size limit is an error of write, not the end of the program. */
	signal(SIGXFSZ, SIG_IGN);
}

int signals_end_descriptor(void)
{
	return end_descriptor;
}

int signals_descriptor(void)
{
	return descriptor;
}

/* The number of a pending signal, or below 0. After the first INT or TERM, the next one kills. */
static int take(const sigset_t *set)
{
	static const struct timespec now = {0};
	sigset_t deadly_set = deadly();
	int number = sigtimedwait(set, NULL, &now);

	if (number == SIGINT || number == SIGTERM)
		pthread_sigmask(SIG_UNBLOCK, &deadly_set, NULL);
	return number;
}

enum signal_request signals_next(void)
{
	sigset_t set = watched();

	switch (take(&set)) {
	case SIGINT:
	case SIGTERM:
		return REQUEST_END;
	case SIGHUP:
		return REQUEST_ROTATE;
	case SIGUSR1:
		return REQUEST_RECORD;
	default:
		return REQUEST_NONE;
	}
}

bool signals_end(void)
{
	sigset_t set = deadly();

	return take(&set) > 0;
}
