/* SPDX-License-Identifier: MIT */
#include "nn/pool.h"

#include "base/clock.h"
#include "nn/cores.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* How long a thread spins for work, and the caller for the end of the last parts, ns. */
#define SPIN_FOR_WORK (100 * NS_PER_US)
#define SPIN_FOR_END (20 * NS_PER_US)

/* Looks at memory between two looks at the clock. */
#define LOOKS 32

struct helper {
	struct pool *pool;
	int number; /* from 1 on */
	pthread_t thread;
};

/* Padded, so that the words that all threads write lie in cache lines of their own. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct pool {
	int threads;
	bool spins; /* each thread has a processor */
	struct helper *helpers;
	int started;

	/* The job: written by the caller while no part is left, read by those that have taken a part. */
	void (*run)(void *argument, int thread, int part);
	void *argument;
	int parts;

	/* The job's number and, in the lower half, its parts that nobody has taken. */
	_Alignas(64) _Atomic uint64_t state;
	_Alignas(64) atomic_int done; /* parts of this job */

	atomic_int sleepers; /* threads that sleep, or are about to */
	atomic_bool waiting; /* the caller sleeps, or is about to */
	atomic_bool quit;
	pthread_mutex_t lock; /* for sleeping: what is waited for is checked under it */
	pthread_cond_t work, finished;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
	__asm__ volatile("yield");
#endif
}

static bool has_work(struct pool *pool)
{
	return (uint32_t)atomic_load(&pool->state) != 0;
}

static bool is_finished(struct pool *pool)
{
	return atomic_load(&pool->done) == pool->parts;
}

/* Whether the condition came true within `ns`. */
static bool spin(struct pool *pool, bool (*condition)(struct pool *), int64_t ns)
{
	int64_t end = pool->spins ? clock_now() + ns : 0;

	do {
		for (int i = 0; i < LOOKS; i++) {
			if (condition(pool))
				return true;
			relax();
		}
	} while (pool->spins && clock_now() < end);
	return false;
}

static void end_part(struct pool *pool)
{
	atomic_fetch_add(&pool->done, 1);
	if (!atomic_load(&pool->waiting))
		return;
	pthread_mutex_lock(&pool->lock);
	pthread_cond_signal(&pool->finished);
	pthread_mutex_unlock(&pool->lock);
}

static void take_parts(struct pool *pool, int thread)
{
	uint64_t state = atomic_load(&pool->state);

	while ((uint32_t)state) {
		if (!atomic_compare_exchange_weak(&pool->state, &state, state - 1))
			continue;
		pool->run(pool->argument, thread, pool->parts - (int)(uint32_t)state);
		end_part(pool);
		state = atomic_load(&pool->state);
	}
}

/* False: the pool ends. */
static bool await_work(struct pool *pool)
{
	if (spin(pool, has_work, SPIN_FOR_WORK))
		return true;
	pthread_mutex_lock(&pool->lock);
	atomic_fetch_add(&pool->sleepers, 1);
	while (!has_work(pool) && !atomic_load(&pool->quit))
		pthread_cond_wait(&pool->work, &pool->lock);
	atomic_fetch_sub(&pool->sleepers, 1);
	pthread_mutex_unlock(&pool->lock);
	return !atomic_load(&pool->quit);
}

static void *help(void *argument)
{
	const struct helper *helper = argument;

	while (await_work(helper->pool))
		take_parts(helper->pool, helper->number);
	return NULL;
}

/* Its signals go to the program's main thread; core -1: any. */
static int start_helper(struct helper *helper, const struct cores *cores, int core)
{
	pthread_attr_t attributes;
	sigset_t all;
	int rc = pthread_attr_init(&attributes);

	if (rc)
		return -rc;
	sigfillset(&all);
	rc = pthread_attr_setsigmask_np(&attributes, &all);
	if (!rc && core >= 0)
		rc = pthread_attr_setaffinity_np(&attributes, sizeof(cores->sets[core]), &cores->sets[core]);
	if (!rc)
		rc = pthread_create(&helper->thread, &attributes, help, helper);
	pthread_attr_destroy(&attributes);
	if (!rc)
		pthread_setname_np(helper->thread, "layers"); /* only for people */
	return -rc;
}

static int start_helpers(struct pool *pool)
{
	struct cores cores;
	int core = 0, rc = 0;

	cores_find(&cores);
	pool->spins = pool->threads <= cores.processors;
	for (; pool->started < pool->threads - 1 && !rc; pool->started += !rc) {
		struct helper *helper = &pool->helpers[pool->started];

		core += core == cores.of_caller;
		*helper = (struct helper){.pool = pool, .number = pool->started + 1};
		rc = start_helper(helper, &cores, cores.of_caller >= 0 && core < cores.count ? core++ : -1);
	}
	return rc;
}

int pool_create(int threads, struct pool **out)
{
	struct pool *pool = aligned_alloc(_Alignof(struct pool), sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	*pool = (struct pool){.threads = threads};
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->finished, NULL);
	pool->helpers = calloc((size_t)threads, sizeof(*pool->helpers));
	int rc = pool->helpers ? start_helpers(pool) : -ENOMEM;
	if (rc) {
		pool_destroy(pool);
		return rc;
	}
	*out = pool;
	return 0;
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	atomic_store(&pool->quit, true);
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (int i = 0; i < pool->started; i++)
		pthread_join(pool->helpers[i].thread, NULL);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->finished);
	free(pool->helpers);
	free(pool);
}

int pool_threads(const struct pool *pool)
{
	return pool ? pool->threads : 1;
}

/* A thread that has begun a part may have been stopped by the system. */
static void await_end(struct pool *pool)
{
	if (spin(pool, is_finished, SPIN_FOR_END))
		return;
	pthread_mutex_lock(&pool->lock);
	atomic_store(&pool->waiting, true);
	while (!is_finished(pool))
		pthread_cond_wait(&pool->finished, &pool->lock);
	atomic_store(&pool->waiting, false);
	pthread_mutex_unlock(&pool->lock);
}

void pool_run(struct pool *pool, int parts, void (*run)(void *argument, int thread, int part), void *argument)
{
	uint64_t job = (atomic_load(&pool->state) >> 32) + 1;

	if (parts < 1)
		return;
	pool->run = run;
	pool->argument = argument;
	pool->parts = parts;
	atomic_store(&pool->done, 0);
	atomic_store(&pool->state, job << 32 | (uint32_t)parts);
	if (atomic_load(&pool->sleepers)) {
		pthread_mutex_lock(&pool->lock);
		pthread_cond_broadcast(&pool->work);
		pthread_mutex_unlock(&pool->lock);
	}
	take_parts(pool, 0);
	await_end(pool);
}
