/* SPDX-License-Identifier: MIT */
/* The whole line on the generated pattern: what comes out, in which order, and what it costs the heap. */
#include "allocation_count.h"
#include "base/error.h"
#include "image/resize.h"
#include "line.h"
#include "network_builder.h"
#include "nn/reference.h"
#include "sample_jpeg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct rig {
	struct network *network;
	struct camera *camera;
	struct pl *pl;
	struct line *line;
	struct error e;
};

static void rig_build_on(
	struct rig *rig, const char *source, const struct camera_options *wanted, struct line_options options)
{
	*rig = (struct rig){.network = tiny_network(7)};
	assert_int_equal(camera_open(source, wanted, &rig->camera, &rig->e), 0);
	assert_int_equal(pl_open("software", NULL, &rig->pl, &rig->e), 0);
	options.network = rig->network;
	options.camera = rig->camera;
	options.pl = rig->pl;
	assert_int_equal(line_start(&options, &rig->line, &rig->e), 0);
}

static void rig_build(struct rig *rig, const struct camera_options *wanted, struct line_options options)
{
	rig_build_on(rig, "test", wanted, options);
}

static void rig_end(struct rig *rig)
{
	assert_int_equal(line_join(rig->line, &rig->e), 0);
	line_destroy(rig->line);
	pl_close(rig->pl);
	camera_close(rig->camera);
	network_free(rig->network);
}

static struct frame *take(struct rig *rig)
{
	return line_take(rig->line, INT64_MAX);
}

static const struct camera_options fast = {.width = 160, .height = 120};
static const struct line_options every_frame = {.lossless = true, .overlap = true, .frames = 200};

