/* SPDX-License-Identifier: MIT */
#include "image/face_track.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define WIDTH 320
#define HEIGHT 240

struct track_fixture {
	struct face_track track;
	int64_t time;
	struct face seen;
};

/* The next picture, 40 ms later. */
static bool follow(struct track_fixture *f, const struct face *faces, int count)
{
	f->time += 40 * MS;
	return face_track_follow(&f->track, faces, count, WIDTH, HEIGHT, f->time, &f->seen);
}

static void the_largest_and_most_central_is_chosen(void **state)
{
	static const struct face faces[] = {{0, 0, 60, 9}, {130, 90, 60, 5}, {250, 90, 66, 5}};
	struct face chosen;

	(void)state;
	assert_false(face_choose(faces, 0, WIDTH, HEIGHT, &chosen));
	assert_true(face_choose(faces, 3, WIDTH, HEIGHT, &chosen));
	assert_memory_equal(&chosen, &faces[1], sizeof(chosen));
}

/* A face that is found a little elsewhere each time, and in every other picture only. */
static void its_place_is_steady(void **state)
{
	struct track_fixture f = {0};
	struct face before = {0};

	(void)state;
	for (int i = 0; i < 40; i++) {
		const struct face face = {100 + i % 4, 80 - i % 4, 80 + 4 * (i % 4 > 1), 5};
		assert_true(follow(&f, &face, i % 2 == 0));
		if (i > 10) {
			assert_in_range(abs(f.seen.x - before.x), 0, 1);
			assert_in_range(abs(f.seen.side - before.side), 0, 2);
		}
		assert_int_equal(f.seen.hits, i % 2 ? 0 : 5);
		before = f.seen;
	}
	assert_in_range(f.seen.x, 99, 103);
	assert_in_range(f.seen.side, 80, 84);
}

static void it_follows(void **state)
{
	struct track_fixture f = {0};

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_true(follow(&f, &(struct face){100 + 5 * i, 80, 80, 5}, 1));
	assert_in_range(f.seen.x, 100 + 5 * 13, 100 + 5 * 19);
	for (int i = 0; i < 20; i++)
		assert_true(follow(&f, &(struct face){195, 80, 80, 5}, 1));
	assert_in_range(f.seen.x, 194, 195);
}

static void it_is_lost_after_a_moment(void **state)
{
	struct track_fixture f = {0};
	const struct face face = {100, 80, 80, 5};

	(void)state;
	assert_false(follow(&f, &face, 0));
	assert_true(follow(&f, &face, 1));
	for (int64_t since = 40 * MS; since <= FACE_LOST; since += 40 * MS)
		assert_true(follow(&f, &face, 0));
	assert_false(follow(&f, &face, 0));
	assert_false(follow(&f, &face, 0));
	assert_true(follow(&f, &(struct face){20, 30, 60, 5}, 1)); /* at once, there */
	assert_int_equal(f.seen.x, 20);
	assert_int_equal(f.seen.side, 60);
}

/* A second one, somewhat larger, changes nothing; one that comes close is looked at. */
static void it_stays_with_its_face(void **state)
{
	struct track_fixture f = {0};
	struct face faces[] = {{200, 80, 88, 5}, {60, 80, 80, 5}};

	(void)state;
	assert_true(follow(&f, &faces[1], 1));
	for (int i = 0; i < 10; i++)
		assert_true(follow(&f, faces, 2));
	assert_in_range(f.seen.x, 59, 61);
	faces[0] = (struct face){120, 60, 160, 5};
	assert_true(follow(&f, faces, 2));
	assert_int_equal(f.seen.x, 120);
}

/* The picture is decoded at another scale from now on. */
static void scales_may_change(void **state)
{
	struct track_fixture f = {0};
	const struct face small = {100, 80, 80, 5}, large = {200, 160, 160, 5};

	(void)state;
	assert_true(follow(&f, &small, 1));
	f.time += 40 * MS;
	assert_true(face_track_follow(&f.track, &large, 1, 2 * WIDTH, 2 * HEIGHT, f.time, &f.seen));
	assert_memory_equal(&f.seen, &large, sizeof(large));
}

/* Times that stand still or go back do no harm. */
static void time_may_stand_still(void **state)
{
	struct track_fixture f = {0};
	const struct face face = {100, 80, 80, 5};

	(void)state;
	assert_true(follow(&f, &face, 1));
	assert_true(face_track_follow(&f.track, &face, 1, WIDTH, HEIGHT, f.time, &f.seen));
	assert_true(face_track_follow(&f.track, &face, 1, WIDTH, HEIGHT, f.time - 100 * MS, &f.seen));
	assert_int_equal(f.seen.x, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_and_most_central_is_chosen),
		cmocka_unit_test(its_place_is_steady),
		cmocka_unit_test(it_follows),
		cmocka_unit_test(it_is_lost_after_a_moment),
		cmocka_unit_test(it_stays_with_its_face),
		cmocka_unit_test(scales_may_change),
		cmocka_unit_test(time_may_stand_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
