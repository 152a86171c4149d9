/* SPDX-License-Identifier: MIT */
/* The recorder as a whole: what is in the files afterwards. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "image/decode.h"
#include "support/memory.h"
#include "support/network_builder.h"
#include "support/recorder_fixture.h"
#include "support/sample_jpeg.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void read_back(const struct recorder_fixture *fixture, const char *name, struct recorded *r)
{
	if (!recorded_read(fixture->folder, name, fixture->schema, r))
		fail_msg("%s cannot be read", name);
}

/* The file holds exactly the frames first … first + count − 1, bit for bit. */
static void expect_frames(
	struct recorder_fixture *fixture, const struct recorded *r, uint64_t first, size_t count)
{
	assert_int_equal(r->frames, count);
	assert_int_equal(r->width, 64);
	assert_int_equal(r->height, 48);
	for (size_t i = 0; i < count; i++) {
		fixture_fill(fixture, first + i);
		assert_int_equal(r->frame[i].size, fixture->frame->raw.size);
		assert_memory_equal(r->frame[i].data, fixture->frame->raw.data, r->frame[i].size);
		int64_t time = (int64_t)i * FRAME_TIME / 1000000;
		assert_true(r->frame[i].time >= time - 1 && r->frame[i].time <= time + 1);
	}
}

static void expect_file(struct recorder_fixture *fixture, const char *name, uint64_t first, size_t count)
{
	struct recorded r;

	read_back(fixture, name, &r);
	expect_frames(fixture, &r, first, count);
	assert_int_equal(recorded_number(recorded_event(&r, "closed"), "frame"), count);
	recorded_free(&r);
}

/* Every frame is there, bit for bit; every second one is labelled and has a line in the log. */
static void test_all_frames(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;
	size_t labelled = 0;

	(void)state;
	fixture_begin(&fixture, "a.mkv", (struct recorder_options){0});
	for (int i = 0; i < 300; i++) {
		fixture_give(&fixture, i == 100 ? 7 : 0, i == 200 ? 2 : 0);
		if (i % 2 == 0)
			fixture_label(&fixture, i / 50);
	}
	recorder_event(fixture.recorder, "camera_lost", "no camera: it was unplugged");
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 300);
	assert_int_equal(fixture.report.segments, 1);
	assert_int_equal(fixture.report.dropped[DROPPED_BY_CAMERA], 7);
	assert_int_equal(fixture.report.dropped[DROPPED_BROKEN], 2);
	assert_int_equal(fixture.report.dropped[DROPPED_BY_RECORDER], 0);
	read_back(&fixture, "a", &r);
	expect_frames(&fixture, &r, 0, 300);
	for (size_t i = 0; i < r.lines; i++) {
		const json_t *line = r.line[i];
		int64_t frame = recorded_number(line, "frame");
		if (!json_object_get(line, "top"))
			continue;
		assert_int_equal(frame, 2 * labelled++);
		assert_int_equal(recorded_number(line, "sequence"), frame + 1000);
		assert_int_equal(recorded_number(line, "monotonic"), 50 * NS_PER_S + frame * FRAME_TIME);
		assert_int_equal(recorded_number(line, "dropped.line"), frame ? 1 : 0);
		assert_int_equal(recorded_number(line, "dropped.camera"), frame == 100 ? 7 : 0);
		assert_int_equal(recorded_number(line, "dropped.broken"), frame == 200 ? 2 : 0);
		assert_int_equal(recorded_number(line, "microseconds.conv0"), 1000);
		assert_string_equal(json_string_value(json_object_get(line, "by")), "overlay");
	}
	assert_int_equal(labelled, 150);
	assert_int_equal(fixture.report.labelled, 150);
	assert_non_null(recorded_event(&r, "camera_lost"));
	assert_non_null(recorded_event(&r, "opened"));
	recorded_free(&r);
	fixture_end(&fixture);
}

