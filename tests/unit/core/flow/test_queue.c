/* SPDX-License-Identifier: MIT */
/* Queues: order, policies, closing, and the books of many producers and consumers at once. */
#include "flow/queue.h"

#include "base/clock.h"
#include "flow/thread.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/allocation_count.h"

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * NS_PER_MS}, NULL);
}

static struct frame_pool *pool_of(int frames)
{
	struct frame_pool *pool;

	assert_int_equal(frame_pool_create(frames, 16, 4, &pool), 0);
	return pool;
}

static struct queue *queue_of(int capacity, enum queue_policy policy)
{
	struct queue *queue;

	assert_int_equal(queue_create(capacity, policy, &queue), 0);
	return queue;
}

static struct frame *numbered(struct frame_pool *pool, uint64_t number)
{
	struct frame *frame = frame_try_acquire(pool);

	assert_non_null(frame);
	frame->number = number;
	return frame;
}

static void assert_next(struct queue *queue, uint64_t number)
{
	struct frame *frame = queue_take(queue);

	assert_non_null(frame);
	assert_int_equal(frame->number, number);
	frame_release(&frame);
}

/* All frames of a pool of `frames` are free, and each once. */
static void assert_all_back(struct frame_pool *pool, int frames)
{
	struct frame *out[64];

	assert_in_range(frames, 1, 64);
	for (int i = 0; i < frames; i++) {
		out[i] = frame_try_acquire(pool);
		assert_non_null(out[i]);
	}
	assert_null(frame_try_acquire(pool));
	for (int i = 0; i < frames; i++)
		frame_release(&out[i]);
}

static void capacity_is_checked(void **state)
{
	struct queue *queue;

	(void)state;
	assert_int_equal(queue_create(0, QUEUE_LOSSLESS, &queue), -EINVAL);
	assert_int_equal(queue_create(-3, QUEUE_NEWEST_WINS, &queue), -EINVAL);
	queue_destroy(NULL);
	if (!ALLOCATION_COUNT)
		return;
	allocation_fail_after(0);
	assert_int_equal(queue_create(4, QUEUE_LOSSLESS, &queue), -ENOMEM);
	allocation_fail_after(-1);
}

static void first_in_first_out(void **state)
{
	struct frame_pool *pool = pool_of(3);
	struct queue *queue = queue_of(3, QUEUE_LOSSLESS);

	(void)state;
	/* More often than there are places, so that the ring goes round. */
	for (uint64_t n = 0; n < 20; n += 2) {
		assert_true(queue_put(queue, numbered(pool, n)));
		assert_true(queue_put(queue, numbered(pool, n + 1)));
		assert_next(queue, n);
		assert_next(queue, n + 1);
	}
	assert_int_equal(queue_dropped(queue), 0);
	queue_destroy(queue);
	assert_all_back(pool, 3);
	frame_pool_destroy(pool);
}

static void newest_wins_drops_the_oldest(void **state)
{
	struct frame_pool *pool = pool_of(4);
	struct queue *queue = queue_of(2, QUEUE_NEWEST_WINS);

	(void)state;
	for (uint64_t n = 0; n < 7; n++) /* only with the dropped ones back can seven come from four */
		assert_true(queue_put(queue, numbered(pool, n)));
	assert_int_equal(queue_dropped(queue), 5);
	assert_next(queue, 5);
	assert_next(queue, 6);
	assert_true(queue_put(queue, numbered(pool, 7)));
	assert_next(queue, 7);
	assert_int_equal(queue_dropped(queue), 5);
	queue_destroy(queue);
	assert_all_back(pool, 4);
	frame_pool_destroy(pool);
}

static void a_closed_queue_empties_and_takes_nothing(void **state)
{
	static const enum queue_policy policies[] = {QUEUE_LOSSLESS, QUEUE_NEWEST_WINS};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct frame_pool *pool = pool_of(3);
		struct queue *queue = queue_of(2, policies[i]);
		struct frame *frame;

		assert_true(queue_put(queue, numbered(pool, 1)));
		assert_true(queue_put(queue, numbered(pool, 2)));
		queue_close(queue);
		queue_close(queue);
		frame = numbered(pool, 3);
		frame_reference(frame);
		assert_false(queue_put(queue, frame)); /* its reference is taken; ours is left */
		assert_int_equal(atomic_load(&frame->references), 1);
		frame_release(&frame);
		assert_next(queue, 1);
		assert_next(queue, 2);
		assert_null(queue_take(queue));
		assert_null(queue_take(queue));
		assert_int_equal(queue_dropped(queue), 0);
		queue_destroy(queue);
		assert_all_back(pool, 3);
		frame_pool_destroy(pool);
	}
}

