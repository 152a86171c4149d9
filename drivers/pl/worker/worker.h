/* SPDX-License-Identifier: MIT */
/*
 * What the kinds of PL have in common that compute a buffer by one call after another: a thread that runs
 * buffers in the order of submission while the caller does something else, and pl.h's promises about them.
 */
#ifndef PL_WORKER_H
#define PL_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct worker;

/*
 * run computes a buffer in the worker's thread, "pl": 0, or the negative errno value that worker_wait gives.
 * A buffer's memory is run's from worker_submit until it has returned. 0, -ENOMEM, or -EAGAIN: no thread.
 */
int worker_create(int (*run)(void *owner, int buffer), void *owner, struct worker **out);

/* Takes NULL. What is queued is forgotten, what runs is abandoned and waited for. */
void worker_destroy(struct worker *worker);

/* As pl_submit and pl_wait. */
int worker_submit(struct worker *worker, int buffer);
int worker_wait(struct worker *worker, int buffer, int64_t deadline);

/* Forgets what is queued, abandons what runs, and returns when nothing runs. */
void worker_reset(struct worker *worker);

/* For run, which may return early then: nobody wants its result any more. */
bool worker_abandoned(struct worker *worker);

#endif