/* The texts follow each other without a gap, in quarters of a second, and hold the label. */
static void test_texts(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;

	(void)state;
	fixture_begin(&fixture, "a.mkv", (struct recorder_options){0});
	fixture_give_many(&fixture, 2 * RATE, 0);
	fixture_give_many(&fixture, 2 * RATE, 20);
	fixture_join(&fixture);
	read_back(&fixture, "a", &r);
	assert_int_equal(r.texts, 16);
	for (size_t i = 0; i < r.texts; i++) {
		assert_int_equal(r.text[i].time, 250 * i);
		assert_int_equal(r.text[i].duration, 250);
		const char *expected = i < 8 ? "even 20 % · label 0 10 %" : "label 4 100 %";
		assert_string_equal((const char *)r.text[i].data, expected);
	}
	recorded_free(&r);
	fixture_end(&fixture);
}

static void test_segments_by_time(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	fixture_begin(&fixture, "s-%i.mkv", (struct recorder_options){.segment.time = 2 * NS_PER_S});
	fixture_give_many(&fixture, 120, 3);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.segments, 3);
	expect_file(&fixture, "s-0001", 0, 50);
	expect_file(&fixture, "s-0002", 50, 50);
	expect_file(&fixture, "s-0003", 100, 20);
	fixture_end(&fixture);
}

static void test_segments_by_size(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;
	char name[16];
	uint64_t next = 0;

	(void)state;
	fixture_begin(&fixture, "s.mkv", (struct recorder_options){.segment.bytes = 100000});
	fixture.padding = 3000;
	fixture_give_many(&fixture, 100, 3);
	fixture_join(&fixture);
	assert_true(fixture.report.segments > 3);
	for (unsigned i = 1; i <= fixture.report.segments; i++) {
		snprintf(name, sizeof(name), i > 1 ? "s-%u" : "s", i);
		read_back(&fixture, name, &r);
		assert_true(r.frames > 0);
		assert_int_equal(recorded_number(r.line[0], "segment"), i);
		expect_frames(&fixture, &r, next, r.frames);
		next += r.frames;
		recorded_free(&r);
	}
	assert_int_equal(next, 100);
	fixture_end(&fixture);
}

/* HUP and USR1: a rotation loses nothing, a stop leaves out just what came while it lasted. */
static void test_rotate_and_stop(void **state)
{
	struct recorder_fixture fixture;
	struct recorded first, second;

	(void)state;
	fixture_begin(&fixture, "c-%i.mkv", (struct recorder_options){0});
	fixture_give_many(&fixture, 30, 3);
	fixture_await_text(&fixture, "c-0001.jsonl", "\"frame\":29,");
	recorder_rotate(fixture.recorder);
	fixture_await_text(&fixture, "c-0001.jsonl", "\"closed\"");
	fixture_give_many(&fixture, 30, 3);
	recorder_end(fixture.recorder);
	assert_false(recorder_is_recording(fixture.recorder));
	fixture_give_many(&fixture, 30, 3);
	assert_false(fixture.frame->recorded);
	recorder_begin(fixture.recorder);
	fixture_give_many(&fixture, 30, 3);
	assert_true(fixture.frame->recorded);
	fixture_join(&fixture);
	read_back(&fixture, "c-0001", &first);
	read_back(&fixture, "c-0002", &second);
	expect_frames(&fixture, &first, 0, 30);
	expect_frames(&fixture, &second, 30, 30);
	expect_file(&fixture, "c-0003", 90, 30);
	assert_int_equal(fixture.report.frames, 90);
	recorded_free(&first);
	recorded_free(&second);
	fixture_end(&fixture);
}

/* The cat is there from second 10 to 11 and from 20 to 21: each with 2 s before and 3 s after. */
static void check_when(bool fast_label)
{
	struct when when;
	struct recorder_fixture fixture;
	struct error e;
	struct network *network = tiny_network(7);

	assert_int_equal(when_parse("label 4>0.6", network, &when, &e), 0);
	fixture_begin(&fixture, "w-%i.mkv",
		(struct recorder_options){
			.when = &when, .when_count = 1, .pre_roll = 2 * NS_PER_S, .post_roll = 3 * NS_PER_S});
	for (int i = 0; i < 30 * RATE; i++) {
		bool cat = (i >= 10 * RATE && i <= 11 * RATE) || (i >= 20 * RATE && i <= 21 * RATE);
		fixture_give(&fixture, 0, 0);
		if (fast_label || i % 2 == 0)
			fixture_label(&fixture, cat ? 20 : 0);
	}
	fixture_join(&fixture);
	assert_int_equal(fixture.report.segments, 2);
	/* Where every second frame has a label, the last one with the cat may be a frame earlier. */
	size_t late = fast_label || 11 * RATE % 2 == 0 ? 0 : 1, count = (size_t)(14 - 8) * RATE + 1;
	expect_file(&fixture, "w-0001", 8 * RATE, count - late);
	late = fast_label || 21 * RATE % 2 == 0 ? 0 : 1;
	expect_file(&fixture, "w-0002", 18 * RATE, count - late);
	fixture_end(&fixture);
	network_destroy(network);
}

