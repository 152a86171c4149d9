/* SPDX-License-Identifier: MIT */
/* What libavcodec decodes is shown: every pixel format, upright, with square pixels. */
#include "source/source.h"

#include "base/error.h"
#include "image/decode.h"
#include "support/video_file.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/twobit-video-XXXXXX";
static char path[64], more[64];

enum quarter { RED, GREEN, BLUE, WHITE };

/* The first picture of the file, decoded; for picture_finish. */
static struct picture first_picture(const char *name, uint64_t *frames)
{
	const struct source_options options = {0};
	struct source *source = NULL;
	struct frame frame = {0};
	struct picture picture = {0};
	struct error e = {0};
	int status;

	*frames = 0;
	if (source_open(name, &options, &source, &e) < 0)
		fail_msg("%s", e.text);
	while ((status = source_next(source, &frame, &e)) == 0) {
		if (!(*frames)++ && picture_decode(&frame.raw, 1, &picture, &e) < 0)
			fail_msg("%s", e.text);
	}
	if (status != -ENODATA)
		fail_msg("%s", e.text);
	raw_picture_finish(&frame.raw);
	source_close(source);
	return picture;
}

/* Blue, green and red in the middle of a quarter: 0 upper left, 1 upper right, 2 lower left, 3 lower right.
 */
static const uint8_t *middle(const struct picture *picture, int quarter)
{
	int x = picture->width / 4 + (quarter % 2 ? picture->width / 2 : 0);
	int y = picture->height / 4 + (quarter / 2 ? picture->height / 2 : 0);

	return picture->data + ((size_t)y * (size_t)picture->width + (size_t)x) * 4;
}

static bool is_colour(const uint8_t *pixel, int blue, int green, int red)
{
	const int wanted[3] = {blue, green, red};

	for (int i = 0; i < 3; i++)
		if (abs(pixel[i] - wanted[i]) > 24)
			return false;
	return true;
}

static bool is_quarter(const uint8_t *pixel, enum quarter quarter)
{
	bool white = quarter == WHITE;

	return is_colour(pixel, quarter == BLUE || white ? 255 : 0, quarter == GREEN || white ? 255 : 0,
		quarter == RED || white ? 255 : 0);
}

static void assert_quarters(const struct picture *picture, const enum quarter quarters[4], const char *what)
{
	for (int i = 0; i < 4; i++)
		if (!is_quarter(middle(picture, i), quarters[i]))
			fail_msg("%s: quarter %d is %d, %d, %d, not colour %d", what, i,
				middle(picture, i)[0], middle(picture, i)[1], middle(picture, i)[2],
				(int)quarters[i]);
}

static const enum quarter upright[4] = {RED, GREEN, BLUE, WHITE};

/* Grey is as bright as the colours are: blue is the darkest, then come red, green and white. */
static void assert_grey(const struct picture *picture, const char *name)
{
	static const int order[4] = {2, 0, 1, 3};

	for (int i = 0; i < 3; i++)
		if (*middle(picture, order[i]) > *middle(picture, order[i + 1]))
			fail_msg("%s: quarter %d is brighter than quarter %d", name, order[i], order[i + 1]);
	if (!is_quarter(middle(picture, 3), WHITE))
		fail_msg("%s: white is %d", name, *middle(picture, 3));
}

/* An odd size, in all formats that libswscale writes and that files of raw pictures can name. */
static void every_format_is_shown(void **state)
{
	(void)state;
	int formats = 0;

	for (const AVPixFmtDescriptor *d = NULL; (d = av_pix_fmt_desc_next(d));) {
		enum AVPixelFormat format = av_pix_fmt_desc_get_id(d);
		struct video_recipe recipe = {"nut", AV_CODEC_ID_RAWVIDEO, format, 33, 25, 2, .alpha = 255};
		uint64_t frames;
		if (d->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM) ||
			!sws_isSupportedOutput(format) || !sws_isSupportedInput(format) ||
			!avcodec_pix_fmt_to_codec_tag(format) || !video_write(path, &recipe))
			continue;
		struct picture picture = first_picture(path, &frames);
		assert_int_equal(frames, 2);
		assert_int_equal(picture.width, 33);
		assert_int_equal(picture.height, 25);
		if (d->nb_components <= 2)
			assert_grey(&picture, d->name);
		else
			assert_quarters(&picture, upright, d->name);
		picture_finish(&picture);
		formats++;
	}
	assert_true(formats > 100);
}

