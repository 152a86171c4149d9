/* SPDX-License-Identifier: MIT */
/* Where memory or open files run out in libav, the video is not called damaged, nor at its end. */
#include "source/source.h"

#include "base/error.h"
#include "support/video_file.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum place { NOWHERE, OPENING, PROBING, READING, DECODER };

/* Which call fails, with which status, and what it leaves in errno. */
static struct {
	enum place place;
	int status, cause;
} fault;

static bool fails(enum place place)
{
	if (fault.place == place)
		errno = fault.cause;
	return fault.place == place;
}

/* The linker puts these in the places of their namesakes. */
int __wrap_avformat_open_input(
	AVFormatContext **format, const char *url, const AVInputFormat *kind, AVDictionary **options);
int __real_avformat_open_input(
	AVFormatContext **format, const char *url, const AVInputFormat *kind, AVDictionary **options);
int __wrap_avformat_find_stream_info(AVFormatContext *format, AVDictionary **options);
int __real_avformat_find_stream_info(AVFormatContext *format, AVDictionary **options);
int __wrap_av_read_frame(AVFormatContext *format, AVPacket *packet);
int __real_av_read_frame(AVFormatContext *format, AVPacket *packet);
int __wrap_avcodec_open2(AVCodecContext *context, const AVCodec *codec, AVDictionary **options);
int __real_avcodec_open2(AVCodecContext *context, const AVCodec *codec, AVDictionary **options);

int __wrap_avformat_open_input(
	AVFormatContext **format, const char *url, const AVInputFormat *kind, AVDictionary **options)
{
	if (!fails(OPENING))
		return __real_avformat_open_input(format, url, kind, options);
	avformat_free_context(*format);
	*format = NULL;
	return fault.status;
}

int __wrap_avformat_find_stream_info(AVFormatContext *format, AVDictionary **options)
{
	return fails(PROBING) ? fault.status : __real_avformat_find_stream_info(format, options);
}

int __wrap_av_read_frame(AVFormatContext *format, AVPacket *packet)
{
	return fails(READING) ? fault.status : __real_av_read_frame(format, packet);
}

int __wrap_avcodec_open2(AVCodecContext *context, const AVCodec *codec, AVDictionary **options)
{
	return fails(DECODER) ? fault.status : __real_avcodec_open2(context, codec, options);
}

/* Reads to the end. The status that ends it; the message is in *e. */
static int read_all(const char *path, struct error *e)
{
	const struct source_options options = {0};
	struct source *source = NULL;
	struct frame frame = {0};
	int status = source_open(path, &options, &source, e);

	while (!status)
		status = source_next(source, &frame, e);
	raw_picture_finish(&frame.raw);
	source_close(source);
	return status;
}

static void a_shortage_is_told(void **state)
{
	static const struct {
		enum place place;
		int status, cause, wanted;
	} cases[] = {
		{OPENING, AVERROR(ENOMEM), 0, -ENOMEM},
		{OPENING, AVERROR(EMFILE), EMFILE, -EMFILE},
		{OPENING, AVERROR_INVALIDDATA, ENOMEM, -ENOMEM},
		{OPENING, AVERROR_INVALIDDATA, 0, -EBADMSG},
		{PROBING, 0, ENOMEM, -ENOMEM},
		{READING, 0, ENOMEM, -ENOMEM},
		{READING, AVERROR(ENOMEM), 0, -ENOMEM},
		{READING, AVERROR_EOF, ENOMEM, -ENOMEM},
		{READING, AVERROR_EOF, 0, -ENOMSG},
		{DECODER, AVERROR(ENOMEM), ENOMEM, -ENOMEM},
		{DECODER, AVERROR_INVALIDDATA, 0, -EBADMSG},
	};
	const struct video_recipe recipe = {
		"nut", AV_CODEC_ID_RAWVIDEO, AV_PIX_FMT_YUV420P, 32, 16, 2, .alpha = 255};
	char path[] = "/tmp/twobit-shortage-XXXXXX";
	int file = mkstemp(path);

	(void)state;
	assert_true(file >= 0);
	close(file);
	assert_true(video_write(path, &recipe));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error e = {0};

		fault.place = cases[i].place;
		fault.status = cases[i].status;
		fault.cause = cases[i].cause;
		int status = read_all(path, &e);
		fault.place = NOWHERE;
		if (status != cases[i].wanted)
			fail_msg("case %zu: %d (%s) instead of %d", i, status, e.text, cases[i].wanted);
		if (error_is_of_machine(status))
			assert_non_null(strstr(e.text, strerror(-status)));
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_shortage_is_told)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
