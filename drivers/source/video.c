/* SPDX-License-Identifier: MIT */
/*
 * Videos by libavformat and libavcodec: files, and pipes ("-" is standard input). Motion JPEG is delivered
 * as it is, 4:2:0 in BT.601 studio range as I420 or NV12, and all else as BGRX in the colours of the stream.
 */
#include "base/clock.h"
#include "base/error.h"
#include "image/decode.h"
#include "source/drivers.h"

#include <errno.h>
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
#include <libyuv.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_BUFFER 65536
#define STEP_MAXIMUM (10 * NS_PER_S) /* a longer step of the timestamps is a jump, ns */

struct video {
	struct pacer pacer;
	char *path;
	AVFormatContext *format;
	AVIOContext *pipe;     /* NULL for a file */
	AVCodecContext *codec; /* NULL: Motion JPEG, not decoded */
	AVPacket *packet;
	AVFrame *picture;
	int stream;
	int fd, stop_event, give_up; /* −1: none */
	double rate;		     /* frames a second; the stream's own without a request */
	bool own_rate;
	bool opened, given_up;
	bool drained;
	bool failed; /* the demuxer failed: nothing follows */
	bool any;    /* a frame was delivered */
	uint64_t number;
	int64_t stamp, time; /* of the last frame: the stream's, and ours; ns */
};

static const char *cause_of(int status)
{
	static _Thread_local char text[AV_ERROR_MAX_STRING_SIZE];

	av_strerror(status, text, sizeof(text));
	return text;
}

static int interrupted(void *opaque)
{
	struct video *v = opaque;
	struct pollfd wait = {.fd = v->opened ? -1 : v->give_up, .events = POLLIN};

	if (poll(&wait, 1, 0) > 0)
		v->given_up = true;
	return v->given_up || pacer_stopped(&v->pacer);
}

/* Waits for the pipe or for stop; while the video is opened, also for give_up. */
static int pipe_read(void *opaque, uint8_t *data, int size)
{
	struct video *v = opaque;
	struct pollfd wait[3] = {{.fd = v->fd, .events = POLLIN}, {.fd = v->stop_event, .events = POLLIN},
		{.fd = v->opened ? -1 : v->give_up, .events = POLLIN}};

	for (;;) {
		int ready = poll(wait, 3, -1);
		if (ready > 0 && wait[2].revents)
			v->given_up = true;
		if (ready > 0 && (wait[1].revents || wait[2].revents))
			return AVERROR_EXIT;
		ssize_t got = ready > 0 ? read(v->fd, data, (size_t)size) : -1;
		if (got > 0)
			return (int)got;
		if (got == 0)
			return AVERROR_EOF;
		if (errno != EINTR && errno != EAGAIN)
			return AVERROR(errno);
	}
}

static int pipe_open(struct video *v, const char *source)
{
	/* Reading waits for a named pipe. */
	v->fd = strcmp(source, "-") == 0 ? dup(STDIN_FILENO)
					 : open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (v->fd < 0)
		return AVERROR(errno);
	v->stop_event = eventfd(0, EFD_CLOEXEC);
	uint8_t *buffer = av_malloc(PIPE_BUFFER);
	v->pipe = buffer ? avio_alloc_context(buffer, PIPE_BUFFER, 0, v, pipe_read, NULL, NULL) : NULL;
	if (!v->pipe) {
		av_free(buffer);
		return AVERROR(ENOMEM);
	}
	v->format->pb = v->pipe;
	return 0;
}

static int demuxer_open(struct video *v, const char *source)
{
	char name[8192];
	struct stat file;

	v->format = avformat_alloc_context();
	if (!v->format)
		return AVERROR(ENOMEM);
	v->format->interrupt_callback = (AVIOInterruptCB){interrupted, v};
	int status = 0;
	if (strcmp(source, "-") == 0 || (stat(source, &file) == 0 && !S_ISREG(file.st_mode)))
		status = pipe_open(v, source);
	/* Without "file:" a name like "concat:a" would have a meaning to libavformat. */
	if (snprintf(name, sizeof(name), "file:%s", source) >= (int)sizeof(name))
		return AVERROR(ENAMETOOLONG);
	if (status == 0)
		status = avformat_open_input(&v->format, v->pipe ? NULL : name, NULL, NULL);
	return status < 0 ? status : avformat_find_stream_info(v->format, NULL);
}

