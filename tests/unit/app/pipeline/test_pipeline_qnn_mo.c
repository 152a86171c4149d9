/* SPDX-License-Identifier: MIT */
/* The pipeline on QNN-MO-PYNQ's design, which hangs now and then and can only be programmed. */
#include "base/error.h"
#include "nn/reference.h"
#include "pipeline/pipeline.h"
#include "support/memory.h"
#include "support/network_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/simulated_qnn_mo.h"

/* A picture takes two calls for each of two groups; 5 pictures are computed before the first frame. */
enum { FRAMES = 40, CALLS = 4, CALIBRATION = 5 };

/* ns; far more than other programs keep a call waiting: what is late hangs. TSan makes a call ten times as
 * long. */
#ifdef __SANITIZE_THREAD__
#define LIMIT INT64_C(8000000000)
#else
#define LIMIT INT64_C(1000000000)
#endif

struct outcome {
	int frames, wrong; /* that came out, and those whose scores are not the network's */
	struct pipeline_report report;
};

static void run(struct network *network, struct outcome *outcome)
{
	struct source_options wanted = {.width = 64, .height = 48, .rate = 500};
	struct pipeline_config config = {
		.network = network, .lossless = true, .overlap = true, .frames = FRAMES, .pl_limit = LIMIT};
	size_t bytes = (size_t)network->class_count * sizeof(int32_t);
	int32_t *scores = must_allocate((size_t)network->class_count, sizeof(*scores));
	struct frame *frame;
	struct pipeline *pipeline;
	struct error e;

	assert_int_equal(source_open("test", &wanted, &config.source, &e), 0);
	assert_int_equal(pl_open("qnn-mo", NULL, &config.pl, &e), 0);
	assert_int_equal(pipeline_start(&config, &pipeline, &e), 0);
	while ((frame = pipeline_dequeue(pipeline, INT64_MAX))) {
		assert_int_equal(reference_run(network, 0, network->layer_count, frame->input, scores), 0);
		outcome->wrong += memcmp(scores, frame->scores, bytes) != 0;
		outcome->frames++;
		pipeline_release(pipeline, &frame, true);
	}
	assert_int_equal(pipeline_join(pipeline, &e), 0);
	outcome->report = *pipeline_report(pipeline);
	pipeline_destroy(pipeline);
	pl_close(config.pl);
	source_close(config.source);
	network_destroy(network);
	free(scores);
	assert_string_equal(jam.broken, "");
}

static struct outcome outcome; /* large: histograms */

/* With a network that the design takes to its last convolution, and with a graph. */
static void the_pl_recovers_from_a_hang(void **state)
{
	static const enum jam_fault faults[] = {JAM_HANGS, JAM_IS_GONE};

	(void)state;
	for (int i = 0; i < 4; i++) {
		memset(&outcome, 0, sizeof(outcome));
		jam_begin();
		jam_fault(faults[i % 2], (CALIBRATION + FRAMES / 2) * CALLS + 3);
		run(i < 2 ? tiny_network(3) : tiny_graph(3), &outcome);
		assert_int_equal(outcome.frames, FRAMES);
		assert_int_equal(outcome.wrong, 0);
		assert_true(outcome.report.cpu_fallbacks >= 1);
		assert_true(outcome.report.pl.reconfigurations >= 1);
		assert_int_equal(outcome.report.pl.times_disabled, 0);
		assert_true(jam.reconfigurations >= 2); /* at the start, and after the fault */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_pl_recovers_from_a_hang)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
