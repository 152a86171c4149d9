/* SPDX-License-Identifier: MIT */
/* Pictures: decoding against the libraries themselves, broken files, conversions. */
#include "image/decode.h"
#include "image/formats.h"
#include "image/picture.h"
#include "image/picture_write.h"

#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <png.h>

#include "support/sample_jpeg.h"

static char folder[] = "/tmp/twobit-picture-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *file_write(const char *name, const void *data, size_t size)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void assert_refused(const char *path, int code, const char *word)
{
	struct picture p = {0};
	struct error e = {0};

	assert_int_equal(picture_read_file(path, &p, &e), code);
	assert_int_equal(e.code, code);
	assert_non_null(strstr(e.text, path));
	if (!strstr(e.text, word))
		fail_msg("\"%s\" does not contain \"%s\"", e.text, word);
	assert_int_equal(p.width, 0);
	assert_int_equal(p.height, 0);
	picture_finish(&p);
}

/* libjpeg's default way, which PIL and the training use: to RGB. */
static void libjpeg_decode(const uint8_t *data, size_t size, uint8_t *rgb)
{
	struct jpeg_decompress_struct d;
	struct jpeg_error_mgr manager;

	d.err = jpeg_std_error(&manager);
	jpeg_create_decompress(&d);
	jpeg_mem_src(&d, data, size);
	jpeg_read_header(&d, TRUE);
	d.out_color_space = JCS_RGB;
	jpeg_start_decompress(&d);
	while (d.output_scanline < d.output_height) {
		uint8_t *row = rgb + (size_t)d.output_scanline * d.output_width * 3;
		jpeg_read_scanlines(&d, &row, 1);
	}
	jpeg_finish_decompress(&d);
	jpeg_destroy_decompress(&d);
}

static void jpeg_equals_libjpeg(void **state)
{
	(void)state;
	static const int sizes[][2] = {{64, 64}, {61, 33}, {1, 1}, {200, 7}};
	static const J_COLOR_SPACE kinds[] = {JCS_RGB, JCS_GRAYSCALE};
	struct picture p = {0};

	for (size_t i = 0; i < 8; i++) {
		int width = sizes[i % 4][0];
		int height = sizes[i % 4][1];
		struct raw_picture raw = {.format = PIXEL_JPEG};
		raw.data = sample_jpeg(width, height, kinds[i / 4], NULL, 0, &raw.size);
		uint8_t *rgb = calloc((size_t)width * (size_t)height, 3);
		libjpeg_decode(raw.data, raw.size, rgb);
		assert_int_equal(picture_decode(&raw, 1, &p, NULL), 0);
		assert_int_equal(p.width, width);
		assert_int_equal(p.height, height);
		for (int k = 0; k < width * height; k++)
			for (int c = 0; c < 3; c++)
				assert_int_equal(p.data[k * 4 + c], rgb[k * 3 + 2 - c]);
		free(rgb);
		free(raw.data);
	}
	picture_finish(&p);
}

/* Smaller by libjpeg's own scales, the smallest that is not below what was asked; the colours stay. */
static void jpeg_is_scaled(void **state)
{
	(void)state;
	static const struct {
		double scale;
		int denominator;
	} cases[] = {
		{1, 1}, {0.51, 1}, {0.5, 2}, {0.26, 2}, {0.25, 4}, {0.13, 4}, {0.125, 8}, {0.01, 8}, {0, 8}};
	struct raw_picture raw = {.format = PIXEL_JPEG};
	struct picture p = {0};

	raw.data = sample_jpeg(321, 202, JCS_RGB, NULL, 0, &raw.size);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int d = cases[i].denominator;
		assert_int_equal(picture_decode(&raw, cases[i].scale, &p, NULL), 0);
		assert_int_equal(p.width, (321 + d - 1) / d);
		assert_int_equal(p.height, (202 + d - 1) / d);
		for (int y = 0; y < p.height; y += 7)
			for (int x = 0; x < p.width; x += 7) {
				const uint8_t *pixel = p.data + ((size_t)y * (size_t)p.width + (size_t)x) * 4;
				assert_true(abs(pixel[2] - 255 * (x * d + d / 2) / 321) < 9);
				assert_true(abs(pixel[1] - 255 * (y * d + d / 2) / 202) < 9);
			}
	}
	free(raw.data);
	picture_finish(&p);
}

