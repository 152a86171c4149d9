/* SPDX-License-Identifier: MIT */
/* The pipeline on a simulated PL in hardware that hangs, errs, corrupts and goes for good. */
#include "base/clock.h"
#include "base/error.h"
#include "nn/engine.h"
#include "nn/reference.h"
#include "pipeline/pipeline.h"
#include "recorder/recorder.h"
#include "support/folder.h"
#include "support/memory.h"
#include "support/network_builder.h"
#include "support/recorded.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FRAMES 120
#define CALIBRATION 5 /* calls before the first frame, when all goes well */

/*
 * The simulated PL's faults, in calls of pl_wait counted from the start, or of pl_submit. Where something
 * takes its time, the clock leaps ahead by it.
 */
static struct simulation {
	int fail_from, fail_to; /* calls that end in `failure` */
	int failure;
	int corrupt_from; /* call from which answers are wrong until it is programmed */
	bool reset_fails, program_fails;
	int64_t takes;		/* ns, a call; 0: no deadline is heeded */
	int hung_to;		/* submissions that are never answered */
	int preempted;		/* the submission that comes LOST late; -1: none */
	int64_t frame_takes;	/* ns, who takes the frames */
	int64_t software_takes; /* ns, a frame that the PL does not compute */
	bool stops;		/* what hangs behind the calibration stops the pipeline */
	atomic_int calls, submissions, resets, reconfigurations, after_stop;
	_Atomic int64_t answered[PL_BUFFERS]; /* when */
	_Atomic int64_t leapt;		      /* ns that the clock is ahead */
	_Atomic(struct pipeline *) pipeline;
	_Atomic(struct engine *) software; /* the first to run: it knows what is right at the self-test */
	atomic_bool reprogrammed;
	int32_t wrong[16];
} simulation;

#define LOST (30 * NS_PER_S)

/* Held by a thread that submits until it has taken the time of that: meanwhile the clock does not leap. */
static pthread_mutex_t leap_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool submitting;

int64_t __real_clock_now(void);
int64_t __wrap_clock_now(void);
bool __wrap_pl_is_hardware(const struct pl *pl);
int __real_pl_submit(struct pl *pl, int buffer);
int __wrap_pl_submit(struct pl *pl, int buffer);
int __real_pl_wait(struct pl *pl, int buffer, int64_t deadline);
int __wrap_pl_wait(struct pl *pl, int buffer, int64_t deadline);
const int32_t *__real_pl_output(struct pl *pl, int buffer);
const int32_t *__wrap_pl_output(struct pl *pl, int buffer);
int __real_pl_reset(struct pl *pl);
int __wrap_pl_reset(struct pl *pl);
int __wrap_pl_program(struct pl *pl, struct error *e);
void __real_engine_run(struct engine *engine, const uint8_t *in, void *out);
void __wrap_engine_run(struct engine *engine, const uint8_t *in, void *out);

bool __wrap_pl_is_hardware(const struct pl *pl)
{
	(void)pl;
	return true;
}

int64_t __wrap_clock_now(void)
{
	int64_t now = __real_clock_now() + atomic_load(&simulation.leapt);

	if (submitting) {
		submitting = false;
		pthread_mutex_unlock(&leap_lock);
	}
	return now;
}

static void leap_to(int64_t time)
{
	pthread_mutex_lock(&leap_lock);
	int64_t ahead = time - __real_clock_now();
	if (ahead > atomic_load(&simulation.leapt))
		atomic_store(&simulation.leapt, ahead);
	pthread_mutex_unlock(&leap_lock);
}

int __wrap_pl_submit(struct pl *pl, int buffer)
{
	int number = atomic_fetch_add(&simulation.submissions, 1);

	if (number == simulation.preempted)
		leap_to(clock_now() + LOST);
	pthread_mutex_lock(&leap_lock);
	atomic_store(&simulation.answered[buffer], number < simulation.hung_to ? INT64_MAX
						   : simulation.takes ? clock_now() + simulation.takes
								      : 0);
	int status = __real_pl_submit(pl, buffer);
	submitting = true;
	return status;
}

/* It has not answered yet. */
static int let_pass(int64_t deadline)
{
	struct pipeline *pipeline = atomic_load(&simulation.pipeline);

	leap_to(deadline);
	if (simulation.stops && pipeline) {
		pipeline_stop(pipeline);
		atomic_fetch_add(&simulation.after_stop, 1);
	}
	return -ETIMEDOUT;
}

