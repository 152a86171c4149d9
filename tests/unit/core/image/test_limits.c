/* SPDX-License-Identifier: MIT */
/* What pictures of strangers may cost. */
#include "image/decode.h"
#include "image/limits.h"

#include "base/clock.h"
#include "base/error.h"
#include "support/sample_jpeg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

/* A side whose square is just over the pixels that are kept. */
enum { SIDE = 5796 };

static int64_t processor_step; /* how much a look at the clock takes, ns */

int64_t __wrap_clock_processor(void);
int64_t __wrap_clock_processor(void)
{
	static int64_t now;

	return now += processor_step;
}

static void refused(const uint8_t *data, size_t size, const char *message)
{
	struct picture picture = {0};
	struct error e = {0};

	assert_int_equal(picture_read(data, size, &picture, &e), -EBADMSG);
	if (!strstr(e.text, message))
		fail_msg("\"%s\" does not contain \"%s\"", e.text, message);
	assert_int_equal(picture.width, 0);
	picture_finish(&picture);
}

struct bytes {
	uint8_t *data;
	size_t size;
};

static void png_put(png_structp png, png_bytep data, size_t size)
{
	struct bytes *out = png_get_io_ptr(png);

	out->data = realloc(out->data, out->size + size);
	assert_non_null(out->data);
	memcpy(out->data + out->size, data, size);
	out->size += size;
}

static void png_flush_nothing(png_structp png)
{
	(void)png;
}

/* Grey, `bits` a pixel, row y of the value y · 7. */
static struct bytes png_make(int width, int height, int bits, bool interlaced)
{
	struct bytes out = {0};
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	uint8_t *row = malloc((size_t)width);

	assert_non_null(row);
	png_set_write_fn(png, &out, png_put, png_flush_nothing);
	png_set_user_limits(png, INT32_MAX, INT32_MAX);
	png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, bits, PNG_COLOR_TYPE_GRAY,
		interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		PNG_FILTER_TYPE_DEFAULT);
	png_set_compression_level(png, bits == 1 ? 9 : 1);
	png_set_filter(png, 0, PNG_FILTER_NONE);
	png_write_info(png, info);
	int passes = png_set_interlace_handling(png);
	while (passes-- > 0) {
		for (int y = 0; y < height; y++) {
			memset(row, bits == 8 ? (y * 7) & 255 : 0, (size_t)width);
			png_write_row(png, row);
		}
	}
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
	free(row);
	return out;
}

/* Squares of 2 × 2 pixels become one; the last ones may be cut. */
static void large_png_is_reduced(void **state)
{
	(void)state;
	struct bytes png = png_make(SIDE - 1, SIDE + 1, 8, false);
	struct picture p = {0};

	assert_int_equal(picture_read(png.data, png.size, &p, NULL), 0);
	assert_int_equal(p.width, SIDE / 2);
	assert_int_equal(p.height, SIDE / 2 + 1);
	assert_true((size_t)p.width * (size_t)p.height <= PICTURE_PIXELS_MAXIMUM);
	for (int y = 0; y < p.height; y++) {
		int first = (y * 14) & 255;
		int second = y == p.height - 1 ? first : (y * 14 + 7) & 255;
		const uint8_t *row = p.data + (size_t)y * (size_t)p.width * 4;
		assert_int_equal(row[0], (first + second + 1) / 2);
		assert_memory_equal(row, row + ((size_t)p.width - 1) * 4, 4);
		assert_int_equal(row[3], 255);
	}
	picture_finish(&p);
	free(png.data);
	png = png_make(SIDE, SIDE, 8, true);
	refused(png.data, png.size, "5796×5796 pixels; of this kind at most 33 million");
	free(png.data);
}

static void large_jpeg_is_reduced(void **state)
{
	(void)state;
	struct picture p = {0};
	size_t size;
	uint8_t *jpeg = sample_jpeg(SIDE, SIDE, JCS_GRAYSCALE, NULL, 0, &size);

	assert_int_equal(picture_read(jpeg, size, &p, NULL), 0);
	assert_int_equal(p.width, SIDE / 2);
	assert_int_equal(p.height, SIDE / 2);
	picture_finish(&p);
	free(jpeg);
}