/* Motion JPEG as many cameras send it: no Huffman tables, for they are always the standard's (AVI1). */
static void tables_may_be_missing(void **state)
{
	(void)state;
	struct raw_picture raw = {.format = PIXEL_JPEG};
	struct picture whole = {0}, bare = {0};
	size_t kept = 2;

	raw.data = sample_jpeg(64, 48, JCS_RGB, NULL, 0, &raw.size);
	assert_int_equal(picture_decode(&raw, 1, &whole, NULL), 0);
	for (size_t at = 2; at < raw.size;) {
		size_t length = 2 + ((size_t)raw.data[at + 2] << 8 | raw.data[at + 3]);
		int scan = raw.data[at + 1] == 0xda;
		length = scan ? raw.size - at : length;
		if (raw.data[at + 1] != 0xc4) {
			memmove(raw.data + kept, raw.data + at, length);
			kept += length;
		}
		at += length;
	}
	assert_true(kept < raw.size);
	raw.size = kept;
	assert_int_equal(picture_decode(&raw, 1, &bare, NULL), 0);
	assert_memory_equal(bare.data, whole.data, 64 * 48 * 4);
	free(raw.data);
	picture_finish(&whole);
	picture_finish(&bare);
}

/* libjpeg writes CMYK with Adobe's marker, inverted: full values are no ink. */
static void cmyk_becomes_light(void **state)
{
	(void)state;
	struct raw_picture raw = {.format = PIXEL_JPEG};
	struct picture p = {0};

	raw.data = sample_jpeg(64, 64, JCS_CMYK, NULL, 0, &raw.size);
	assert_int_equal(picture_decode(&raw, 1, &p, NULL), 0);
	/* Lower right: C 251, M 251, Y 120, K 180 of light. */
	const uint8_t *last = p.data + (64 * 64 - 1) * 4;
	assert_in_range(last[0], 80, 90);
	assert_in_range(last[1], 170, 184);
	assert_in_range(last[2], 170, 184);
	assert_int_equal(last[3], 255);
	free(raw.data);
	picture_finish(&p);
}

/* Every cut of a JPEG and of a PNG is refused, and none reads past the end. */
static void truncated_is_broken(void **state)
{
	(void)state;
	struct raw_picture raw = {.format = PIXEL_JPEG};
	struct picture p = {0};
	struct error e;
	size_t whole;
	uint8_t *data = sample_jpeg(40, 30, JCS_RGB, NULL, 0, &whole);

	for (size_t size = 0; size < whole; size++) {
		uint8_t *cut =
			malloc(size + 1); /* of exactly this size but for 0, so that ASan sees reads behind */
		memcpy(cut, data, size);
		raw.data = cut;
		raw.size = size;
		memset(&e, 0, sizeof(e));
		assert_int_equal(picture_decode(&raw, 1, &p, &e), -EBADMSG);
		assert_int_equal(e.code, -EBADMSG);
		assert_int_equal(p.width, 0);
		free(cut);
	}
	assert_refused(file_write("half.jpg", data, whole / 2), -EBADMSG, "broken JPEG");
	free(data);
	picture_finish(&p);
}