static void destroy_releases_what_is_left(void **state)
{
	struct frame_pool *pool = pool_of(3);
	struct queue *queue = queue_of(3, QUEUE_LOSSLESS);

	(void)state;
	for (uint64_t n = 0; n < 3; n++)
		assert_true(queue_put(queue, numbered(pool, n)));
	assert_next(queue, 0);
	assert_true(queue_put(queue, numbered(pool, 3)));
	queue_destroy(queue);
	assert_all_back(pool, 3);
	frame_pool_destroy(pool);
}

struct putter {
	struct queue *queue;
	struct frame *frame;
	atomic_bool returned;
	bool taken;
};

static void *put_one(void *argument)
{
	struct putter *putter = argument;

	putter->taken = queue_put(putter->queue, putter->frame);
	atomic_store(&putter->returned, true);
	return NULL;
}

static void *take_one(void *argument)
{
	return queue_take(argument);
}

static void lossless_put_waits_for_a_place(void **state)
{
	struct frame_pool *pool = pool_of(2);
	struct queue *queue = queue_of(1, QUEUE_LOSSLESS);
	struct putter putter = {.queue = queue};
	pthread_t thread;

	(void)state;
	assert_true(queue_put(queue, numbered(pool, 1)));
	putter.frame = numbered(pool, 2);
	assert_int_equal(thread_start(&thread, "put", put_one, &putter), 0);
	sleep_ms(20);
	assert_false(atomic_load(&putter.returned));
	assert_next(queue, 1);
	pthread_join(thread, NULL);
	assert_true(putter.taken);
	assert_next(queue, 2);
	queue_destroy(queue);
	frame_pool_destroy(pool);
}

static void close_wakes_all_who_wait(void **state)
{
	struct frame_pool *pool = pool_of(4);
	struct queue *full = queue_of(1, QUEUE_LOSSLESS), *empty = queue_of(1, QUEUE_LOSSLESS);
	struct putter putters[3] = {0};
	pthread_t putting[3], taking[3];
	void *got;

	(void)state;
	assert_true(queue_put(full, numbered(pool, 0)));
	for (int i = 0; i < 3; i++) {
		putters[i].queue = full;
		putters[i].frame = numbered(pool, 1 + (uint64_t)i);
		assert_int_equal(thread_start(&putting[i], "put", put_one, &putters[i]), 0);
		assert_int_equal(thread_start(&taking[i], "take", take_one, empty), 0);
	}
	sleep_ms(10); /* so that they wait, most likely; right in either case */
	queue_close(full);
	queue_close(empty);
	for (int i = 0; i < 3; i++) {
		pthread_join(putting[i], NULL);
		assert_false(putters[i].taken);
		pthread_join(taking[i], &got);
		assert_null(got);
	}
	assert_next(full, 0);
	queue_destroy(full);
	queue_destroy(empty);
	assert_all_back(pool, 4);
	frame_pool_destroy(pool);
}

static void put_wakes_a_consumer(void **state)
{
	struct frame_pool *pool = pool_of(1);
	struct queue *queue = queue_of(1, QUEUE_NEWEST_WINS);
	struct frame *frame;
	pthread_t thread;
	void *got;

	(void)state;
	assert_int_equal(thread_start(&thread, "take", take_one, queue), 0);
	sleep_ms(10);
	assert_true(queue_put(queue, numbered(pool, 9)));
	pthread_join(thread, &got);
	frame = got;
	assert_non_null(frame);
	assert_int_equal(frame->number, 9);
	frame_release(&frame);
	queue_destroy(queue);
	frame_pool_destroy(pool);
}

static void a_take_ends_at_its_deadline(void **state)
{
	struct frame_pool *pool = pool_of(1);
	struct queue *queue = queue_of(1, QUEUE_LOSSLESS);
	struct frame *frame = NULL;
	int64_t deadline = clock_now() + 5000000;

	(void)state;
	assert_int_equal(queue_take_until(queue, deadline, &frame), -ETIMEDOUT);
	assert_true(clock_now() >= deadline);
	assert_null(frame);
	assert_true(queue_put(queue, numbered(pool, 4)));
	assert_int_equal(queue_take_until(queue, 0, &frame), 0); /* past, but a frame is there */
	assert_int_equal(frame->number, 4);
	assert_true(queue_put(queue, frame));
	queue_close(queue);
	assert_int_equal(queue_take_until(queue, INT64_MAX, &frame), 0);
	frame_release(&frame);
	assert_int_equal(queue_take_until(queue, INT64_MAX, &frame), -EPIPE);
	assert_null(frame);
	queue_destroy(queue);
	frame_pool_destroy(pool);
}