int __wrap_pl_wait(struct pl *pl, int buffer, int64_t deadline)
{
	int call = atomic_fetch_add(&simulation.calls, 1);

	if (call >= simulation.fail_from && call < simulation.fail_to) {
		/* What no reset will stop must have ended, or it reads a buffer that is written anew. */
		if (simulation.reset_fails)
			__real_pl_wait(pl, buffer, INT64_MAX);
		return simulation.failure;
	}
	int64_t answered = atomic_load(&simulation.answered[buffer]);
	if (answered > deadline)
		return let_pass(deadline);
	/* The machine may be slow; this PL is late only when the simulation says so. */
	leap_to(answered);
	return __real_pl_wait(pl, buffer, INT64_MAX);
}

const int32_t *__wrap_pl_output(struct pl *pl, int buffer)
{
	const int32_t *right = __real_pl_output(pl, buffer);

	if (atomic_load(&simulation.calls) <= simulation.corrupt_from ||
		atomic_load(&simulation.reprogrammed))
		return right;
	memcpy(simulation.wrong, right, 10 * sizeof(*right));
	simulation.wrong[3] ^= 1;
	return simulation.wrong;
}

int __wrap_pl_reset(struct pl *pl)
{
	atomic_fetch_add(&simulation.resets, 1);
	return simulation.reset_fails ? -EIO : __real_pl_reset(pl);
}

int __wrap_pl_program(struct pl *pl, struct error *e)
{
	(void)pl;
	atomic_fetch_add(&simulation.reconfigurations, 1);
	if (simulation.program_fails)
		return error_set(e, -EIO, "the simulated PL takes no design");
	atomic_store(&simulation.reprogrammed, true);
	return 0;
}

void __wrap_engine_run(struct engine *engine, const uint8_t *in, void *out)
{
	struct engine *first = NULL;

	if (!atomic_compare_exchange_strong(&simulation.software, &first, engine) && first == engine &&
		simulation.software_takes) {
		usleep(1000); /* so that conv0's thread most likely submits the next job */
		leap_to(clock_now() + simulation.software_takes);
	}
	__real_engine_run(engine, in, out);
}

static const struct simulation sound = {.fail_from = INT32_MAX,
	.fail_to = INT32_MAX,
	.failure = -EIO,
	.corrupt_from = INT32_MAX,
	.preempted = -1};

static void simulate(const struct simulation *wanted)
{
	memcpy(&simulation, wanted, sizeof(simulation));
}

struct outcome {
	int frames, wrong; /* that came out, and those whose scores are not the network's */
	struct pipeline_report report;
};

static struct recorder *recorder; /* NULL: none */

/* Runs FRAMES frames, if the pipeline starts; lossless, each is compared with the reference. */
static int run_config(struct pipeline_config config, struct outcome *outcome)
{
	bool lossless = config.lossless;
	/* Live, a busy machine must still get some of the frames done. */
	struct source_options wanted = {.width = 64, .height = 48, .rate = 50, .paced = !lossless};
	struct network *network = tiny_network(7);
	int32_t *scores = must_allocate((size_t)network->class_count, sizeof(*scores));
	struct pipeline *pipeline = NULL;
	struct frame *frame;
	struct error e;

	memset(outcome, 0, sizeof(*outcome));
	config.frames = FRAMES;
	config.network = network;
	config.recorder = recorder;
	assert_int_equal(source_open("test", &wanted, &config.source, &e), 0);
	assert_int_equal(pl_open("software", NULL, &config.pl, &e), 0);
	int status = pipeline_start(&config, &pipeline, &e);
	atomic_store(&simulation.pipeline, pipeline);
	while (pipeline && (frame = pipeline_dequeue(pipeline, INT64_MAX))) {
		assert_int_equal(reference_run(network, 0, network->layer_count, frame->input, scores), 0);
		outcome->wrong += lossless && memcmp(scores, frame->scores,
						      (size_t)network->class_count * sizeof(*scores)) != 0;
		outcome->frames++;
		if (simulation.frame_takes)
			leap_to(clock_now() + simulation.frame_takes);
		pipeline_release(pipeline, &frame, true);
	}
	if (pipeline) {
		assert_int_equal(pipeline_join(pipeline, &e), 0);
		outcome->report = *pipeline_report(pipeline);
	}
	pipeline_destroy(pipeline);
	pl_close(config.pl);
	source_close(config.source);
	network_destroy(network);
	free(scores);
	return status;
}

