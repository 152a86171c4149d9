/* SPDX-License-Identifier: MIT */
/* The whole pipeline on the generated pattern: what comes out, in which order, and what it costs the heap. */
#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "image/resize.h"
#include "nn/pool.h"
#include "nn/reference.h"
#include "pipeline/pipeline.h"
#include "support/allocation_count.h"
#include "support/folder.h"
#include "support/memory.h"
#include "support/network_builder.h"
#include "support/sample_jpeg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct pipeline_fixture {
	struct network *network;
	struct source *source;
	struct pl *pl;
	struct pipeline *pipeline;
	struct error e;
};

static void fixture_build_on(struct pipeline_fixture *fixture, const char *source,
	const struct source_options *wanted, struct pipeline_config config)
{
	*fixture = (struct pipeline_fixture){.network = tiny_network(7)};
	assert_int_equal(source_open(source, wanted, &fixture->source, &fixture->e), 0);
	assert_int_equal(pl_open("software", NULL, &fixture->pl, &fixture->e), 0);
	config.network = fixture->network;
	config.source = fixture->source;
	config.pl = fixture->pl;
	assert_int_equal(pipeline_start(&config, &fixture->pipeline, &fixture->e), 0);
}

static void fixture_build(
	struct pipeline_fixture *fixture, const struct source_options *wanted, struct pipeline_config config)
{
	fixture_build_on(fixture, "test", wanted, config);
}

static void fixture_end(struct pipeline_fixture *fixture)
{
	assert_int_equal(pipeline_join(fixture->pipeline, &fixture->e), 0);
	pipeline_destroy(fixture->pipeline);
	pl_close(fixture->pl);
	source_close(fixture->source);
	network_destroy(fixture->network);
}

static struct frame *dequeue(struct pipeline_fixture *fixture)
{
	return pipeline_dequeue(fixture->pipeline, INT64_MAX);
}

static const struct source_options fast = {.width = 160, .height = 120};

/* The pool has fewer frames, so this one is made after the test's first call. */
#define ONE_FRAME 20

/* That picture of the pattern as it is shown without a caption, and the network's input. */
static void one_frame(
	const struct pipeline_config *config, struct picture *shown, uint8_t *input, size_t *size)
{
	const struct source_options wanted = {.width = 64, .height = 48};
	struct pipeline_fixture fixture;

	fixture_build(&fixture, &wanted, *config);
	struct frame *frame = dequeue(&fixture);
	while (frame->number < ONE_FRAME) {
		pipeline_release(fixture.pipeline, &frame, true);
		frame = dequeue(&fixture);
	}
	assert_int_equal(picture_resize(shown, frame->picture.width, frame->picture.height), 0);
	memcpy(shown->data, frame->picture.data, (size_t)shown->width * (size_t)shown->height * 4);
	assert_true(frame->input_size <= *size);
	*size = frame->input_size;
	memcpy(input, frame->input, *size);
	pipeline_release(fixture.pipeline, &frame, true);
	fixture_end(&fixture);
}

/* The network sees a turned picture, as the camera hangs so, but never a mirrored one. */
static void turned_and_mirrored(void **state)
{
	struct picture plain = {0}, turned = {0}, mirrored = {0};
	uint8_t inputs[3][32 * 32 * 3];
	size_t sizes[3] = {sizeof(inputs[0]), sizeof(inputs[1]), sizeof(inputs[2])}, bytes = 64 * 48 * 4;

	(void)state;
	one_frame(&(struct pipeline_config){.lossless = true, .frames = ONE_FRAME + 1}, &plain, inputs[0],
		&sizes[0]);
	one_frame(&(struct pipeline_config){.lossless = true, .frames = ONE_FRAME + 1, .rotation = 90},
		&turned, inputs[1], &sizes[1]);
	one_frame(&(struct pipeline_config){.lossless = true, .frames = ONE_FRAME + 1, .mirror = true},
		&mirrored, inputs[2], &sizes[2]);
	assert_memory_equal(inputs[0], inputs[2], sizes[0]);
	assert_memory_not_equal(inputs[0], inputs[1], sizes[0]);
	picture_mirror(&mirrored);
	assert_memory_equal(plain.data, mirrored.data, bytes);
	assert_int_equal(turned.width, 48);
	assert_int_equal(picture_rotate(&turned, 270), 0);
	assert_memory_equal(plain.data, turned.data, bytes);
	picture_finish(&plain);
	picture_finish(&turned);
	picture_finish(&mirrored);
}

static const struct pipeline_config every_frame = {.lossless = true, .overlap = true, .frames = 200};

