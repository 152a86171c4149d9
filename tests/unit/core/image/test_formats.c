/* SPDX-License-Identifier: MIT */
/* What is a picture, and the formats beside JPEG and PNG, each from files that this program makes. */
#include "image/decode.h"
#include "image/formats.h"

#include "base/build.h"
#include "base/error.h"
#include "image/codec.h"
#include "support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#if TWOBIT_HAVE_WEBP
#include <webp/encode.h>
#endif
#if TWOBIT_HAVE_HEIF
#include <libheif/heif.h>
#endif

enum { WIDTH = 37, HEIGHT = 29, COLOURS = 16, FILE_MOST = 100000 };

struct file {
	uint8_t data[FILE_MOST];
	size_t size;
};

static struct file file;

static void put(uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		file.data[file.size++] = (uint8_t)(value >> 8 * i);
}

static void put_text(const char *text, size_t size)
{
	memcpy(file.data + file.size, text, size);
	file.size += size;
}

/* A pattern with long and short repetitions. */
static unsigned int index_at(int x, int y)
{
	return (unsigned int)((x / 5 + y * y / 7 + x * y % 3) % COLOURS);
}

static void colour_of(unsigned int index, uint8_t bgr[3])
{
	bgr[0] = (uint8_t)(index * 17);
	bgr[1] = (uint8_t)(255 - index * 11);
	bgr[2] = (uint8_t)(index * index);
}

static struct picture read_good(void)
{
	struct picture picture = {0};
	struct error e = {0};
	uint8_t *copy = malloc(file.size);

	assert_non_null(copy);
	memcpy(copy, file.data, file.size);
	if (picture_read(copy, file.size, &picture, &e))
		fail_msg("%s", e.text);
	free(copy);
	return picture;
}

static void refused(const char *message)
{
	struct picture picture = {0};
	struct error e = {0};

	assert_int_equal(picture_read(file.data, file.size, &picture, &e), -EBADMSG);
	assert_non_null(strstr(e.text, message));
	assert_int_equal(picture.width, 0);
	picture_finish(&picture);
}

/* The pattern, `most` levels of each colour off at most. */
static void assert_pattern(int most)
{
	struct picture p = read_good();

	assert_int_equal(p.width, WIDTH);
	assert_int_equal(p.height, HEIGHT);
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++) {
			const uint8_t *at = p.data + (y * WIDTH + x) * 4;
			uint8_t bgr[3];
			colour_of(index_at(x, y), bgr);
			for (int c = 0; c < 3; c++)
				assert_in_range(at[c] + most - bgr[c], 0, 2 * most);
			assert_int_equal(at[3], 255);
		}
	}
	picture_finish(&p);
}

/* Bits of GIF's codes in blocks of at most 200 bytes. */
static struct {
	unsigned int held;
	int count;
	uint8_t block[200];
	size_t size;
} bits;

static void block_end(void)
{
	put((unsigned int)bits.size, 1);
	put_text((const char *)bits.block, bits.size);
	bits.size = 0;
}

static void put_code(int code, int width)
{
	bits.held |= (unsigned int)code << bits.count;
	for (bits.count += width; bits.count >= 8; bits.count -= 8, bits.held >>= 8) {
		bits.block[bits.size++] = (uint8_t)bits.held;
		if (bits.size == sizeof(bits.block))
			block_end();
	}
}

/* LZW as in the specification, of `count` indices of 4 bits. */
static void put_lzw(const uint8_t *indices, int count)
{
	static int before[4096], last[4096];
	const int clear = 16, end = 17;
	int next = end + 1, width = 5, code = indices[0];

	memset(&bits, 0, sizeof(bits));
	put(4, 1);
	put_code(clear, width);
	for (int i = 1; i < count; i++) {
		int found = end + 1;
		while (found < next && (before[found] != code || last[found] != indices[i]))
			found++;
		if (found < next) {
			code = found;
			continue;
		}
		put_code(code, width);
		if (next == 4096) {
			put_code(clear, width);
			next = end + 1;
			width = 5;
		} else {
			before[next] = code;
			last[next] = indices[i];
			if (next++ == 1 << width)
				width++;
		}
		code = indices[i];
	}
	put_code(code, width);
	if (next == 1 << width && width < 12)
		width++;
	put_code(end, width);
	put_code(0, 7);
	if (bits.size)
		block_end();
	put(0, 1);
}

