/* SPDX-License-Identifier: MIT */
/*
 * Checks the guarantees of pl.h with "software". The linker redirects engine_run to the gate below, so that
 * the test decides when a run ends, and no assertion depends on the machine's speed.
 */
#include "pl/pl.h"

#include "base/clock.h"
#include "base/error.h"
#include "flow/queue.h"
#include "flow/thread.h"
#include "nn/engine.h"
#include "nn/reference.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/allocation_count.h"
#include "support/network_builder.h"
#include "support/random.h"

enum { FOREVER_MS = 1000000, RUNS = 16 };

static struct {
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t changed;
	bool shut;		     /* runs wait for a permit each */
	int permits;		     /* runs that may end */
	int begun;		     /* runs since the gate was shut */
	const uint8_t *inputs[RUNS]; /* of those runs, in order */
	char thread[16];	     /* where the last of them ran */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void __real_engine_run(struct engine *engine, const uint8_t *in, void *out);
void __wrap_engine_run(struct engine *engine, const uint8_t *in, void *out);

void __wrap_engine_run(struct engine *engine, const uint8_t *in, void *out)
{
	pthread_mutex_lock(&gate.lock);
	if (gate.shut) {
		pthread_getname_np(pthread_self(), gate.thread, sizeof(gate.thread));
		if (gate.begun < RUNS)
			gate.inputs[gate.begun] = in;
		gate.begun++;
		pthread_cond_broadcast(&gate.changed);
		while (gate.shut && !gate.permits)
			pthread_cond_wait(&gate.changed, &gate.lock);
		gate.permits -= gate.shut;
	}
	pthread_mutex_unlock(&gate.lock);
	__real_engine_run(engine, in, out);
}

static void gate_set(bool shut)
{
	pthread_mutex_lock(&gate.lock);
	gate.shut = shut;
	gate.permits = 0;
	gate.begun = 0;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

/* Lets one run end. */
static void gate_permit(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.permits++;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

/* Waits until the n-th run since the gate was shut has begun. */
static void gate_await(int n)
{
	pthread_mutex_lock(&gate.lock);
	while (gate.begun < n)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

static int gate_begun(void)
{
	int begun;

	pthread_mutex_lock(&gate.lock);
	begun = gate.begun;
	pthread_mutex_unlock(&gate.lock);
	return begun;
}

/* A tiny network behind a PL, layers 1 to the last as in the pipeline. */
struct pl_fixture {
	struct network *network;
	struct pl *pl;
	size_t input_size;
	uint32_t seed;
};

static int set_up(void **state)
{
	struct pl_fixture *fixture = calloc(1, sizeof(*fixture));

	gate_set(false);
	fixture->network = tiny_network(5);
	fixture->seed = 99;
	fixture->input_size = shape_size(fixture->network->layers[1].in);
	if (pl_open("auto", NULL, &fixture->pl, NULL) ||
		pl_load(fixture->pl, fixture->network, 1, fixture->network->layer_count, NULL))
		return -1;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct pl_fixture *fixture = *state;

	gate_set(false);
	pl_close(fixture->pl);
	network_destroy(fixture->network);
	free(fixture);
	return 0;
}

static void fill(struct pl_fixture *fixture, uint8_t *codes)
{
	for (size_t i = 0; i < fixture->input_size; i++)
		codes[i] = (uint8_t)random_within(&fixture->seed, 0, 3);
}

static void fill_input(struct pl_fixture *fixture, int buffer)
{
	fill(fixture, pl_input(fixture->pl, buffer));
}

static void assert_scores(struct pl_fixture *fixture, int buffer)
{
	int32_t expected[16];

	assert_in_range(fixture->network->class_count, 1, 16);
	assert_int_equal(reference_run(fixture->network, 1, fixture->network->layer_count,
				 pl_input(fixture->pl, buffer), expected),
		0);
	assert_memory_equal(pl_output(fixture->pl, buffer), expected,
		(size_t)fixture->network->class_count * sizeof(*expected));
}

static void names_and_ranges_are_checked(void **state)
{
	struct pl_fixture *fixture = *state;
	const struct pl_driver *const *drivers = pl_drivers();
	struct error e = {0};
	struct pl *pl = NULL;
	bool software = false;

	assert_int_equal(pl_open("abacus", NULL, &pl, &e), -EINVAL);
	assert_int_equal(e.code, -EINVAL);
	assert_non_null(strstr(e.text, "abacus"));
	for (int i = 0; drivers[i]; i++) {
		assert_non_null(strstr(e.text, drivers[i]->name));
		software |= !strcmp(drivers[i]->name, "software");
		/* The PL that always opens comes after those that "auto" may find. */
		assert_false(software && drivers[i]->hardware && !drivers[i]->by_name);
		assert_true(drivers[i]->by_name || strcmp(drivers[i]->name, "rtl") != 0);
	}
	assert_true(software);
	assert_int_equal(pl_open("software", NULL, &pl, &e), 0);
	assert_string_equal(pl_name(pl), "software");
	assert_null(pl_input(pl, 0)); /* nothing is loaded yet */
	assert_null(pl_output(pl, 0));
	assert_int_equal(pl_submit(pl, 0), -EINVAL);
	assert_int_equal(pl_wait(pl, 0, INT64_MAX), -EINVAL);
	assert_int_equal(pl_reset(pl), 0);
	assert_int_equal(pl_load(pl, fixture->network, -1, 2, &e), -EINVAL);
	assert_int_equal(pl_load(pl, fixture->network, 2, 2, &e), -EINVAL);
	assert_int_equal(pl_load(pl, fixture->network, 1, fixture->network->layer_count + 1, &e), -EINVAL);
	assert_int_equal(pl_load(pl, fixture->network, 1, 2, &e), 0);
	assert_int_equal(pl_load(pl, fixture->network, 1, 2, &e), -EBUSY);
	assert_int_equal(pl_submit(pl, -1), -EINVAL);
	assert_int_equal(pl_submit(pl, PL_BUFFERS), -EINVAL);
	pl_close(pl);
	pl_close(NULL);
}

static void scores_are_the_references(void **state)
{
	struct pl_fixture *fixture = *state;

	for (int n = 0; n < 20; n++) {
		int buffer = n % PL_BUFFERS;

		assert_int_equal((uintptr_t)pl_input(fixture->pl, buffer) % 64, 0);
		assert_int_equal((uintptr_t)pl_output(fixture->pl, buffer) % 64, 0);
		fill_input(fixture, buffer);
		assert_int_equal(pl_submit(fixture->pl, buffer), 0);
		assert_int_equal(pl_wait(fixture->pl, buffer, INT64_MAX), 0);
		assert_scores(fixture, buffer);
		assert_int_equal(pl_wait(fixture->pl, buffer, 0), 0); /* it stays done */
	}
}

static void layers_may_end_in_codes(void **state)
{
	struct pl_fixture *fixture = *state;
	size_t size = shape_size(fixture->network->layers[2].out);
	uint8_t *expected = malloc(size);
	struct pl *pl;

	assert_int_equal(pl_open("software", NULL, &pl, NULL), 0);
	assert_int_equal(pl_load(pl, fixture->network, 1, 3, NULL), 0);
	fill(fixture, pl_input(pl, 1));
	assert_int_equal(pl_submit(pl, 1), 0);
	assert_int_equal(pl_wait(pl, 1, INT64_MAX), 0);
	assert_int_equal(reference_run(fixture->network, 1, 3, pl_input(pl, 1), expected), 0);
	assert_memory_equal(pl_output(pl, 1), expected, size);
	pl_close(pl);
	free(expected);
}

static void buffers_run_in_the_order_of_submission(void **state)
{
	struct pl_fixture *fixture = *state;
	int64_t soon;

	gate_set(true);
	fill_input(fixture, 0);
	fill_input(fixture, 1);
	assert_int_equal(pl_submit(fixture->pl, 1), 0); /* returns although the gate is shut */
	assert_int_equal(pl_submit(fixture->pl, 0), 0);
	gate_await(1);
	assert_ptr_equal(gate.inputs[0], pl_input(fixture->pl, 1));
	assert_string_equal(gate.thread, "pl");
	assert_int_equal(pl_submit(fixture->pl, 1), -EBUSY); /* runs */
	assert_int_equal(pl_submit(fixture->pl, 0), -EBUSY); /* queued */
	assert_int_equal(pl_wait(fixture->pl, 1, clock_now()), -ETIMEDOUT);
	assert_int_equal(pl_wait(fixture->pl, 0, INT64_MIN), -ETIMEDOUT);
	soon = clock_now() + 5000000;
	assert_int_equal(pl_wait(fixture->pl, 1, soon), -ETIMEDOUT);
	assert_true(clock_now() >= soon);
	gate_permit();
	gate_await(2);
	assert_ptr_equal(gate.inputs[1], pl_input(fixture->pl, 0));
	assert_int_equal(pl_wait(fixture->pl, 1, 0), 0);
	assert_scores(fixture, 1);
	assert_int_equal(pl_submit(fixture->pl, 1), 0);
	gate_permit();
	gate_permit();
	assert_int_equal(pl_wait(fixture->pl, 0, INT64_MAX), 0);
	assert_int_equal(pl_wait(fixture->pl, 1, INT64_MAX), 0);
	assert_int_equal(gate_begun(), 3);
}

struct call {
	struct pl *pl;
	int buffer, result;
	atomic_bool returned;
};

static void *call_wait(void *argument)
{
	struct call *call = argument;

	call->result = pl_wait(call->pl, call->buffer, INT64_MAX);
	atomic_store(&call->returned, true);
	return NULL;
}

static void *call_reset(void *argument)
{
	struct call *call = argument;

	call->result = pl_reset(call->pl);
	atomic_store(&call->returned, true);
	return NULL;
}

static void *call_close(void *argument)
{
	struct call *call = argument;

	pl_close(call->pl);
	atomic_store(&call->returned, true);
	return NULL;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * NS_PER_MS}, NULL);
}

static void never_submitted_is_an_error(void **state)
{
	struct pl_fixture *fixture = *state;

	assert_int_equal(pl_wait(fixture->pl, 0, INT64_MAX), -ECANCELED);
	assert_int_equal(pl_reset(fixture->pl), 0);
	assert_int_equal(pl_wait(fixture->pl, 0, 0), -ECANCELED);
}

/*
 * A queued buffer is discarded at once, the running one when it ends; threads that wait for either are woken.
 */
static void reset_discards_and_waits_for_what_runs(void **state)
{
	struct pl_fixture *fixture = *state;
	struct call runs = {.pl = fixture->pl, .buffer = 0}, queued = {.pl = fixture->pl, .buffer = 1};
	struct call reset = {.pl = fixture->pl, .result = 1};
	pthread_t threads[3];

	gate_set(true);
	fill_input(fixture, 0);
	fill_input(fixture, 1);
	assert_int_equal(pl_submit(fixture->pl, 0), 0);
	assert_int_equal(pl_submit(fixture->pl, 1), 0);
	gate_await(1);
	assert_int_equal(thread_start(&threads[0], "runs", call_wait, &runs), 0);
	assert_int_equal(thread_start(&threads[1], "queued", call_wait, &queued), 0);
	sleep_ms(10); /* so that both wait, most likely */
	assert_int_equal(thread_start(&threads[2], "reset", call_reset, &reset), 0);
	pthread_join(threads[1], NULL); /* while the engine still runs */
	assert_int_equal(queued.result, -ECANCELED);
	sleep_ms(10);
	assert_false(atomic_load(&reset.returned));
	assert_false(atomic_load(&runs.returned));
	assert_int_equal(pl_submit(fixture->pl, 0), -EBUSY); /* its memory is in use */
	gate_permit();
	pthread_join(threads[2], NULL);
	pthread_join(threads[0], NULL);
	assert_int_equal(reset.result, 0);
	assert_int_equal(runs.result, -ECANCELED);
	assert_int_equal(gate_begun(), 1); /* the queued one never ran */

	gate_set(false); /* the network is still loaded, both buffers work */
	for (int buffer = PL_BUFFERS - 1; buffer >= 0; buffer--) {
		fill_input(fixture, buffer);
		assert_int_equal(pl_submit(fixture->pl, buffer), 0);
	}
	for (int buffer = 0; buffer < PL_BUFFERS; buffer++) {
		assert_int_equal(pl_wait(fixture->pl, buffer, INT64_MAX), 0);
		assert_scores(fixture, buffer);
	}
	assert_int_equal(pl_reset(fixture->pl), 0);
	assert_int_equal(pl_wait(fixture->pl, 0, 0), 0); /* what is done stays done */
	assert_scores(fixture, 0);
}

/* Closes while the first of two runs. False: the second began before, which a busy machine lets happen. */
static bool closed_in_time(struct pl_fixture *fixture)
{
	struct call call = {0};
	pthread_t thread;

	assert_int_equal(pl_open("software", NULL, &call.pl, NULL), 0);
	assert_int_equal(pl_load(call.pl, fixture->network, 1, fixture->network->layer_count, NULL), 0);
	gate_set(true);
	assert_int_equal(pl_submit(call.pl, 0), 0);
	assert_int_equal(pl_submit(call.pl, 1), 0);
	gate_await(1);
	assert_int_equal(thread_start(&thread, "close", call_close, &call), 0);
	sleep_ms(10);
	assert_false(atomic_load(&call.returned));
	gate_permit();
	while (!atomic_load(&call.returned) && gate_begun() == 1)
		sleep_ms(1);
	bool in_time = gate_begun() == 1;
	gate_permit();
	pthread_join(thread, NULL);
	return in_time;
}

static void close_waits_for_what_runs(void **state)
{
	int tries = 0;

	while (!closed_in_time(*state))
		assert_true(++tries < 100);
}

static void failing_allocations(void **state)
{
	struct pl_fixture *fixture = *state;
	int rc = -ENOMEM;
	long failures = 0;

	if (!ALLOCATION_COUNT)
		skip_uncounted();
	/* Each allocation of opening and loading fails once; the thread's stack is no allocation of the heap.
	 */
	while (rc && failures < 1000) {
		struct error e = {0};
		struct pl *pl = NULL;

		allocation_fail_after(failures++);
		rc = pl_open("software", NULL, &pl, &e);
		if (!rc)
			rc = pl_load(pl, fixture->network, 1, fixture->network->layer_count, &e);
		allocation_fail_after(-1);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(e.code, -ENOMEM);
		} else {
			fill(fixture, pl_input(pl, 0));
			assert_int_equal(pl_submit(pl, 0), 0);
			assert_int_equal(pl_wait(pl, 0, INT64_MAX), 0);
		}
		pl_close(pl);
	}
	assert_int_equal(rc, 0);
	assert_true(failures > 7); /* pl, state, engine, 4 buffers at least */
}

/*
 * As in the pipeline: one thread fills the buffers in turn, another empties them in the same turn, frames
 * travel between them, and a few resets fall in between. Every frame comes out with its own scores, or as one
 * that was discarded.
 */
enum { FRAMES = 1100, WARM_UP = 100, POOL = 6 };

struct small_pipeline {
	struct pl_fixture *fixture;
	struct frame_pool *pool;
	struct queue *inputs, *running;
	pthread_mutex_t lock; /* guards free_buffers */
	pthread_cond_t emptied;
	int free_buffers;
	int refused;
};

static void *feed(void *argument)
{
	struct small_pipeline *pipeline = argument;
	struct frame *frame;
	uint64_t number = 0;

	while (number < FRAMES && (frame = frame_acquire(pipeline->pool))) {
		frame->number = number++;
		fill(pipeline->fixture, frame->input);
		if (!queue_put(pipeline->inputs, frame))
			break;
	}
	queue_close(pipeline->inputs);
	return NULL;
}

static void *submit(void *argument)
{
	struct small_pipeline *pipeline = argument;
	struct frame *frame;
	int buffer = 0;

	while ((frame = queue_take(pipeline->inputs))) {
		pthread_mutex_lock(&pipeline->lock);
		while (!pipeline->free_buffers)
			pthread_cond_wait(&pipeline->emptied, &pipeline->lock);
		pipeline->free_buffers--;
		pthread_mutex_unlock(&pipeline->lock);
		memcpy(pl_input(pipeline->fixture->pl, buffer), frame->input, frame->input_size);
		pipeline->refused += pl_submit(pipeline->fixture->pl, buffer) != 0;
		buffer = (buffer + 1) % PL_BUFFERS;
		if (!queue_put(pipeline->running, frame))
			break;
	}
	queue_close(pipeline->running);
	return NULL;
}

struct outcome {
	int done, discarded, wrong;
	struct allocation_count count;
};

/* Empties the buffers; a reset before every `reset_every`-th wait, 0: never. */
static struct outcome collect(struct small_pipeline *pipeline, unsigned reset_every)
{
	struct pl_fixture *fixture = pipeline->fixture;
	size_t bytes = (size_t)fixture->network->class_count * sizeof(int32_t);
	struct outcome outcome = {0};
	struct frame *frame;
	uint64_t number = 0;
	int buffer = 0;