static void run(bool lossless, int64_t check, struct outcome *outcome)
{
	struct pipeline_config config = {.lossless = lossless, .overlap = true, .pl_check = check};

	assert_int_equal(run_config(config, outcome), 0);
}

static struct outcome outcome; /* large: histograms */

static void test_sound(void **state)
{
	(void)state;
	simulate(&sound);
	run(true, 1000000, &outcome);
	const struct health_monitor *m = &outcome.report.pl;
	assert_int_equal(outcome.frames, FRAMES);
	assert_int_equal(outcome.wrong, 0);
	assert_true(m->calibrated > 0);
	assert_true(m->hard >= 20000000);
	assert_true(m->good >= FRAMES);
	assert_int_equal(m->resets + m->reconfigurations, 0);
	assert_false(m->alarm);
}

/* A call that hangs: stopped, reset, its frame computed by software; nothing is lost and nothing is wrong. */
static void one_failure(int failure, enum pl_fault fault)
{
	struct simulation m = sound;

	m.fail_from = CALIBRATION + 20;
	m.fail_to = m.fail_from + 1;
	m.failure = failure;
	simulate(&m);
	run(true, 0, &outcome);
	assert_int_equal(outcome.frames, FRAMES);
	assert_int_equal(outcome.wrong, 0);
	assert_int_equal(outcome.report.pl_failures, 1);
	assert_int_equal(outcome.report.cpu_fallbacks, 1);
	assert_int_equal(outcome.report.pl.faults[fault], 1);
	assert_int_equal(outcome.report.pl.recovery_time.count, 1);
	assert_false(outcome.report.pl.alarm);
	assert_int_equal(simulation.resets, 1);
	assert_int_equal(simulation.reconfigurations, fault == PL_FAULT_WRONG);
}

static void test_one_failure_costs_nothing(void **state)
{
	(void)state;
	one_failure(-ETIMEDOUT, PL_FAULT_LATE);
	one_failure(-EIO, PL_FAULT_FAILED);
	one_failure(-EBADMSG, PL_FAULT_WRONG);
}

/* Live, the frame that the PL lost is lost, and the next goes on. */
static void test_live_goes_on(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.fail_from = CALIBRATION + 5;
	m.fail_to = m.fail_from + 1;
	m.failure = -ETIMEDOUT;
	simulate(&m);
	run(false, 0, &outcome);
	assert_int_equal(outcome.report.pl_failures, 1);
	assert_int_equal(outcome.report.cpu_fallbacks, 0);
	assert_true(outcome.report.classified > 5);
	assert_int_equal(outcome.report.received, FRAMES);
}

/* It never comes back: an alarm, then software computes all that follows, and no frame is wrong. */
static void test_gone_for_good(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.fail_from = CALIBRATION + 20;
	m.failure = -ETIMEDOUT;
	simulate(&m);
	run(true, 0, &outcome);
	assert_int_equal(outcome.frames, FRAMES);
	assert_int_equal(outcome.wrong, 0);
	assert_true(outcome.report.pl.disabled);
	assert_int_equal(outcome.report.pl.times_disabled, 1);
	assert_int_equal(outcome.report.pl.alarms, 1);
	assert_int_equal(outcome.report.cpu_fallbacks, FRAMES - 20);
	assert_true(simulation.calls < CALIBRATION + 40); /* it is not asked for each frame any longer */
}

/* It hangs for a while: disabled, tested, and taken again after it has passed. */
static void test_comes_back(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.fail_from = CALIBRATION + 20;
	m.fail_to = m.fail_from + 7;
	m.failure = -EIO;
	m.frame_takes = 2 * NS_PER_S;
	simulate(&m);
	run(true, 1, &outcome); /* a self-test before each frame */
	assert_int_equal(outcome.frames, FRAMES);
	assert_int_equal(outcome.wrong, 0);
	assert_int_equal(outcome.report.pl.times_disabled, 1);
	assert_false(outcome.report.pl.disabled);
	assert_true(outcome.report.cpu_fallbacks >= 3);
	assert_true(outcome.report.cpu_fallbacks < 30);
	assert_int_equal(outcome.report.pl.recovery_time.count, 1);
}

