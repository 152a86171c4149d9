/* SPDX-License-Identifier: MIT */
/* Frames that the recorder cannot take, or cannot keep: what is counted, and what is reported of it. */
#include "base/clock.h"
#include "base/error.h"
#include "image/decode.h"
#include "support/captured_log.h"
#include "support/network_builder.h"
#include "support/recorder_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool short_of_memory; /* a picture cannot be decoded */

int __wrap_picture_decode(
	const struct raw_picture *raw, double scale, struct picture *picture, struct error *e);
int __real_picture_decode(
	const struct raw_picture *raw, double scale, struct picture *picture, struct error *e);

int __wrap_picture_decode(
	const struct raw_picture *raw, double scale, struct picture *picture, struct error *e)
{
	if (short_of_memory)
		return error_set(e, -ENOMEM, "no memory");
	return __real_picture_decode(raw, scale, picture, e);
}

/* Larger than all of memory: not recorded, by the recorder's fault, and the others are. */
static void test_larger_than_memory(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	captured_log_clear();
	fixture_begin(&fixture, "l.mkv", (struct recorder_options){.memory = 2000000});
	fixture.padding = 2100000;
	fixture_give_many(&fixture, 7, 1);
	assert_false(fixture.frame->recorded);
	fixture.padding = 1000;
	fixture_give_many(&fixture, 5, 1);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 5);
	assert_int_equal(fixture.report.dropped[DROPPED_BY_RECORDER], 7);
	assert_int_equal(fixture.report.dropped[DROPPED_BROKEN], 0);
	assert_false(recorder_failed_all(&fixture.report));
	assert_int_equal(captured_log_count("frame 0 takes 2.1 MB, and the memory for frames is 2.0 MB"), 1);
	assert_int_equal(captured_log_count("--memory, such as 17MB"), 1);
	assert_int_equal(captured_log_count(""), 1);
	fixture_end(&fixture);
}

/* Pictures that are none: broken, not without room. */
static void test_damaged(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;

	(void)state;
	captured_log_clear();
	fixture_begin(&fixture, "d.mkv", (struct recorder_options){0});
	fixture_give_many(&fixture, 2, 1);
	fixture.jpeg[0] ^= 1;
	fixture_give_many(&fixture, 5, 1);
	fixture.jpeg[0] ^= 1;
	fixture_give_many(&fixture, 2, 1);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 4);
	assert_int_equal(fixture.report.dropped[DROPPED_BROKEN], 5);
	assert_int_equal(fixture.report.dropped[DROPPED_BY_RECORDER], 0);
	assert_int_equal(captured_log_count("frame 2 ("), 1);
	assert_int_equal(captured_log_count("counted as broken"), 1);
	assert_int_equal(captured_log_count(""), 1);
	assert_true(recorded_read(fixture.folder, "d", fixture.schema, &r));
	for (size_t i = 0; i < r.lines; i++)
		if (json_object_get(r.line[i], "top") && recorded_number(r.line[i], "frame") == 2)
			assert_int_equal(recorded_number(r.line[i], "dropped.broken"), 5);
	recorded_free(&r);
	fixture_end(&fixture);
}

/* Whole pictures that there was no memory for are not broken. */
static void test_no_memory_to_turn(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	captured_log_clear();
	fixture_begin(&fixture, "t.mkv", (struct recorder_options){0});
	fixture.frame->raw.rotation = 90;
	short_of_memory = true;
	fixture_give_many(&fixture, 3, 1);
	short_of_memory = false;
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 0);
	assert_int_equal(fixture.report.dropped[DROPPED_BROKEN], 0);
	assert_int_equal(fixture.report.dropped[DROPPED_BY_RECORDER], 3);
	assert_int_equal(captured_log_count("no memory; such frames are left out, and counted"), 1);
	assert_int_equal(captured_log_count("broken"), 0);
	fixture_end(&fixture);
}