static void put_palette(void)
{
	for (unsigned int i = 0; i < COLOURS; i++) {
		uint8_t bgr[3];
		colour_of(i, bgr);
		put(bgr[2], 1);
		put(bgr[1], 1);
		put(bgr[0], 1);
	}
}

static void put_screen(int width, int height)
{
	file.size = 0;
	put_text("GIF89a", 6);
	put((unsigned int)width, 2);
	put((unsigned int)height, 2);
	put(0x83, 1);
	put(0, 2);
	put_palette();
}

static void put_frame(int x, int y, bool interlaced)
{
	static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
	uint8_t indices[WIDTH * HEIGHT];
	int count = 0;

	for (int pass = 0; pass < (interlaced ? 4 : 1); pass++)
		for (int row = first[pass]; row < HEIGHT; row += interlaced ? step[pass] : 1)
			for (int column = 0; column < WIDTH; column++)
				indices[count++] = (uint8_t)index_at(column, row);
	put(0x2c, 1);
	put((unsigned int)x, 2);
	put((unsigned int)y, 2);
	put(WIDTH, 2);
	put(HEIGHT, 2);
	put(interlaced ? 0x40 : 0, 1);
	put_lzw(indices, count);
}

static void gif_is_read(void **state)
{
	(void)state;
	for (int interlaced = 0; interlaced < 2; interlaced++) {
		put_screen(WIDTH, HEIGHT);
		put_frame(0, 0, interlaced);
		put(0x3b, 1);
		assert_pattern(0);
		assert_false(gif_moves(file.data, file.size));
		put_screen(0, 0); /* none: the frame's */
		put_frame(0, 0, interlaced);
		assert_pattern(0);
	}
}

/* The first frame; it lies within a larger screen, one of its colours is transparent. */
static void gif_frame_lies_on_white(void **state)
{
	(void)state;
	put_screen(50, 30);
	put_text("!\xf9\4\1\0\0\3\0", 8); /* colour 3 */
	put_frame(9, 0, false);
	put_frame(0, 0, false);
	put(0x3b, 1);
	assert_true(gif_moves(file.data, file.size));
	struct picture p = read_good();
	assert_int_equal(p.width, 50);
	assert_int_equal(p.height, 30);
	for (int y = 0; y < 30; y++) {
		for (int x = 0; x < 50; x++) {
			uint8_t bgr[3] = {255, 255, 255};
			bool inside = x >= 9 && x < 9 + WIDTH && y < HEIGHT;
			if (inside && index_at(x - 9, y) != 3)
				colour_of(index_at(x - 9, y), bgr);
			assert_memory_equal(p.data + (y * 50 + x) * 4, bgr, 3);
		}
	}
	picture_finish(&p);
}

static void gif_cut_is_broken(void **state)
{
	(void)state;
	put_screen(WIDTH, HEIGHT);
	put_frame(0, 0, false);
	size_t whole = file.size - 1;
	for (file.size = 6; file.size < whole - 2; file.size++)
		refused("broken GIF: ");
	put_screen(20000, 2);
	put_frame(0, 0, false);
	refused("20000×2 pixels");
}

/* compression 3: `masks` of red, green, blue, alpha behind the header. bits 16 is 5, 6, 5. */
static void put_bmp_header(
	unsigned int bits_a_pixel, unsigned int compression, bool from_above, const unsigned int *masks)
{
	unsigned int colours = bits_a_pixel <= 8 ? COLOURS : 0;
	unsigned int header = masks ? 56 : 40;

	file.size = 0;
	put_text("BM", 2);
	put(0, 8);
	put(14 + header + colours * 4, 4);
	put(header, 4);
	put(WIDTH, 4);
	put(from_above ? 0U - HEIGHT : HEIGHT, 4);
	put(1, 2);
	put(bits_a_pixel, 2);
	put(compression, 4);
	put(0, 4);
	put(0, 8);
	put(colours, 4);
	put(0, 4);
	for (int i = 0; masks && i < 4; i++)
		put(masks[i], 4);
	for (unsigned int i = 0; i < colours; i++) {
		uint8_t bgr[4] = {0};
		colour_of(i, bgr);
		put_text((const char *)bgr, 4);
	}
}