	while ((frame = queue_take(pipeline->running))) {
		int rc;

		if (number == WARM_UP)
			allocation_count_begin();
		outcome.wrong += frame->number != number++;
		if (reset_every && number % reset_every == 0)
			outcome.wrong += pl_reset(fixture->pl) != 0;
		rc = pl_wait(fixture->pl, buffer, clock_now() + FOREVER_MS * NS_PER_MS);
		if (!rc) {
			memcpy(frame->scores, pl_output(fixture->pl, buffer), bytes);
			outcome.done++;
			outcome.wrong +=
				memcmp(pl_input(fixture->pl, buffer), frame->input, frame->input_size) != 0;
		} else {
			outcome.discarded += rc == -ECANCELED;
		}
		if (number == FRAMES)
			outcome.count = allocation_count_end();
		pthread_mutex_lock(&pipeline->lock);
		pipeline->free_buffers++;
		pthread_cond_signal(&pipeline->emptied);
		pthread_mutex_unlock(&pipeline->lock);
		buffer = (buffer + 1) % PL_BUFFERS;
		if (!rc && number % 16 == 0 && number > WARM_UP && reset_every) {
			int32_t expected[16];

			reference_run(
				fixture->network, 1, fixture->network->layer_count, frame->input, expected);
			outcome.wrong += memcmp(frame->scores, expected, bytes) != 0;
		}
		frame_release(&frame);
	}
	return outcome;
}

static struct outcome run_pipeline(struct pl_fixture *fixture, unsigned reset_every)
{
	struct small_pipeline pipeline = {
		.fixture = fixture, .lock = PTHREAD_MUTEX_INITIALIZER, .free_buffers = PL_BUFFERS};
	struct outcome outcome;
	pthread_t threads[2];

