/* SPDX-License-Identifier: MIT */
/*
 * Threads that share the work inside a layer. The work is cut into parts, which the threads take one by one:
 * a thread that the system does not run takes none, and nobody waits for it. After work the threads spin for
 * a moment, since the next layer follows within microseconds; then they sleep.
 */
#ifndef NN_POOL_H
#define NN_POOL_H

struct pool;

/* The most threads of a pool. */
#define POOL_MOST 64

/*
 * threads: 1 … POOL_MOST, with the one that calls pool_run. The others are pinned to cores of their own, as
 * far as there are cores besides the one of the calling thread. 0, -ENOMEM, or -EAGAIN: no more threads.
 */
int pool_create(int threads, struct pool **out);
void pool_destroy(struct pool *pool); /* takes NULL; not while it runs */

int pool_threads(const struct pool *pool); /* NULL: 1 */

/*
 * Calls run(argument, thread, part) for each part from 0 to parts − 1 and returns when all are done. thread:
 * 0 … pool_threads − 1, the caller is 0; no two calls at once have the same. One call of pool_run at a time,
 * and none from within run.
 */
void pool_run(
	struct pool *pool, int parts, void (*run)(void *argument, int thread, int part), void *argument);

#endif
