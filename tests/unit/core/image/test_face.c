/* SPDX-License-Identifier: MIT */
/* Faces in a photograph (tests/data/faces), at every border, of every size, and where there is none. */
#include "image/face.h"

#include "base/error.h"
#include "image/decode.h"
#include "image/resize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIDTH 320
#define HEIGHT 240

/* What OpenCV finds with this cascade. */
static const struct face expected = {.x = 113, .y = 67, .side = 98};

static struct picture photograph;

static int setup(void **state)
{
	struct error e;

	(void)state;
	return picture_read_file("tests/data/faces/astronaut.jpg", &photograph, &e);
}

static int teardown(void **state)
{
	(void)state;
	picture_finish(&photograph);
	return 0;
}

/* The photograph, all of it, in grey. */
static uint8_t *grey_of(int width, int height)
{
	uint8_t *grey = malloc((size_t)width * (size_t)height);

	assert_non_null(grey);
	resize_to_input(&photograph, grey, width, height, 1);
	return grey;
}

static void assert_face(const struct face *face, int x, int y, int side)
{
	int slack = 4 + side / 8;

	assert_in_range(face->x, x > slack ? x - slack : 0, x + slack);
	assert_in_range(face->y, y > slack ? y - slack : 0, y + slack);
	assert_in_range(face->side, side - slack, side + slack);
	assert_in_range(face->hits, 4, 1000);
}

static void finds_the_face(void **state)
{
	struct face faces[FACES_MAXIMUM], again[FACES_MAXIMUM];
	uint8_t *grey = grey_of(WIDTH, HEIGHT);

	(void)state;
	assert_int_equal(face_find(grey, WIDTH, HEIGHT, faces), 1);
	assert_face(&faces[0], expected.x, expected.y, expected.side);
	free(grey);
	grey = grey_of(WIDTH, HEIGHT);
	assert_int_equal(face_find(grey, WIDTH, HEIGHT, again), 1);
	assert_memory_equal(&faces[0], &again[0], sizeof(faces[0]));
	free(grey);
}

static void mirrored_it_is_found(void **state)
{
	struct face faces[FACES_MAXIMUM];
	uint8_t *grey = grey_of(WIDTH, HEIGHT);

	(void)state;
	for (uint8_t *row = grey; row < grey + WIDTH * HEIGHT; row += WIDTH)
		for (int x = 0; x < WIDTH / 2; x++) {
			uint8_t other = row[x];
			row[x] = row[WIDTH - 1 - x];
			row[WIDTH - 1 - x] = other;
		}
	assert_int_equal(face_find(grey, WIDTH, HEIGHT, faces), 1);
	assert_face(&faces[0], WIDTH - expected.x - expected.side, expected.y, expected.side);
	free(grey);
}

/* Only what is within the picture is searched, up to its last pixel. */
static void found_up_to_every_border(void **state)
{
	uint8_t *all = grey_of(WIDTH, HEIGHT);
	int left = expected.x - 16, top = expected.y - 16, side = expected.side + 32;

	(void)state;
	for (int i = 0; i < 9; i++) {
		int to_x = (i % 3) * (WIDTH - side) / 2, to_y = (i / 3) * (HEIGHT - side) / 2;
		struct face faces[FACES_MAXIMUM];
		uint8_t *grey = malloc(WIDTH * HEIGHT);

		assert_non_null(grey);
		memset(grey, 128, WIDTH * HEIGHT);
		for (int y = 0; y < side; y++)
			memcpy(grey + (to_y + y) * WIDTH + to_x, all + (top + y) * WIDTH + left,
				(size_t)side);
		assert_int_equal(face_find(grey, WIDTH, HEIGHT, faces), 1);
		assert_face(&faces[0], to_x + 16, to_y + 16, expected.side);
		free(grey);
	}
	free(all);
}

static void found_at_other_scales(void **state)
{
	static const int widths[] = {160, 200, 256, 300, 364};

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		int width = widths[i], height = width * HEIGHT / WIDTH;
		struct face faces[FACES_MAXIMUM];
		uint8_t *grey = grey_of(width, height);

		assert_int_equal(face_find(grey, width, height, faces), 1);
		assert_face(&faces[0], expected.x * width / WIDTH, expected.y * width / WIDTH,
			expected.side * width / WIDTH);
		free(grey);
	}
}