/* The formats that picture_fill reads. */
static bool format_known(int format)
{
	switch (format) {
	case AV_PIX_FMT_YUV420P:
	case AV_PIX_FMT_YUVJ420P:
	case AV_PIX_FMT_NV12:
	case AV_PIX_FMT_YUV422P:
	case AV_PIX_FMT_YUVJ422P:
	case AV_PIX_FMT_YUV444P:
	case AV_PIX_FMT_YUVJ444P:
	case AV_PIX_FMT_YUV420P10LE:
		return true;
	default:
		return false;
	}
}

static int format_refuse(const struct video *v, int format, struct error *e)
{
	const char *name = av_get_pix_fmt_name(format);

	return error_set(e, -EBADMSG,
		"%s: its pixels are %s; yuv420p, yuv422p, yuv444p, nv12 and yuv420p10le are read", v->path,
		name ? name : "of an unknown format");
}

static int decoder_open(struct video *v, const AVCodecParameters *parameters, struct error *e)
{
	const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);

	if (!codec)
		return error_set(e, -EBADMSG, "%s: no decoder for %s video", v->path,
			avcodec_get_name(parameters->codec_id));
	if (parameters->format >= 0 && !format_known(parameters->format))
		return format_refuse(v, parameters->format, e);
	v->codec = avcodec_alloc_context3(codec);
	if (!v->codec)
		return error_set(e, -ENOMEM, "%s: no memory for a decoder", v->path);
	int status = avcodec_parameters_to_context(v->codec, parameters);
	if (status == 0)
		status = avcodec_open2(v->codec, codec, NULL);
	if (status < 0)
		return error_set(e, -EBADMSG, "%s: %s: %s", v->path, codec->name, cause_of(status));
	return 0;
}

