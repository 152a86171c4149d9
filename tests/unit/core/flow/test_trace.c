/* SPDX-License-Identifier: MIT */
/* What a trace keeps, and that what it writes is what the Trace Event format says. */
#include "base/error.h"
#include "flow/trace.h"
#include "pipeline/pipeline.h"
#include "support/allocation_count.h"
#include "support/network_builder.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const tracks[] = {"first", "second", NULL};
static const char *const counters[] = {"waiting", NULL};

static json_t *written(const struct trace *const *traces, int count)
{
	char *text = NULL;
	size_t size = 0;
	json_error_t e;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(trace_write(file, traces, count), 0);
	fclose(file);
	json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
	if (!document)
		fail_msg("line %d: %s", e.line, e.text);
	free(text);
	return document;
}

static const char *text_of(json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "";
}

static double number_of(json_t *event, const char *key)
{
	return json_number_value(json_object_get(event, key));
}

static void test_newest_stay(void **state)
{
	struct trace *trace;

	(void)state;
	assert_int_equal(trace_create("t", tracks, counters, 4, &trace), 0);
	assert_int_equal(trace_size(trace, 0), 0);
	for (uint64_t i = 0; i < 4; i++)
		trace_span(trace, 0, 0, (int64_t)i * 10, (int64_t)i * 10 + 5, i);
	assert_int_equal(trace_size(trace, 0), 4);
	assert_int_equal(trace_event(trace, 0, 0)->value, 0);
	assert_int_equal(trace_left_out(trace), 0);
	for (uint64_t i = 4; i < 7; i++)
		trace_span(trace, 0, 0, (int64_t)i * 10, (int64_t)i * 10 + 5, i);
	assert_int_equal(trace_size(trace, 0), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(trace_event(trace, 0, i)->value, i + 3);
	assert_int_equal(trace_left_out(trace), 3);
	assert_int_equal(trace_size(trace, 1), 0);
	trace_destroy(trace);
}

/* Also when it is full. */
static void test_adding_costs_no_allocation(void **state)
{
	struct trace *trace;

	(void)state;
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	assert_int_equal(trace_create("t", tracks, counters, 64, &trace), 0);
	allocation_count_begin();
	for (uint64_t i = 0; i < 1000; i++) {
		trace_span(trace, 0, 1, 1, 2, i);
		trace_count(trace, 1, 0, 1, i);
	}
	struct allocation_count count = allocation_count_end();
	assert_int_equal(count.allocations + count.frees, 0);
	assert_int_equal(trace_left_out(trace), 2 * (1000 - 64));
	trace_destroy(trace);
}

static void test_refuses(void **state)
{
	static const char *const none[] = {NULL};
	struct trace *trace;

	(void)state;
	assert_int_equal(trace_create("t", none, counters, 4, &trace), -EINVAL);
	assert_int_equal(trace_create("t", tracks, counters, 0, &trace), -EINVAL);
	assert_int_equal(trace_create("t", tracks, counters, SIZE_MAX / 2, &trace), -EOVERFLOW);
	trace_destroy(NULL);
	trace_span(NULL, 0, 0, 1, 2, 3);
	trace_count(NULL, 0, 0, 1, 2);
}

static void test_out_of_memory_leaks_nothing(void **state)
{
	struct trace *trace = NULL;
	int rc = -ENOMEM;
	long failures = 0;

	(void)state;
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	while (rc && failures < 100) {
		struct allocation_count count;

		allocation_count_begin();
		allocation_fail_after(failures);
		rc = trace_create("t", tracks, counters, 4, &trace);
		allocation_fail_after(-1);
		count = allocation_count_end();
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(count.allocations, count.frees);
			failures++;
		}
	}
	assert_int_equal(rc, 0);
	assert_int_equal(failures, 9); /* trace, name, two lists of 2 and 1 names, 2 rings */
	trace_destroy(trace);
}