static void test_when(void **state)
{
	(void)state;
	check_when(true);
	check_when(false);
}

/* A reason that comes back in time keeps the file going; memory too small for the pre-roll keeps what it can.
 */
static void test_when_goes_on(void **state)
{
	struct when when;
	struct recorder_fixture fixture;
	struct recorded r;
	struct error e;
	struct network *network = tiny_network(7);

	(void)state;
	assert_int_equal(when_parse("label 4>0.6", network, &when, &e), 0);
	fixture_begin(&fixture, "w.mkv",
		(struct recorder_options){.when = &when,
			.when_count = 1,
			.pre_roll = 10 * NS_PER_S,
			.post_roll = 1 * NS_PER_S,
			.memory = 100000});
	fixture_give_many(&fixture, 300, 0);
	fixture_give_many(&fixture, 1, 20);
	fixture_give_many(
		&fixture, 40, 0); /* 1.6 s: more than the post-roll, less than it and the pre-roll */
	fixture_give_many(&fixture, 1, 20);
	fixture_join(&fixture);
	read_back(&fixture, "w", &r);
	assert_int_equal(fixture.report.segments, 1);
	assert_true(r.frames > 50 && r.frames < 342);
	assert_int_equal(
		fixture.report.late, 0); /* memory full of the past is no reason to wait for no label */
	uint64_t first = fixture_number(&fixture, &r.frame[0]);
	expect_frames(&fixture, &r, first, 342 - first);
	recorded_free(&r);
	fixture_end(&fixture);
	network_destroy(network);
}

/* Smoothed labels can be made again from each log alone: it begins with what was before it. */
static void test_smoothing_goes_on(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;
	double past = 0;
	size_t compared = 0;

	(void)state;
	fixture_begin(
		&fixture, "m-%i.mkv", (struct recorder_options){.smoothing = 0.5, .segment.time = NS_PER_S});
	for (int i = 0; i < 2 * RATE; i++)
		fixture_give_many(&fixture, 1, i % 7);
	fixture_join(&fixture);
	read_back(&fixture, "m-0002", &r);
	const json_t *event = recorded_event(&r, "smoothing");
	assert_non_null(event);
	past = json_number_value(json_array_get(json_object_get(event, "scores"), CAT));
	assert_true(past > 0.5 && past < 6);
	double before = json_number_value(json_object_get(event, "before"));
	assert_true(before > 0);
	for (size_t i = 0; i < r.lines; i++) {
		if (!json_object_get(r.line[i], "top"))
			continue;
		double time = json_number_value(json_object_get(r.line[i], "monotonic"));
		double weight = exp((before - time) / 0.5e9);
		before = time;
		past = weight * past +
		       (1 - weight) * (double)((RATE + recorded_number(r.line[i], "frame")) % 7);
		double cat = exp(lrint(past));
		const json_t *smoothed = json_object_get(r.line[i], "smoothed");
		double confidence = json_number_value(json_object_get(smoothed, "confidence"));
		assert_true(fabs(confidence - cat / (cat + 9)) < 1e-6);
		compared++;
	}
	assert_int_equal(compared, RATE);
	recorded_free(&r);
	read_back(&fixture, "m-0001", &r);
	assert_null(recorded_event(&r, "smoothing"));
	recorded_free(&r);
	fixture_end(&fixture);
}

/* Labels that never come hold nothing up for long; the source waits where memory is full, and nothing is
 * lost. */
static void test_no_labels(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	fixture_begin(&fixture, "n.mkv", (struct recorder_options){.memory = 50000});
	for (int i = 0; i < 500; i++)
		fixture_give(&fixture, 0, 0);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 500);
	expect_file(&fixture, "n", 0, 500);
	fixture_end(&fixture);
}

