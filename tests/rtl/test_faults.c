/* SPDX-License-Identifier: MIT */
/*
 * The faults of drivers/pl/bus/rtl/faults.h in live use: a camera's frames at its rate, Conv0 in software,
 * the later layers in the simulated overlay, monitored as on the board. Each result that became a
 * label is compared with the engine's, so that a wrong or stale one shows. Prints a table.
 *
 *     test_faults [NETWORK FOLDER [FRAMES]]
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "nn/engine.h"
#include "nn/format/load.h"
#include "pipeline/stages.h"
#include "pl/bus/rtl/faults.h"
#include "support/memory.h"
#include "support/network_builder.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Long enough that a busy machine makes no difference, as the clock is simulated. */
#define LIMIT NS_PER_S

#define AT_A_TIME 8 /* trials */

struct trial {
	const char *name;
	enum rtl_fault fault;
	enum rtl_fault_end until;
	bool also_not_programmed; /* RTL_PROGRAM_FAILS at the same time */
	bool costs_nothing;	  /* no frame is lost */
	bool for_good;		  /* the software computes at the end */
};

static const struct trial trials[] = {
	{"none", .fault = RTL_FAULTS, .until = RTL_FOR_EVER, .costs_nothing = true},
	{"hang, until reset", .fault = RTL_HANG, .until = RTL_UNTIL_RESET},
	{"hang, until programmed", .fault = RTL_HANG, .until = RTL_UNTIL_PROGRAM},
	{"clock stops, until programmed", .fault = RTL_CLOCK_STOP, .until = RTL_UNTIL_PROGRAM},
	{"transfer too long", .fault = RTL_LAST_LATE, .until = RTL_UNTIL_TRANSFER},
	{"transfer too short", .fault = RTL_LAST_EARLY, .until = RTL_UNTIL_TRANSFER},
	{"word doubled", .fault = RTL_WORD_DOUBLED, .until = RTL_UNTIL_TRANSFER},
	{"word corrupted, in", .fault = RTL_WORD_CORRUPTED_IN, .until = RTL_UNTIL_TRANSFER},
	{"word corrupted, out", .fault = RTL_WORD_CORRUPTED_OUT, .until = RTL_UNTIL_TRANSFER},
	{"S2MM stuck, until reset", .fault = RTL_S2MM_STUCK, .until = RTL_UNTIL_RESET},
	{"decode error", .fault = RTL_DECODE_ERROR, .until = RTL_UNTIL_TRANSFER},
	{"slave error", .fault = RTL_SLAVE_ERROR, .until = RTL_UNTIL_TRANSFER},
	{"busy memory", .fault = RTL_MEMORY_BUSY, .until = RTL_FOR_EVER, .costs_nothing = true},
	{"interrupt lost", .fault = RTL_INTERRUPT_LOST, .until = RTL_UNTIL_TRANSFER},
	{"hang, wrong version", .fault = RTL_WRONG_VERSION, .until = RTL_FOR_EVER, .for_good = true},
	{"hang, cannot be programmed", .fault = RTL_HANG, .until = RTL_UNTIL_PROGRAM,
		.also_not_programmed = true, .for_good = true},
	{"gone for good", .fault = RTL_GONE, .until = RTL_FOR_EVER, .for_good = true},
};

static const char *folder; /* of the network; NULL: a small random one */
static uint64_t frames = 45;

static struct {
	struct engine *engine; /* the overlay's layers in software */
	int32_t *scores;
	unsigned answers, wrong, last_by_overlay;
	int64_t latest, longest; /* the last result; between two of them */
} check;

int __real_recovery_collect(struct pipeline *pipeline, struct pl_job *job, struct recovery_outcome *outcome);
int __wrap_recovery_collect(struct pipeline *pipeline, struct pl_job *job, struct recovery_outcome *outcome);

/* The buffer holds what Conv0 made of this very frame; the next frame's is the other one. */
int __wrap_recovery_collect(struct pipeline *pipeline, struct pl_job *job, struct recovery_outcome *outcome)
{
	int status = __real_recovery_collect(pipeline, job, outcome);

	if (status || !job->frame)
		return status;
	engine_run(check.engine, pl_input(pipeline->config.pl, job->buffer), check.scores);
	int64_t now = clock_now();
	if (check.answers++ && now - check.latest > check.longest)
		check.longest = now - check.latest;
	check.latest = now;
	check.wrong += memcmp(check.scores, job->frame->scores,
			       (size_t)pipeline->config.network->class_count * sizeof(int32_t)) != 0;
	check.last_by_overlay = !outcome->cpu_fallback;
	return 0;
}

