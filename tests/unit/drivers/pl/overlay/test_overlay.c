/* SPDX-License-Identifier: MIT */
/* The overlay's driver against a simulated chip: order, faults, resets. What it computes is the RTL's test.
 */
#include "flow/thread.h"
#include "pl/overlay/overlay.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include <cmocka.h>

#include "support/allocation_count.h"
#include "support/network_builder.h"
#include "support/random.h"
#include "support/simulated_overlay.h"

#define TIMEOUT (20 * NS_PER_MS)

struct overlay_fixture {
	struct network *network;
	struct program *program; /* the test's own */
	uint64_t *packed;
	size_t input_size;
	uint32_t seed;
	void *pl;
};

static int set_up(void **state)
{
	struct overlay_fixture *b = calloc(1, sizeof(*b));

	b->network = tiny_network(5);
	b->seed = 7;
	b->input_size = shape_size(b->network->layers[1].in);
	if (program_create(b->network, 1, 5, &overlay_limits, false, &b->program, NULL))
		return -1;
	b->packed = calloc(1, b->program->frame.size);
	chip_begin(b->network->class_count);
	if (overlay_open(&chip_bus, false, TIMEOUT, &b->pl, NULL) ||
		overlay_load(b->pl, b->network, 1, 5, NULL))
		return -1;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct overlay_fixture *b = *state;
	int leaked;

	overlay_close(b->pl);
	leaked = chip.allocations;
	chip_end();
	program_destroy(b->program);
	network_destroy(b->network);
	free(b->packed);
	free(b);
	return leaked;
}

static void fill(struct overlay_fixture *b, int buffer)
{
	uint8_t *codes = overlay_input(b->pl, buffer);

	for (size_t i = 0; i < b->input_size; i++)
		codes[i] = (uint8_t)random_within(&b->seed, 0, 3);
}

static void submit(struct overlay_fixture *b, int buffer)
{
	fill(b, buffer);
	assert_int_equal(overlay_submit(b->pl, buffer), 0);
}

static bool scores_right(struct overlay_fixture *b, int buffer)
{
	const int32_t *scores = overlay_output(b->pl, buffer);
	uint32_t crc;

	program_pack(b->program, overlay_input(b->pl, buffer), 0, b->packed);
	crc = (uint32_t)crc32(0, (const Bytef *)(b->packed + 1), (uInt)(8 * b->program->frame_beats));
	for (int i = 0; i < b->network->class_count; i++)
		if (scores[i] != (int32_t)(crc + (uint32_t)i))
			return false;
	return true;
}

static void assert_done(struct overlay_fixture *b, int buffer)
{
	assert_int_equal(overlay_wait(b->pl, buffer, INT64_MAX), 0);
	assert_true(scores_right(b, buffer));
}

static void assert_recovered(struct overlay_fixture *b)
{
	assert_int_equal(overlay_reset(b->pl), 0);
	for (int i = 0; i < 4; i++) {
		submit(b, i % 2);
		assert_done(b, i % 2);
	}
}

static void each_frame_has_its_result(void **state)
{
	struct overlay_fixture *b = *state;

	assert_int_equal(overlay_wait(b->pl, 0, INT64_MAX), -ECANCELED);
	for (int i = 0; i < 20; i++) {
		submit(b, i % 2);
		assert_done(b, i % 2);
		assert_int_equal(overlay_wait(b->pl, i % 2, 0), 0); /* it stays done */
	}
	assert_int_equal(chip.finished, 20);
}

/* The second frame is loaded while the first is computed, and the results go where they belong. */
static void both_buffers_are_in_flight(void **state)
{
	struct overlay_fixture *b = *state;
	unsigned taken = chip.taken;

	chip_hold(false, true);
	submit(b, 1);
	submit(b, 0);
	assert_int_equal(overlay_submit(b->pl, 0), -EBUSY);
	assert_int_equal(overlay_submit(b->pl, 1), -EBUSY);
	assert_int_equal(overlay_wait(b->pl, 1, clock_now() + 5 * NS_PER_MS), -ETIMEDOUT);
	assert_int_equal(chip.taken, taken + 2);
	assert_int_equal(chip.finished, 0);
	chip_hold(false, false);
	assert_done(b, 0);
	assert_done(b, 1);
	assert_true(chip.results[0] > chip.results[1]); /* that of buffer 1 first */
}

