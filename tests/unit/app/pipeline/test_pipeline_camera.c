/* SPDX-License-Identifier: MIT */
/* The pipeline on a simulated camera, which goes away, loses frames, exports buffers and sends JPEG. */
#include "base/error.h"
#include "pipeline/pipeline.h"
#include "support/network_builder.h"
#include "support/sample_jpeg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EXPORTED_BUFFERS 64

/* What the simulated camera does to a frame of the generated pattern. */
static struct simulation {
	void (*act)(struct frame *frame, int count);
	int count; /* frames delivered, absent ones too */
	const uint8_t *jpeg;
	size_t jpeg_size;
	int absent;	    /* frames so far */
	atomic_bool seen;   /* an absent frame came out: 5 of them are enough */
	atomic_bool wanted; /* the display has said what it wants */
	atomic_bool exporting;
	atomic_int exported, released[EXPORTED_BUFFERS];
} simulation;

int __real_source_next(struct source *source, struct frame *frame, struct error *e);
int __wrap_source_next(struct source *source, struct frame *frame, struct error *e);
void __wrap_source_export_dmabuf(struct source *source, bool wanted);

int __wrap_source_next(struct source *source, struct frame *frame, struct error *e)
{
	int status = __real_source_next(source, frame, e);

	if (!status)
		simulation.act(frame, simulation.count++);
	return status;
}

void __wrap_source_export_dmabuf(struct source *source, bool wanted)
{
	(void)source;
	atomic_store(&simulation.exporting, wanted);
}

struct pipeline_fixture {
	struct network *network;
	struct source *source;
	struct pl *pl;
	struct pipeline *pipeline;
};

static struct pipeline_fixture fixture_build(
	void (*act)(struct frame *, int), struct pipeline_config config, bool paced)
{
	struct source_options wanted = {.width = 160, .height = 120, .rate = 200, .paced = paced};
	struct pipeline_fixture fixture = {.network = tiny_network(7)};
	struct error e;

	simulation.act = act;
	simulation.count = simulation.absent = 0;
	atomic_store(&simulation.wanted, false);
	atomic_store(&simulation.exporting, false);
	assert_int_equal(source_open("test", &wanted, &fixture.source, &e), 0);
	assert_int_equal(pl_open("software", NULL, &fixture.pl, &e), 0);
	config.network = fixture.network;
	config.source = fixture.source;
	config.pl = fixture.pl;
	config.overlap = true;
	assert_int_equal(pipeline_start(&config, &fixture.pipeline, &e), 0);
	return fixture;
}

static void fixture_end(struct pipeline_fixture *fixture)
{
	assert_int_equal(pipeline_join(fixture->pipeline, NULL), 0);
	pipeline_destroy(fixture->pipeline);
	pl_close(fixture->pl);
	source_close(fixture->source);
	network_destroy(fixture->network);
}

/* For five frames; where the newest wins, until one of them was taken. */
static void go_away(struct frame *frame, int count)
{
	if (count < 10 || (simulation.absent >= 5 && atomic_load(&simulation.seen)))
		return;
	simulation.absent++;
	frame->absent = true;
	snprintf(frame->absent_reason, sizeof(frame->absent_reason), "no camera: it was unplugged; waiting");
}

/* All of one dark grey but for the notice in the middle. */
static void check_dark(const struct picture *picture)
{
	size_t dark = 0, pixels = (size_t)picture->width * (size_t)picture->height;

	for (size_t i = 0; i < pixels; i++)
		dark += picture->data[4 * i] < 40 && picture->data[4 * i + 1] < 40;
	assert_true(dark > pixels / 2);
	assert_true(dark < pixels);
}

static void check_absence(bool lossless)
{
	struct pipeline_config config = {.lossless = lossless, .frames = 40};

	atomic_store(&simulation.seen, lossless);
	struct pipeline_fixture fixture = fixture_build(go_away, config, true);
	uint64_t shown = 0, absent = 0;
	struct frame *frame;

	while ((frame = pipeline_dequeue(fixture.pipeline, INT64_MAX))) {
		if (frame->absent) {
			absent++;
			atomic_store(&simulation.seen, true);
			assert_string_equal(frame->text, "no camera: it was unplugged; waiting");
			assert_int_equal(frame->picture.width, 160);
			assert_int_equal(frame->picture.height, 120);
			check_dark(&frame->picture);
		} else {
			shown++;
			assert_true(frame->number < 40);
		}
		pipeline_release(fixture.pipeline, &frame, true);
	}
	assert_int_equal(pipeline_join(fixture.pipeline, NULL), 0);
	const struct pipeline_report *report = pipeline_report(fixture.pipeline);
	assert_true(absent > 0);
	assert_int_equal(report->received, 40);
	assert_int_equal(report->shown, shown);
	assert_int_equal(simulation.count, 40 + simulation.absent);
	if (lossless) {
		assert_int_equal(absent, 5);
		assert_int_equal(shown, 40);
		assert_int_equal(report->classified, 40);
	}
	fixture_end(&fixture);
}

static void test_absent_frames_are_shown_and_not_counted(void **state)
{
	(void)state;
	check_absence(true);
	check_absence(false);
}

static void lose_two_in_five(struct frame *frame, int count)
{
	frame->lost = count % 5 ? 0 : 2;
}

static void test_lost_frames_are_counted(void **state)
{
	struct pipeline_fixture fixture = fixture_build(
		lose_two_in_five, (struct pipeline_config){.lossless = true, .frames = 50}, false);
	struct frame *frame;

	(void)state;
	while ((frame = pipeline_dequeue(fixture.pipeline, INT64_MAX)))
		pipeline_release(fixture.pipeline, &frame, true);
	assert_int_equal(pipeline_join(fixture.pipeline, NULL), 0);
	assert_int_equal(pipeline_report(fixture.pipeline)->dropped_by_camera, 20);
	fixture_end(&fixture);
}

