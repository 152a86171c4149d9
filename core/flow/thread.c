/* SPDX-License-Identifier: MIT */
#include "flow/thread.h"
#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ALIGNMENT = 64 };

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	int rc;

	/* A new thread inherits the mask of its creator. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return -rc;
	pthread_setname_np(*thread, name); /* only for people: a failure does not matter */
	return 0;
}

bool thread_join_until(pthread_t thread, int64_t deadline)
{
#if defined(__SANITIZE_THREAD__)
	/* The sanitizer of GCC 12 does not see that pthread_clockjoin_np joins. */
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	int64_t late = until.tv_nsec + deadline - clock_now();
	if (late < 0)
		late = 0;
	until.tv_sec += late / NS_PER_S;
	until.tv_nsec = late % NS_PER_S;
	return pthread_timedjoin_np(thread, NULL, &until) != ETIMEDOUT;
#else
	const struct timespec until = {deadline / NS_PER_S, deadline % NS_PER_S};

	return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) != ETIMEDOUT;
#endif
}

int condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int rc;

	rc = pthread_condattr_init(&attributes);
	if (rc)
		return -rc;
	rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!rc)
		rc = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return -rc;
}

int condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline)
{
	struct timespec until;

	if (deadline == INT64_MAX)
		return -pthread_cond_wait(condition, lock);
	if (deadline < 0)
		deadline = 0; /* passed too, and a time that the system accepts */
	until.tv_sec = (time_t)(deadline / NS_PER_S);
	until.tv_nsec = (long)(deadline % NS_PER_S);
	return -pthread_cond_timedwait(condition, lock, &until);
}

void *buffer_create(size_t bytes)
{
	void *buffer;

	if (!bytes)
		bytes = 1;
	if (posix_memalign(&buffer, ALIGNMENT, bytes))
		return NULL;
	return memset(buffer, 0, bytes);
}