/* Damage must never be more than a wrong picture or an error. */
static void damaged_is_survived(void **state)
{
	(void)state;
	struct raw_picture raw = {.format = PIXEL_JPEG};
	struct picture p = {0};
	size_t whole;
	uint8_t *data = sample_jpeg(40, 30, JCS_RGB, NULL, 0, &whole);
	uint32_t seed = 7;

	for (int i = 0; i < 500; i++) {
		uint8_t *copy = malloc(whole);
		memcpy(copy, data, whole);
		for (int k = 0; k < 3; k++) {
			seed = seed * 1664525 + 1013904223;
			copy[(seed >> 8) % whole] ^= (uint8_t)(1 << (seed >> 28 & 7));
		}
		/* A changed size may ask for very much memory, in which nothing would be tested. */
		memcpy(copy, data, 170 < whole ? 170 : whole);
		raw.data = copy;
		raw.size = whole;
		int status = picture_decode(&raw, 1, &p, NULL);
		assert_true(status == 0 || status == -EBADMSG);
		free(copy);
	}
	free(data);
	picture_finish(&p);
}

static void orientation_is_honoured(void **state)
{
	(void)state;
	/* Where the stored upper left corner (dark red, dark green) lies in the upright picture: right,
	 * lower. */
	static const int corner[9][2] = {{0}, {0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}, {1, 0}, {1, 1}, {0, 1}};
	uint8_t exif[] = "Exif\0\0II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0\0\0\0\0\0\0\0\0";
	struct picture p = {0};

	for (int o = 1; o <= 8; o++) {
		size_t size;
		exif[24] = (uint8_t)o;
		uint8_t *data = sample_jpeg(48, 32, JCS_RGB, exif, sizeof(exif) - 1, &size);
		assert_int_equal(picture_read_file(file_write("turned.jpg", data, size), &p, NULL), 0);
		assert_int_equal(p.width, o < 5 ? 48 : 32);
		assert_int_equal(p.height, o < 5 ? 32 : 48);
		int x = corner[o][0] ? p.width - 1 : 0;
		int y = corner[o][1] ? p.height - 1 : 0;
		const uint8_t *pixel = p.data + ((size_t)y * (size_t)p.width + (size_t)x) * 4;
		assert_in_range(pixel[1], 0, 25);
		assert_in_range(pixel[2], 0, 25);
		/* Stored x grows in red: the neighbour along the stored row is redder. */
		int along = o < 5 ? (x ? -40 : 40) : (y ? -40 * p.width : 40 * p.width);
		assert_in_range(pixel[along * 4 + 2], 180, 235);
		free(data);
	}
	picture_finish(&p);
}

/* Nonsense in the EXIF block leaves the picture upright; its bytes are never followed past the end. */
/* Any number of 0xff may stand before a marker. */
static void fill_bytes_are_passed_over(void **state)
{
	(void)state;
	static const uint8_t exif[] = "Exif\0\0II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0";
	struct picture p = {0};
	size_t size;
	uint8_t *data = sample_jpeg(48, 32, JCS_RGB, exif, sizeof(exif) - 1, &size);
	uint8_t *filled = malloc(size + 3);

	assert_non_null(filled);
	memcpy(filled, data, 2);
	memset(filled + 2, 0xff, 3);
	memcpy(filled + 5, data + 2, size - 2);
	assert_int_equal(picture_read(filled, size + 3, &p, NULL), 0);
	assert_int_equal(p.width, 32);
	assert_int_equal(p.height, 48);
	picture_finish(&p);
	free(filled);
	free(data);
}

static uint32_t check_sum(const uint8_t *data, size_t size)
{
	uint32_t sum = UINT32_MAX;

	for (size_t i = 0; i < size * 8; i++) {
		uint32_t bit = (sum ^ (uint32_t)data[i / 8] >> i % 8) & 1;
		sum = sum >> 1 ^ (bit ? 0xedb88320 : 0);
	}
	return ~sum;
}

