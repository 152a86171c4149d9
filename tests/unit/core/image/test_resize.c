/* SPDX-License-Identifier: MIT */
/* The resize to a network's input against plain double loops over the formulas of resize.c. */
#include "image/resize.h"

#include "base/error.h"
#include "image/decode.h"

#include <errno.h>
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

/* The three codes of a pixel, from their places in memory as picture.h tells them. */
static void codes_at(const struct raw_picture *raw, int x, int y, int64_t codes[3])
{
	size_t width = (size_t)raw->width, half = (width + 1) / 2, luma = width * (size_t)raw->height;
	size_t column = (size_t)x, row = (size_t)y, shared = (row / 2) * half + column / 2;
	size_t quarter = half * (((size_t)raw->height + 1) / 2), pair = (row * half + column / 2) * 4;
	const size_t places[][3] = {
		[PIXEL_YUYV] = {pair + column % 2 * 2, pair + 1, pair + 3},
		[PIXEL_UYVY] = {pair + column % 2 * 2 + 1, pair, pair + 2},
		[PIXEL_NV12] = {row * width + column, luma + 2 * shared, luma + 2 * shared + 1},
		[PIXEL_I420] = {row * width + column, luma + shared, luma + quarter + shared},
	};

	for (int c = 0; c < 3; c++)
		codes[c] = raw->data[places[raw->format][c]];
}

static int64_t down(int64_t value, int64_t by)
{
	return value >= 0 ? value / by : -((by - 1 - value) / by);
}

