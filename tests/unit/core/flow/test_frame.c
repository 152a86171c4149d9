/* SPDX-License-Identifier: MIT */
/* The frame pool: memory, references, waiting, and many threads at once. */
#include "flow/frame.h"

#include "base/clock.h"
#include "flow/thread.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/allocation_count.h"

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * NS_PER_MS}, NULL);
}

static void sizes_are_checked(void **state)
{
	struct frame_pool *pool;

	(void)state;
	assert_int_equal(frame_pool_create(0, 16, 4, &pool), -EINVAL);
	assert_int_equal(frame_pool_create(-1, 16, 4, &pool), -EINVAL);
	assert_int_equal(frame_pool_create(1, 16, -1, &pool), -EINVAL);
	frame_pool_destroy(NULL);
}

static void buffers_are_aligned_and_writable(void **state)
{
	struct frame *frames[3];
	struct frame_pool *pool;

	(void)state;
	assert_int_equal(frame_pool_create(3, 12289, 201, &pool), 0);
	for (int i = 0; i < 3; i++) {
		frames[i] = frame_acquire(pool);
		assert_non_null(frames[i]);
		assert_int_equal(frames[i]->input_size, 12289);
		assert_int_equal((uintptr_t)frames[i]->input % 64, 0);
		assert_int_equal((uintptr_t)frames[i]->scores % 64, 0);
		memset(frames[i]->input, 0xff, 12289);
		memset(frames[i]->scores, 0xff, 201 * sizeof(int32_t));
		assert_int_equal(picture_resize(&frames[i]->picture, 33, 17), 0);
		assert_int_equal(raw_picture_reserve(&frames[i]->raw, 1000), 0);
	}
	assert_null(frame_try_acquire(pool));
	for (int i = 0; i < 3; i++) {
		frame_release(&frames[i]);
		assert_null(frames[i]);
	}
	frame_pool_destroy(pool);
}

static void a_network_of_codes_has_no_scores(void **state)
{
	struct frame_pool *pool;
	struct frame *frame;

	(void)state;
	assert_int_equal(frame_pool_create(1, 0, 0, &pool), 0);
	frame = frame_acquire(pool);
	assert_non_null(frame->input);
	assert_non_null(frame->scores);
	frame_release(&frame);
	frame_pool_destroy(pool);
}

static void the_last_reference_frees(void **state)
{
	struct frame *first, *second, *other;
	struct frame_pool *pool;

	(void)state;
	assert_int_equal(frame_pool_create(1, 16, 4, &pool), 0);
	first = frame_try_acquire(pool);
	assert_non_null(first);
	second = frame_reference(first);
	assert_ptr_equal(second, first);
	frame_release(&first);
	assert_null(frame_try_acquire(pool));
	frame_release(&second);
	other = frame_try_acquire(pool);
	assert_non_null(other);
	frame_release(&other);
	frame_release(&other); /* a pointer to NULL */
	frame_pool_destroy(pool);
}

/* One frame after the other is the same one, which shows nothing of its life before; its memory stays. */
static void the_last_one_is_used_first_and_is_fresh(void **state)
{
	struct frame *only = NULL, *frame;
	struct frame_pool *pool;
	uint8_t *memory = NULL;

	(void)state;
	assert_int_equal(frame_pool_create(4, 16, 4, &pool), 0);
	for (int i = 0; i < 4; i++) {
		frame = frame_acquire(pool);
		assert_true(!only || frame == only);
		only = frame;
		assert_int_equal(picture_resize(&frame->picture, 8, 8), 0);
		assert_true(!memory || frame->picture.data == memory);
		memory = frame->picture.data;
		frame->number = 7;
		frame->name = "cat";
		frame->result.count = 3;
		frame->cpu_fallback = true;
		strcpy(frame->text, "cat 90 %");
		strcpy(frame->absent_reason, "no camera");
		memset(frame->stamps, 1, sizeof(frame->stamps));
		frame->lost = 2;
		frame->recorded = frame->absent = frame->show_raw = true;
		frame->borrowed = (struct borrowed_buffer){.dmabuf = 9, .index = 3};
		frame_release(&frame);
		frame = frame_acquire(pool);
		assert_ptr_equal(frame, only);
		assert_int_equal(frame->number, 0);
		assert_null(frame->name);
		assert_int_equal(frame->result.count, 0);
		assert_false(frame->cpu_fallback || frame->recorded || frame->absent || frame->show_raw);
		assert_int_equal(frame->lost, 0);
		assert_int_equal(frame->borrowed.dmabuf, -1);
		assert_int_equal(frame->borrowed.index, 0);
		assert_string_equal(frame->text, "");
		assert_string_equal(frame->absent_reason, "");
		for (int stamp = 0; stamp < STAMP_COUNT; stamp++)
			assert_int_equal(frame->stamps[stamp], 0);
		frame_release(&frame);
	}
	frame_pool_destroy(pool);
}