/* Every frame comes out, in order, with the very scores that the reference gives its own picture. */
static void check_lossless(struct pipeline_config config)
{
	struct pipeline_fixture fixture;
	uint64_t expected = 0;
	struct frame *frame;

	fixture_build(&fixture, &fast, config);
	int32_t *scores = must_allocate((size_t)fixture.network->class_count, sizeof(*scores));
	while ((frame = dequeue(&fixture))) {
		assert_int_equal(frame->number, expected++);
		assert_int_equal(
			reference_run(fixture.network, 0, fixture.network->layer_count, frame->input, scores),
			0);
		assert_memory_equal(
			scores, frame->scores, (size_t)fixture.network->class_count * sizeof(*scores));
		for (int i = STAMP_RECEIVED; i <= STAMP_CONV0; i++)
			assert_true(frame->stamps[i] >= frame->stamps[i - 1]);
		assert_true(frame->stamps[STAMP_CAPTIONED] >= frame->stamps[STAMP_LABELLED]);
		pipeline_release(fixture.pipeline, &frame, true);
		assert_null(frame);
	}
	free(scores);
	assert_true(pipeline_ended(fixture.pipeline));
	assert_int_equal(expected, config.frames);
	assert_int_equal(pipeline_join(fixture.pipeline, &fixture.e), 0);
	const struct pipeline_report *report = pipeline_report(fixture.pipeline);
	assert_int_equal(report->received, config.frames);
	assert_int_equal(report->classified, config.frames);
	assert_int_equal(report->shown, config.frames);
	assert_int_equal(report->dropped_before_decode + report->dropped_before_inference +
				 report->dropped_before_display,
		0);
	assert_int_equal(report->times[TIME_PL].count, config.frames);
	fixture_end(&fixture);
}

static void test_lossless_overlapped(void **state)
{
	(void)state;
	check_lossless(every_frame);
}

static void test_lossless_in_turn(void **state)
{
	struct pipeline_config config = every_frame;

	(void)state;
	config.overlap = false;
	check_lossless(config);
}

/* Threads share the layers, of all that waits at once; or Conv0 runs beside the others, if that is faster. */
static void test_lossless_shared(void **state)
{
	struct pipeline_config config = every_frame;

	(void)state;
	assert_int_equal(pool_create(3, &config.pool), 0);
	config.decoders = 3;
	check_lossless(config);
	config.always_shared = true;
	check_lossless(config);
	pool_destroy(config.pool);
}

/* Newest wins: a slow consumer sees numbers rise, and what is missing is counted, to the last frame. */
static void check_drops(struct pool *pool)
{
	struct pipeline_fixture fixture;
	struct pipeline_config config = every_frame;
	uint64_t shown = 0, before = 0;
	struct frame *frame;

	config.lossless = false;
	config.pool = pool;
	config.always_shared = true;
	fixture_build(&fixture, &fast, config);
	while ((frame = dequeue(&fixture))) {
		assert_true(!shown || frame->number > before);
		before = frame->number;
		shown++;
		usleep(1000);
		pipeline_release(fixture.pipeline, &frame, true);
	}
	assert_int_equal(pipeline_join(fixture.pipeline, &fixture.e), 0);
	const struct pipeline_report *report = pipeline_report(fixture.pipeline);
	assert_int_equal(report->shown, shown);
	assert_int_equal(report->received, config.frames);
	assert_int_equal(
		report->dropped_before_decode + report->dropped_before_display + shown, config.frames);
	assert_int_equal(
		report->dropped_before_decode + report->dropped_before_inference + report->classified,
		config.frames);
	fixture_end(&fixture);
}

static void test_live_counts_drops(void **state)
{
	struct pool *pool;

	(void)state;
	check_drops(NULL);
	assert_int_equal(pool_create(2, &pool), 0);
	check_drops(pool);
	pool_destroy(pool);
}

/* A caption changes the picture; without one it stays as decoded. */
static void test_caption_is_drawn(void **state)
{
	struct pipeline_fixture plain, labelled;
	struct pipeline_config config = every_frame;

	(void)state;
	config.frames = 1;
	fixture_build(&plain, &fast, config);
	config.caption = (struct pipeline_caption){.visible = true, .statistics = true};
	fixture_build(&labelled, &fast, config);
	struct frame *a = dequeue(&plain), *b = dequeue(&labelled);
	size_t bytes = (size_t)a->picture.width * (size_t)a->picture.height * 4;
	assert_memory_equal(a->input, b->input, a->input_size);
	assert_memory_not_equal(a->picture.data, b->picture.data, bytes);
	pipeline_release(plain.pipeline, &a, true);
	pipeline_release(labelled.pipeline, &b, true);
	fixture_end(&plain);
	fixture_end(&labelled);
}

/* Frames under way when the caption is set may still lack it, but the queues hold few. */
static bool note_comes(struct pipeline_fixture *fixture, const char *note)
{
	bool came = false;

	for (int i = 0; i < 50 && !came; i++) {
		struct frame *frame = dequeue(fixture);
		assert_non_null(frame);
		came = strcmp(frame->caption.note, note) == 0;
		pipeline_release(fixture->pipeline, &frame, true);
	}
	return came;
}

/* A note is on the frames until its time is over. */
static void test_note_is_shown_for_its_time(void **state)
{
	struct pipeline_fixture fixture;
	struct pipeline_caption caption = {.note = "saved a.png", .note_until = INT64_MAX};

	(void)state;
	fixture_build(&fixture, &fast, every_frame);
	pipeline_set_caption(fixture.pipeline, &caption);
	assert_true(note_comes(&fixture, "saved a.png"));
	caption.note_until = clock_now();
	pipeline_set_caption(fixture.pipeline, &caption);
	assert_true(note_comes(&fixture, ""));
	fixture_end(&fixture);
}