/* Neither is sent before the one before has left. */
static void transfers_wait_for_each_other(void **state)
{
	struct overlay_fixture *b = *state;
	unsigned taken = chip.taken;

	chip_hold(true, false);
	submit(b, 0);
	submit(b, 1);
	assert_int_equal(overlay_wait(b->pl, 0, INT64_MIN), -ETIMEDOUT);
	assert_int_equal(chip.taken, taken);
	chip_hold(false, false);
	assert_done(b, 1);
	assert_true(scores_right(b, 0));
	assert_int_equal(overlay_wait(b->pl, 0, 0), 0);
}

static void failing_results_are_distinguished(void **state)
{
	static const struct {
		enum chip_result result;
		int rc;
	} cases[] = {
		{RESULT_STALE, -EBADMSG},
		{RESULT_DAMAGED, -EBADMSG},
		{RESULT_SHORT, -EBADMSG},
		{RESULT_FAILURE, -EIO},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct overlay_fixture *b = *state;

		chip.result = cases[i].result;
		chip_hold(false, true);
		submit(b, 0);
		submit(b, 1);
		chip_hold(false, false);
		assert_int_equal(overlay_wait(b->pl, 0, INT64_MAX), cases[i].rc);
		assert_int_equal(overlay_wait(b->pl, 0, INT64_MAX), cases[i].rc);
		assert_int_equal(overlay_wait(b->pl, 1, INT64_MAX), -EIO); /* nothing comes any more */
		assert_int_equal(overlay_reset(b->pl), 0);
		assert_int_equal(overlay_wait(b->pl, 0, INT64_MAX), -ECANCELED);
		assert_int_equal(overlay_wait(b->pl, 1, INT64_MAX), -ECANCELED);
		assert_recovered(b);
	}
}

static void dma_errors_fail_the_frame(void **state)
{
	struct overlay_fixture *b = *state;

	for (uint32_t error = 0x10; error <= 0x40; error <<= 1) {
		chip.in_error = error;
		submit(b, 0);
		assert_int_equal(overlay_wait(b->pl, 0, INT64_MAX), -EIO);
		assert_recovered(b);
		chip.out_error = error;
		submit(b, 1);
		assert_int_equal(overlay_wait(b->pl, 1, INT64_MAX), -EIO);
		assert_recovered(b);
	}
}

/* A frame that was loaded well is not lost with the one behind it. */
static void a_result_under_way_still_comes(void **state)
{
	struct overlay_fixture *b = *state;

	chip_hold(false, true);
	submit(b, 0);
	chip.in_error = 0x40;
	submit(b, 1);
	assert_int_equal(overlay_wait(b->pl, 1, INT64_MAX), -EIO);
	assert_int_equal(overlay_wait(b->pl, 0, 0), -ETIMEDOUT);
	chip_hold(false, false);
	assert_done(b, 0);
	submit(b, 0); /* is accepted, and discarded by the reset */
	assert_int_equal(overlay_wait(b->pl, 0, INT64_MAX), -EIO);
	assert_recovered(b);
}

static void lost_interrupts_are_noticed(void **state)
{
	struct overlay_fixture *b = *state;
	int64_t deadline;

	chip.deaf = true;
	submit(b, 0);
	deadline = clock_now() + 10 * NS_PER_MS;
	assert_int_equal(overlay_wait(b->pl, 0, deadline), 0);
	assert_true(scores_right(b, 0));
	chip_hold(false, true);
	submit(b, 1);
	deadline = clock_now() + 10 * NS_PER_MS;
	assert_int_equal(overlay_wait(b->pl, 1, deadline), -ETIMEDOUT);
	assert_true(chip.deadline <= deadline);
	chip_hold(false, false);
	assert_done(b, 1); /* without a deadline, too */
	chip.deaf = false;
	assert_recovered(b);
}

struct call {
	struct overlay_fixture *fixture;
	int buffer, rc;
};

static void *call_wait(void *argument)
{
	struct call *call = argument;

	call->rc = overlay_wait(call->fixture->pl, call->buffer, INT64_MAX);
	return NULL;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * NS_PER_MS}, NULL);
}

