/* SPDX-License-Identifier: MIT */
#include "image/view.h"

#include "base/error.h"
#include "image/decode.h"
#include "image/resize.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIDE 28

static const struct view ink = {.kind = VIEW_INK, .size = 0.6, .fill = 20.0 / 28};
static const struct view face = {.kind = VIEW_FACE, .fill = 0.975};

static struct picture paper(int width, int height, uint8_t grey)
{
	struct picture p = {0};

	assert_int_equal(picture_resize(&p, width, height), 0);
	memset(p.data, grey, (size_t)width * (size_t)height * 4);
	return p;
}

static void bar(struct picture *p, int x0, int y0, int width, int height, uint8_t grey)
{
	for (int y = y0; y < y0 + height; y++)
		memset(p->data + 4 * ((size_t)y * (size_t)p->width + (size_t)x0), grey, 4 * (size_t)width);
}

/* An L: its centre of mass is not the middle of its rectangle. */
static struct picture letter(uint8_t stroke, uint8_t ground)
{
	struct picture p = paper(640, 480, ground);

	bar(&p, 270, 180, 20, 140, stroke);
	bar(&p, 270, 300, 80, 20, stroke);
	return p;
}

static void look(
	const struct view *view, enum view_origin origin, const struct picture *p, uint8_t *out, int bits)
{
	struct picture_area area;

	assert_true(view_look(view, origin, p, NULL, 0, SIDE, SIDE, &area));
	view_input(view, origin, p, &area, out, SIDE, SIDE, 1, bits);
}

static void plain_is_the_middle(void **state)
{
	(void)state;
	struct view plain = {0};
	struct picture p = letter(0, 255);
	uint8_t seen[SIDE * SIDE * 3], wanted[SIDE * SIDE * 3];

	resize_to_input(&p, wanted, SIDE, SIDE, 3);
	for (int origin = VIEW_FROM_CAMERA; origin <= VIEW_FROM_DATASET; origin++) {
		struct picture_area area;
		assert_true(view_look(&plain, (enum view_origin)origin, &p, NULL, 0, SIDE, SIDE, &area));
		view_input(&plain, (enum view_origin)origin, &p, &area, seen, SIDE, SIDE, 3, 8);
		assert_memory_equal(seen, wanted, sizeof(seen));
	}
	picture_finish(&p);
}

/* Half the middle square of 480: a white square of that size fills the input, and only the camera's. */
static void box_is_cut_out(void **state)
{
	(void)state;
	struct view box = {.kind = VIEW_BOX, .size = 0.5};
	struct picture p = paper(640, 480, 0);
	uint8_t seen[SIDE * SIDE];

	bar(&p, 200, 120, 240, 240, 255);
	look(&box, VIEW_FROM_CAMERA, &p, seen, 8);
	for (int i = 0; i < SIDE * SIDE; i++)
		assert_int_equal(seen[i], 255);
	look(&box, VIEW_FROM_FILE, &p, seen, 8);
	assert_int_equal(seen[0], 0);
	assert_int_equal(seen[SIDE * SIDE / 2 + SIDE / 2], 255);
	double width, height;
	view_box(&box, 640, 480, SIDE, SIDE, &width, &height);
	assert_true(fabs(width - 240) < 1e-9 && fabs(height - 240) < 1e-9);
	picture_finish(&p);
}

static void inversion_is_the_cameras(void **state)
{
	(void)state;
	struct view inverted = {.inverted = true};
	struct picture p = paper(40, 40, 30);
	uint8_t seen[SIDE * SIDE];

	look(&inverted, VIEW_FROM_CAMERA, &p, seen, 8);
	assert_int_equal(seen[5], 225);
	look(&inverted, VIEW_FROM_DATASET, &p, seen, 8);
	assert_int_equal(seen[5], 30);
	picture_finish(&p);
}

static void range_and_bits(void **state)
{
	(void)state;
	static const struct {
		int pixel, low, high, bits, code;
	} cases[] = {{127, 0, 0, 1, 0}, {128, 0, 0, 1, 1}, {255, 0, 0, 4, 15}, {8, 0, 0, 4, 0},
		{9, 0, 0, 4, 1}, {16, 16, 235, 8, 0}, {235, 16, 235, 8, 255}, {3, 16, 235, 8, 0},
		{250, 16, 235, 8, 255}, {126, 16, 235, 8, 128}, {100, 0, 200, 2, 2}};
	uint8_t seen[SIDE * SIDE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct view view = {.low = cases[i].low, .high = cases[i].high};
		struct picture p = paper(30, 30, (uint8_t)cases[i].pixel);
		look(&view, VIEW_FROM_DATASET, &p, seen, cases[i].bits);
		assert_int_equal(seen[0], cases[i].code);
		picture_finish(&p);
	}
}