static int stream_open(struct video *v, struct error *e)
{
	v->stream = av_find_best_stream(v->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (v->stream < 0)
		return error_set(e, -EBADMSG, "%s: there is no video in it", v->path);
	AVStream *stream = v->format->streams[v->stream];
	const AVCodecParameters *parameters = stream->codecpar;
	if (parameters->width > PICTURE_SIDE_MAXIMUM || parameters->height > PICTURE_SIDE_MAXIMUM)
		return error_set(e, -EBADMSG, "%s: it is %d×%d pixels; at most %d a side can be read",
			v->path, parameters->width, parameters->height, PICTURE_SIDE_MAXIMUM);
	if (v->rate <= 0) {
		double rate = av_q2d(av_guess_frame_rate(v->format, stream, NULL));
		v->own_rate = true;
		v->rate = rate > 0 && rate <= 1000 ? rate : 25;
	}
	return parameters->codec_id == AV_CODEC_ID_MJPEG ? 0 : decoder_open(v, parameters, e);
}

static void video_close(void *state)
{
	struct video *v = state;

	avcodec_free_context(&v->codec);
	avformat_close_input(&v->format);
	if (v->pipe)
		av_freep(&v->pipe->buffer);
	avio_context_free(&v->pipe);
	av_packet_free(&v->packet);
	av_frame_free(&v->picture);
	if (v->fd >= 0)
		close(v->fd);
	if (v->stop_event >= 0)
		close(v->stop_event);
	pacer_finish(&v->pacer);
	free(v->path);
	free(v);
}

static bool video_accepts(const char *source)
{
	struct stat status;

	return strcmp(source, "-") == 0 || (stat(source, &status) == 0 && !S_ISDIR(status.st_mode));
}

static int input_open(struct video *v, const char *source, struct error *e)
{
	struct stat file;

	if (strcmp(source, "-") != 0 && stat(source, &file) == 0 && S_ISREG(file.st_mode) &&
		file.st_size == 0)
		return error_set(e, -EBADMSG, "%s: is empty", v->path);
	int status = demuxer_open(v, source);
	if (v->given_up)
		return error_set(e, -ECANCELED, "%s: was no longer waited for", v->path);
	if (status == AVERROR(ENOMEM) || status == AVERROR(EACCES) || status == AVERROR(EIO) ||
		status == AVERROR(EBADF))
		return error_set(e, AVUNERROR(status), "%s: %s", v->path, strerror(AVUNERROR(status)));
	if (status < 0)
		return error_set(e, -EBADMSG, "%s: is neither a picture (JPEG, PNG) nor a whole video: %s",
			v->path, cause_of(status));
	status = stream_open(v, e);
	v->opened = status == 0;
	return status;
}

static int video_open(const char *source, const struct source_options *options, void **state, struct error *e)
{
	struct video *v = calloc(1, sizeof(*v));

	if (!v || pacer_init(&v->pacer, options->paced) < 0) {
		free(v);
		return error_set(e, -ENOMEM, "%s: no memory", source);
	}
	av_log_set_level(AV_LOG_QUIET);
	v->fd = v->stop_event = -1;
	v->give_up = options->give_up > 0 ? options->give_up : -1;
	v->rate = options->rate;
	v->path = strdup(strcmp(source, "-") == 0 ? "standard input" : source);
	v->packet = av_packet_alloc();
	v->picture = av_frame_alloc();
	int status = v->path && v->packet && v->picture ? input_open(v, source, e)
							: error_set(e, -ENOMEM, "%s: no memory", source);
	if (status < 0) {
		video_close(v);
		return status;
	}
	*state = v;
	return 0;
}

/* The colours that the stream declares; BT.601 as in JPEG where it declares none. */
static const struct YuvConstants *colours(const AVFrame *f, bool *plain)
{
	bool full = f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P ||
		    f->format == AV_PIX_FMT_YUVJ422P || f->format == AV_PIX_FMT_YUVJ444P;

	*plain = false;
	if (f->colorspace == AVCOL_SPC_BT709)
		return full ? &kYuvF709Constants : &kYuvH709Constants;
	if (f->colorspace == AVCOL_SPC_BT2020_NCL || f->colorspace == AVCOL_SPC_BT2020_CL)
		return full ? &kYuvV2020Constants : &kYuv2020Constants;
	*plain = !full;
	return full ? &kYuvJPEGConstants : &kYuvI601Constants;
}

static int bgrx_fill(const AVFrame *f, const struct YuvConstants *k, uint8_t *to)
{
	const uint8_t *y = f->data[0];
	const uint8_t *u = f->data[1];
	const uint8_t *v = f->data[2];
	const int *l = f->linesize;
	int stride = f->width * 4;

	switch (f->format) {
	case AV_PIX_FMT_YUV422P:
	case AV_PIX_FMT_YUVJ422P:
		return I422ToARGBMatrix(y, l[0], u, l[1], v, l[2], to, stride, k, f->width, f->height);
	case AV_PIX_FMT_YUV444P:
	case AV_PIX_FMT_YUVJ444P:
		return I444ToARGBMatrix(y, l[0], u, l[1], v, l[2], to, stride, k, f->width, f->height);
	case AV_PIX_FMT_NV12:
		return NV12ToARGBMatrix(y, l[0], u, l[1], to, stride, k, f->width, f->height);
	case AV_PIX_FMT_YUV420P10LE: /* planes of 16-bit numbers, aligned by libavcodec */
		return I010ToARGBMatrix((const uint16_t *)(const void *)y, l[0] / 2,
			(const uint16_t *)(const void *)u, l[1] / 2, (const uint16_t *)(const void *)v,
			l[2] / 2, to, stride, k, f->width, f->height);
	default:
		return I420ToARGBMatrix(y, l[0], u, l[1], v, l[2], to, stride, k, f->width, f->height);
	}
}

static void planes_copy(const AVFrame *f, uint8_t *to)
{
	int half = (f->width + 1) / 2;
	int rows = (f->height + 1) / 2;
	uint8_t *chroma = to + (size_t)f->width * (size_t)f->height;

	CopyPlane(f->data[0], f->linesize[0], to, f->width, f->width, f->height);
	if (f->format == AV_PIX_FMT_NV12) {
		CopyPlane(f->data[1], f->linesize[1], chroma, half * 2, half * 2, rows);
		return;
	}
	CopyPlane(f->data[1], f->linesize[1], chroma, half, half, rows);
	CopyPlane(f->data[2], f->linesize[2], chroma + (size_t)half * (size_t)rows, half, half, rows);
}

static int picture_fill(struct video *v, const AVFrame *f, struct raw_picture *raw, struct error *e)
{
	bool plain;
	const struct YuvConstants *k = colours(f, &plain);

	if (!format_known(f->format))
		return format_refuse(v, f->format, e);
	if (f->width < 1 || f->height < 1 || f->width > PICTURE_SIDE_MAXIMUM ||
		f->height > PICTURE_SIDE_MAXIMUM)
		return error_set(e, -EBADMSG, "%s: frame %llu is %d×%d pixels", v->path,
			(unsigned long long)v->number, f->width, f->height);
	size_t pixels = (size_t)f->width * (size_t)f->height;
	size_t chroma = (size_t)((f->width + 1) / 2) * (size_t)((f->height + 1) / 2);
	plain = plain && (f->format == AV_PIX_FMT_YUV420P || f->format == AV_PIX_FMT_NV12);
	raw->size = plain ? pixels + 2 * chroma : pixels * 4;
	if (raw_picture_reserve(raw, raw->size) < 0)
		return error_set(e, -ENOMEM, "%s: no memory for a frame", v->path);
	raw->width = f->width;
	raw->height = f->height;
	if (plain) {
		raw->format = f->format == AV_PIX_FMT_NV12 ? PIXEL_NV12 : PIXEL_I420;
		planes_copy(f, raw->data);
		return 0;
	}
	raw->format = PIXEL_BGRX;
	if (bgrx_fill(f, k, raw->data) != 0)
		return error_set(e, -EBADMSG, "%s: frame %llu cannot be converted", v->path,
			(unsigned long long)v->number);
	return 0;
}

static int damaged(const struct video *v, const char *cause, struct error *e)
{
	return error_set(
		e, -EBADMSG, "%s: frame %llu is damaged: %s", v->path, (unsigned long long)v->number, cause);
}

/* The next packet of our stream. -ENODATA at the end, -EBADMSG once where the file breaks off, -ECANCELED. */
static int packet_read(struct video *v, struct error *e)
{
	while (!v->failed) {
		av_packet_unref(v->packet);
		int status = av_read_frame(v->format, v->packet);
		if (status == AVERROR(EAGAIN))
			continue;
		if (pacer_stopped(&v->pacer))
			return -ECANCELED;
		if (status < 0) {
			v->failed = true;
			if (status != AVERROR_EOF)
				return error_set(e, -EBADMSG, "%s: breaks off after frame %llu: %s", v->path,
					(unsigned long long)v->number, cause_of(status));
		} else if (v->packet->stream_index == v->stream) {
			return 0;
		}
	}
	return error_set(e, -ENODATA, "%s: the video is over", v->path);
}

/* One decoded picture in v->picture. */
static int picture_decode_next(struct video *v, struct error *e)
{
	for (;;) {
		int status = avcodec_receive_frame(v->codec, v->picture);
		if (status == 0 &&
			(v->picture->decode_error_flags || (v->picture->flags & AV_FRAME_FLAG_CORRUPT)))
			return damaged(v, "parts of it cannot be decoded", e);
		if (status == 0)
			return 0;
		if (status == AVERROR_EOF)
			return error_set(e, -ENODATA, "%s: the video is over", v->path);
		if (status != AVERROR(EAGAIN))
			return damaged(v, cause_of(status), e);
		status = packet_read(v, e);
		if (status == -ENODATA) {
			if (v->drained)
				return status;
			v->drained = true;
			status = avcodec_send_packet(v->codec, NULL);
		} else if (status < 0) {
			return status;
		} else {
			status = avcodec_send_packet(v->codec, v->packet);
		}
		if (status < 0)
			return damaged(v, cause_of(status), e);
	}
}

static int jpeg_take(struct video *v, struct raw_picture *raw, struct error *e)
{
	int status = packet_read(v, e);
	if (status < 0)
		return status;
	if (v->packet->size < 1)
		return damaged(v, "it is empty", e);
	raw->size = (size_t)v->packet->size;
	if (raw_picture_reserve(raw, raw->size) < 0)
		return error_set(e, -ENOMEM, "%s: no memory for a frame", v->path);
	memcpy(raw->data, v->packet->data, raw->size);
	raw->format = PIXEL_JPEG;
	raw->width = raw->height = 0;
	return 0;
}

/*
 * When the frame is due, in ns of our own clock for the video. The clock advances by the stream's timestamps,
 * or by the rate where they jump, as in cut or damaged files. Called once a frame.
 */
static int64_t due_time(struct video *v)
{
	const AVStream *stream = v->format->streams[v->stream];
	int64_t stamp = v->codec ? v->picture->best_effort_timestamp : v->packet->pts;
	int64_t period = (int64_t)(1e9 / v->rate);

	if (!v->codec && stamp == AV_NOPTS_VALUE)
		stamp = v->packet->dts;
	if (!v->own_rate || stamp == AV_NOPTS_VALUE)
		return v->time += period;
	int64_t now = av_rescale_q(stamp, stream->time_base, (AVRational){1, 1000000000});
	int64_t step = (int64_t)((uint64_t)now - (uint64_t)v->stamp);
	v->stamp = now;
	return v->time += step > 0 && step < STEP_MAXIMUM ? step : period;
}

static int video_next(void *state, struct frame *frame, struct error *e)
{
	struct video *v = state;
	int status;

	if (pacer_stopped(&v->pacer))
		return -ECANCELED;
	frame->name = NULL;
	if (v->codec) {
		status = picture_decode_next(v, e);
		if (status == 0)
			status = picture_fill(v, v->picture, &frame->raw, e);
	} else {
		status = jpeg_take(v, &frame->raw, e);
	}
	if (status == 0)
		status = pacer_wait(&v->pacer, due_time(v));
	if (status == 0)
		frame->stamps[STAMP_CAPTURED] = clock_now();
	if (status == 0 || status == -EBADMSG)
		v->number++;
	v->any |= status == 0;
	if (status == -ENODATA && !v->any)
		return error_set(e, -ENOMSG, "%s: holds no picture that can be decoded", v->path);
	return status;
}

static void video_describe(const void *state, char *text, size_t size)
{
	const struct video *v = state;
	const AVCodecParameters *parameters = v->format->streams[v->stream]->codecpar;

	snprintf(text, size, "video, %s, %d×%d, %.4g frames a second", avcodec_get_name(parameters->codec_id),
		parameters->width, parameters->height, v->rate);
}

static void video_stop(void *state)
{
	struct video *v = state;

	pacer_stop(&v->pacer);
	if (v->stop_event >= 0)
		eventfd_write(v->stop_event, 1);
}

const struct source_driver source_video = {
	.name = "video",
	.summary = "a video file, or one from standard input (-)",
	.accepts = video_accepts,
	.open = video_open,
	.describe = video_describe,
	.next = video_next,
	.close = video_close,
	.stop = video_stop,
};
