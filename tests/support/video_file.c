/* SPDX-License-Identifier: MIT */
#include "support/video_file.h"

#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one file needs while it is written. */
struct video_writer {
	AVFormatContext *format;
	AVCodecContext *codec;
	AVPacket *packet;
	AVFrame *quarters, *frame;
};

static AVFrame *frame_make(enum AVPixelFormat format, int width, int height)
{
	AVFrame *frame = av_frame_alloc();

	frame->format = format;
	frame->width = width;
	frame->height = height;
	if (av_frame_get_buffer(frame, 0) < 0)
		av_frame_free(&frame);
	return frame;
}

static void quarters_fill(AVFrame *frame, uint8_t alpha)
{
	static const uint8_t colours[4][3] = {{0, 0, 255}, {0, 255, 0}, {255, 0, 0}, {255, 255, 255}};

	for (int y = 0; y < frame->height; y++) {
		for (int x = 0; x < frame->width; x++) {
			int quarter = 2 * (2 * y >= frame->height) + (2 * x >= frame->width);
			uint8_t *to = frame->data[0] + (ptrdiff_t)y * frame->linesize[0] + (ptrdiff_t)x * 4;
			memcpy(to, colours[quarter], 3);
			to[3] = quarter == 3 ? alpha : 255;
		}
	}
}

/* libswscale writes no palettes: one with the four colours. */
static void palette_fill(AVFrame *frame, uint8_t alpha)
{
	const uint32_t palette[4] = {0xffff0000, 0xff00ff00, 0xff0000ff, (uint32_t)alpha << 24 | 0xffffff};

	memset(frame->data[1], 0, 1024);
	memcpy(frame->data[1], palette, sizeof(palette));
	for (int y = 0; y < frame->height; y++)
		for (int x = 0; x < frame->width; x++)
			frame->data[0][(ptrdiff_t)y * frame->linesize[0] + x] =
				(uint8_t)(2 * (2 * y >= frame->height) + (2 * x >= frame->width));
}

static bool frame_fill(struct video_writer *w, const struct video_recipe *recipe)
{
	w->quarters = frame_make(AV_PIX_FMT_BGRA, recipe->width, recipe->height);
	w->frame = frame_make(recipe->format, recipe->width, recipe->height);
	if (!w->quarters || !w->frame)
		return false;
	quarters_fill(w->quarters, recipe->alpha);
	if (recipe->format == AV_PIX_FMT_PAL8) {
		palette_fill(w->frame, recipe->alpha);
		return true;
	}
	struct SwsContext *scaler =
		sws_getContext(recipe->width, recipe->height, AV_PIX_FMT_BGRA, recipe->width, recipe->height,
			recipe->format, SWS_BILINEAR | SWS_ACCURATE_RND, NULL, NULL, NULL);
	bool good =
		scaler && sws_scale(scaler, (const uint8_t *const *)w->quarters->data, w->quarters->linesize,
				  0, recipe->height, w->frame->data, w->frame->linesize) == recipe->height;
	sws_freeContext(scaler);
	return good;
}

static bool encoder_open(struct video_writer *w, const struct video_recipe *recipe)
{
	const AVCodec *codec = avcodec_find_encoder(recipe->codec);

	w->codec = codec ? avcodec_alloc_context3(codec) : NULL;
	if (!w->codec)
		return false;
	w->codec->width = recipe->width;
	w->codec->height = recipe->height;
	w->codec->pix_fmt = recipe->format;
	w->codec->time_base = (AVRational){1, 25};
	w->codec->framerate = (AVRational){25, 1};
	w->codec->sample_aspect_ratio = recipe->aspect;
	w->codec->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
	w->codec->bit_rate = 4000000;
	if (w->format->oformat->flags & AVFMT_GLOBALHEADER)
		w->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	return avcodec_open2(w->codec, codec, NULL) == 0;
}