/* A picture that is no JPEG becomes one, which the frame then holds; with a caption in it on request. */
static void test_other_formats(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;
	uint8_t *copy = must_allocate(1, 200000);
	size_t size;

	(void)state;
	fixture_begin(&fixture, "o.mkv", (struct recorder_options){0});
	struct frame *frame = fixture.frame;
	frame->raw.size = 640 * 480 * 2;
	assert_int_equal(raw_picture_reserve(&frame->raw, frame->raw.size), 0);
	memset(frame->raw.data, 100, frame->raw.size);
	frame->raw.format = PIXEL_YUYV;
	frame->raw.width = 640;
	frame->raw.height = 480;
	frame->stamps[STAMP_CAPTURED] = NS_PER_S;
	recorder_frame(fixture.recorder, frame, 0);
	assert_true(frame->recorded);
	assert_int_equal(frame->raw.format, PIXEL_JPEG);
	size = frame->raw.size;
	assert_true(size < 200000);
	memcpy(copy, frame->raw.data, size);
	fixture_join(&fixture);
	read_back(&fixture, "o", &r);
	assert_int_equal(r.frames, 1);
	assert_int_equal(r.width, 640);
	assert_int_equal(r.height, 480);
	assert_int_equal(r.frame[0].size, size);
	assert_memory_equal(r.frame[0].data, copy, size);
	recorded_free(&r);
	free(copy);
	fixture_end(&fixture);
}

static void test_burn_in(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;
	struct raw_picture raw = {.format = PIXEL_JPEG};
	struct picture burnt = {0}, plain = {0};
	struct error e;

	(void)state;
	fixture_begin(&fixture, "b.mkv", (struct recorder_options){.burn_in = true});
	free(fixture.jpeg);
	fixture.jpeg = sample_jpeg(640, 360, JCS_RGB, NULL, 0, &fixture.jpeg_size);
	fixture.padding = 0;
	fixture_give_many(&fixture, 2, 20);
	fixture_join(&fixture);
	read_back(&fixture, "b", &r);
	assert_int_equal(r.frames, 2);
	assert_true(json_is_true(json_object_get(r.line[0], "burn_in")));
	raw.data = r.frame[1].data;
	raw.size = r.frame[1].size;
	assert_int_equal(picture_decode(&raw, 1, &burnt, &e), 0);
	raw.data = fixture.jpeg;
	raw.size = fixture.jpeg_size;
	assert_int_equal(picture_decode(&raw, 1, &plain, &e), 0);
	int near = 0, far = 0;
	for (size_t i = 0; i < (size_t)640 * 360 * 4; i += 4)
		*(abs(burnt.data[i + 1] - plain.data[i + 1]) > 40 ? &far : &near) += 1;
	assert_true(far > 1000 && near > 150000); /* a panel in a corner, the rest as it was */
	picture_finish(&burnt);
	picture_finish(&plain);
	recorded_free(&r);
	fixture_end(&fixture);
}

/* The camera comes back with pictures of another size: another file. */
static void test_size_changes(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;

	(void)state;
	fixture_begin(&fixture, "z.mkv", (struct recorder_options){0});
	fixture_give_many(&fixture, 10, 1);
	free(fixture.jpeg);
	fixture.jpeg = sample_jpeg(96, 64, JCS_RGB, NULL, 0, &fixture.jpeg_size);
	fixture_give_many(&fixture, 10, 1);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.segments, 2);
	read_back(&fixture, "z-2", &r);
	assert_int_equal(r.frames, 10);
	assert_int_equal(r.width, 96);
	recorded_free(&r);
	fixture_end(&fixture);
}

static void test_keep(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	fixture_begin(&fixture, "k-%i.mkv",
		(struct recorder_options){.segment.bytes = 200000, .keep.bytes = 500000});
	fixture.padding = 5000;
	fixture_give_many(&fixture, 300, 1);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 300);
	assert_true(fixture.report.segments >= 6);
	assert_true(fixture.report.deleted >= fixture.report.segments - 4 &&
		    fixture.report.deleted < fixture.report.segments);
	assert_false(fixture_has(&fixture, "k-0001.mkv"));
	assert_false(fixture_has(&fixture, "k-0001.jsonl"));
	assert_true(access(fixture.report.last, F_OK) == 0);
	fixture_end(&fixture);
}