	pthread_cond_init(&pipeline.emptied, NULL);
	assert_int_equal(
		frame_pool_create(POOL, fixture->input_size, fixture->network->class_count, &pipeline.pool),
		0);
	assert_int_equal(queue_create(2, QUEUE_LOSSLESS, &pipeline.inputs), 0);
	assert_int_equal(queue_create(2, QUEUE_LOSSLESS, &pipeline.running), 0);
	assert_int_equal(thread_start(&threads[0], "feed", feed, &pipeline), 0);
	assert_int_equal(thread_start(&threads[1], "submit", submit, &pipeline), 0);
	outcome = collect(&pipeline, reset_every);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_int_equal(pipeline.refused, 0);
	assert_int_equal(outcome.wrong, 0);
	assert_int_equal(outcome.done + outcome.discarded, FRAMES);
	queue_destroy(pipeline.inputs);
	queue_destroy(pipeline.running);
	frame_pool_destroy(pipeline.pool);
	pthread_cond_destroy(&pipeline.emptied);
	return outcome;
}

static void many_frames_with_resets(void **state)
{
	struct outcome outcome = run_pipeline(*state, 7);

	assert_true(outcome.done > 0);
	assert_true(outcome.discarded <= FRAMES / 7 * PL_BUFFERS);
}

static void many_frames_allocate_nothing(void **state)
{
	struct outcome outcome = run_pipeline(*state, 0);

	assert_int_equal(outcome.done, FRAMES);
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	assert_int_equal(outcome.count.allocations, 0);
	assert_int_equal(outcome.count.frees, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_and_ranges_are_checked),
		TEST(scores_are_the_references),
		TEST(layers_may_end_in_codes),
		TEST(buffers_run_in_the_order_of_submission),
		TEST(never_submitted_is_an_error),
		TEST(reset_discards_and_waits_for_what_runs),
		TEST(close_waits_for_what_runs),
		TEST(failing_allocations),
		TEST(many_frames_with_resets),
		TEST(many_frames_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
