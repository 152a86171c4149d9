/* SPDX-License-Identifier: MIT */
/* A pool runs each part once, whatever its size, and between runs it sleeps and wakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "nn/cores.h"
#include "nn/pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define PARTS 300

struct counts {
	int threads;
	int part[PARTS];	     /* runs: each part is one thread's */
	atomic_bool busy[POOL_MOST]; /* threads in a part */
	atomic_int wrong;
};

static void count_part(void *argument, int thread, int part)
{
	struct counts *counts = argument;

	if (thread < 0 || thread >= counts->threads || atomic_exchange(&counts->busy[thread], true))
		atomic_fetch_add(&counts->wrong, 1);
	counts->part[part]++;
	atomic_store(&counts->busy[thread], false);
}

static void runs_each_part_once(void **state)
{
	static const int sizes[] = {1, 2, 3, 5, 17};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pool *pool;

		assert_int_equal(pool_create(sizes[i], &pool), 0);
		assert_int_equal(pool_threads(pool), sizes[i]);
		for (int parts = 0; parts <= PARTS; parts = parts * 2 + 1) {
			struct counts counts = {.threads = sizes[i]};

			for (int run = 1; run <= 20; run++)
				pool_run(pool, parts, count_part, &counts);
			for (int p = 0; p < PARTS; p++)
				assert_int_equal(counts.part[p], p < parts ? 20 : 0);
			assert_int_equal(atomic_load(&counts.wrong), 0);
		}
		pool_destroy(pool);
	}
	pool_destroy(NULL);
	assert_int_equal(pool_threads(NULL), 1);
}

/* Longer than the threads spin. */
static void wakes_up(void **state)
{
	const struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};
	struct counts counts = {.threads = 2};
	struct pool *pool;

	(void)state;
	assert_int_equal(pool_create(2, &pool), 0);
	for (int run = 0; run < 10; run++) {
		nanosleep(&pause, NULL);
		pool_run(pool, PARTS, count_part, &counts);
	}
	for (int p = 0; p < PARTS; p++)
		assert_int_equal(counts.part[p], 10);
	pool_destroy(pool);
}

static void cores_are_those_of_the_mask(void **state)
{
	cpu_set_t before, one;
	struct cores cores;
	int first = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	cores_find(&cores);
	assert_in_range(cores.count, 1, cores.processors);
	assert_in_range(cores.processors, 1, CPU_COUNT(&before));
	while (!CPU_ISSET(first, &before))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	cores_find(&cores);
	assert_int_equal(cores.count, 1);
	assert_int_equal(cores.processors, 1);
	assert_int_equal(cores.of_caller, 0);
	assert_int_equal(cores_count(), 1);
	wakes_up(state); /* two threads on one processor */
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_each_part_once),
		cmocka_unit_test(wakes_up),
		cmocka_unit_test(cores_are_those_of_the_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