/* The stress: each frame says who made it and as which, and everything is counted at the end. */
enum { PRODUCERS = 4, CONSUMERS = 3, EACH = 1500, POOL = 12, PLACES = 3 };

struct books {
	struct frame_pool *pool;
	struct queue *queue;
	unsigned seed;
	uint64_t me; /* a producer's number */
	uint64_t put, refused;
	uint64_t taken;
	uint64_t last[PRODUCERS]; /* the newest frame of each producer that was seen, counted from 1 */
	uint64_t disordered;
	unsigned char seen[PRODUCERS][EACH];
};

static void dawdle(unsigned *seed)
{
	int dice = rand_r(seed) % 64;

	if (dice < 8)
		sched_yield();
	else if (dice == 8)
		nanosleep(&(struct timespec){.tv_nsec = rand_r(seed) % 100000}, NULL);
}

static void *produce(void *argument)
{
	struct books *books = argument;

	for (uint64_t n = 0; n < EACH; n++) {
		struct frame *frame = frame_acquire(books->pool);

		dawdle(&books->seed);
		frame->number = books->me * EACH + n;
		memset(frame->input, (int)(frame->number & 0xff), frame->input_size);
		if (queue_put(books->queue, frame))
			books->put++;
		else
			books->refused++;
	}
	return NULL;
}

static void *consume(void *argument)
{
	struct books *books = argument;
	struct frame *frame;
	int rc;

	/* With deadlines that pass now and then, so that giving up and being woken meet. */
	while ((rc = queue_take_until(books->queue, clock_now() + rand_r(&books->seed) % 50000, &frame)) !=
		-EPIPE) {
		if (rc)
			continue;
		uint64_t producer = frame->number / EACH, n = frame->number % EACH;

		dawdle(&books->seed);
		books->taken++;
		books->seen[producer][n]++;
		books->disordered += n + 1 <= books->last[producer];
		books->disordered += frame->input[frame->input_size - 1] != (frame->number & 0xff);
		books->last[producer] = n + 1;
		frame_release(&frame);
	}
	return NULL;
}

static void stress(enum queue_policy policy, bool close_early)
{
	static struct books books[PRODUCERS + CONSUMERS], all;
	struct frame_pool *pool = pool_of(POOL);
	struct queue *queue = queue_of(PLACES, policy);
	pthread_t threads[PRODUCERS + CONSUMERS];
	uint64_t missing = 0;

	memset(books, 0, sizeof(books));
	memset(&all, 0, sizeof(all));
	for (int i = 0; i < PRODUCERS + CONSUMERS; i++) {
		books[i] = (struct books){
			.pool = pool, .queue = queue, .seed = (unsigned)i + 1, .me = (uint64_t)i};
		assert_int_equal(thread_start(&threads[i], i < PRODUCERS ? "produce" : "consume",
					 i < PRODUCERS ? produce : consume, &books[i]),
			0);
	}
	if (close_early) {
		sleep_ms(3);
		queue_close(queue);
	}
	for (int i = 0; i < PRODUCERS + CONSUMERS; i++) {
		if (i == PRODUCERS)
			queue_close(queue);
		pthread_join(threads[i], NULL);
		all.put += books[i].put;
		all.refused += books[i].refused;
		all.taken += books[i].taken;
		all.disordered += books[i].disordered;
		for (int p = 0; p < PRODUCERS; p++)
			for (int n = 0; n < EACH; n++)
				all.seen[p][n] += books[i].seen[p][n];
	}
	for (int p = 0; p < PRODUCERS; p++)
		for (int n = 0; n < EACH; n++) {
			assert_in_range(all.seen[p][n], 0, 1);
			missing += !all.seen[p][n];
		}
	assert_int_equal(all.put + all.refused, PRODUCERS * EACH);
	assert_int_equal(all.taken + queue_dropped(queue), all.put);
	assert_int_equal(missing, queue_dropped(queue) + all.refused);
	assert_int_equal(all.disordered, 0);
	if (policy == QUEUE_LOSSLESS)
		assert_int_equal(queue_dropped(queue), 0);
	if (!close_early)
		assert_int_equal(all.refused, 0);
	queue_destroy(queue);
	assert_all_back(pool, POOL);
	frame_pool_destroy(pool);
}