static void reset_discards_and_wakes(void **state)
{
	struct overlay_fixture *b = *state;
	struct call calls[2] = {{b, 0, 1}, {b, 1, 1}};
	pthread_t threads[2];
	unsigned finished = chip.finished;

	chip_hold(false, true);
	for (int i = 0; i < 2; i++) {
		submit(b, i);
		assert_int_equal(thread_start(&threads[i], "waits", call_wait, &calls[i]), 0);
	}
	sleep_ms(5); /* so that both wait, most likely */
	assert_int_equal(overlay_reset(b->pl), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(calls[i].rc, -ECANCELED);
	}
	submit(b, 0);
	chip_hold(false, false);
	assert_done(b, 0);
	assert_int_equal(chip.finished, finished + 1); /* of the old ones none */
	assert_int_equal(overlay_reset(b->pl), 0);
	assert_int_equal(overlay_wait(b->pl, 0, 0), 0); /* what is done stays done */
}

static void resets_that_fail_end(void **state)
{
	struct overlay_fixture *b = *state;

	submit(b, 0);
	chip.reset_hangs = true;
	assert_int_equal(overlay_reset(b->pl), -EIO);
	submit(b, 0);
	assert_int_equal(overlay_wait(b->pl, 0, INT64_MAX), -EIO);
	chip.reset_hangs = false;
	chip.dma_hangs = true;
	assert_int_equal(overlay_reset(b->pl), -EIO);
	assert_int_equal(overlay_program(b->pl, NULL), 0); /* which repairs both */
	assert_int_equal(chip.reconfigurations, 1);
	submit(b, 0);
	assert_done(b, 0);
}

/* Beats of a transfer that a reset cuts short make the overlay send a result, and the idle DMA takes results.
 */
static void a_reset_leaves_no_result_behind(void **state)
{
	struct overlay_fixture *b = *state;

	chip_hold(true, false);
	submit(b, 0);
	assert_int_equal(overlay_reset(b->pl), 0);
	chip_hold(false, false);
	submit(b, 0);
	assert_done(b, 0);
}

static void programming_repairs_the_memory(void **state)
{
	struct overlay_fixture *b = *state;

	memset(chip.memory, 0x55, chip.size);
	assert_int_equal(overlay_program(b->pl, NULL), 0);
	assert_recovered(b);
}

/* Without the right to load a bitstream the present design still loads its weights. */
static void a_pl_that_cannot_be_programmed_is_loaded(void **state)
{
	struct overlay_fixture *b = *state;
	unsigned resets = chip.resets;

	chip.program_fails = -EACCES;
	assert_int_equal(overlay_program(b->pl, NULL), 0);
	assert_true(chip.resets > resets);
	assert_recovered(b);
}

static void a_pl_that_is_gone_is_an_error(void **state)
{
	struct overlay_fixture *b = *state;
	struct error e = {0};

	chip_hold(false, true);
	submit(b, 0);
	chip.gone = true;
	assert_int_equal(overlay_wait(b->pl, 0, clock_now() + 10 * NS_PER_MS), -EIO);
	assert_int_equal(overlay_reset(b->pl), -EIO);
	chip.program_fails = -EIO;
	assert_int_equal(overlay_program(b->pl, &e), -EIO);
	assert_non_null(strstr(e.text, "not programmed"));
	chip.program_fails = 0;
	chip_hold(false, false);
	assert_int_equal(overlay_program(b->pl, &e), 0);
	assert_int_equal(overlay_wait(b->pl, 0, 0), -ECANCELED);
	assert_recovered(b);
}

static void programming_checks_the_version(void **state)
{
	struct overlay_fixture *b = *state;
	struct error e = {0};
	uint32_t right = chip.version_after_program;

	chip.version_after_program += 1U << OVERLAY_VERSION_MAJOR_SHIFT;
	assert_int_equal(overlay_program(b->pl, &e), -EPROTO);
	assert_non_null(strstr(e.text, "version"));
	submit(b, 0);
	assert_int_equal(overlay_wait(b->pl, 0, INT64_MAX), -EIO);
	chip.version_after_program = right;
	chip.refuses = true;
	assert_int_equal(overlay_program(b->pl, &e), -EIO);
	assert_non_null(strstr(e.text, "weights"));
	chip.refuses = false;
	assert_int_equal(overlay_program(b->pl, &e), 0);
	assert_recovered(b);
}