/* Puts a chunk eXIf that says `orientation` at an offset of the PNG file. */
static size_t png_exif_put(uint8_t *file, size_t size, size_t at, uint8_t orientation)
{
	uint8_t chunk[38] =
		"\0\0\0\x1a"
		"eXIfMM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\0\0\0\0\0\0\0";

	chunk[27] = orientation;
	uint32_t sum = check_sum(chunk + 4, 30);
	for (int i = 0; i < 4; i++)
		chunk[34 + i] = (uint8_t)(sum >> (24 - 8 * i));
	memmove(file + at + sizeof(chunk), file + at, size - at);
	memcpy(file + at, chunk, sizeof(chunk));
	return size + sizeof(chunk);
}

static void png_is_turned(void **state)
{
	(void)state;
	static const uint8_t pixels[2 * 3] = {0, 50, 100, 150, 200, 250};
	static const uint8_t turned[2 * 3] = {150, 0, 200, 50, 250, 100};
	png_image image = {.version = PNG_IMAGE_VERSION, .width = 3, .height = 2, .format = PNG_FORMAT_GRAY};
	uint8_t file[1000];
	struct picture p = {0};

	for (int behind = 0; behind < 2; behind++) {
		png_alloc_size_t size = sizeof(file) - 100;
		assert_true(png_image_write_to_memory(&image, file, &size, 0, pixels, 0, NULL));
		/* behind the header, or before the end */
		size_t whole = png_exif_put(file, size, behind ? size - 12 : 33, 6);
		assert_int_equal(picture_read(file, whole, &p, NULL), 0);
		assert_int_equal(p.width, 2);
		assert_int_equal(p.height, 3);
		for (int i = 0; i < 6; i++)
			assert_int_equal(p.data[4 * i], turned[i]);
	}
	picture_finish(&p);
}

static void orientation_nonsense(void **state)
{
	(void)state;
	uint8_t exif[] = "Exif\0\0MM\0*\xff\xff\xff\xf0\377\377\1\x12\0\3\0\0\0\1\0\6";
	struct picture p = {0};
	size_t size;

	uint8_t *data = sample_jpeg(48, 32, JCS_RGB, exif, sizeof(exif) - 1, &size);
	assert_int_equal(picture_read_file(file_write("odd.jpg", data, size), &p, NULL), 0);
	assert_int_equal(p.width, 48);
	free(data);
	picture_finish(&p);
}

/* Of 3 × 2 pixels numbered row by row, the numbers row by row afterwards. */
static void pictures_turn_clockwise(void **state)
{
	static const struct {
		int degrees, width, height;
		uint8_t numbers[6];
	} turns[] = {{0, 3, 2, {0, 1, 2, 3, 4, 5}}, {90, 2, 3, {3, 0, 4, 1, 5, 2}},
		{180, 3, 2, {5, 4, 3, 2, 1, 0}}, {270, 2, 3, {2, 5, 1, 4, 0, 3}}};
	struct raw_picture raw = {.format = PIXEL_BGRX, .width = 3, .height = 2, .size = 24};
	struct picture p = {0};
	uint8_t bytes[24];
	struct error e;

	(void)state;
	for (int i = 0; i < 24; i++)
		bytes[i] = (uint8_t)(i / 4);
	raw.data = bytes;
	for (size_t t = 0; t < sizeof(turns) / sizeof(turns[0]); t++) {
		raw.rotation = turns[t].degrees;
		assert_int_equal(picture_decode(&raw, 1, &p, &e), 0);
		assert_int_equal(p.width, turns[t].width);
		assert_int_equal(p.height, turns[t].height);
		for (int i = 0; i < 6; i++)
			assert_int_equal(p.data[4 * i], turns[t].numbers[i]);
	}
	raw.rotation = 0;
	assert_int_equal(picture_decode(&raw, 1, &p, &e), 0);
	picture_mirror(&p);
	static const uint8_t mirrored[] = {2, 1, 0, 5, 4, 3};
	for (int i = 0; i < 6; i++)
		assert_int_equal(p.data[4 * i], mirrored[i]);

	/* A picture of another shape turned again and again keeps its memory. */
	raw.rotation = 90;
	assert_int_equal(picture_decode(&raw, 1, &p, &e), 0);
	assert_int_equal(picture_decode(&raw, 1, &p, &e), 0);
	const uint8_t *one = p.data;
	assert_int_equal(picture_decode(&raw, 1, &p, &e), 0);
	const uint8_t *other = p.data;
	assert_int_equal(picture_decode(&raw, 1, &p, &e), 0);
	assert_ptr_equal(p.data, one);
	assert_int_equal(picture_decode(&raw, 1, &p, &e), 0);
	assert_ptr_equal(p.data, other);
	picture_finish(&p);
}

