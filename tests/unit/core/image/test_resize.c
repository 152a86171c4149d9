/* SPDX-License-Identifier: MIT */
/* The resize to a network's input against a plain double loop over the formulas of resize.c. */
#include "image/resize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t seed = 1;

static uint32_t random_next(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static struct picture random_picture(int width, int height)
{
	struct picture picture = {0};

	assert_int_equal(picture_resize(&picture, width, height), 0);
	for (size_t i = 0; i < (size_t)width * (size_t)height * 4; i++)
		picture.data[i] = (uint8_t)random_next();
	return picture;
}

/* The weight of crop pixel s for output pixel i, n pixels to N: the specification, word for word. */
static int64_t weight_of(int64_t s, int64_t i, int64_t n, int64_t N)
{
	if (n >= N) {
		int64_t a = 256 * i * n / N;
		int64_t b = 256 * (i + 1) * n / N;
		int64_t low = a > 256 * s ? a : 256 * s;
		int64_t high = b < 256 * s + 256 ? b : 256 * s + 256;
		return high > low ? high - low : 0;
	}
	int64_t c = 128 * (2 * i + 1) * n / N - 128;
	c = c < 0 ? 0 : c;
	c = c > 256 * (n - 1) ? 256 * (n - 1) : c;
	if (s == c / 256)
		return 256 - c % 256;
	return s == c / 256 + 1 ? c % 256 : 0;
}

static void slow_pixel(const struct picture *p, int x, int y, int W, int H, uint8_t rgb[3])
{
	int64_t columns = p->width;
	int64_t rows = p->height;
	int64_t sum[3] = {0};
	int64_t total = 0;

	if (columns * H > rows * W)
		columns = (rows * W + H / 2) / H;
	else
		rows = (columns * H + W / 2) / W;
	columns = columns < 1 ? 1 : columns;
	rows = rows < 1 ? 1 : rows;
	int64_t left = (p->width - columns) / 2;
	int64_t top = (p->height - rows) / 2;
	for (int64_t v = 0; v < rows; v++) {
		int64_t wy = weight_of(v, y, rows, H);
		for (int64_t u = 0; u < columns && wy; u++) {
			int64_t w = wy * weight_of(u, x, columns, W);
			const uint8_t *pixel = p->data + ((top + v) * p->width + left + u) * 4;
			for (int c = 0; c < 3; c++)
				sum[c] += w * pixel[2 - c];
			total += w;
		}
	}
	for (int c = 0; c < 3 && total > 0; c++)
		rgb[c] = (uint8_t)((sum[c] + total / 2) / total);
}

static void compare(const struct picture *p, int W, int H)
{
	uint8_t *colour = malloc((size_t)W * (size_t)H * 3);
	uint8_t *grey = malloc((size_t)W * (size_t)H);

	assert_true(colour && grey);
	resize_to_input(p, colour, W, H, 3);
	resize_to_input(p, grey, W, H, 1);
	for (int i = 0; i < W * H; i++) {
		uint8_t rgb[3] = {0};
		slow_pixel(p, i % W, i / W, W, H, rgb);
		assert_memory_equal(colour + (size_t)i * 3, rgb, 3);
		assert_int_equal(grey[i], (77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8);
	}
	free(colour);
	free(grey);
}

static void identity(void **state)
{
	(void)state;
	uint8_t out[48 * 32 * 3];
	struct picture p = random_picture(48, 32);

	resize_to_input(&p, out, 48, 32, 3);
	for (size_t i = 0; i < 48 * 32; i++)
		for (size_t c = 0; c < 3; c++)
			assert_int_equal(out[i * 3 + c], p.data[i * 4 + 2 - c]);
	picture_finish(&p);
}

static void constant_stays(void **state)
{
	(void)state;
	static const int sizes[][2] = {{1, 1}, {3, 500}, {640, 481}, {63, 65}, {1300, 700}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct picture p = {0};
		uint8_t out[31 * 17 * 3];
		assert_int_equal(picture_resize(&p, sizes[i][0], sizes[i][1]), 0);
		for (int k = 0; k < p.width * p.height; k++)
			memcpy(p.data + (size_t)k * 4, (uint8_t[]){255, 128, 7, 99}, 4);
		resize_to_input(&p, out, 31, 17, 3);
		for (size_t k = 0; k < sizeof(out); k += 3)
			assert_memory_equal(out + k, ((uint8_t[]){7, 128, 255}), 3);
		picture_finish(&p);
	}
}

static void random_sizes(void **state)
{
	(void)state;

	for (int i = 0; i < 150; i++) {
		struct picture p =
			random_picture(1 + (int)(random_next() % 70), 1 + (int)(random_next() % 70));
		compare(&p, 1 + (int)(random_next() % 40), 1 + (int)(random_next() % 40));
		picture_finish(&p);
	}
}

/* Sums and totals over 32 bits, black and white among them. */
static void large_to_few(void **state)
{
	(void)state;
	struct picture p = random_picture(1500, 1200);

	compare(&p, 2, 2);
	compare(&p, 1, 1);
	memset(p.data, 255, (size_t)p.width * (size_t)p.height * 4);
	compare(&p, 1, 1);
	memset(p.data, 0, (size_t)p.width * (size_t)p.height * 4);
	compare(&p, 1, 1);
	picture_finish(&p);
}

static void extreme_shapes(void **state)
{
	(void)state;
	struct picture wide = random_picture(PICTURE_SIDE_MAXIMUM, 1);
	struct picture high = random_picture(1, PICTURE_SIDE_MAXIMUM);

	compare(&wide, 3, 3);
	compare(&high, 3, 3);
	compare(&wide, 64, 1);
	compare(&wide, 500, 1);
	picture_finish(&wide);
	picture_finish(&high);
}

/* Only the centre square counts: red outside it is never seen. */
static void crop_is_centred(void **state)
{
	(void)state;
	struct picture p = {0};
	uint8_t out[8 * 8 * 3];

	assert_int_equal(picture_resize(&p, 80, 40), 0);
	for (int i = 0; i < 80 * 40; i++) {
		bool inside = i % 80 >= 20 && i % 80 < 60;
		memcpy(p.data + (size_t)i * 4, inside ? (uint8_t[]){255, 0, 0, 0} : (uint8_t[]){0, 0, 255, 0},
			4);
	}
	resize_to_input(&p, out, 8, 8, 3);
	for (size_t i = 0; i < sizeof(out); i += 3)
		assert_memory_equal(out + i, ((uint8_t[]){0, 0, 255}), 3);
	picture_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity),
		cmocka_unit_test(constant_stays),
		cmocka_unit_test(random_sizes),
		cmocka_unit_test(large_to_few),
		cmocka_unit_test(extreme_shapes),
		cmocka_unit_test(crop_is_centred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
