/* SPDX-License-Identifier: MIT */
#include "source/video/reader.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STEP_MAXIMUM (10 * NS_PER_S) /* a longer step of the timestamps is a jump, ns */

/* For the clock, where neither the stream nor the user gives a rate. */
#define RATE_USUAL 25

static AVStream *stream_of(const struct reader *r)
{
	return r->input.format->streams[r->input.stream];
}

static int decoder_open(struct reader *r, const AVCodecParameters *parameters, struct error *e)
{
	const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);

	if (!codec)
		return error_set(e, -EBADMSG, "%s: no decoder for %s video", r->input.shown,
			avcodec_get_name(parameters->codec_id));
	r->codec = avcodec_alloc_context3(codec);
	r->frame = av_frame_alloc();
	if (!r->codec || !r->frame)
		return error_set(e, -ENOMEM, "%s: no memory for a decoder", r->input.shown);
	int status = avcodec_parameters_to_context(r->codec, parameters);
	r->codec->pkt_timebase = stream_of(r)->time_base;
	if (status >= 0)
		status = avcodec_open2(r->codec, codec, NULL);
	if (input_is_short(status))
		return input_refuse_short(&r->input, status, e);
	if (status < 0)
		return error_set(e, -EBADMSG, "%s: %s: %s", r->input.shown, codec->name, input_cause(status));
	return 0;
}

int reader_open(
	struct reader *r, const char *name, double rate, struct interruption *interruption, struct error *e)
{
	*r = (struct reader){.rate = rate};
	int status = input_open(&r->input, name, interruption, e);
	if (status < 0)
		return status;
	const AVCodecParameters *parameters = stream_of(r)->codecpar;
	/* libavformat has looked at its pictures for seconds. */
	if (r->input.network && parameters->codec_id == AV_CODEC_ID_MJPEG &&
		(parameters->width < 1 || parameters->height < 1))
		return error_set(e, -EBADMSG, "%s: sends no picture that can be read", r->input.shown);
	if (parameters->width > PICTURE_SIDE_MAXIMUM || parameters->height > PICTURE_SIDE_MAXIMUM)
		return error_set(e, -EBADMSG, "%s: it is %d×%d pixels; at most %d a side can be read",
			r->input.shown, parameters->width, parameters->height, PICTURE_SIDE_MAXIMUM);
	if (r->rate <= 0) {
		double own = av_q2d(av_guess_frame_rate(r->input.format, stream_of(r), NULL));
		r->own_rate = true;
		r->rate = own > 0 && own <= 1000 ? own : 0;
	}
	return parameters->codec_id == AV_CODEC_ID_MJPEG ? 0 : decoder_open(r, parameters, e);
}

static int damaged(const struct reader *r, const char *cause, struct error *e)
{
	return error_set(e, -EBADMSG, "%s: frame %llu is damaged: %s", r->input.shown,
		(unsigned long long)r->number, cause);
}

/* What libavcodec says of a picture. */
static int decoder_refuse(const struct reader *r, int status, struct error *e)
{
	return input_is_short(status) ? input_refuse_short(&r->input, status, e)
				      : damaged(r, input_cause(status), e);
}

/* As input_read; after a failure the video is over. */
static int packet_read(struct reader *r, struct error *e)
{
	int status = r->failed ? -ENODATA : input_read(&r->input, e);

	r->failed |= status < 0;
	return status;
}

/* One decoded picture in r->frame. */
static int picture_decode_next(struct reader *r, struct error *e)
{
	for (;;) {
		int status = avcodec_receive_frame(r->codec, r->frame);
		if (status == 0 &&
			(r->frame->decode_error_flags || (r->frame->flags & AV_FRAME_FLAG_CORRUPT)))
			return damaged(r, "parts of it cannot be decoded", e);
		if (status == 0)
			return 0;
		if (status == AVERROR_EOF)
			return -ENODATA;
		if (status != AVERROR(EAGAIN))
			return decoder_refuse(r, status, e);
		status = packet_read(r, e);
		if (status == -ENODATA) {
			if (r->drained)
				return status;
			r->drained = true;
			status = avcodec_send_packet(r->codec, NULL);
		} else if (status < 0) {
			return status;
		} else {
			status = avcodec_send_packet(r->codec, r->input.packet);
		}
		if (status < 0)
			return decoder_refuse(r, status, e);
	}
}

