/* SPDX-License-Identifier: MIT */
/*
 * Shared by the kinds of PL that compute a buffer by sequential calls: the buffers, a thread that runs them
 * in the order of submission while the caller continues, and the guarantees of pl.h.
 */
#ifndef PL_WORKER_WORKER_H
#define PL_WORKER_WORKER_H

#include "nn/network.h"

struct worker;

/*
 * run computes the layers first … last of one buffer in the worker's thread, "pl": 0, or the negative errno
 * value that worker_wait gives. A buffer's memory is run's from worker_submit until it has returned. Returns
 * 0, -ENOMEM, -EOVERFLOW, or -EAGAIN: no thread.
 */
int worker_create(const struct layer *first, const struct layer *last,
	int (*run)(void *owner, const uint8_t *in, void *out), void *owner, struct worker **worker);

/* Takes NULL. Discards queued buffers, abandons the running one and waits for it. */
void worker_destroy(struct worker *worker);

/* As pl_input, pl_output, pl_submit and pl_wait. */
uint8_t *worker_input(struct worker *worker, int buffer);
int32_t *worker_output(struct worker *worker, int buffer);
int worker_submit(struct worker *worker, int buffer);
int worker_wait(struct worker *worker, int buffer, int64_t deadline);

/*
 * Discards queued buffers, abandons the running one, and returns when nothing runs. Buffers submitted
 * afterwards wait for worker_resume; between the two calls the owner may use the resources of `run` alone.
 */
void worker_stop(struct worker *worker);
void worker_resume(struct worker *worker);

/* For run, which may then return early: its result is not needed any more. */
bool worker_abandoned(struct worker *worker);

#endif