static void put_bmp_pixel(unsigned int bits_a_pixel, int x, int y, unsigned int alpha)
{
	uint8_t c[3];

	colour_of(index_at(x, y), c);
	if (bits_a_pixel == 4)
		put(index_at(x, y) << 4 | (x + 1 < WIDTH ? index_at(x + 1, y) : 0), 1);
	else if (bits_a_pixel == 8)
		put(index_at(x, y), 1);
	else if (bits_a_pixel == 16)
		put((unsigned int)(c[2] >> 3 << 11 | c[1] >> 2 << 5 | c[0] >> 3), 2);
	else
		put(c[0] | (unsigned int)c[1] << 8 | (unsigned int)c[2] << 16 | alpha << 24,
			bits_a_pixel / 8);
}

static void put_bmp(unsigned int bits_a_pixel, bool from_above, const unsigned int *masks, unsigned int alpha)
{
	put_bmp_header(bits_a_pixel, masks ? 3 : 0, from_above, masks);
	for (int row = 0; row < HEIGHT; row++) {
		size_t begin = file.size;
		for (int x = 0; x < WIDTH; x += bits_a_pixel == 4 ? 2 : 1)
			put_bmp_pixel(bits_a_pixel, x, from_above ? row : HEIGHT - 1 - row, alpha);
		put(0, (4 - (file.size - begin) % 4) % 4);
	}
}

static void bmp_is_read(void **state)
{
	(void)state;
	static const unsigned int masks16[] = {0xf800, 0x7e0, 0x1f, 0};
	static const unsigned int masks32[] = {0xff0000, 0xff00, 0xff, 0xff000000};

	for (int above = 0; above < 2; above++) {
		put_bmp(4, above, NULL, 0);
		assert_pattern(0);
		put_bmp(8, above, NULL, 0);
		assert_pattern(0);
		put_bmp(24, above, NULL, 0);
		assert_pattern(0);
		put_bmp(16, above, masks16, 0);
		assert_pattern(8);	     /* of 5 and 6 bits */
		put_bmp(32, above, NULL, 7); /* the fourth byte means nothing */
		assert_pattern(0);
		put_bmp(32, above, masks32, 255);
		assert_pattern(0);
		put_bmp(32, above, masks32, 0); /* alpha that nobody has set */
		assert_pattern(0);
	}
}

static void bmp_alpha_lies_on_white(void **state)
{
	(void)state;
	static const unsigned int masks[] = {0xff0000, 0xff00, 0xff, 0xff000000};
	uint8_t bgr[3];

	put_bmp(32, true, masks, 51);
	struct picture p = read_good();
	colour_of(index_at(0, 0), bgr);
	for (int c = 0; c < 3; c++)
		assert_int_equal(p.data[c], (bgr[c] * 51 + 255 * 204 + 127) / 255);
	picture_finish(&p);
}

/* Runs, indices that stand there one by one, a step to elsewhere, ends of lines. */
static void bmp_runs_are_read(void **state)
{
	(void)state;
	for (unsigned int width = 4; width <= 8; width += 4) {
		put_bmp_header(width, width == 8 ? 1 : 2, false, NULL);
		put(3, 1); /* three pixels of colour 5 */
		put(width == 8 ? 5 : 0x55, 1);
		put(0, 1);
		put(5, 1); /* five that stand there */
		put_text(width == 8 ? "\1\2\3\4\5\0" : "\x12\x34\x50\0", width == 8 ? 6 : 4);
		put_text("\0\2\3\1", 4); /* 3 to the right, 1 up */
		put_text("\1\x77", 2);
		put_text("\0\0\2\x99\0\1", 6);
		struct picture p = read_good();
		static const uint8_t rows[3][12] = {{5, 5, 5, 1, 2, 3, 4, 5, 99, 99, 99, 99},
			{99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 7},
			{9, 9, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99}};
		for (int y = 0; y < 3; y++) {
			for (int x = 0; x < 12; x++) {
				uint8_t bgr[3] = {255, 255, 255};
				unsigned int index = rows[y][x];
				if (index != 99 && width == 8 && index > 6)
					index = index == 7 ? 0x77 : 0x99;
				if (index < COLOURS)
					colour_of(index, bgr);
				else if (index != 99)
					memset(bgr, 0, 3); /* outside the palette */
				assert_memory_equal(p.data + ((HEIGHT - 1 - y) * WIDTH + x) * 4, bgr, 3);
			}
		}
		picture_finish(&p);
		file.size -= 2;
		refused("broken BMP: it ends early");
	}
}