static void png_cut_is_broken(void **state)
{
	struct picture p = {0};
	struct error e;

	(void)state;
	assert_int_equal(picture_resize(&p, 37, 23), 0);
	for (size_t i = 0; i < 37 * 23 * 4; i++)
		p.data[i] = (uint8_t)(i * 7 + i / 90);
	assert_int_equal(picture_write(path_of("out.png"), &p, &e), 0);
	uint8_t bytes[8192];
	FILE *file = fopen(path_of("out.png"), "rb");
	size_t size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	for (size_t cut = 1; cut < size; cut += 13)
		assert_refused(
			file_write("cut.png", bytes, cut), -EBADMSG, cut < 8 ? "JPEG, PNG" : "broken PNG");
	bytes[60] ^= 1;
	assert_refused(file_write("bad.png", bytes, size), -EBADMSG, "broken PNG");
	picture_finish(&p);
}

static void transparent_lies_on_white(void **state)
{
	(void)state;
	static const uint8_t rgba[4 * 4] = {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 128, 255, 0, 0, 51};
	png_image image = {.version = PNG_IMAGE_VERSION, .width = 4, .height = 1, .format = PNG_FORMAT_RGBA};
	struct picture p = {0};

	assert_true(png_image_write_to_file(&image, path_of("alpha.png"), 0, rgba, 0, NULL));
	assert_int_equal(picture_read_file(path_of("alpha.png"), &p, NULL), 0);
	const uint8_t wanted[16] = {
		30, 20, 10, 255, 255, 255, 255, 255, 227, 177, 127, 255, 204, 204, 255, 255};
	assert_memory_equal(p.data, wanted, 16);
	picture_finish(&p);
}

static void refusals(void **state)
{
	(void)state;
	assert_refused(path_of("missing.jpg"), -ENOENT, "No such file");
	assert_refused(folder, -EISDIR, "folder");
	assert_refused(file_write("empty.jpg", "", 0), -EBADMSG, "is empty");
	assert_refused(file_write("text.jpg", "hello, world", 12), -EBADMSG,
		"is not a picture that twobit reads (" PICTURE_FORMATS ")");
	assert_refused("/proc/self/status", -EBADMSG, "is not a picture that twobit reads");
}

static void too_large_is_refused(void **state)
{
	(void)state;
	struct raw_picture raw = {.format = PIXEL_JPEG};
	struct picture p = {0};
	struct error e = {0};

	raw.data = sample_jpeg(16, 16, JCS_RGB, NULL, 0, &raw.size);
	for (size_t i = 0; i + 9 < raw.size; i++) {
		if (raw.data[i] == 0xff && raw.data[i + 1] == 0xc0) {
			raw.data[i + 7] = 0x40; /* 16385 columns */
			raw.data[i + 8] = 0x01;
			break;
		}
	}
	assert_int_equal(picture_decode(&raw, 1, &p, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "16385×16"));
	assert_int_equal(picture_resize(&p, PICTURE_SIDE_MAXIMUM + 1, 1), -EOVERFLOW);
	assert_int_equal(picture_resize(&p, 1, 0), -EOVERFLOW);
	free(raw.data);
	picture_finish(&p);
}