static struct network *network_to_run(void)
{
	struct network *network;
	struct error e;

	if (!folder)
		return tiny_network(7);
	if (network_load(folder, &network, &e))
		fail_msg("%s", e.text);
	return network;
}

static void inject(const struct trial *t)
{
	const unsigned soon = 10; /* transfers: calibration, then some frames */

	if (t->fault == RTL_FAULTS)
		return;
	if (t->fault == RTL_WRONG_VERSION)
		rtl_inject(RTL_HANG, soon, RTL_UNTIL_PROGRAM); /* else nobody would look at the version */
	if (t->also_not_programmed)
		rtl_inject(RTL_PROGRAM_FAILS, soon, RTL_FOR_EVER);
	rtl_inject(t->fault, soon, t->until);
}

static void judge(const struct trial *t, const struct pipeline_report *r)
{
	printf("%-30s %6" PRIu64 " %6u %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64
	       " %8.1f %8.1f %6u\n",
		t->name, r->received, check.answers, r->pl_failures, r->cpu_fallbacks, r->pl.resets,
		r->pl.reconfigurations, r->pl.alarms, (double)check.longest / 1e6,
		(double)r->pl.recovery_time.maximum / 1e6, check.wrong);
	assert_int_equal(check.wrong, 0);
	assert_int_equal(r->received, frames);
	assert_int_equal(r->pl.disabled, t->for_good);
	assert_int_equal(check.last_by_overlay, !t->for_good);
	if (t->fault != RTL_FAULTS)
		assert_true(rtl_fault_count(t->fault) > 0);
	if (t->costs_nothing)
		assert_int_equal(r->pl_failures, 0);
	if (!t->for_good)
		assert_true(r->pl_failures <= 4);
	else
		assert_int_equal(r->pl.alarms, 1);
}

static void run_trial(const struct trial *t)
{
	struct source_options wanted = {.width = 64, .height = 48, .rate = 20, .paced = true};
	struct pipeline_config config = {.overlap = true, .frames = frames, .pl_limit = LIMIT};
	struct network *network = network_to_run();
	struct pipeline *pipeline;
	struct frame *frame;
	struct error e;

	memset(&check, 0, sizeof(check));
	check.scores = must_allocate((size_t)network->class_count, sizeof(int32_t));
	assert_int_equal(
		engine_create(network, network_split(network), network->layer_count, NULL, &check.engine, &e),
		0);
	config.network = network;
	assert_int_equal(source_open("test", &wanted, &config.source, &e), 0);
	rtl_clear_faults();
	if (pl_open("rtl", NULL, &config.pl, &e))
		fail_msg("%s", e.text);
	inject(t);
	if (pipeline_start(&config, &pipeline, &e))
		fail_msg("%s", e.text);
	while ((frame = pipeline_dequeue(pipeline, INT64_MAX)))
		pipeline_release(pipeline, &frame, true);
	assert_int_equal(pipeline_join(pipeline, &e), 0);
	judge(t, pipeline_report(pipeline));
	pipeline_destroy(pipeline);
	pl_close(config.pl);
	source_close(config.source);
	engine_destroy(check.engine);
	network_destroy(network);
	free(check.scores);
}

/*
 * Each trial in a process of its own, as faults hold for the process; several at a time, as they wait for the
 * camera most of the time.
 */
static void test_faults(void **state)
{
	(void)state;
	printf("%-30s %6s %6s %6s %6s %6s %6s %6s %8s %8s %6s\n", "", "frames", "labels", "lost", "softw.",
		"resets", "progr.", "alarms", "gap, ms", "rec., ms", "wrong");
	fflush(stdout);
	size_t count = sizeof(trials) / sizeof(trials[0]), begun = 0, ended = 0;
	int failed = 0;
	while (ended < count) {
		int status = 0;

		if (begun < count && begun - ended < AT_A_TIME) {
			pid_t child = fork();

			assert_true(child >= 0);
			if (!child) {
				run_trial(&trials[begun]); /* a failure returns to main, which tells of it */
				exit(EXIT_SUCCESS);
			}
			begun++;
			continue;
		}
		assert_true(wait(&status) > 0);
		failed += status != 0;
		ended++;
	}
	assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults)};

	if (argc > 1)
		folder = argv[1];
	if (argc > 2)
		frames = strtoull(argv[2], NULL, 10);
	log_configure(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