static void bmp_refusals(void **state)
{
	(void)state;
	put_bmp(24, false, NULL, 0);
	file.size--;
	refused("broken BMP: it ends early");
	put_bmp_header(32, 4, false, NULL);
	refused("compression 4");
	put_bmp_header(8, 3, false, NULL);
	refused("do not go together");
	put_bmp_header(5, 0, false, NULL);
	refused("5 bits a pixel");
	put_bmp_header(8, 1, false, NULL);
	file.data[18] = file.data[19] = file.data[22] = file.data[23] = 0x30; /* 12336 a side */
	refused("at most 2000 for each byte");
}

#if TWOBIT_HAVE_WEBP
static void webp_is_read(void **state)
{
	(void)state;
	uint8_t bgra[WIDTH * HEIGHT * 4];
	uint8_t *out = NULL;

	for (int i = 0; i < WIDTH * HEIGHT; i++) {
		colour_of(index_at(i % WIDTH, i / WIDTH), bgra + (size_t)i * 4);
		bgra[i * 4 + 3] = 255;
	}
	file.size = WebPEncodeLosslessBGRA(bgra, WIDTH, HEIGHT, WIDTH * 4, &out);
	memcpy(file.data, out, file.size);
	WebPFree(out);
	assert_pattern(0);
	file.size -= 20;
	refused("broken WebP: ");

	memset(bgra, 0, 4); /* the first pixel: transparent black */
	file.size = WebPEncodeLosslessBGRA(bgra, WIDTH, HEIGHT, WIDTH * 4, &out);
	memcpy(file.data, out, file.size);
	WebPFree(out);
	struct picture p = read_good();
	assert_memory_equal(p.data, "\xff\xff\xff\xff", 4);
	picture_finish(&p);
}

/* An extended file: VP8X, the pixels, EXIF that says turned by 90°. */
static void webp_is_turned(void **state)
{
	(void)state;
	static const char exif[] = "EXIF\x1a\0\0\0II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0";
	uint8_t *out = NULL, bgr[WIDTH * HEIGHT * 3];

	for (int i = 0; i < WIDTH * HEIGHT; i++)
		colour_of(index_at(i % WIDTH, i / WIDTH), bgr + (size_t)i * 3);
	size_t size = WebPEncodeLosslessBGR(bgr, WIDTH, HEIGHT, WIDTH * 3, &out);
	file.size = 0;
	put_text("RIFF", 4);
	put((unsigned int)(4 + 18 + size - 12 + 34), 4);
	put_text("WEBPVP8X\12\0\0\0\10\0\0\0", 16);
	put(WIDTH - 1, 3);
	put(HEIGHT - 1, 3);
	put_text((const char *)out + 12, size - 12);
	put_text(exif, 34);
	WebPFree(out);
	struct picture p = read_good();
	assert_int_equal(p.width, HEIGHT);
	assert_int_equal(p.height, WIDTH);
	colour_of(index_at(0, HEIGHT - 1), bgr); /* lower left comes to the upper left */
	assert_memory_equal(p.data, bgr, 3);
	picture_finish(&p);
}
#else
static void webp_is_read(void **state)
{
	(void)state;
	file.size = 0;
	put_text("RIFF\x10\0\0\0WEBPVP8L", 16);
	refused("this build reads no WebP");
}

static void webp_is_turned(void **state)
{
	(void)state;
	skip();
}
#endif

#if TWOBIT_HAVE_HEIF
static struct heif_error file_write(struct heif_context *context, const void *data, size_t size, void *user)
{
	(void)context;
	(void)user;
	file.size = 0;
	put_text(data, size);
	return (struct heif_error){heif_error_Ok, heif_suberror_Unspecified, ""};
}

