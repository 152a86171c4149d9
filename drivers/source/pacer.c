/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "flow/thread.h"
#include "source/drivers.h"

#include <errno.h>
#include <time.h>

/* A delay shorter than this is caught up with, ns. */
#define LATE_MAXIMUM (100 * NS_PER_MS)

int pacer_init(struct pacer *pacer, bool paced)
{
	*pacer = (struct pacer){.paced = paced, .mutex = PTHREAD_MUTEX_INITIALIZER};
	return condition_init(&pacer->wake);
}

void pacer_finish(struct pacer *pacer)
{
	pthread_cond_destroy(&pacer->wake);
	pthread_mutex_destroy(&pacer->mutex);
}

void pacer_stop(struct pacer *pacer)
{
	pthread_mutex_lock(&pacer->mutex);
	pacer->stopped = true;
	pthread_cond_broadcast(&pacer->wake);
	pthread_mutex_unlock(&pacer->mutex);
}

bool pacer_stopped(struct pacer *pacer)
{
	pthread_mutex_lock(&pacer->mutex);
	bool stopped = pacer->stopped;
	pthread_mutex_unlock(&pacer->mutex);
	return stopped;
}

int pacer_wait(struct pacer *pacer, int64_t time)
{
	pthread_mutex_lock(&pacer->mutex);
	int64_t now = clock_now();
	if (!pacer->begun || now - (pacer->offset + time) > LATE_MAXIMUM)
		pacer->offset = now - time;
	pacer->begun = true;
	int64_t due = pacer->offset + time;
	struct timespec until = {.tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S};
	while (pacer->paced && !pacer->stopped && clock_now() < due)
		pthread_cond_timedwait(&pacer->wake, &pacer->mutex, &until);
	int status = pacer->stopped ? -ECANCELED : 0;
	pthread_mutex_unlock(&pacer->mutex);
	return status;
}