/* What never comes back is tested 1, 3, 7, 15 … m later, and programmed again only then. */
static void test_disabled_is_left_alone(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.fail_from = CALIBRATION + 20;
	m.failure = -EIO;
	m.frame_takes = NS_PER_S;
	simulate(&m);
	run(true, 1, &outcome);
	assert_int_equal(outcome.frames, FRAMES);
	assert_int_equal(outcome.wrong, 0);
	assert_true(outcome.report.pl.disabled);
	assert_true(simulation.reconfigurations >= 5 + 4); /* until it was disabled, and since */
	assert_true(simulation.reconfigurations <= 5 + 9);
}

/* Longer than any default: the calibration waits as long as a frame may take. */
static void test_given_limit_is_for_the_calibration_too(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.takes = 30 * NS_PER_S;
	simulate(&m);
	assert_int_equal(
		run_config((struct pipeline_config){.lossless = true, .pl_limit = 120 * NS_PER_S}, &outcome),
		0);
	assert_true(outcome.report.pl.calibrated > 29 * NS_PER_S);
	assert_int_equal(outcome.report.pl.hard, 120 * NS_PER_S);
	assert_int_equal(outcome.report.pl.faults[PL_FAULT_LATE], 0);
	assert_int_equal(outcome.report.cpu_fallbacks, 0);
	assert_int_equal(outcome.frames, FRAMES);
}

/*
 * It hangs at the start, and nobody knows that it takes a second: its self-test waits, and then all know.
 * That software computes a frame at the same time makes the self-test no shorter.
 */
static void test_disabled_at_the_start_returns(void **state)
{
	struct simulation m = sound;
	const struct health_monitor *pl = &outcome.report.pl;

	(void)state;
	m.takes = NS_PER_S;
	m.hung_to = 6;
	m.software_takes = 2 * NS_PER_S;
	simulate(&m);
	run(true, 0, &outcome);
	assert_int_equal(pl->faults[PL_FAULT_LATE], 6);
	assert_int_equal(pl->times_disabled, 1);
	assert_false(pl->disabled);
	assert_true(pl->calibrated > NS_PER_S / 2);
	assert_int_equal(pl->hard, 16 * pl->calibrated);
	assert_true(outcome.report.cpu_fallbacks > 0);
	assert_true(outcome.report.cpu_fallbacks < FRAMES);
	assert_int_equal(outcome.frames, FRAMES);
	assert_int_equal(outcome.wrong, 0);
}

static int questions;

static bool interrupt_third(void)
{
	return ++questions == 3;
}

/* A PL that hangs at the start does not keep a signal waiting. */
static void test_start_is_interrupted(void **state)
{
	struct simulation m = sound;
	struct pipeline_config config = {
		.lossless = true, .pl_limit = 2 * NS_PER_S, .interrupted = interrupt_third};

	(void)state;
	m.hung_to = INT32_MAX;
	questions = 0;
	simulate(&m);
	assert_int_equal(run_config(config, &outcome), -EINTR);
	assert_int_equal(questions, 3);
	assert_true(simulation.calls <= 3);
	assert_true(simulation.leapt < NS_PER_S);
}

/* Nor does one in whose self-test it hangs later. */
static void test_self_test_is_interrupted(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.takes = NS_PER_S;
	m.hung_to = INT32_MAX;
	m.frame_takes = NS_PER_S;
	m.stops = true;
	simulate(&m);
	run(true, 0, &outcome);
	assert_int_equal(simulation.after_stop, 1);
	assert_int_equal(outcome.report.pl.faults[PL_FAULT_LATE], 6);
	assert_true(outcome.frames < FRAMES);
	assert_int_equal(outcome.wrong, 0);
}

/* Conv0's thread did not get a processor while it submitted: the PL, which has nothing else to do, is not
 * late. */
static void test_lost_time_is_not_the_pls(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.takes = NS_PER_S;
	m.preempted = CALIBRATION + 10;
	simulate(&m);
	assert_int_equal(run_config((struct pipeline_config){.lossless = true}, &outcome), 0);
	assert_true(outcome.report.pl.hard < LOST);
	assert_int_equal(outcome.report.pl.faults[PL_FAULT_LATE], 0);
	assert_int_equal(outcome.report.pl_failures, 0);
	assert_int_equal(simulation.resets, 0);
	assert_int_equal(outcome.frames, FRAMES);
}

/* Weights go wrong and no status says so: the self-test finds out, the PL is programmed, and is right again.
 */