static void check_letter(const uint8_t *seen)
{
	int left = SIDE, right = -1, top = SIDE, bottom = -1;
	double mass = 0, x_sum = 0, y_sum = 0;

	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			int value = seen[y * SIDE + x];
			mass += value;
			x_sum += value * (x + 0.5);
			y_sum += value * (y + 0.5);
			if (value < 100)
				continue;
			left = x < left ? x : left;
			right = x > right ? x : right;
			top = y < top ? y : top;
			bottom = y > bottom ? y : bottom;
		}
	assert_in_range(bottom - top + 1, 19, 21);
	assert_in_range(right - left + 1, 10, 13); /* 80 : 140 */
	assert_true(fabs(x_sum / mass - SIDE / 2.0) < 0.5);
	assert_true(fabs(y_sum / mass - SIDE / 2.0) < 0.5);
	assert_int_equal(seen[0], 0);
	assert_true(
		seen[(bottom - 1) * SIDE + left + 1] > 180); /* the corner of the L is below, at the left */
	assert_true(seen[top * SIDE + right] < 50);
}

/* Dark on light or light on dark, it becomes light on black, of a fixed size, its weight in the middle. */
static void ink_is_found(void **state)
{
	(void)state;
	static const uint8_t grounds[][2] = {{20, 230}, {230, 20}, {90, 150}};
	uint8_t seen[SIDE * SIDE];

	for (int i = 0; i < 3; i++) {
		struct picture p = letter(grounds[i][0], grounds[i][1]);
		look(&ink, VIEW_FROM_CAMERA, &p, seen, 8);
		check_letter(seen);
		look(&ink, VIEW_FROM_FILE, &p, seen, 8);
		check_letter(seen);
		picture_finish(&p);
	}
}

static void no_ink_is_black(void **state)
{
	(void)state;
	struct picture p = letter(200, 230); /* too faint */
	uint8_t seen[SIDE * SIDE], black[SIDE * SIDE] = {0};

	look(&ink, VIEW_FROM_CAMERA, &p, seen, 8);
	assert_memory_equal(seen, black, sizeof(seen));
	picture_finish(&p);
	p = paper(1, 1, 77);
	look(&ink, VIEW_FROM_CAMERA, &p, seen, 8);
	assert_memory_equal(seen, black, sizeof(seen));
	picture_finish(&p);
}

/* What lies outside the box is not looked at. */
static void ink_outside_the_box_is_not_seen(void **state)
{
	(void)state;
	struct picture p = letter(20, 230);
	uint8_t seen[SIDE * SIDE];

	bar(&p, 10, 10, 100, 460, 0);
	bar(&p, 530, 10, 100, 460, 0);
	look(&ink, VIEW_FROM_CAMERA, &p, seen, 8);
	check_letter(seen);
	picture_finish(&p);
}

static void data_sets_are_as_they_are(void **state)
{
	(void)state;
	struct picture p = paper(SIDE, SIDE, 0);
	uint8_t seen[SIDE * SIDE];

	bar(&p, 3, 4, 5, 6, 210);
	look(&ink, VIEW_FROM_DATASET, &p, seen, 8);
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			assert_int_equal(seen[y * SIDE + x], x >= 3 && x < 8 && y >= 4 && y < 10 ? 210 : 0);
	picture_finish(&p);
}

static void scale_leaves_enough_to_see(void **state)
{
	(void)state;
	struct view plain = {0}, box = {.kind = VIEW_BOX, .size = 0.5};

	assert_true(fabs(view_scale(&plain, 640, 480, 48, 48) - 0.1) < 1e-9);
	assert_true(fabs(view_scale(&box, 640, 480, 48, 48) - 0.2) < 1e-9);
	assert_true(fabs(view_scale(&ink, 640, 480, SIDE, SIDE) - 112 / 288.0) < 1e-9);
	assert_true(fabs(view_scale(&plain, 32, 24, 48, 48) - 1) < 1e-9);
	assert_true(fabs(view_scale(&face, 640, 480, 48, 48) - 0.5) < 1e-9);
	assert_true(fabs(view_scale(&face, 640, 480, 180, 180) - 0.75) < 1e-9);
}

