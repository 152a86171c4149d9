/* SPDX-License-Identifier: MIT */
/* Helpers for threads: starting one, waiting with a deadline, aligned buffers. */
#ifndef FLOW_THREAD_H
#define FLOW_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Starts a joinable thread. name: at most 15 bytes, as ps and debuggers show it. All signals are blocked in
 * it, so that they reach the program's main thread. 0, or a negative errno value (-EAGAIN: too many threads).
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

/*
 * Waits for a thread that may hang in the system or in a library. deadline: as clock_now() counts, ns. False:
 * it still runs; the caller leaves it what it uses, and detaches it if it will never join it.
 */
bool thread_join_until(pthread_t thread, int64_t deadline);

/*
 * A condition whose deadlines are those of clock_now(). End with pthread_cond_destroy. 0 or -ENOMEM.
 * Where no deadline is needed, locks and conditions begin as PTHREAD_MUTEX_INITIALIZER and
 * PTHREAD_COND_INITIALIZER, which cannot fail.
 */
int condition_init(pthread_cond_t *condition);

/*
 * Waits once; the caller holds the lock and checks its condition again. deadline: as clock_now() counts,
 * ns; INT64_MAX: no limit. 0, or -ETIMEDOUT when the deadline has passed.
 */
int condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline);

/* Zeroed memory, at least one byte, aligned to 64 bytes (a cache line, the widest vector). Call free().
 * NULL: out of memory. */
void *buffer_create(size_t bytes);

#endif