/* Two of them, one half as large. The larger one comes first. */
static void finds_several(void **state)
{
	uint8_t *large = grey_of(WIDTH, HEIGHT), *small = grey_of(WIDTH / 2, HEIGHT / 2), *grey;
	struct face faces[FACES_MAXIMUM];
	int width = WIDTH + WIDTH / 2 - 160;

	(void)state;
	grey = malloc((size_t)width * HEIGHT);
	assert_non_null(grey);
	memset(grey, 128, (size_t)width * HEIGHT);
	for (int y = 0; y < HEIGHT; y++) /* the right half with the face begins at 80 */
		memcpy(grey + y * width + 80, large + y * WIDTH + 80, WIDTH - 80);
	for (int y = 0; y < HEIGHT / 2; y++)
		memcpy(grey + y * width, small + y * (WIDTH / 2) + 40, 80);
	assert_int_equal(face_find(grey, width, HEIGHT, faces), 2);
	assert_face(&faces[0], expected.x, expected.y, expected.side);
	assert_face(&faces[1], expected.x / 2 - 40, expected.y / 2, expected.side / 2);
	free(large);
	free(small);
	free(grey);
}

/* Flat, striped and noisy pictures, and the photograph upside down. */
static void finds_none_where_there_is_none(void **state)
{
	struct face faces[FACES_MAXIMUM];
	uint8_t *grey = grey_of(WIDTH, HEIGHT);
	uint32_t noise = 1;

	(void)state;
	for (int i = 0; i < WIDTH * HEIGHT / 2; i++) {
		uint8_t other = grey[i];
		grey[i] = grey[WIDTH * HEIGHT - 1 - i];
		grey[WIDTH * HEIGHT - 1 - i] = other;
	}
	assert_int_equal(face_find(grey, WIDTH, HEIGHT, faces), 0);
	for (int level = 0; level < 256; level += 51) {
		memset(grey, level, WIDTH * HEIGHT);
		assert_int_equal(face_find(grey, WIDTH, HEIGHT, faces), 0);
	}
	for (int i = 0; i < WIDTH * HEIGHT; i++)
		grey[i] = (uint8_t)(i / WIDTH / 16 % 2 * 255);
	assert_int_equal(face_find(grey, WIDTH, HEIGHT, faces), 0);
	for (int i = 0; i < WIDTH * HEIGHT; i++)
		grey[i] = (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
	assert_int_equal(face_find(grey, WIDTH, HEIGHT, faces), 0);
	free(grey);
}

/* Memory of exactly the picture's size: the sanitizers see a byte beyond it. */
static void takes_every_size(void **state)
{
	static const int sizes[][2] = {{1, 1}, {1, 640}, {640, 1}, {23, 23}, {24, 24}, {25, 24}, {24, 640},
		{640, 24}, {47, 49}, {639, 160}, {160, 640}, {319, 320}, {320, 319}, {427, 239}};
	struct face faces[FACES_MAXIMUM];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int width = sizes[i][0], height = sizes[i][1];
		uint8_t *grey = grey_of(width, height);

		assert_in_range(face_find(grey, width, height, faces), 0, FACES_MAXIMUM);
		if (width < 24 || height < 24)
			assert_int_equal(face_find(grey, width, height, faces), 0);
		free(grey);
	}
}

static void search_size_is_within_the_limits(void **state)
{
	static const int sizes[][4] = {{320, 240, 320, 240}, {640, 480, 320, 240}, {1280, 720, 426, 240},
		{480, 640, 240, 320}, {48, 48, 48, 48}, {1, 16384, 1, 640}, {16384, 16384, 240, 240},
		{16384, 4096, 640, 160}, {1, 1, 1, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int width, height;
		face_search_size(sizes[i][0], sizes[i][1], &width, &height);
		assert_in_range(width, sizes[i][2] > 1 ? sizes[i][2] - 1 : 1, sizes[i][2]);
		assert_in_range(height, sizes[i][3] > 1 ? sizes[i][3] - 1 : 1, sizes[i][3]);
		assert_in_range(width * height, 1, FACE_AREA_MAXIMUM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_face),
		cmocka_unit_test(mirrored_it_is_found),
		cmocka_unit_test(found_up_to_every_border),
		cmocka_unit_test(found_at_other_scales),
		cmocka_unit_test(finds_several),
		cmocka_unit_test(finds_none_where_there_is_none),
		cmocka_unit_test(takes_every_size),
		cmocka_unit_test(search_size_is_within_the_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