static void a_watcher_learns_of_puts_and_the_end(void **state)
{
	struct frame_pool *pool = pool_of(3);
	struct queue *queue = queue_of(2, QUEUE_NEWEST_WINS);
	int watcher = eventfd(0, EFD_NONBLOCK);
	eventfd_t count;

	(void)state;
	assert_true(watcher >= 0);
	queue_watch(queue, watcher);
	assert_int_equal(eventfd_read(watcher, &count), -1);
	assert_true(queue_put(queue, frame_acquire(pool)));
	assert_true(queue_put(queue, frame_acquire(pool)));
	assert_int_equal(eventfd_read(watcher, &count), 0);
	assert_int_equal(count, 2);
	queue_close(queue);
	assert_int_equal(eventfd_read(watcher, &count), 0);
	queue_watch(queue, -1);
	queue_close(queue);
	assert_int_equal(eventfd_read(watcher, &count), -1);
	close(watcher);
	queue_destroy(queue);
	frame_pool_destroy(pool);
}

static void lossless_loses_nothing(void **state)
{
	(void)state;
	stress(QUEUE_LOSSLESS, false);
}

static void newest_wins_counts_what_it_drops(void **state)
{
	(void)state;
	stress(QUEUE_NEWEST_WINS, false);
}

static void closing_in_the_middle_loses_nothing(void **state)
{
	(void)state;
	stress(QUEUE_LOSSLESS, true);
	stress(QUEUE_NEWEST_WINS, true);
}

/* The counter of allocations itself: without this, the proofs below would prove nothing. */
static void allocations_are_counted(void **state)
{
	struct allocation_count count;
	void *volatile memory[4];

	(void)state;
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	allocation_count_begin();
	memory[0] = malloc(10);
	memory[1] = calloc(2, 10);
	memory[2] = aligned_alloc(64, 64);
	memory[3] = buffer_create(64); /* posix_memalign, in a library */
	memory[0] = realloc(memory[0], 100000);
	for (int i = 0; i < 4; i++)
		free(memory[i]);
	free(NULL);
	count = allocation_count_end();
	assert_int_equal(count.allocations, 5);
	assert_int_equal(count.frees, 5);
	memory[0] = malloc(10);
	allocation_fail_after(1);
	memory[1] = malloc(10);
	memory[2] = malloc(10);
	memory[3] = malloc(10);
	assert_non_null(memory[1]);
	assert_null(memory[2]);
	assert_non_null(memory[3]);
	assert_int_equal(allocation_count_end().allocations, 5); /* nothing after the end */
	free(memory[0]);
	free(memory[1]);
	free(memory[3]);
}

enum { WARM_UP = 100, COUNTED = 1000 };

static void *feed(void *argument)
{
	struct books *books = argument;
	struct frame *frame;

	while ((frame = frame_acquire(books->pool)))
		if (!queue_put(books->queue, frame))
			break;
	return NULL;
}

static void frames_cost_no_allocation(void **state)
{
	static const enum queue_policy policies[] = {QUEUE_LOSSLESS, QUEUE_NEWEST_WINS};

	(void)state;
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	for (int i = 0; i < 2; i++) {
		struct frame_pool *pool = pool_of(6);
		struct queue *queue = queue_of(2, policies[i]);
		static struct books books;
		struct allocation_count count;
		pthread_t thread;

		books = (struct books){.pool = pool, .queue = queue};
		assert_int_equal(thread_start(&thread, "feed", feed, &books), 0);
		for (int n = 0; n < WARM_UP + COUNTED; n++) {
			struct frame *frame = queue_take(queue);

			if (n == WARM_UP)
				allocation_count_begin();
			frame_release(&frame);
		}
		count = allocation_count_end();
		queue_close(queue);
		pthread_join(thread, NULL);
		assert_int_equal(count.allocations, 0);
		assert_int_equal(count.frees, 0);
		queue_destroy(queue);
		frame_pool_destroy(pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_is_checked),
		cmocka_unit_test(first_in_first_out),
		cmocka_unit_test(newest_wins_drops_the_oldest),
		cmocka_unit_test(a_closed_queue_empties_and_takes_nothing),
		cmocka_unit_test(destroy_releases_what_is_left),
		cmocka_unit_test(lossless_put_waits_for_a_place),
		cmocka_unit_test(close_wakes_all_who_wait),
		cmocka_unit_test(put_wakes_a_consumer),
		cmocka_unit_test(a_take_ends_at_its_deadline),
		cmocka_unit_test(a_watcher_learns_of_puts_and_the_end),
		cmocka_unit_test(lossless_loses_nothing),
		cmocka_unit_test(newest_wins_counts_what_it_drops),
		cmocka_unit_test(closing_in_the_middle_loses_nothing),
		cmocka_unit_test(allocations_are_counted),
		cmocka_unit_test(frames_cost_no_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