static void check_failed_all(size_t padding, uint8_t damage, bool started, bool expected)
{
	struct recorder_fixture fixture;

	captured_log_clear();
	fixture_begin(&fixture, "a.mkv", (struct recorder_options){.memory = 100000});
	if (!started)
		recorder_end(fixture.recorder);
	fixture.padding = padding;
	fixture.jpeg[0] ^= damage;
	fixture_give_many(&fixture, 10, 1);
	fixture_join(&fixture);
	assert_int_equal(recorder_failed_all(&fixture.report), expected);
	if (!started)
		assert_int_equal(captured_log_count(""), 0);
	fixture_end(&fixture);
}

/* All frames of the recording are lost. Frames outside it do not count as lost. */
static void test_all_lost(void **state)
{
	(void)state;
	check_failed_all(100000, 0, true, true);
	check_failed_all(100, 1, true, true);
	check_failed_all(100, 0, true, false);
	check_failed_all(100000, 0, false, false);
	check_failed_all(100, 1, false, false);
}

/* 12 s without the label, then with it; returns how many frames the file holds. */
static size_t pre_roll_in(size_t memory)
{
	struct network *network = tiny_network(7);
	struct when when;
	struct recorded r;
	struct recorder_fixture fixture;
	struct error e;

	captured_log_clear();
	assert_int_equal(when_parse("label 4>0.6", network, &when, &e), 0);
	fixture_begin(&fixture, "p.mkv",
		(struct recorder_options){
			.when = &when, .when_count = 1, .pre_roll = 8 * NS_PER_S, .memory = memory});
	fixture.padding = 50000;
	fixture_give_many(&fixture, 12 * RATE, 0);
	fixture_give_many(&fixture, 1, 20);
	fixture_join(&fixture);
	assert_true(recorded_read(fixture.folder, "p", fixture.schema, &r));
	size_t frames = r.frames;
	recorded_free(&r);
	fixture_end(&fixture);
	network_destroy(network);
	return frames;
}

/* Memory too small for the pre-roll: reported once, with how much there is; what it asks for is enough. */
static void test_pre_roll_too_long(void **state)
{
	double kept, requested;
	unsigned needed;

	(void)state;
	size_t frames = pre_roll_in(3000000);
	assert_true(frames > RATE && frames < 3 * RATE);
	assert_int_equal(captured_log_count("--pre-roll"), 1);
	assert_int_equal(captured_log_count(""), 1);
	const char *text = strstr(captured_log_first(), "holds");
	assert_int_equal(sscanf(text, "holds %lf s of the %lf s", &kept, &requested), 2);
	assert_true(kept > 1 && kept < 3 && requested == 8);
	text = strstr(captured_log_first(), "about --memory ");
	assert_int_equal(sscanf(text, "about --memory %uMB", &needed), 1);
	assert_true(needed > 8 && needed < 20);
	assert_int_equal(pre_roll_in(needed * (size_t)1000000), 8 * RATE + 1);
	assert_int_equal(captured_log_count(""), 0);
}

/* Where a recording ends, its pre-roll is let go without a word. */
static void test_pre_roll_ends(void **state)
{
	struct network *network = tiny_network(7);
	struct when when;
	struct recorder_fixture fixture;
	struct error e;

	(void)state;
	captured_log_clear();
	assert_int_equal(when_parse("label 4>0.6", network, &when, &e), 0);
	fixture_begin(&fixture, "p.mkv",
		(struct recorder_options){.when = &when, .when_count = 1, .pre_roll = 8 * NS_PER_S});
	fixture_give_many(&fixture, 3 * RATE, 0);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 0);
	assert_int_equal(captured_log_count(""), 0);
	assert_false(recorder_failed_all(&fixture.report));
	fixture_end(&fixture);
	network_destroy(network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_larger_than_memory),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_no_memory_to_turn),
		cmocka_unit_test(test_all_lost),
		cmocka_unit_test(test_pre_roll_too_long),
		cmocka_unit_test(test_pre_roll_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