/* Writes the message of a picture that was read, but cannot be had. */
static int picture_refuse(const struct reader *r, int status, const struct error *why, struct error *e)
{
	return status == -ENOMEM ? error_set(e, status, "%s: %s", r->input.shown, why->text)
				 : damaged(r, why->text, e);
}

static int picture_take(struct reader *r, struct raw_picture *raw, struct error *e)
{
	struct error why = {0};

	int status = picture_decode_next(r, e);
	if (status < 0)
		return status;
	struct geometry g =
		geometry_of(r->input.format, stream_of(r), r->frame, r->frame->width, r->frame->height);
	status = converter_run(&r->converter, r->frame, &g, raw, &why);
	return status < 0 ? picture_refuse(r, status, &why, e) : 0;
}

static int jpeg_take(struct reader *r, struct raw_picture *raw, struct error *e)
{
	struct error why = {0};

	int status = packet_read(r, e);
	if (status < 0)
		return status;
	const AVPacket *packet = r->input.packet;
	if (packet->size < 1)
		return damaged(r, "it is empty", e);
	raw->size = (size_t)packet->size;
	if (raw_picture_reserve(raw, raw->size) < 0)
		return error_set(e, -ENOMEM, "%s: no memory for a frame", r->input.shown);
	memcpy(raw->data, packet->data, raw->size);
	raw->format = PIXEL_JPEG;
	/* What decodes it wants to know how large it is. A header without a size is for the decoder to
	 * refuse. */
	if (picture_jpeg_size(raw->data, raw->size, &raw->width, &raw->height) < 0) {
		raw->width = raw->height = 0;
		return 0;
	}
	struct geometry g = geometry_of(r->input.format, stream_of(r), NULL, raw->width, raw->height);
	if (geometry_is_plain(&g, raw->width, raw->height))
		return 0;
	status = converter_run_jpeg(&r->converter, &g, raw, &why);
	return status < 0 ? picture_refuse(r, status, &why, e) : 0;
}

/* Called once a picture. */
static int64_t due_time(struct reader *r)
{
	int64_t stamp = r->codec ? r->frame->best_effort_timestamp : r->input.packet->pts;
	int64_t period = (int64_t)(1e9 / (r->rate > 0 ? r->rate : RATE_USUAL));

	if (!r->codec && stamp == AV_NOPTS_VALUE)
		stamp = r->input.packet->dts;
	if (!r->own_rate || stamp == AV_NOPTS_VALUE)
		return r->time += period;
	int64_t now = av_rescale_q(stamp, stream_of(r)->time_base, (AVRational){1, 1000000000});
	int64_t step = (int64_t)((uint64_t)now - (uint64_t)r->stamp);
	r->stamp = now;
	return r->time += step > 0 && step < STEP_MAXIMUM ? step : period;
}

int reader_next(struct reader *r, struct raw_picture *raw, int64_t *due, struct error *e)
{
	int status = r->codec ? picture_take(r, raw, e) : jpeg_take(r, raw, e);

	if (status == 0)
		*due = due_time(r);
	if (status == 0 || status == -EBADMSG)
		r->number++;
	return status;
}

void reader_describe(const struct reader *r, char *text, size_t size)
{
	const AVCodecParameters *parameters = stream_of(r)->codecpar;
	struct geometry g;
	char rate[40] = "";

	g = geometry_of(r->input.format, stream_of(r), NULL, parameters->width, parameters->height);
	bool swap = g.turn == 90 || g.turn == 270;
	if (r->rate > 0)
		snprintf(rate, sizeof(rate), ", %.4g frames a second", r->rate);
	snprintf(text, size, "%s, %d×%d%s", avcodec_get_name(parameters->codec_id), swap ? g.height : g.width,
		swap ? g.width : g.height, rate);
}

void reader_close(struct reader *r)
{
	avcodec_free_context(&r->codec);
	av_frame_free(&r->frame);
	converter_finish(&r->converter);
	input_close(&r->input);
}