static void test_format(void **state)
{
	struct trace *pair[2];
	json_t *event;
	size_t i;
	int spans = 0, counts = 0, processes = 0, threads = 0;

	(void)state;
	assert_int_equal(trace_create("with \"quotes\" \\ and \n", tracks, counters, 8, &pair[0]), 0);
	assert_int_equal(trace_create("other", tracks, counters, 8, &pair[1]), 0);
	trace_span(pair[0], 1, 0, 1000001500, 1000003750, 42);
	trace_count(pair[0], 0, 0, 1000002000, 3);
	trace_span(pair[1], 0, 0, 1000000500, 1000000400, 7); /* a clock that goes back: no negative time */
	json_t *document = written((const struct trace *const *)pair, 2);
	json_array_foreach(json_object_get(document, "traceEvents"), i, event)
	{
		const char *ph = text_of(event, "ph"), *name = text_of(event, "name");
		json_t *args = json_object_get(event, "args");
		assert_true(json_is_integer(json_object_get(event, "pid")));
		if (strcmp(ph, "X") == 0 && number_of(event, "pid") == 1) {
			assert_string_equal(name, "first");
			assert_int_equal(number_of(event, "tid"), 2);
			assert_float_equal(number_of(event, "ts"), 1.0, 1e-9);
			assert_float_equal(number_of(event, "dur"), 2.25, 1e-9);
			assert_int_equal(number_of(args, "frame"), 42);
			spans++;
		} else if (strcmp(ph, "X") == 0) {
			assert_float_equal(number_of(event, "ts"), 0, 1e-9);
			assert_float_equal(number_of(event, "dur"), 0, 1e-9);
			spans++;
		} else if (strcmp(ph, "C") == 0) {
			assert_string_equal(name, "waiting");
			assert_int_equal(number_of(args, "frames"), 3);
			counts++;
		} else {
			assert_string_equal(ph, "M");
			processes += strcmp(name, "process_name") == 0;
			threads += strcmp(name, "thread_name") == 0;
			if (strcmp(name, "process_name") == 0 && number_of(event, "pid") == 1)
				assert_string_equal(text_of(args, "name"), "with \"quotes\" \\ and \n");
		}
	}
	assert_int_equal(spans, 2);
	assert_int_equal(counts, 1);
	assert_int_equal(processes, 2);
	assert_int_equal(threads, 4);
	json_decref(document);
	trace_destroy(pair[0]);
	trace_destroy(pair[1]);
}

static void test_disk_full(void **state)
{
	struct trace *trace;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(trace_create("t", tracks, counters, 4, &trace), 0);
	if (!full)
		skip();
	assert_int_equal(trace_write(full, (const struct trace *const *)&trace, 1), -ENOSPC);
	fclose(full);
	trace_destroy(trace);
}

/* Runs frames of the pattern through a pipeline, traced. */
static struct trace *pipeline_traced(uint64_t frames, size_t events, bool overlap)
{
	struct network *network = tiny_network(7);
	struct source_options wanted = {.width = 64, .height = 64};
	struct pipeline_config config = {
		.network = network, .lossless = true, .overlap = overlap, .frames = frames};
	struct pipeline *pipeline;
	struct error e;
	struct frame *frame;

	assert_int_equal(source_open("test", &wanted, &config.source, &e), 0);
	assert_int_equal(pl_open("software", NULL, &config.pl, &e), 0);
	assert_int_equal(pipeline_trace_create("pipeline", events, &config.trace), 0);
	assert_int_equal(pipeline_start(&config, &pipeline, &e), 0);
	while ((frame = pipeline_dequeue(pipeline, INT64_MAX)))
		pipeline_release(pipeline, &frame, true);
	assert_int_equal(pipeline_join(pipeline, &e), 0);
	pipeline_destroy(pipeline);
	pl_close(config.pl);
	source_close(config.source);
	network_destroy(network);
	return config.trace;
}

/* Each stage worked on each frame once, one after the other; each frame passes the stages in their order. */
static void check_pipeline(bool overlap)
{
	enum { FRAMES = 50 };
	struct trace *trace = pipeline_traced(FRAMES, 1024, overlap);
	int64_t ended[FRAMES] = {0};

	assert_int_equal(trace_left_out(trace), 0);
	assert_int_equal(trace_tracks(trace), 7);
	for (int track = 0; track < trace_tracks(trace); track++) {
		int64_t before = 0;
		uint64_t next = 0;
		for (size_t i = 0; i < trace_size(trace, track); i++) {
			const struct trace_event *event = trace_event(trace, track, i);
			if (event->counter >= 0) {
				assert_true(event->value <= 2);
				continue;
			}
			assert_int_equal(event->work, track);
			assert_int_equal(event->value, next++);
			assert_true(event->begun >= before && event->ended >= event->begun);
			assert_true(event->begun >= ended[event->value]);
			before = ended[event->value] = event->ended;
		}
		if (next != FRAMES)
			fail_msg("%s: %d spans", trace_track_name(trace, track), (int)next);
	}
	trace_destroy(trace);
}

static void test_pipeline_overlapped(void **state)
{
	(void)state;
	check_pipeline(true);
}

static void test_pipeline_in_turn(void **state)
{
	(void)state;
	check_pipeline(false);
}

static void test_pipeline_is_bounded(void **state)
{
	struct trace *trace = pipeline_traced(100, 16, true);

	(void)state;
	for (int track = 0; track < trace_tracks(trace); track++)
		assert_int_equal(trace_size(trace, track), 16);
	assert_true(trace_left_out(trace) >= 700 - 7 * 16);
	json_t *document = written((const struct trace *const *)&trace, 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(document, "otherData"), "left_out")),
		trace_left_out(trace));
	json_decref(document);
	trace_destroy(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_stay),
		cmocka_unit_test(test_adding_costs_no_allocation),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_out_of_memory_leaks_nothing),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_pipeline_overlapped),
		cmocka_unit_test(test_pipeline_in_turn),
		cmocka_unit_test(test_pipeline_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