static struct picture photograph(void)
{
	struct picture p = {0};
	struct error e;

	assert_int_equal(picture_read_file("tests/data/faces/astronaut.jpg", &p, &e), 0);
	return p;
}

static bool near(int value, int wanted)
{
	return abs(value - wanted) <= 8;
}

/* The face that is found, with the margin that `fill` leaves, whatever the origin. */
static void face_is_cut_out(void **state)
{
	struct picture p = photograph();
	struct picture_area area, wide;
	uint8_t seen[SIDE * SIDE], wanted[SIDE * SIDE];
	struct view half = {.kind = VIEW_FACE, .fill = 0.5};

	(void)state;
	for (int origin = VIEW_FROM_CAMERA; origin <= VIEW_FROM_DATASET; origin++) {
		assert_true(view_look(&face, (enum view_origin)origin, &p, NULL, 0, SIDE, SIDE, &area));
		assert_true(near(area.x, 113) && near(area.y, 66) && near(area.width, 100));
		assert_int_equal(area.height, area.width);
	}
	view_input(&face, VIEW_FROM_CAMERA, &p, &area, seen, SIDE, SIDE, 1, 8);
	struct pixels all = picture_pixels(&p);
	resize_area_to_input(&all, &area, wanted, SIDE, SIDE, 1);
	assert_memory_equal(seen, wanted, sizeof(seen));
	assert_true(view_look(&half, VIEW_FROM_FILE, &p, NULL, 0, 2 * SIDE, SIDE, &wide));
	assert_true(near(wide.width, 320) && near(wide.height, 160)); /* as wide as the picture, at most */
	assert_true(wide.x >= 0 && wide.x + wide.width <= p.width);
	assert_true(wide.y >= 0 && wide.y + wide.height <= p.height);
	picture_finish(&p);
}

static void without_a_face_nothing_is_seen(void **state)
{
	struct picture p = letter(0, 255);
	struct pixels pixels = picture_pixels(&p);
	struct picture_area area, middle = resize_middle(&pixels, 1, SIDE, SIDE);

	(void)state;
	assert_false(view_look(&face, VIEW_FROM_CAMERA, &p, NULL, 0, SIDE, SIDE, &area));
	assert_memory_equal(&area, &middle, sizeof(area));
	picture_finish(&p);
}

/* As a picture of FER2013: it is a face already. */
static void the_inputs_size_is_a_face(void **state)
{
	struct picture p = paper(SIDE, SIDE, 99);
	struct picture_area area;
	uint8_t seen[SIDE * SIDE];

	(void)state;
	assert_true(view_look(&face, VIEW_FROM_DATASET, &p, NULL, 0, SIDE, SIDE, &area));
	view_input(&face, VIEW_FROM_DATASET, &p, &area, seen, SIDE, SIDE, 1, 8);
	for (int i = 0; i < SIDE * SIDE; i++)
		assert_int_equal(seen[i], 99);
	picture_finish(&p);
}

static void pictures_of_any_size_are_looked_at(void **state)
{
	static const int sizes[][2] = {{1, 1}, {3, 2000}, {2000, 3}, {27, 28}, {999, 50}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct picture p = paper(sizes[i][0], sizes[i][1], 10);
		struct picture_area area;
		assert_false(view_look(&face, VIEW_FROM_CAMERA, &p, NULL, 0, SIDE, SIDE, &area));
		assert_true(area.width > 0 && area.height > 0);
		picture_finish(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_is_the_middle),
		cmocka_unit_test(box_is_cut_out),
		cmocka_unit_test(inversion_is_the_cameras),
		cmocka_unit_test(range_and_bits),
		cmocka_unit_test(ink_is_found),
		cmocka_unit_test(no_ink_is_black),
		cmocka_unit_test(ink_outside_the_box_is_not_seen),
		cmocka_unit_test(data_sets_are_as_they_are),
		cmocka_unit_test(scale_leaves_enough_to_see),
		cmocka_unit_test(face_is_cut_out),
		cmocka_unit_test(without_a_face_nothing_is_seen),
		cmocka_unit_test(the_inputs_size_is_a_face),
		cmocka_unit_test(pictures_of_any_size_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
