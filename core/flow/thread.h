/* SPDX-License-Identifier: MIT */
/* What every thread of the program has in common: how it starts, how it waits, how its buffers are aligned.
 */
#ifndef FLOW_THREAD_H
#define FLOW_THREAD_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Starts a joinable thread. name: at most 15 bytes, as ps and debuggers show it. All signals are blocked in
 * it, so that they reach the program's main thread. 0, or a negative errno value (-EAGAIN: too many threads).
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

/* A condition whose deadlines are those of clock_now(). End with pthread_cond_destroy. 0 or -ENOMEM. */
int condition_init(pthread_cond_t *condition);

/*
 * Waits once; the caller holds the lock and checks again what it waits for. deadline: as clock_now() counts,
 * ns; INT64_MAX: no limit. 0, or -ETIMEDOUT when the deadline has passed.
 */
int condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline);

/* Zeroed memory on a boundary of 64 bytes, a cache line and the widest vector; at least one byte. For free().
 * NULL: none left. */
void *buffer_create(size_t bytes);

#endif
