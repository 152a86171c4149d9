/* SPDX-License-Identifier: MIT */
/* The whole pipeline on the generated pattern: what comes out, in which order, and what it costs the heap. */
#include "allocation_count.h"
#include "base/error.h"
#include "image/resize.h"
#include "network_builder.h"
#include "nn/reference.h"
#include "pipeline.h"
#include "sample_jpeg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct rig {
	struct network *network;
	struct source *source;
	struct pl *pl;
	struct pipeline *pipeline;
	struct error e;
};

static void rig_build_on(struct rig *rig, const char *source, const struct source_options *wanted,
	struct pipeline_config config)
{
	*rig = (struct rig){.network = tiny_network(7)};
	assert_int_equal(source_open(source, wanted, &rig->source, &rig->e), 0);
	assert_int_equal(pl_open("software", NULL, &rig->pl, &rig->e), 0);
	config.network = rig->network;
	config.source = rig->source;
	config.pl = rig->pl;
	assert_int_equal(pipeline_start(&config, &rig->pipeline, &rig->e), 0);
}

static void rig_build(struct rig *rig, const struct source_options *wanted, struct pipeline_config config)
{
	rig_build_on(rig, "test", wanted, config);
}

static void rig_end(struct rig *rig)
{
	assert_int_equal(pipeline_join(rig->pipeline, &rig->e), 0);
	pipeline_destroy(rig->pipeline);
	pl_close(rig->pl);
	source_close(rig->source);
	network_free(rig->network);
}

static struct frame *dequeue(struct rig *rig)
{
	return pipeline_dequeue(rig->pipeline, INT64_MAX);
}

static const struct source_options fast = {.width = 160, .height = 120};
static const struct pipeline_config every_frame = {.lossless = true, .overlap = true, .frames = 200};

/* Every frame comes out, in order, with the very scores that the reference gives its own picture. */
static void check_lossless(bool overlap)
{
	struct rig rig;
	struct pipeline_config config = every_frame;
	uint64_t expected = 0;
	struct frame *frame;

	config.overlap = overlap;
	rig_build(&rig, &fast, config);
	pipeline_set_caption(rig.pipeline, &(struct pipeline_caption){0});
	int32_t *scores = taken((size_t)rig.network->class_count, sizeof(*scores));
	while ((frame = dequeue(&rig))) {
		assert_int_equal(frame->number, expected++);
		assert_int_equal(
			reference_run(rig.network, 0, rig.network->layer_count, frame->input, scores), 0);
		assert_memory_equal(
			scores, frame->scores, (size_t)rig.network->class_count * sizeof(*scores));
		for (int i = STAMP_RECEIVED; i <= STAMP_CONV0; i++)
			assert_true(frame->stamps[i] >= frame->stamps[i - 1]);
		assert_true(frame->stamps[STAMP_CAPTIONED] >= frame->stamps[STAMP_LABELLED]);
		pipeline_release(rig.pipeline, &frame, true);
		assert_null(frame);
	}
	free(scores);
	assert_true(pipeline_ended(rig.pipeline));
	assert_int_equal(expected, config.frames);
	assert_int_equal(pipeline_join(rig.pipeline, &rig.e), 0);
	const struct pipeline_report *report = pipeline_report(rig.pipeline);
	assert_int_equal(report->received, config.frames);
	assert_int_equal(report->classified, config.frames);
	assert_int_equal(report->shown, config.frames);
	assert_int_equal(report->dropped_before_decode + report->dropped_before_inference +
				 report->dropped_before_display,
		0);
	assert_int_equal(report->times[TIME_PL].count, config.frames);
	rig_end(&rig);
}

static void test_lossless_overlapped(void **state)
{
	(void)state;
	check_lossless(true);
}

static void test_lossless_in_turn(void **state)
{
	(void)state;
	check_lossless(false);
}

/* Newest wins: a slow consumer sees numbers rise, and what is missing is counted, to the last frame. */
static void test_live_counts_drops(void **state)
{
	struct rig rig;
	struct pipeline_config config = every_frame;
	uint64_t shown = 0, before = 0;
	struct frame *frame;

	(void)state;
	config.lossless = false;
	rig_build(&rig, &fast, config);
	while ((frame = dequeue(&rig))) {
		assert_true(!shown || frame->number > before);
		before = frame->number;
		shown++;
		usleep(1000);
		pipeline_release(rig.pipeline, &frame, true);
	}
	assert_int_equal(pipeline_join(rig.pipeline, &rig.e), 0);
	const struct pipeline_report *report = pipeline_report(rig.pipeline);
	assert_int_equal(report->shown, shown);
	assert_int_equal(report->received, config.frames);
	assert_int_equal(
		report->dropped_before_decode + report->dropped_before_display + shown, config.frames);
	assert_int_equal(
		report->dropped_before_decode + report->dropped_before_inference + report->classified,
		config.frames);
	rig_end(&rig);
}

/* A caption changes the picture; without one it stays as decoded. */
static void test_caption_is_drawn(void **state)
{
	struct rig plain, labelled;
	struct pipeline_config config = every_frame;

	(void)state;
	config.frames = 1;
	rig_build(&plain, &fast, config);
	pipeline_set_caption(plain.pipeline, &(struct pipeline_caption){0});
	rig_build(&labelled, &fast, config);
	struct frame *a = dequeue(&plain), *b = dequeue(&labelled);
	size_t bytes = (size_t)a->picture.width * (size_t)a->picture.height * 4;
	assert_memory_equal(a->input, b->input, a->input_size);
	assert_memory_not_equal(a->picture.data, b->picture.data, bytes);
	pipeline_release(plain.pipeline, &a, true);
	pipeline_release(labelled.pipeline, &b, true);
	rig_end(&plain);
	rig_end(&labelled);
}