static void buffer_release(void *owner, int buffer)
{
	assert_ptr_equal(owner, &simulation);
	atomic_fetch_add(&simulation.released[buffer], 1);
}

static void export_buffer(struct frame *frame, int count)
{
	if (!atomic_load(&simulation.exporting) || atomic_load(&simulation.exported) == EXPORTED_BUFFERS)
		return;
	(void)count;
	frame->borrowed = (struct borrowed_buffer){.dmabuf = -1,
		.index = atomic_fetch_add(&simulation.exported, 1),
		.owner = &simulation,
		.release = buffer_release};
}

/* A display that wants frames raw gets them so, with the caption apart, and the network has its share. */
static void test_raw_frames(void **state)
{
	struct pipeline_fixture fixture = fixture_build(export_buffer, (struct pipeline_config){0}, true);
	uint64_t raw = 0;
	struct frame *frame;

	(void)state;
	pipeline_set_display(fixture.pipeline, &(struct display_capabilities){160, 120, true});
	assert_true(atomic_load(&simulation.exporting));
	while ((frame = pipeline_dequeue(fixture.pipeline, INT64_MAX))) {
		assert_int_equal(frame->raw.width, 160);
		raw += frame->show_raw; /* not those on their way before it was wanted */
		if (raw == 100)
			pipeline_stop(fixture.pipeline);
		pipeline_release(fixture.pipeline, &frame, true);
	}
	assert_int_equal(pipeline_join(fixture.pipeline, NULL), 0);
	assert_true(raw >= 100);
	assert_true(pipeline_report(fixture.pipeline)->classified > 0);
	pipeline_set_display(fixture.pipeline, &(struct display_capabilities){0});
	assert_false(atomic_load(&simulation.exporting));
	fixture_end(&fixture);
	assert_true(simulation.exported > 0);
	for (int i = 0; i < simulation.exported; i++)
		assert_int_equal(simulation.released[i], 1);
}

/* Such a display cannot turn or mirror them, so it gets pictures. */
static void test_turned_frames_are_not_raw(void **state)
{
	static const struct pipeline_config configs[] = {{.rotation = 90, .frames = 30},
		{.rotation = 180, .frames = 30}, {.mirror = true, .frames = 30}};
	struct frame *frame;

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		struct pipeline_fixture fixture = fixture_build(export_buffer, configs[i], true);
		pipeline_set_display(fixture.pipeline, &(struct display_capabilities){160, 120, true});
		assert_false(atomic_load(&simulation.exporting));
		while ((frame = pipeline_dequeue(fixture.pipeline, INT64_MAX))) {
			assert_false(frame->show_raw);
			assert_int_equal(frame->picture.width, configs[i].rotation == 90 ? 120 : 160);
			pipeline_release(fixture.pipeline, &frame, true);
		}
		fixture_end(&fixture);
	}
}

/* The last of 30 when the display has said what it wants. */
static void send_jpeg(struct frame *frame, int count)
{
	while (count == 29 && !atomic_load(&simulation.wanted))
		usleep(1000);
	assert_int_equal(raw_picture_reserve(&frame->raw, simulation.jpeg_size), 0);
	memcpy(frame->raw.data, simulation.jpeg, simulation.jpeg_size);
	frame->raw.size = simulation.jpeg_size;
	frame->raw.format = PIXEL_JPEG;
	frame->raw.width = 320;
	frame->raw.height = 240;
}

/* Width of the last picture of 30, with what the display wants. */
static int decoded_width(struct display_capabilities capabilities, bool lossless)
{
	struct frame *frame;
	int width = 0;
	size_t size;
	uint8_t *jpeg = sample_jpeg(320, 240, JCS_RGB, NULL, 0, &size);

	simulation.jpeg = jpeg;
	simulation.jpeg_size = size;
	struct pipeline_fixture fixture =
		fixture_build(send_jpeg, (struct pipeline_config){.lossless = lossless, .frames = 30}, true);
	pipeline_set_display(fixture.pipeline, &capabilities);
	atomic_store(&simulation.wanted, true);
	while ((frame = pipeline_dequeue(fixture.pipeline, INT64_MAX))) {
		width = frame->picture.width;
		assert_int_equal(frame->picture.height, (width * 3) / 4);
		pipeline_release(fixture.pipeline, &frame, true);
	}
	fixture_end(&fixture);
	free(jpeg);
	return width;
}

static void test_jpeg_is_decoded_as_small_as_serves(void **state)
{
	(void)state;
	assert_int_equal(decoded_width((struct display_capabilities){0}, false), 320);
	assert_int_equal(decoded_width((struct display_capabilities){640, 480, false}, false), 320);
	assert_int_equal(decoded_width((struct display_capabilities){161, 480, false}, false), 320);
	assert_int_equal(decoded_width((struct display_capabilities){160, 480, false}, false), 160);
	/* an eighth would have 30 rows, and the network takes 32 */
	assert_int_equal(decoded_width((struct display_capabilities){1, 1, false}, false), 80);
	assert_int_equal(decoded_width((struct display_capabilities){1, 1, false}, true), 320);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent_frames_are_shown_and_not_counted),
		cmocka_unit_test(test_lost_frames_are_counted),
		cmocka_unit_test(test_raw_frames),
		cmocka_unit_test(test_turned_frames_are_not_raw),
		cmocka_unit_test(test_jpeg_is_decoded_as_small_as_serves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