/* Room that one frame needed, all have: those that were free, and the others once they are back. */
static void all_grow_with_one(void **state)
{
	struct frame *frames[3];
	struct frame_pool *pool;

	(void)state;
	assert_int_equal(frame_pool_create(3, 16, 4, &pool), 0);
	frames[0] = frame_acquire(pool);
	frames[1] = frame_acquire(pool);
	assert_int_equal(picture_resize(&frames[0]->picture, 30, 20), 0);
	assert_int_equal(picture_rotate(&frames[0]->picture, 90), 0);
	assert_int_equal(raw_picture_reserve(&frames[0]->raw, 1234), 0);
	frame_release(&frames[0]);
	frames[0] = frame_acquire(pool);
	frames[2] = frame_acquire(pool);
	assert_int_equal(frames[1]->picture.capacity, 0);
	frame_release(&frames[1]);
	frames[1] = frame_acquire(pool);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(frames[i]->picture.capacity, 30 * 20 * 4);
		assert_int_equal(frames[i]->picture.spare_capacity, 30 * 20 * 4);
		assert_int_equal(frames[i]->raw.capacity, 1234);
		memset(frames[i]->raw.data, 1, 1234);
		memset(frames[i]->picture.data, 1, 2400);
		frame_release(&frames[i]);
	}
	frame_pool_destroy(pool);
}

static void *acquire_one(void *argument)
{
	return frame_acquire(argument);
}

static void release_wakes_a_waiter(void **state)
{
	struct frame *frame, *expected;
	struct frame_pool *pool;
	pthread_t thread;
	void *got;

	(void)state;
	assert_int_equal(frame_pool_create(1, 16, 4, &pool), 0);
	expected = frame = frame_acquire(pool);
	assert_int_equal(thread_start(&thread, "acquire", acquire_one, pool), 0);
	sleep_ms(10); /* so that it waits, most likely; right in either case */
	frame_release(&frame);
	pthread_join(thread, &got);
	assert_ptr_equal(got, expected);
	frame = got;
	frame_release(&frame);
	frame_pool_destroy(pool);
}

static void stop_wakes_all_waiters(void **state)
{
	struct frame_pool *pool;
	pthread_t threads[3];
	struct frame *frame;
	void *got;

	(void)state;
	assert_int_equal(frame_pool_create(1, 16, 4, &pool), 0);
	frame = frame_acquire(pool);
	for (int i = 0; i < 3; i++)
		assert_int_equal(thread_start(&threads[i], "acquire", acquire_one, pool), 0);
	sleep_ms(10);
	frame_pool_stop(pool);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &got);
		assert_null(got);
	}
	frame_release(&frame);
	assert_null(frame_acquire(pool)); /* free, but stopped */
	assert_null(frame_try_acquire(pool));
	frame_pool_destroy(pool);
}

/* Whichever allocation fails: -ENOMEM, and all that was taken is given back. */
static void failing_allocations(void **state)
{
	struct frame_pool *pool = NULL;
	int rc = -ENOMEM;
	long failures = 0;

	(void)state;
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	while (rc && failures < 100) {
		struct allocation_count count;

		allocation_count_begin();
		allocation_fail_after(failures);
		rc = frame_pool_create(3, 100, 10, &pool);
		allocation_fail_after(-1);
		count = allocation_count_end();
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(count.allocations, count.frees);
			failures++;
		}
	}
	assert_int_equal(rc, 0);
	assert_int_equal(failures, 9); /* pool, frames, ring, 3 inputs, 3 scores */
	frame_pool_destroy(pool);
}

enum { THREADS = 6, ROUNDS = 3000, FRAMES = 4 };

struct worker {
	struct frame_pool *pool;
	unsigned seed;
	int rounds, faults;
};

