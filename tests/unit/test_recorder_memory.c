/* SPDX-License-Identifier: MIT */
/* Frames that the recorder cannot take, or cannot keep: what is counted, and what is reported of it. */
#include "heard.h"
#include "recorder_rig.h"

/* Larger than all of memory: not recorded, by the recorder's fault, and the others are. */
static void test_larger_than_memory(void **state)
{
	struct rig rig;

	(void)state;
	heard_clear();
	rig_begin(&rig, "l.mkv", (struct recorder_options){.memory = 2000000});
	rig.padding = 2100000;
	give_many(&rig, 7, 1);
	assert_false(rig.frame->recorded);
	rig.padding = 1000;
	give_many(&rig, 5, 1);
	rig_finish(&rig);
	assert_int_equal(rig.report.frames, 5);
	assert_int_equal(rig.report.dropped[DROPPED_BY_RECORDER], 7);
	assert_int_equal(rig.report.dropped[DROPPED_BROKEN], 0);
	assert_false(recorder_failed_all(&rig.report));
	assert_int_equal(heard_times("frame 0 takes 2.1 MB, and the memory for frames is 2.0 MB"), 1);
	assert_int_equal(heard_times("--memory, such as 17MB"), 1);
	assert_int_equal(heard_times(""), 1);
	rig_end(&rig);
}

/* Pictures that are none: broken, not without room. */
static void test_damaged(void **state)
{
	struct rig rig;
	struct recorded r;

	(void)state;
	heard_clear();
	rig_begin(&rig, "d.mkv", (struct recorder_options){0});
	give_many(&rig, 2, 1);
	rig.jpeg[0] ^= 1;
	give_many(&rig, 5, 1);
	rig.jpeg[0] ^= 1;
	give_many(&rig, 2, 1);
	rig_finish(&rig);
	assert_int_equal(rig.report.frames, 4);
	assert_int_equal(rig.report.dropped[DROPPED_BROKEN], 5);
	assert_int_equal(rig.report.dropped[DROPPED_BY_RECORDER], 0);
	assert_int_equal(heard_times("frame 2 ("), 1);
	assert_int_equal(heard_times("counted as broken"), 1);
	assert_int_equal(heard_times(""), 1);
	assert_true(recorded_read(rig.folder, "d", rig.schema, &r));
	for (size_t i = 0; i < r.lines; i++)
		if (json_object_get(r.line[i], "top") && recorded_number(r.line[i], "frame") == 2)
			assert_int_equal(recorded_number(r.line[i], "dropped.broken"), 5);
	recorded_free(&r);
	rig_end(&rig);
}

static void check_failed_all(size_t padding, uint8_t damage, bool started, bool expected)
{
	struct rig rig;

	heard_clear();
	rig_begin(&rig, "a.mkv", (struct recorder_options){.memory = 100000});
	if (!started)
		recorder_stop(rig.recorder);
	rig.padding = padding;
	rig.jpeg[0] ^= damage;
	give_many(&rig, 10, 1);
	rig_finish(&rig);
	assert_int_equal(recorder_failed_all(&rig.report), expected);
	if (!started)
		assert_int_equal(heard_times(""), 0);
	rig_end(&rig);
}

/* All that was wanted is lost. What was not wanted is not. */
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
	struct rig rig;
	struct error e;

	heard_clear();
	assert_int_equal(when_parse("label 4>0.6", network, &when, &e), 0);
	rig_begin(&rig, "p.mkv",
		(struct recorder_options){
			.when = &when, .when_count = 1, .pre_roll = 8 * SECOND, .memory = memory});
	rig.padding = 50000;
	give_many(&rig, 12 * RATE, 0);
	give_many(&rig, 1, 20);
	rig_finish(&rig);
	assert_true(recorded_read(rig.folder, "p", rig.schema, &r));
	size_t frames = r.frames;
	recorded_free(&r);
	rig_end(&rig);
	network_free(network);
	return frames;
}

/* Memory too small for the pre-roll: reported once, with how much there is; what it asks for is enough. */
static void test_pre_roll_too_long(void **state)
{
	double kept, wanted;
	unsigned needed;

	(void)state;
	size_t frames = pre_roll_in(3000000);
	assert_true(frames > RATE && frames < 3 * RATE);
	assert_int_equal(heard_times("--pre-roll"), 1);
	assert_int_equal(heard_times(""), 1);
	const char *text = strstr(heard.warnings[0], "holds");
	assert_int_equal(sscanf(text, "holds %lf s of the %lf s", &kept, &wanted), 2);
	assert_true(kept > 1 && kept < 3 && wanted == 8);
	text = strstr(heard.warnings[0], "about --memory ");
	assert_int_equal(sscanf(text, "about --memory %uMB", &needed), 1);
	assert_true(needed > 8 && needed < 20);
	assert_int_equal(pre_roll_in(needed * (size_t)1000000), 8 * RATE + 1);
	assert_int_equal(heard_times(""), 0);
}

/* Where a recording ends, its pre-roll is let go without a word. */
static void test_pre_roll_ends(void **state)
{
	struct network *network = tiny_network(7);
	struct when when;
	struct rig rig;
	struct error e;

	(void)state;
	heard_clear();
	assert_int_equal(when_parse("label 4>0.6", network, &when, &e), 0);
	rig_begin(&rig, "p.mkv",
		(struct recorder_options){.when = &when, .when_count = 1, .pre_roll = 8 * SECOND});
	give_many(&rig, 3 * RATE, 0);
	rig_finish(&rig);
	assert_int_equal(rig.report.frames, 0);
	assert_int_equal(heard_times(""), 0);
	assert_false(recorder_failed_all(&rig.report));
	rig_end(&rig);
	network_free(network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_larger_than_memory),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_all_lost),
		cmocka_unit_test(test_pre_roll_too_long),
		cmocka_unit_test(test_pre_roll_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