static void test_corruption_is_found(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.corrupt_from = CALIBRATION + 31;
	simulate(&m);
	run(true, 1, &outcome);
	assert_int_equal(outcome.frames, FRAMES);
	assert_true(outcome.wrong <= 2); /* at most those between the corruption and the test */
	assert_true(outcome.report.pl.faults[PL_FAULT_WRONG] >= 1);
	assert_int_equal(simulation.reconfigurations, outcome.report.pl.reconfigurations);
	assert_true(simulation.reprogrammed);
	assert_false(outcome.report.pl.disabled);
}

/* Wrong from the start, and it takes no design: no frame is ever asked of it. */
static void test_never_right(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.corrupt_from = 0;
	m.program_fails = true;
	simulate(&m);
	run(true, 0, &outcome);
	assert_int_equal(outcome.frames, FRAMES);
	assert_int_equal(outcome.wrong, 0);
	assert_true(outcome.report.pl.disabled);
	assert_int_equal(outcome.report.cpu_fallbacks, FRAMES);
	assert_true(simulation.reconfigurations >= 1);
}

static void test_reset_that_fails_leads_to_programming(void **state)
{
	struct simulation m = sound;

	(void)state;
	m.fail_from = CALIBRATION + 20;
	m.fail_to = m.fail_from + 1;
	m.reset_fails = true;
	simulate(&m);
	run(true, 0, &outcome);
	assert_int_equal(outcome.wrong, 0);
	assert_int_equal(outcome.frames, FRAMES);
	/* The reset before it fails as well, which is no reason not to program. */
	assert_int_equal(outcome.report.pl.times_disabled, 0);
	assert_int_equal(simulation.resets, 2);
	assert_int_equal(simulation.reconfigurations, 1);
}

/* A recording's log records what became of the PL, and what computed each frame. */
static void test_recorded(void **state)
{
	static const char *const events[] = {"pl_failed", "pl_alarm", "pl_retired"};
	struct network *network = tiny_network(7);
	char *folder = folder_create(), pattern[300];
	struct recorder_options options = {.pattern = pattern,
		.memory = 4000000,
		.quality = 90,
		.top_k = 3,
		.lossless = true,
		.network = network,
		.pl = "overlay"};
	json_t *schema = json_load_file("docs/label-log.schema.json", 0, NULL);
	struct simulation gone = sound;
	struct recorded r;
	struct error e;
	int by_overlay = 0, cpu_fallback = 0;

	(void)state;
	snprintf(pattern, sizeof(pattern), "%s/a.mkv", folder);
	gone.fail_from = CALIBRATION + 20;
	gone.reset_fails = gone.program_fails = true;
	simulate(&gone);
	assert_int_equal(recorder_create(&options, &recorder, &e), 0);
	recorder_begin(recorder);
	run(true, 0, &outcome);
	recorder_destroy(recorder);
	recorder = NULL;
	assert_true(recorded_read(folder, "a", schema, &r));
	assert_int_equal(r.frames, FRAMES);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		assert_non_null(recorded_event(&r, events[i]));
	for (size_t i = 0; i < r.lines; i++) {
		const char *by = json_string_value(json_object_get(r.line[i], "by"));
		if (!by)
			continue;
		bool overlay = strcmp(by, "overlay") == 0;
		assert_false(overlay && cpu_fallback); /* it never came back */
		*(overlay ? &by_overlay : &cpu_fallback) += 1;
	}
	assert_int_equal(by_overlay, 20);
	assert_int_equal(cpu_fallback, FRAMES - 20);
	recorded_free(&r);
	json_decref(schema);
	folder_destroy(folder);
	network_destroy(network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_one_failure_costs_nothing),
		cmocka_unit_test(test_live_goes_on),
		cmocka_unit_test(test_gone_for_good),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_disabled_is_left_alone),
		cmocka_unit_test(test_given_limit_is_for_the_calibration_too),
		cmocka_unit_test(test_disabled_at_the_start_returns),
		cmocka_unit_test(test_start_is_interrupted),
		cmocka_unit_test(test_self_test_is_interrupted),
		cmocka_unit_test(test_lost_time_is_not_the_pls),
		cmocka_unit_test(test_corruption_is_found),
		cmocka_unit_test(test_never_right),
		cmocka_unit_test(test_reset_that_fails_leads_to_programming),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