/* false: this libheif has no encoder or no decoder for the format */
static bool heif_make(enum heif_compression_format format)
{
	struct heif_context *context = heif_context_alloc();
	struct heif_encoder *encoder = NULL;
	struct heif_image *image = NULL;
	struct heif_writer writer = {1, file_write};
	int stride;

	bool made = heif_have_decoder_for_format(format) &&
		    heif_context_get_encoder_for_format(context, format, &encoder).code == heif_error_Ok;
	if (made) {
		heif_encoder_set_lossy_quality(encoder, 95);
		heif_image_create(WIDTH, HEIGHT, heif_colorspace_RGB, heif_chroma_interleaved_RGB, &image);
		heif_image_add_plane(image, heif_channel_interleaved, WIDTH, HEIGHT, 8);
		uint8_t *rows = heif_image_get_plane(image, heif_channel_interleaved, &stride);
		for (int y = 0; y < HEIGHT; y++)
			for (int x = 0; x < WIDTH; x++)
				for (int c = 0; c < 3; c++) /* smooth: chroma is of 2 × 2 pixels */
					rows[y * stride + x * 3 + c] = (uint8_t)(60 + x * 3 + y * (c + 1));
		made = heif_context_encode_image(context, image, encoder, NULL, NULL).code == heif_error_Ok &&
		       heif_context_write(context, &writer, NULL).code == heif_error_Ok;
	}
	heif_image_release(image);
	heif_encoder_release(encoder);
	heif_context_free(context);
	return made;
}

static void heif_is_read(void **state)
{
	(void)state;
	static const enum heif_compression_format formats[] = {heif_compression_AV1, heif_compression_HEVC};
	static const char *const names[] = {"AVIF", "HEIC"};

	for (int i = 0; i < 2; i++) {
		if (!heif_make(formats[i])) {
			print_message("libheif has no encoder or decoder for %s here\n", names[i]);
			continue;
		}
		assert_string_equal(picture_format(file.data, file.size), names[i]);
		struct picture p = read_good();
		assert_int_equal(p.width, WIDTH);
		assert_int_equal(p.height, HEIGHT);
		for (int y = 0; y < HEIGHT; y++)
			for (int x = 0; x < WIDTH; x++)
				for (int c = 0; c < 3; c++)
					assert_in_range(p.data[(y * WIDTH + x) * 4 + 2 - c] + 12 -
								(60 + x * 3 + y * (c + 1)),
						0, 24);
		picture_finish(&p);
		file.size /= 2;
		refused("broken HEIC or AVIF: ");
	}
}
#else
static void heif_is_read(void **state)
{
	(void)state;
	file.size = 0;
	put_text(
		"\0\0\0\x18"
		"ftypavif\0\0\0\0",
		16);
	refused("this build reads no AVIF");
}
#endif

/* By content, whatever the name; a picture's name without its content, for reading to tell; nothing else. */
static void what_is_a_picture(void **state)
{
	(void)state;
	char *folder = folder_create();
	char name[256];
	int at = open(folder, O_RDONLY | O_DIRECTORY);

	folder_put(folder, "/plain", "GIF89a and so on");
	folder_put(folder, "/text.txt", "GIF89a");
	folder_put(folder, "/photo.JPE", "no picture");
	folder_put(folder, "/notes.txt", "BMW, and more that looks like a header");
	folder_put(folder, "/film.mjpeg", "\xff\xd8\xff\xe0");
	folder_put(folder, "/empty", "");
	folder_put(folder, "/x.png/inner", "");
	snprintf(name, sizeof(name), "%s/pipe.png", folder);
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_int_equal(symlinkat("plain", at, "link"), 0);
	assert_true(picture_file(at, "plain"));
	assert_true(picture_file(at, "text.txt"));
	assert_true(picture_file(at, "photo.JPE"));
	assert_true(picture_file(at, "link"));
	assert_false(picture_file(at, "notes.txt"));
	assert_false(picture_file(at, "film.mjpeg"));
	assert_false(picture_file(at, "empty"));
	assert_false(picture_file(at, "x.png"));
	assert_false(picture_file(at, "pipe.png"));
	assert_false(picture_file(at, "missing.png"));
	snprintf(name, sizeof(name), "%s/plain", folder);
	assert_true(picture_file(AT_FDCWD, name));
	assert_false(picture_file_moves(name));
	close(at);
	folder_destroy(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gif_is_read),
		cmocka_unit_test(gif_frame_lies_on_white),
		cmocka_unit_test(gif_cut_is_broken),
		cmocka_unit_test(bmp_is_read),
		cmocka_unit_test(bmp_alpha_lies_on_white),
		cmocka_unit_test(bmp_runs_are_read),
		cmocka_unit_test(bmp_refusals),
		cmocka_unit_test(webp_is_read),
		cmocka_unit_test(webp_is_turned),
		cmocka_unit_test(heif_is_read),
		cmocka_unit_test(what_is_a_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