/* Stopping while frames are under way loses none of those received, and ends every thread. */
static void test_stop_in_the_middle(void **state)
{
	struct pipeline_fixture fixture;
	struct pipeline_config config = every_frame;
	struct frame *frame;
	uint64_t shown = 0;

	(void)state;
	config.frames = 0;
	fixture_build(&fixture,
		&(struct source_options){.width = 160, .height = 120, .rate = 200, .paced = true}, config);
	while ((frame = dequeue(&fixture))) {
		pipeline_release(fixture.pipeline, &frame, true);
		if (++shown == 20)
			pipeline_stop(fixture.pipeline);
	}
	assert_int_equal(pipeline_join(fixture.pipeline, &fixture.e), 0);
	assert_int_equal(pipeline_report(fixture.pipeline)->received, shown);
	fixture_end(&fixture);
}

/* Of five JPEGs the third is cut off: it is counted, never shown, and the others go their way. */
static void test_broken_frame_is_skipped_and_counted(void **state)
{
	struct pipeline_fixture fixture;
	struct frame *frame;
	uint64_t shown = 0;
	size_t size;
	char path[256];

	(void)state;
	if (!TWOBIT_HAVE_VIDEO) {
		print_message("skipped: this build has no video\n");
		skip();
	}
	char *folder = folder_create();
	uint8_t *jpeg = sample_jpeg(80, 60, JCS_RGB, NULL, 0, &size);
	snprintf(path, sizeof(path), "%s/film.mjpeg", folder);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	for (int i = 0; i < 5; i++)
		assert_int_equal(fwrite(jpeg, i == 2 ? size / 2 : size, 1, file), 1);
	assert_int_equal(fclose(file), 0);
	fixture_build_on(&fixture, path, &(struct source_options){0}, every_frame);
	while ((frame = dequeue(&fixture))) {
		assert_int_not_equal(frame->number, 2);
		shown++;
		pipeline_release(fixture.pipeline, &frame, true);
	}
	assert_int_equal(pipeline_join(fixture.pipeline, &fixture.e), 0);
	const struct pipeline_report *report = pipeline_report(fixture.pipeline);
	assert_int_equal(shown, 4);
	assert_int_equal(report->received, 5);
	assert_int_equal(report->broken + report->undecodable, 1);
	fixture_end(&fixture);
	free(jpeg);
	folder_destroy(folder);
}

static void test_join_without_taking(void **state)
{
	struct pipeline_fixture fixture;

	(void)state;
	fixture_build(&fixture, &fast, every_frame);
	fixture_end(&fixture);
}

static void test_dequeue_keeps_its_deadline(void **state)
{
	struct pipeline_fixture fixture;
	struct source_options slow = {.width = 160, .height = 120, .rate = 0.2, .paced = true};
	int64_t begun = clock_now(), limit = 30000000;
	struct frame *frame;

	(void)state;
	fixture_build(&fixture, &slow, every_frame);
	for (int i = 0; i < 2; i++) { /* the first frame may come at once */
		frame = pipeline_dequeue(fixture.pipeline, clock_now() + limit);
		if (frame)
			pipeline_release(fixture.pipeline, &frame, true);
	}
	assert_false(pipeline_ended(fixture.pipeline));
	assert_true(clock_now() - begun >= limit);
	fixture_end(&fixture);
}

/* The caption's own text aside, which cairo draws when it changes, a frame's way costs no memory. */
static void test_steady_state_allocates_nothing(void **state)
{
	struct pipeline_fixture fixture;
	struct pipeline_config config = every_frame;
	struct allocation_count count = {0};
	struct frame *frame;

	(void)state;
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	config.frames = 400;
	fixture_build(&fixture, &fast, config);
	while ((frame = dequeue(&fixture))) {
		if (frame->number == 100)
			allocation_count_begin();
		if (frame->number == 350)
			count = allocation_count_end();
		pipeline_release(fixture.pipeline, &frame, true);
	}
	assert_int_equal(count.allocations, 0);
	assert_int_equal(count.frees, 0);
	fixture_end(&fixture);
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
	network_destroy(network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turned_and_mirrored),
		cmocka_unit_test(test_lossless_overlapped),
		cmocka_unit_test(test_lossless_in_turn),
		cmocka_unit_test(test_lossless_shared),
		cmocka_unit_test(test_live_counts_drops),
		cmocka_unit_test(test_caption_is_drawn),
		cmocka_unit_test(test_note_is_shown_for_its_time),
		cmocka_unit_test(test_stop_in_the_middle),
		cmocka_unit_test(test_broken_frame_is_skipped_and_counted),
		cmocka_unit_test(test_join_without_taking),
		cmocka_unit_test(test_dequeue_keeps_its_deadline),
		cmocka_unit_test(test_steady_state_allocates_nothing),
		cmocka_unit_test(test_unfit_networks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