/* Over black, whether the alpha is a plane, a byte of each pixel or in a palette. */
static void transparent_is_over_black(void **state)
{
	(void)state;
	static const struct {
		enum AVCodecID codec;
		enum AVPixelFormat format;
	} kinds[] = {{AV_CODEC_ID_RAWVIDEO, AV_PIX_FMT_BGRA}, {AV_CODEC_ID_RAWVIDEO, AV_PIX_FMT_YUVA444P},
		{AV_CODEC_ID_RAWVIDEO, AV_PIX_FMT_PAL8}, {AV_CODEC_ID_FFV1, AV_PIX_FMT_YUVA420P10LE}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (int alpha = 0; alpha < 256; alpha += 51) {
			struct video_recipe recipe = {
				"nut", kinds[i].codec, kinds[i].format, 32, 24, 1, .alpha = (uint8_t)alpha};
			uint64_t frames;
			assert_true(video_write(path, &recipe));
			struct picture picture = first_picture(path, &frames);
			for (int q = 0; q < 3; q++)
				assert_true(is_quarter(middle(&picture, q), upright[q]));
			assert_true(is_colour(middle(&picture, 3), alpha, alpha, alpha));
			picture_finish(&picture);
		}
	}
}

/* A camera that turns, or a channel that is switched: the size and the format of the pixels change. */
static void pictures_may_change(void **state)
{
	(void)state;
	const struct video_recipe one = {
		"mpegts", AV_CODEC_ID_MPEG2VIDEO, AV_PIX_FMT_YUV420P, 64, 48, 3, .alpha = 255};
	const struct video_recipe two = {
		"mpegts", AV_CODEC_ID_MPEG2VIDEO, AV_PIX_FMT_YUV422P, 96, 112, 3, .alpha = 255};
	const struct source_options options = {0};
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};
	int sizes[2] = {0};

	assert_true(video_write(path, &one) && video_write(more, &two) && video_append(path, more));
	assert_int_equal(source_open(path, &options, &source, &e), 0);
	while (source_next(source, &frame, &e) == 0) {
		assert_int_equal(picture_decode(&frame.raw, 1, &frame.picture, &e), 0);
		sizes[0] += frame.picture.width == 64 && frame.picture.height == 48;
		sizes[1] += frame.picture.width == 96 && frame.picture.height == 112;
		assert_quarters(&frame.picture, upright, "changed");
	}
	assert_in_range(sizes[0], 2, 3); /* libavcodec loses one at the change */
	assert_in_range(sizes[1], 2, 3);
	raw_picture_finish(&frame.raw);
	picture_finish(&frame.picture);
	source_close(source);
}

/* A matrix, and where the quarters are then. The codec is one that libavcodec decodes, or Motion JPEG. */
static void assert_turned(enum AVCodecID codec, enum AVPixelFormat format)
{
	static const struct {
		double matrix[4];
		bool on_its_side;
		enum quarter quarters[4];
	} cases[] = {
		{{1, 0, 0, 1}, false, {RED, GREEN, BLUE, WHITE}},
		{{0, 1, -1, 0}, true, {BLUE, RED, WHITE, GREEN}},
		{{-1, 0, 0, -1}, false, {WHITE, BLUE, GREEN, RED}},
		{{0, -1, 1, 0}, true, {GREEN, WHITE, RED, BLUE}},
		{{-1, 0, 0, 1}, false, {GREEN, RED, WHITE, BLUE}},
		{{1, 0, 0, -1}, false, {BLUE, WHITE, RED, GREEN}},
		{{0, 1, 1, 0}, true, {RED, BLUE, GREEN, WHITE}},
		{{0, -1, -1, 0}, true, {WHITE, GREEN, BLUE, RED}},
		{{0.06, 0.99, -0.99, 0.06}, true, {BLUE, RED, WHITE, GREEN}}, /* not quite level */
		{{0, 2, -2, 0}, true, {BLUE, RED, WHITE, GREEN}},
		{{0, 0, 0, 0}, false, {RED, GREEN, BLUE, WHITE}},
	};
	const struct video_recipe recipe = {"mov", codec, format, 64, 32, 1, .alpha = 255};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const double *m = cases[i].matrix;
		uint64_t frames;
		assert_true(video_write(path, &recipe) && video_set_matrix(path, m[0], m[1], m[2], m[3]));
		struct picture picture = first_picture(path, &frames);
		assert_int_equal(picture.width, cases[i].on_its_side ? 32 : 64);
		assert_int_equal(picture.height, cases[i].on_its_side ? 64 : 32);
		assert_quarters(&picture, cases[i].quarters, avcodec_get_name(codec));
		picture_finish(&picture);
	}
}