/* An empty page in black and white has 8,000 pixels for a byte. */
static void more_pixels_than_bytes_can_have(void **state)
{
	(void)state;
	struct bytes png = png_make(8192, 4096, 1, false);

	refused(png.data, png.size, "it claims 8192×4096 pixels in ");
	free(png.data);
	png = png_make(4096, 4096, 1, false); /* small enough to do no harm */
	struct picture p = {0};
	assert_int_equal(picture_read(png.data, png.size, &p, NULL), 0);
	picture_finish(&p);
	free(png.data);
}

static void put(struct bytes *out, const void *data, size_t size)
{
	memcpy(out->data + out->size, data, size);
	out->size += size;
}

#define PUT(out, text) put(out, text, sizeof(text) - 1)

/* A progressive grey JPEG: its DC coefficients, zeros in all blocks, are the first scan. */
static struct bytes progressive_begin(int side, size_t room)
{
	struct bytes out = {calloc(1, room), 0};
	uint8_t frame[] = {0xff, 0xc2, 0, 11, 8, (uint8_t)(side >> 8), (uint8_t)side, (uint8_t)(side >> 8),
		(uint8_t)side, 1, 1, 0x11, 0};
	uint8_t ones[64];

	assert_non_null(out.data);
	memset(ones, 1, sizeof(ones));
	PUT(&out, "\xff\xd8\xff\xdb\0\x43\0");
	put(&out, ones, sizeof(ones));
	put(&out, frame, sizeof(frame));
	PUT(&out, "\xff\xc4\0\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	PUT(&out, "\xff\xc4\0\x14\x10\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x60"); /* a run of 64 empty blocks */
	PUT(&out, "\xff\xda\0\10\1\1\0\0\0\0");
	return out;
}

static struct bytes progressive_make(int scans)
{
	struct bytes out = progressive_begin(64, 100000);

	PUT(&out, "\0\0\0\0\0\0\0\0");
	for (int i = 1; i < scans; i++)
		PUT(&out, "\xff\xda\0\10\1\1\0\1\x3f\0\1");
	PUT(&out, "\xff\xd9");
	return out;
}

static void scans_are_counted(void **state)
{
	(void)state;
	struct picture p = {0};
	struct error e = {0};
	struct bytes jpeg = progressive_make(JPEG_SCANS_MAXIMUM);

	if (picture_read(jpeg.data, jpeg.size, &p, &e))
		fail_msg("%s", e.text);
	assert_int_equal(p.width, 64);
	free(jpeg.data);
	jpeg = progressive_make(JPEG_SCANS_MAXIMUM + 1);
	refused(jpeg.data, jpeg.size, "more than 100 scans");
	free(jpeg.data);
	picture_finish(&p);
}

static void progressive_memory_is_bounded(void **state)
{
	(void)state;
	struct bytes jpeg = progressive_begin(PICTURE_SIDE_MAXIMUM, 300000);

	jpeg.size += 200000;
	refused(jpeg.data, jpeg.size,
		"it is 16384×16384 pixels, which as a progressive JPEG take more than 256 MiB");
	free(jpeg.data);
}

static void time_is_bounded(void **state)
{
	(void)state;
	struct bytes png = png_make(8, 200, 8, false);
	size_t size;
	uint8_t *jpeg = sample_jpeg(8, 2000, JCS_RGB, NULL, 0, &size);
	struct picture p = {0};

	assert_int_equal(picture_read(png.data, png.size, &p, NULL), 0);
	assert_int_equal(picture_read(jpeg, size, &p, NULL), 0);
	processor_step = (PICTURE_SECONDS_MAXIMUM + 1) * NS_PER_S;
	refused(png.data, png.size, "takes too long");
	refused(jpeg, size, "takes too long");
	processor_step = 0;
	picture_finish(&p);
	free(png.data);
	free(jpeg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_png_is_reduced),
		cmocka_unit_test(large_jpeg_is_reduced),
		cmocka_unit_test(more_pixels_than_bytes_can_have),
		cmocka_unit_test(scans_are_counted),
		cmocka_unit_test(progressive_memory_is_bounded),
		cmocka_unit_test(time_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