static void memory_settles(void **state)
{
	(void)state;
	struct picture p = {0};

	assert_int_equal(picture_resize(&p, 100, 100), 0);
	const uint8_t *data = p.data;
	assert_int_equal(picture_resize(&p, 10, 10), 0);
	assert_int_equal(picture_resize(&p, 50, 200), 0);
	assert_ptr_equal(p.data, data);
	assert_int_equal(p.capacity, 40000);
	picture_finish(&p);
	assert_null(p.data);
}

/* Mid grey and pure white of every format, in odd sizes; one byte less is refused. */
static void formats_convert(void **state)
{
	(void)state;
	static const struct {
		enum pixel_format format;
		size_t size;
	} formats[] = {{PIXEL_YUYV, 4 * 4 * 5}, {PIXEL_UYVY, 4 * 4 * 5}, {PIXEL_NV12, 35 + 24},
		{PIXEL_I420, 35 + 24}, {PIXEL_GREY, 35}, {PIXEL_BGRX, 140}};
	struct picture p = {0};
	struct error e;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		uint8_t *data = malloc(formats[i].size);
		struct raw_picture raw = {formats[i].format, 7, 5, data, formats[i].size, formats[i].size, 0};
		memset(data, 128, formats[i].size);
		assert_int_equal(picture_decode(&raw, 1, &p, &e), 0);
		assert_int_equal(p.width, 7);
		assert_int_equal(p.height, 5);
		for (size_t k = 0; k < 140; k++)
			if (k % 4 != 3)
				assert_in_range(p.data[k], 128, i < 4 ? 131 : 128);
		raw.size--;
		assert_int_equal(picture_decode(&raw, 1, &p, &e), -EBADMSG);
		assert_int_equal(p.width, 0);
		raw.width = -1;
		assert_int_equal(picture_decode(&raw, 1, &p, &e), -EBADMSG);
		free(data);
	}
	picture_finish(&p);
}

/* The chroma goes where it belongs: red in each YUV format. */
static void formats_keep_colour(void **state)
{
	(void)state;
	uint8_t yuyv[] = {82, 90, 82, 240};
	uint8_t uyvy[] = {90, 82, 240, 82};
	uint8_t nv12[] = {82, 82, 90, 240};
	uint8_t *data[] = {yuyv, uyvy, nv12, nv12};
	struct picture p = {0};

	for (int f = PIXEL_YUYV; f <= PIXEL_I420; f++) {
		struct raw_picture raw = {(enum pixel_format)f, 2, 1, data[f - PIXEL_YUYV], 4, 4};
		assert_int_equal(picture_decode(&raw, 1, &p, NULL), 0);
		assert_in_range(p.data[0], 0, 2);
		assert_in_range(p.data[1], 0, 2);
		assert_in_range(p.data[2], 250, 255);
	}
	picture_finish(&p);
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	static const char *const names[] = {"half.jpg", "turned.jpg", "odd.jpg", "out.png", "cut.png",
		"bad.png", "alpha.png", "empty.jpg", "text.jpg"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(folder); /* fails where a temporary file was left */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jpeg_equals_libjpeg),
		cmocka_unit_test(jpeg_is_scaled),
		cmocka_unit_test(tables_may_be_missing),
		cmocka_unit_test(cmyk_becomes_light),
		cmocka_unit_test(truncated_is_broken),
		cmocka_unit_test(damaged_is_survived),
		cmocka_unit_test(orientation_is_honoured),
		cmocka_unit_test(fill_bytes_are_passed_over),
		cmocka_unit_test(png_is_turned),
		cmocka_unit_test(orientation_nonsense),
		cmocka_unit_test(pictures_turn_clockwise),
		cmocka_unit_test(png_cut_is_broken),
		cmocka_unit_test(transparent_lies_on_white),
		cmocka_unit_test(refusals),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(memory_settles),
		cmocka_unit_test(formats_convert),
		cmocka_unit_test(formats_keep_colour),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