static bool stream_make(struct video_writer *w, const struct video_recipe *recipe)
{
	AVStream *stream = avformat_new_stream(w->format, NULL);

	if (!stream || avcodec_parameters_from_context(stream->codecpar, w->codec) < 0)
		return false;
	stream->time_base = w->codec->time_base;
	stream->avg_frame_rate = w->codec->framerate;
	stream->sample_aspect_ratio = recipe->aspect;
	if (recipe->codec_aspect)
		stream->sample_aspect_ratio = stream->codecpar->sample_aspect_ratio = (AVRational){0, 1};
	return avformat_write_header(w->format, NULL) >= 0;
}

static bool packets_write(struct video_writer *w)
{
	AVRational to = w->format->streams[0]->time_base;
	int status;

	while ((status = avcodec_receive_packet(w->codec, w->packet)) == 0) {
		av_packet_rescale_ts(w->packet, w->codec->time_base, to);
		if (av_interleaved_write_frame(w->format, w->packet) < 0)
			return false;
	}
	return status == AVERROR(EAGAIN) || status == AVERROR_EOF;
}

static bool frames_write(struct video_writer *w, int frames)
{
	bool good = true;

	for (int i = 0; i < frames && good; i++) {
		w->frame->pts = i;
		good = avcodec_send_frame(w->codec, w->frame) == 0 && packets_write(w);
	}
	return good && avcodec_send_frame(w->codec, NULL) == 0 && packets_write(w) &&
	       av_write_trailer(w->format) == 0;
}

bool video_write(const char *path, const struct video_recipe *recipe)
{
	struct video_writer w = {.packet = av_packet_alloc()};

	av_log_set_level(AV_LOG_QUIET);
	bool good = avformat_alloc_output_context2(&w.format, NULL, recipe->container, path) >= 0 &&
		    avio_open(&w.format->pb, path, AVIO_FLAG_WRITE) >= 0 && encoder_open(&w, recipe) &&
		    stream_make(&w, recipe) && frame_fill(&w, recipe) && frames_write(&w, recipe->frames);
	if (w.format)
		avio_closep(&w.format->pb);
	avformat_free_context(w.format);
	avcodec_free_context(&w.codec);
	av_packet_free(&w.packet);
	av_frame_free(&w.quarters);
	av_frame_free(&w.frame);
	return good;
}

/* The whole file, for free. NULL: it cannot be read. */
static uint8_t *bytes_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rbe");
	long length = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
	uint8_t *data = length > 0 ? malloc((size_t)length) : NULL;

	*size = (size_t)length;
	if (data) {
		rewind(file);
		*size = fread(data, 1, *size, file);
	}
	if (file)
		fclose(file);
	return data;
}

static bool bytes_write(const char *path, const char *mode, const uint8_t *data, size_t size)
{
	FILE *file = fopen(path, mode);
	bool good = file && fwrite(data, 1, size, file) == size;

	return file && fclose(file) == 0 && good;
}

bool video_set_matrix(const char *path, double a, double b, double c, double d)
{
	const double matrix[9] = {a, b, 0, c, d, 0, 0, 0, 16384};
	size_t size;
	uint8_t *data = bytes_read(path, &size);
	uint8_t *track = data ? memmem(data, size, "tkhd", 4) : NULL;
	bool good = track && size - (size_t)(track - data) >= 80;

	for (int i = 0; i < 9 && good; i++) {
		uint32_t number = (uint32_t)(int32_t)lround(matrix[i] * 65536);
		for (int k = 0; k < 4; k++)
			track[44 + 4 * i + k] = (uint8_t)(number >> (24 - 8 * k));
	}
	good = good && bytes_write(path, "wbe", data, size);
	free(data);
	return good;
}

bool video_append(const char *path, const char *more)
{
	size_t size;
	uint8_t *data = bytes_read(more, &size);
	bool good = data && bytes_write(path, "abe", data, size);

	free(data);
	return good;
}