/* Stopping while frames are under way loses none of those received, and ends every thread. */
static void test_stop_in_the_middle(void **state)
{
	struct rig rig;
	struct pipeline_config config = every_frame;
	struct frame *frame;
	uint64_t shown = 0;

	(void)state;
	config.frames = 0;
	rig_build(&rig, &(struct source_options){.width = 160, .height = 120, .rate = 200, .paced = true},
		config);
	while ((frame = dequeue(&rig))) {
		pipeline_release(rig.pipeline, &frame, true);
		if (++shown == 20)
			pipeline_stop(rig.pipeline);
	}
	assert_int_equal(pipeline_join(rig.pipeline, &rig.e), 0);
	assert_int_equal(pipeline_report(rig.pipeline)->received, shown);
	rig_end(&rig);
}

/* Of five JPEGs the third is cut off: it is counted, never shown, and the others go their way. */
static void test_broken_frame_is_skipped_and_counted(void **state)
{
	struct rig rig;
	struct frame *frame;
	uint64_t shown = 0;
	size_t size;
	char *folder = folder_make(), path[256];
	uint8_t *jpeg = sample_jpeg(80, 60, JCS_RGB, NULL, 0, &size);

	(void)state;
	snprintf(path, sizeof(path), "%s/film.mjpeg", folder);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	for (int i = 0; i < 5; i++)
		assert_int_equal(fwrite(jpeg, i == 2 ? size / 2 : size, 1, file), 1);
	assert_int_equal(fclose(file), 0);
	rig_build_on(&rig, path, &(struct source_options){0}, every_frame);
	while ((frame = dequeue(&rig))) {
		assert_int_not_equal(frame->number, 2);
		shown++;
		pipeline_release(rig.pipeline, &frame, true);
	}
	assert_int_equal(pipeline_join(rig.pipeline, &rig.e), 0);
	const struct pipeline_report *report = pipeline_report(rig.pipeline);
	assert_int_equal(shown, 4);
	assert_int_equal(report->received, 5);
	assert_int_equal(report->broken + report->undecodable, 1);
	rig_end(&rig);
	free(jpeg);
	folder_remove(folder);
}

static void test_join_without_taking(void **state)
{
	struct rig rig;

	(void)state;
	rig_build(&rig, &fast, every_frame);
	rig_end(&rig);
}

static void test_dequeue_keeps_its_deadline(void **state)
{
	struct rig rig;
	struct source_options slow = {.width = 160, .height = 120, .rate = 0.2, .paced = true};
	int64_t begun = clock_now(), limit = 30000000;
	struct frame *frame;

	(void)state;
	rig_build(&rig, &slow, every_frame);
	for (int i = 0; i < 2; i++) { /* the first frame may come at once */
		frame = pipeline_dequeue(rig.pipeline, clock_now() + limit);
		if (frame)
			pipeline_release(rig.pipeline, &frame, true);
	}
	assert_false(pipeline_ended(rig.pipeline));
	assert_true(clock_now() - begun >= limit);
	rig_end(&rig);
}

/* The caption's own text aside, which cairo draws when it changes, a frame's way costs no memory. */
static void test_steady_state_allocates_nothing(void **state)
{
	struct rig rig;
	struct pipeline_config config = every_frame;
	struct allocation_count count = {0};
	struct frame *frame;

	(void)state;
	if (!ALLOCATION_COUNT)
		skip();
	config.frames = 400;
	rig_build(&rig, &fast, config);
	pipeline_set_caption(rig.pipeline, &(struct pipeline_caption){0});
	while ((frame = dequeue(&rig))) {
		if (frame->number == 100)
			allocation_count_begin();
		if (frame->number == 350)
			count = allocation_count_end();
		pipeline_release(rig.pipeline, &frame, true);
	}
	assert_int_equal(count.allocations, 0);
	assert_int_equal(count.frees, 0);
	rig_end(&rig);
}

static void test_unfit_networks_are_refused(void **state)
{
	struct network *network = tiny_network(7);
	struct pipeline_config config = {.network = network};
	struct pipeline *pipeline = NULL;
	struct error e;

	(void)state;
	int classes = network->class_count;
	network->class_count = 0;
	assert_int_equal(pipeline_start(&config, &pipeline, &e), -EINVAL);
	assert_non_null(strstr(e.text, "class scores"));
	network->class_count = classes;
	network->layers[0].in.channels = 64;
	assert_int_equal(pipeline_start(&config, &pipeline, &e), -EINVAL);
	assert_non_null(strstr(e.text, "64 channels"));
	network->layers[0].in.channels = 3;
	assert_null(pipeline);
	network_free(network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lossless_overlapped),
		cmocka_unit_test(test_lossless_in_turn),
		cmocka_unit_test(test_live_counts_drops),
		cmocka_unit_test(test_caption_is_drawn),
		cmocka_unit_test(test_stop_in_the_middle),
		cmocka_unit_test(test_broken_frame_is_skipped_and_counted),
		cmocka_unit_test(test_join_without_taking),
		cmocka_unit_test(test_dequeue_keeps_its_deadline),
		cmocka_unit_test(test_steady_state_allocates_nothing),
		cmocka_unit_test(test_unfit_networks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
