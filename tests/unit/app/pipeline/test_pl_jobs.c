/* SPDX-License-Identifier: MIT */
#include "flow/frame.h"
#include "flow/thread.h"
#include "pipeline/pl_jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define JOBS 10000

/* Numbers the jobs and has a self-test for every third one. */
static void *put_all(void *argument)
{
	struct pl_jobs *jobs = argument;
	static struct frame frame;

	for (int i = 0; i < JOBS; i++) {
		struct pl_job *job = pl_jobs_begin(jobs);

		if (!job)
			return NULL;
		job->frame = i % 3 ? &frame : NULL;
		job->status = i;
		pl_jobs_put(jobs);
	}
	pl_jobs_close(jobs);
	return NULL;
}

static void check_order(int limit)
{
	struct pl_jobs jobs;
	struct pl_job *job;
	pthread_t thread;
	int count = 0;

	pl_jobs_init(&jobs, limit);
	assert_int_equal(thread_start(&thread, "put", put_all, &jobs), 0);
	while ((job = pl_jobs_take(&jobs))) {
		assert_int_equal(job->status, count);
		assert_int_equal(job->buffer, count % PL_BUFFERS);
		assert_int_equal(!job->frame, count % 3 == 0);
		count++;
		pl_jobs_end(&jobs);
	}
	pthread_join(thread, NULL);
	assert_int_equal(count, JOBS);
	pl_jobs_finish(&jobs);
}

static void jobs_keep_their_order(void **state)
{
	(void)state;
	check_order(PL_BUFFERS);
	check_order(1);
}

/* A job keeps its buffer until it ends, also while it is being computed. */
static void a_job_keeps_its_buffer(void **state)
{
	struct pl_jobs jobs;

	(void)state;
	pl_jobs_init(&jobs, PL_BUFFERS);
	for (int i = 0; i < PL_BUFFERS; i++) {
		assert_int_equal(pl_jobs_begin(&jobs)->buffer, i);
		pl_jobs_put(&jobs);
	}
	assert_int_equal(pl_jobs_waiting(&jobs), PL_BUFFERS);
	assert_int_equal(pl_jobs_take(&jobs)->buffer, 0);
	assert_int_equal(pl_jobs_waiting(&jobs), PL_BUFFERS - 1);
	assert_int_equal(jobs.used, PL_BUFFERS);
	pl_jobs_end(&jobs);
	struct pl_job *job = pl_jobs_begin(&jobs);
	assert_int_equal(job->buffer, 0);
	assert_null(job->frame);
	pl_jobs_finish(&jobs);
}

/* Closing wakes who waits for a buffer; what was put can be taken, and what stays is released. */
static void closing_ends_both_sides(void **state)
{
	struct frame_pool *pool;
	struct pl_jobs jobs;
	pthread_t thread;

	(void)state;
	assert_int_equal(frame_pool_create(1, 1, 1, &pool), 0);
	pl_jobs_init(&jobs, 1);
	pl_jobs_begin(&jobs)->frame = frame_acquire(pool);
	pl_jobs_put(&jobs);
	assert_int_equal(thread_start(&thread, "put", put_all, &jobs), 0);
	pl_jobs_close(&jobs);
	pthread_join(thread, NULL);
	assert_null(pl_jobs_begin(&jobs));
	assert_int_equal(pl_jobs_waiting(&jobs), 1);
	pl_jobs_finish(&jobs);
	frame_pool_destroy(pool); /* asserts that the frame is back */

	pl_jobs_init(&jobs, 1);
	pl_jobs_begin(&jobs);
	pl_jobs_put(&jobs);
	pl_jobs_close(&jobs);
	assert_non_null(pl_jobs_take(&jobs));
	pl_jobs_end(&jobs);
	assert_null(pl_jobs_take(&jobs));
	pl_jobs_finish(&jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_keep_their_order),
		cmocka_unit_test(a_job_keeps_its_buffer),
		cmocka_unit_test(closing_ends_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