static void pictures_are_upright(void **state)
{
	(void)state;
	assert_turned(AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24);
	assert_turned(AV_CODEC_ID_MPEG4, AV_PIX_FMT_YUV420P);
	assert_turned(AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ420P);
}

static void assert_size(struct video_recipe recipe, int width, int height)
{
	uint64_t frames;

	recipe.frames = 1;
	recipe.alpha = 255;
	assert_true(video_write(path, &recipe));
	struct picture picture = first_picture(path, &frames);
	assert_int_equal(picture.width, width);
	assert_int_equal(picture.height, height);
	assert_quarters(&picture, upright, recipe.container);
	picture_finish(&picture);
}

static void pixels_are_square(void **state)
{
	(void)state;
	struct video_recipe r = {"matroska", AV_CODEC_ID_MPEG4, AV_PIX_FMT_YUV420P, 64, 32};

	r.aspect = (AVRational){2, 1};
	assert_size(r, 128, 32);
	r.aspect = (AVRational){1, 2};
	assert_size(r, 64, 64);
	r.aspect = (AVRational){12, 11};
	assert_size(r, 70, 32);
	r.aspect = (AVRational){1000, 1}; /* a fault */
	assert_size(r, 64, 32);

	r = (struct video_recipe){"matroska", AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ420P, 64, 32};
	r.aspect = (AVRational){2, 1};
	assert_size(r, 128, 32);
	/* JPEGs as a camera makes them; recordings hold such, and the network saw them as they are. */
	r.container = "avi";
	r.codec_aspect = true;
	assert_size(r, 64, 32);
	r.container = "matroska";
	assert_size(r, 64, 32);

	/* A picture may not grow over the limit of a side. */
	r = (struct video_recipe){"nut", AV_CODEC_ID_RAWVIDEO, AV_PIX_FMT_YUV420P, 12000, 16};
	r.aspect = (AVRational){2, 1};
	assert_size(r, 12000, 8);
}

/* What is shown on a small display or to a small network is decoded small: the size must be known. */
static void jpegs_have_a_size(void **state)
{
	(void)state;
	const struct video_recipe recipe = {
		"avi", AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ422P, 80, 48, 2, .alpha = 255};
	const struct source_options options = {0};
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};

	assert_true(video_write(path, &recipe));
	assert_int_equal(source_open(path, &options, &source, &e), 0);
	assert_string_equal(source_description(source), "video, mjpeg, 80×48, 25 frames a second");
	assert_int_equal(source_next(source, &frame, &e), 0);
	assert_int_equal(frame.raw.format, PIXEL_JPEG);
	assert_int_equal(frame.raw.width, 80);
	assert_int_equal(frame.raw.height, 48);
	raw_picture_finish(&frame.raw);
	source_close(source);
}

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/video", folder);
	snprintf(more, sizeof(more), "%s/more", folder);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(path);
	unlink(more);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_is_shown),
		cmocka_unit_test(transparent_is_over_black),
		cmocka_unit_test(pictures_may_change),
		cmocka_unit_test(pictures_are_upright),
		cmocka_unit_test(pixels_are_square),
		cmocka_unit_test(jpegs_have_a_size),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