/* Every frame comes out, in order, with the very scores that the reference gives its own picture. */
static void check_lossless(bool overlap)
{
	struct rig rig;
	struct line_options options = every_frame;
	uint64_t expected = 0;
	struct frame *frame;

	options.overlap = overlap;
	rig_build(&rig, &fast, options);
	line_set_caption(rig.line, &(struct line_caption){0});
	int32_t *scores = taken((size_t)rig.network->class_count, sizeof(*scores));
	while ((frame = take(&rig))) {
		assert_int_equal(frame->number, expected++);
		assert_int_equal(
			reference_run(rig.network, 0, rig.network->layer_count, frame->input, scores), 0);
		assert_memory_equal(
			scores, frame->scores, (size_t)rig.network->class_count * sizeof(*scores));
		for (int i = STAMP_RECEIVED; i <= STAMP_CONV0; i++)
			assert_true(frame->stamps[i] >= frame->stamps[i - 1]);
		assert_true(frame->stamps[STAMP_CAPTIONED] >= frame->stamps[STAMP_LABELLED]);
		line_shown(rig.line, &frame);
		assert_null(frame);
	}
	free(scores);
	assert_true(line_ended(rig.line));
	assert_int_equal(expected, options.frames);
	assert_int_equal(line_join(rig.line, &rig.e), 0);
	const struct line_report *report = line_report(rig.line);
	assert_int_equal(report->received, options.frames);
	assert_int_equal(report->classified, options.frames);
	assert_int_equal(report->shown, options.frames);
	assert_int_equal(report->dropped_before_decode + report->dropped_before_inference +
				 report->dropped_before_display,
		0);
	assert_int_equal(report->times[TIME_PL].count, options.frames);
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

/* Newest wins: a slow taker sees numbers rise, and what is missing is counted, to the last frame. */
static void test_live_counts_drops(void **state)
{
	struct rig rig;
	struct line_options options = every_frame;
	uint64_t shown = 0, before = 0;
	struct frame *frame;

	(void)state;
	options.lossless = false;
	rig_build(&rig, &fast, options);
	while ((frame = take(&rig))) {
		assert_true(!shown || frame->number > before);
		before = frame->number;
		shown++;
		usleep(1000);
		line_shown(rig.line, &frame);
	}
	assert_int_equal(line_join(rig.line, &rig.e), 0);
	const struct line_report *report = line_report(rig.line);
	assert_int_equal(report->shown, shown);
	assert_int_equal(report->received, options.frames);
	assert_int_equal(
		report->dropped_before_decode + report->dropped_before_display + shown, options.frames);
	assert_int_equal(
		report->dropped_before_decode + report->dropped_before_inference + report->classified,
		options.frames);
	rig_end(&rig);
}

/* A caption changes the picture; without one it stays as decoded. */
static void test_caption_is_drawn(void **state)
{
	struct rig plain, labelled;
	struct line_options options = every_frame;

	(void)state;
	options.frames = 1;
	rig_build(&plain, &fast, options);
	line_set_caption(plain.line, &(struct line_caption){0});
	rig_build(&labelled, &fast, options);
	struct frame *a = take(&plain), *b = take(&labelled);
	size_t bytes = (size_t)a->picture.width * (size_t)a->picture.height * 4;
	assert_memory_equal(a->input, b->input, a->input_size);
	assert_memory_not_equal(a->picture.data, b->picture.data, bytes);
	line_shown(plain.line, &a);
	line_shown(labelled.line, &b);
	rig_end(&plain);
	rig_end(&labelled);
}

/* Stopping while frames are under way loses none of those received, and ends every thread. */
static void test_stop_in_the_middle(void **state)
{
	struct rig rig;
	struct line_options options = every_frame;
	struct frame *frame;
	uint64_t shown = 0;

	(void)state;
	options.frames = 0;
	rig_build(&rig, &(struct camera_options){.width = 160, .height = 120, .rate = 200, .paced = true},
		options);
	while ((frame = take(&rig))) {
		line_shown(rig.line, &frame);
		if (++shown == 20)
			line_stop(rig.line);
	}
	assert_int_equal(line_join(rig.line, &rig.e), 0);
	assert_int_equal(line_report(rig.line)->received, shown);
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
	rig_build_on(&rig, path, &(struct camera_options){0}, every_frame);
	while ((frame = take(&rig))) {
		assert_int_not_equal(frame->number, 2);
		shown++;
		line_shown(rig.line, &frame);
	}
	assert_int_equal(line_join(rig.line, &rig.e), 0);
	const struct line_report *report = line_report(rig.line);
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

static void test_take_keeps_its_deadline(void **state)
{
	struct rig rig;
	struct camera_options slow = {.width = 160, .height = 120, .rate = 0.2, .paced = true};
	int64_t begun = clock_now(), limit = 30000000;
	struct frame *frame;

	(void)state;
	rig_build(&rig, &slow, every_frame);
	for (int i = 0; i < 2; i++) { /* the first frame may come at once */
		frame = line_take(rig.line, clock_now() + limit);
		if (frame)
			line_shown(rig.line, &frame);
	}
	assert_false(line_ended(rig.line));
	assert_true(clock_now() - begun >= limit);
	rig_end(&rig);
}

/* The caption's own text aside, which cairo draws when it changes, a frame's way costs no memory. */
static void test_steady_state_allocates_nothing(void **state)
{
	struct rig rig;
	struct line_options options = every_frame;
	struct allocation_count count = {0};
	struct frame *frame;

	(void)state;
	if (!ALLOCATION_COUNT)
		skip();
	options.frames = 400;
	rig_build(&rig, &fast, options);
	line_set_caption(rig.line, &(struct line_caption){0});
	while ((frame = take(&rig))) {
		if (frame->number == 100)
			allocation_count_begin();
		if (frame->number == 350)
			count = allocation_count_end();
		line_shown(rig.line, &frame);
	}
	assert_int_equal(count.allocations, 0);
	assert_int_equal(count.frees, 0);
	rig_end(&rig);
}

static void test_unfit_networks_are_refused(void **state)
{
	struct network *network = tiny_network(7);
	struct line_options options = {.network = network};
	struct line *line = NULL;
	struct error e;

	(void)state;
	int classes = network->class_count;
	network->class_count = 0;
	assert_int_equal(line_start(&options, &line, &e), -EINVAL);
	assert_non_null(strstr(e.text, "class scores"));
	network->class_count = classes;
	network->layers[0].in.channels = 64;
	assert_int_equal(line_start(&options, &line, &e), -EINVAL);
	assert_non_null(strstr(e.text, "64 channels"));
	network->layers[0].in.channels = 3;
	assert_null(line);
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
		cmocka_unit_test(test_take_keeps_its_deadline),
		cmocka_unit_test(test_steady_state_allocates_nothing),
		cmocka_unit_test(test_unfit_networks_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