/* Nobody else may write to a frame that one holds alone; TSan would see it, and so does the check. */
static void *work(void *argument)
{
	struct worker *worker = argument;

	for (int i = 0; i < ROUNDS; i++) {
		struct frame *frame = rand_r(&worker->seed) % 4 ? frame_acquire(worker->pool)
								: frame_try_acquire(worker->pool);
		struct frame *more;

		if (!frame)
			continue;
		worker->rounds++;
		frame->number = (uint64_t)(uintptr_t)worker;
		memset(frame->input, (int)worker->seed & 0xff, frame->input_size);
		more = frame_reference(frame);
		if (rand_r(&worker->seed) % 8 == 0)
			sched_yield();
		if (rand_r(&worker->seed) % 64 == 0)
			nanosleep(&(struct timespec){.tv_nsec = rand_r(&worker->seed) % 50000}, NULL);
		frame_release(&frame);
		worker->faults += more->number != (uint64_t)(uintptr_t)worker;
		worker->faults += more->input[0] != more->input[more->input_size - 1];
		frame_release(&more);
	}
	return NULL;
}

static void many_threads_share_a_pool(void **state)
{
	struct worker workers[THREADS] = {0};
	struct frame *frames[FRAMES];
	pthread_t threads[THREADS];
	struct frame_pool *pool;

	(void)state;
	assert_int_equal(frame_pool_create(FRAMES, 256, 4, &pool), 0);
	for (int i = 0; i < THREADS; i++) {
		workers[i].pool = pool;
		workers[i].seed = (unsigned)i + 1;
		assert_int_equal(thread_start(&threads[i], "worker", work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].faults, 0);
		assert_true(workers[i].rounds > 0);
	}
	for (int i = 0; i < FRAMES; i++) {
		frames[i] = frame_try_acquire(pool);
		assert_non_null(frames[i]);
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(frames[i], frames[j]);
	}
	assert_null(frame_try_acquire(pool));
	for (int i = 0; i < FRAMES; i++)
		frame_release(&frames[i]);
	frame_pool_destroy(pool);
}

struct thread_facts {
	char name[16];
	sigset_t mask;
};

static void *look_at_thread(void *argument)
{
	struct thread_facts *facts = argument;

	pthread_sigmask(SIG_SETMASK, NULL, &facts->mask);
	return NULL;
}

static void threads_block_signals(void **state)
{
	sigset_t before, after;
	struct thread_facts facts;
	pthread_t thread;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(thread_start(&thread, "facts", look_at_thread, &facts), 0);
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&facts.mask, SIGINT), 1);
	assert_int_equal(sigismember(&facts.mask, SIGTERM), 1);
	assert_int_equal(sigismember(&facts.mask, SIGUSR1), 1);
	assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

static void *wait_for_end(void *argument)
{
	pthread_mutex_t *lock = argument;

	pthread_mutex_lock(lock); /* held by the test until it has read the name */
	pthread_mutex_unlock(lock);
	return NULL;
}

static void threads_have_names(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread;
	char name[16] = "";

	(void)state;
	pthread_mutex_lock(&lock);
	assert_int_equal(thread_start(&thread, "a-stage", wait_for_end, &lock), 0);
	pthread_getname_np(thread, name, sizeof(name));
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	assert_string_equal(name, "a-stage");
}

static void a_wait_ends_at_its_deadline(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition;
	int64_t deadline;
	int rc;

	(void)state;
	assert_int_equal(condition_init(&condition), 0);
	pthread_mutex_lock(&lock);
	assert_int_equal(condition_wait(&condition, &lock, INT64_MIN), -ETIMEDOUT);
	assert_int_equal(condition_wait(&condition, &lock, 0), -ETIMEDOUT);
	deadline = clock_now() + 5000000;
	do
		rc = condition_wait(&condition, &lock, deadline);
	while (!rc); /* a condition may wake for nothing */
	pthread_mutex_unlock(&lock);
	assert_int_equal(rc, -ETIMEDOUT);
	assert_true(clock_now() >= deadline);
	pthread_cond_destroy(&condition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(buffers_are_aligned_and_writable),
		cmocka_unit_test(a_network_of_codes_has_no_scores),
		cmocka_unit_test(the_last_reference_frees),
		cmocka_unit_test(the_last_one_is_used_first_and_is_fresh),
		cmocka_unit_test(all_grow_with_one),
		cmocka_unit_test(release_wakes_a_waiter),
		cmocka_unit_test(stop_wakes_all_waiters),
		cmocka_unit_test(failing_allocations),
		cmocka_unit_test(many_threads_share_a_pool),
		cmocka_unit_test(threads_block_signals),
		cmocka_unit_test(threads_have_names),
		cmocka_unit_test(a_wait_ends_at_its_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