/* A name is not used again when its file is deleted, so that names are in order. */
static void check_names_kept(const char *name, const char *last)
{
	struct recorder_fixture fixture;

	fixture_begin(&fixture, name, (struct recorder_options){.segment.bytes = 200000, .keep.bytes = 1000});
	fixture.padding = 30000;
	fixture_give_many(&fixture, 18, 1);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.segments, 3);
	assert_int_equal(fixture.report.deleted, 2);
	assert_string_equal(strrchr(fixture.report.last, '/') + 1, last);
	fixture_end(&fixture);
}

static void test_keep_little(void **state)
{
	(void)state;
	check_names_kept("k-%i.mkv", "k-0003.mkv");
	check_names_kept("k.mkv", "k-3.mkv");
}

/* An event comes behind the frames before it, though the last still waits for its label. */
static void test_events_in_order(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;

	(void)state;
	fixture_begin(&fixture, "e.mkv", (struct recorder_options){.lossless = true});
	fixture_give_many(&fixture, 1, 1);
	fixture_await_text(&fixture, "e.jsonl", "\"frame\":0,");
	fixture_give(&fixture, 0, 0);
	recorder_event(fixture.recorder, "pl_alarm", "between");
	usleep(20000); /* here it would come at once */
	fixture_give(&fixture, 0, 0);
	fixture_label(&fixture, 1);
	fixture_join(&fixture);
	assert_true(recorded_read(fixture.folder, "e", fixture.schema, &r));
	assert_int_equal(r.frames, 3);
	assert_in_range(recorded_number(recorded_event(&r, "pl_alarm"), "frame"), 2, 3);
	recorded_free(&r);
	fixture_end(&fixture);
}

static void test_progress(void **state)
{
	struct recorder_fixture fixture;
	struct recorder_progress progress = {0};

	(void)state;
	fixture_begin(&fixture, "p.mkv", (struct recorder_options){0});
	recorder_progress(fixture.recorder, &progress);
	assert_int_equal(progress.frames + progress.bytes, 0);
	assert_false(progress.labelled);
	fixture_give_many(&fixture, 5, 20);
	while (progress.frames < 5) {
		usleep(1000);
		recorder_progress(fixture.recorder, &progress);
	}
	assert_int_equal(progress.frames, 5);
	assert_true(progress.bytes > 5 * fixture.jpeg_size);
	assert_true(progress.labelled);
	assert_int_equal(progress.newest.top[0].index, CAT);
	fixture_end(&fixture);
}

/* A long pre-roll of small frames has places enough, and no more than that. */
static void test_places_for_the_pre_roll(void **state)
{
	struct recorder_fixture fixture;
	int taken = 0;

	(void)state;
	fixture_begin(&fixture, "s.mkv",
		(struct recorder_options){
			.memory = 32000000, .pre_roll = 2 * NS_PER_S, .lossless = true, .never_waits = true});
	for (bool room = true; room; taken += room) {
		fixture_give(&fixture, 0, 0);
		room = fixture.frame->recorded;
	}
	assert_int_equal(taken, 512 + 2 * 120);
	fixture_end(&fixture);
}

static void test_unwritable(void **state)
{
	struct recorder_options options = {.pattern = "/nowhere/at/all/a.mkv"};
	struct error e;

	(void)state;
	assert_int_equal(recorder_check(&options, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nowhere/at/all"));
	options.pattern = "/proc/a.mkv";
	assert_true(recorder_check(&options, &e) < 0);
	options.pattern = "a.avi";
	assert_int_equal(recorder_check(&options, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_frames),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_segments_by_time),
		cmocka_unit_test(test_segments_by_size),
		cmocka_unit_test(test_rotate_and_stop),
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_when_goes_on),
		cmocka_unit_test(test_smoothing_goes_on),
		cmocka_unit_test(test_no_labels),
		cmocka_unit_test(test_other_formats),
		cmocka_unit_test(test_burn_in),
		cmocka_unit_test(test_size_changes),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_keep_little),
		cmocka_unit_test(test_events_in_order),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_places_for_the_pre_roll),
		cmocka_unit_test(test_unwritable),
	};

	log_configure(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