static void slow_yuv_pixel(const struct raw_picture *raw, const struct picture_area *area, int x, int y,
	int W, int H, uint8_t rgb[3])
{
	int64_t sums[3] = {0}, total = 0, mean[3] = {0};

	for (int v = 0; v < area->height; v++) {
		int64_t wy = weight_of(v, y, area->height, H);
		for (int u = 0; u < area->width && wy; u++) {
			int64_t w = wy * weight_of(u, x, area->width, W), codes[3];
			codes_at(raw, area->x + u, area->y + v, codes);
			for (int c = 0; c < 3; c++)
				sums[c] += w * codes[c];
			total += w;
		}
	}
	if (total == 0)
		fail_msg("column %d, row %d weigh nothing", x, y);
	for (int c = 0; c < 3 && total; c++)
		mean[c] = (64 * sums[c] + total / 2) / total;
	int64_t luma = 76309 * (mean[0] - 1024), u = mean[1] - 8192, v = mean[2] - 8192;
	const int64_t values[3] = {luma + 104597 * v, luma - 25675 * u - 53279 * v, luma + 132201 * u};
	for (int c = 0; c < 3; c++) {
		int64_t value = down(values[c] + (1 << 21), 1 << 22);
		rgb[c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
	}
}

static struct raw_picture random_raw(enum pixel_format format, int width, int height)
{
	size_t size = ((size_t)width + 1) * ((size_t)height + 1) * 4;
	struct raw_picture raw = {.format = format, .width = width, .height = height, .size = size};

	raw.data = malloc(size);
	assert_non_null(raw.data);
	for (size_t i = 0; i < size; i++)
		raw.data[i] = (uint8_t)random_next();
	return raw;
}

static int below(int limit)
{
	return (int)(random_next() % (uint32_t)limit);
}

/* Any area of a camera's frame, odd sides and corners among them, to smaller and larger inputs. */
static void yuv_is_averaged_and_then_converted(void **state)
{
	(void)state;
	static const enum pixel_format formats[] = {PIXEL_YUYV, PIXEL_UYVY, PIXEL_NV12, PIXEL_I420};
	uint8_t out[20 * 20 * 3], grey[20 * 20];

	for (int i = 0; i < 200; i++) {
		struct raw_picture raw = random_raw(formats[i % 4], 1 + below(60), 1 + below(60));
		struct picture_area area = {below(raw.width), below(raw.height), 1, 1};
		area.width += below(raw.width - area.x);
		area.height += below(raw.height - area.y);
		int W = 1 + below(20), H = 1 + below(20);
		struct pixels pixels;
		assert_int_equal(raw_picture_pixels(&raw, &pixels, NULL), 0);
		resize_area_to_input(&pixels, &area, out, W, H, 3);
		resize_area_to_input(&pixels, &area, grey, W, H, 1);
		for (int k = 0; k < W * H; k++) {
			uint8_t rgb[3];
			slow_yuv_pixel(&raw, &area, k % W, k / W, W, H, rgb);
			assert_memory_equal(out + (size_t)k * 3, rgb, 3);
			assert_int_equal(grey[k], (77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8);
		}
		raw_picture_finish(&raw);
	}
}

static void fill_extremes(struct raw_picture *raw)
{
	for (size_t i = 0; i < raw->size; i++)
		raw->data[i] = (uint8_t)(random_next() % 2 ? 255 : 0);
}

/* Frames as large as a camera's, in blocks of columns, grey and black and white among them. */
static void vectors_agree_with_the_plain_code(void **state)
{
	(void)state;
	static const enum pixel_format formats[] = {
		PIXEL_YUYV, PIXEL_UYVY, PIXEL_NV12, PIXEL_I420, PIXEL_GREY, PIXEL_BGRX};
	static uint8_t plain[300 * 300 * 3], vectors[sizeof(plain)];

	for (int i = 0; i < 240; i++) {
		bool large = i % 20 < 6;
		struct raw_picture raw = random_raw(
			formats[i % 6], 1 + below(large ? 2000 : 400), 1 + below(large ? 1200 : 300));
		struct picture_area area = {below(raw.width), below(raw.height), 1, 1};
		area.width += below(raw.width - area.x);
		area.height += below(raw.height - area.y);
		int W = 1 + below(300), H = 1 + below(large ? 20 : 300), channels = i % 4 ? 3 : 1;
		size_t size = (size_t)W * (size_t)H * (size_t)channels;
		struct pixels pixels;
		if (i % 5 == 0)
			fill_extremes(&raw);
		assert_int_equal(raw_picture_pixels(&raw, &pixels, NULL), 0);
		resize_area_plainly(&pixels, &area, plain, W, H, channels);
		resize_area_to_input(&pixels, &area, vectors, W, H, channels);
		assert_memory_equal(plain, vectors, size);
		raw_picture_finish(&raw);
	}
}

/* Every pixel gets the same codes. */
static void raw_fill(struct raw_picture *raw, const uint8_t codes[3])
{
	const uint8_t yuyv[] = {codes[0], codes[1], codes[0], codes[2]},
		      uyvy[] = {codes[1], codes[0], codes[2], codes[0]};
	size_t luma = (size_t)raw->width * (size_t)raw->height;

	for (size_t i = 0; i < raw->size; i++)
		switch (raw->format) {
		case PIXEL_YUYV:
			raw->data[i] = yuyv[i % 4];
			break;
		case PIXEL_UYVY:
			raw->data[i] = uyvy[i % 4];
			break;
		case PIXEL_NV12:
			raw->data[i] = i < luma ? codes[0] : codes[1 + i % 2];
			break;
		case PIXEL_I420:
			raw->data[i] = i < luma ? codes[0] : codes[1 + (i >= luma * 5 / 4)];
			break;
		default:
			raw->data[i] = codes[i % 4 % 3];
		}
}

/* What the display shows of one colour is what the network gets, but for rounding. */
static void colours_are_the_displays(void **state)
{
	(void)state;
	static const enum pixel_format formats[] = {
		PIXEL_YUYV, PIXEL_UYVY, PIXEL_NV12, PIXEL_I420, PIXEL_BGRX};
	const struct picture_area area = {3, 2, 9, 9};

	for (int i = 0; i < 500; i++) {
		struct raw_picture raw = random_raw(formats[i % 5], 16, 12);
		struct picture shown = {0};
		uint8_t seen[3];
		struct pixels pixels;
		raw_fill(&raw, (uint8_t[]){(uint8_t)below(256), (uint8_t)below(256), (uint8_t)below(256)});
		assert_int_equal(raw_picture_pixels(&raw, &pixels, NULL), 0);
		resize_area_to_input(&pixels, &area, seen, 1, 1, 3);
		assert_int_equal(picture_decode(&raw, 1, &shown, NULL), 0);
		for (int c = 0; c < 3; c++)
			assert_in_range(seen[c] + 2 - shown.data[2 - c], 0, 4);
		picture_finish(&shown);
		raw_picture_finish(&raw);
	}
}

static void too_few_bytes_are_refused(void **state)
{
	(void)state;
	struct raw_picture raw = random_raw(PIXEL_NV12, 5, 3);
	struct pixels pixels;
	struct error e;

	assert_true(raw_picture_has_pixels(&raw));
	raw.size = 5 * 3 + 2 * 3 * 2;
	assert_int_equal(raw_picture_pixels(&raw, &pixels, &e), 0);
	raw.size--;
	assert_int_equal(raw_picture_pixels(&raw, &pixels, &e), -EBADMSG);
	assert_string_equal(e.text, "the frame holds 26 bytes, and 5×3 pixels need 27");
	raw.width = PICTURE_SIDE_MAXIMUM + 1;
	assert_int_equal(raw_picture_pixels(&raw, &pixels, &e), -EBADMSG);
	raw.rotation = 90;
	assert_false(raw_picture_has_pixels(&raw));
	raw.rotation = 0;
	raw.format = PIXEL_JPEG;
	assert_false(raw_picture_has_pixels(&raw));
	raw_picture_finish(&raw);
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
		cmocka_unit_test(yuv_is_averaged_and_then_converted),
		cmocka_unit_test(vectors_agree_with_the_plain_code),
		cmocka_unit_test(colours_are_the_displays),
		cmocka_unit_test(too_few_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