static void cycles_are_reported_by_layer(void **state)
{
	struct overlay_fixture *b = *state;
	struct pl_cycles cycles;

	chip_set(OVERLAY_REG_FRAME_CYCLES, 1000);
	chip_set(OVERLAY_REG_IDLE_CYCLES, 10);
	for (int i = 0; i < b->program->part_count; i++)
		chip_set(OVERLAY_REG_LAYER_CYCLES + 4 * (uint32_t)i, 100);
	submit(b, 0);
	assert_done(b, 0);
	overlay_cycles(b->pl, &cycles);
	assert_int_equal(cycles.frame, 1000);
	assert_int_equal(cycles.idle, 10);
	assert_int_equal(cycles.frames, 1);
	assert_int_equal(cycles.count, 3); /* two groups of conv1 are one layer, as is its pool */
	assert_string_equal(cycles.layers[0].layer->name, "conv1");
	assert_true(cycles.layers[0].cycles >= 200);
	assert_string_equal(cycles.layers[2].layer->name, "fc1");
}

/* Two threads as in the pipeline, one submits and one waits, resets or programs now and then. */
enum { FRAMES = 600 };

struct handover {
	struct overlay_fixture *fixture;
	pthread_mutex_t lock; /* guards the counts */
	pthread_cond_t changed;
	int submitted, collected;
};

static void *feed(void *argument)
{
	struct handover *handover = argument;

	for (int i = 0; i < FRAMES; i++) {
		pthread_mutex_lock(&handover->lock);
		while (i - handover->collected >= PL_BUFFERS)
			pthread_cond_wait(&handover->changed, &handover->lock);
		pthread_mutex_unlock(&handover->lock);
		fill(handover->fixture, i % PL_BUFFERS);
		if (overlay_submit(handover->fixture->pl, i % PL_BUFFERS))
			abort();
		pthread_mutex_lock(&handover->lock);
		handover->submitted++;
		pthread_cond_broadcast(&handover->changed);
		pthread_mutex_unlock(&handover->lock);
	}
	return NULL;
}

static void two_threads_and_resets(void **state)
{
	struct overlay_fixture *b = *state;
	struct handover handover = {
		.fixture = b, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	int right = 0, discarded = 0;
	pthread_t thread;

	assert_int_equal(thread_start(&thread, "feed", feed, &handover), 0);
	for (int i = 0; i < FRAMES; i++) {
		int rc;

		pthread_mutex_lock(&handover.lock);
		while (handover.submitted <= i)
			pthread_cond_wait(&handover.changed, &handover.lock);
		pthread_mutex_unlock(&handover.lock);
		if (i % 7 == 0)
			assert_int_equal(i % 5 ? overlay_reset(b->pl) : overlay_program(b->pl, NULL), 0);
		rc = overlay_wait(b->pl, i % PL_BUFFERS, INT64_MAX);
		right += !rc && scores_right(b, i % PL_BUFFERS);
		discarded += rc == -ECANCELED;
		pthread_mutex_lock(&handover.lock);
		handover.collected++;
		pthread_cond_broadcast(&handover.changed);
		pthread_mutex_unlock(&handover.lock);
	}
	pthread_join(thread, NULL);
	assert_int_equal(right + discarded, FRAMES);
	assert_true(right >= FRAMES / 2);
	pthread_cond_destroy(&handover.changed);
}

static void frames_allocate_nothing(void **state)
{
	struct overlay_fixture *b = *state;
	struct allocation_count count;

	if (!ALLOCATION_COUNT)
		skip_uncounted();
	allocation_count_begin();
	for (int i = 0; i < 20; i++) {
		submit(b, i % 2);
		assert_int_equal(overlay_wait(b->pl, i % 2, INT64_MAX), 0);
	}
	count = allocation_count_end();
	assert_int_equal(count.allocations, 0);
	assert_int_equal(count.frees, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_frame_has_its_result),
		TEST(both_buffers_are_in_flight),
		TEST(transfers_wait_for_each_other),
		TEST(failing_results_are_distinguished),
		TEST(dma_errors_fail_the_frame),
		TEST(a_result_under_way_still_comes),
		TEST(lost_interrupts_are_noticed),
		TEST(reset_discards_and_wakes),
		TEST(resets_that_fail_end),
		TEST(a_reset_leaves_no_result_behind),
		TEST(programming_repairs_the_memory),
		TEST(a_pl_that_cannot_be_programmed_is_loaded),
		TEST(a_pl_that_is_gone_is_an_error),
		TEST(programming_checks_the_version),
		TEST(cycles_are_reported_by_layer),
		TEST(two_threads_and_resets),
		TEST(frames_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
