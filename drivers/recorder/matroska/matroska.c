/* SPDX-License-Identifier: MIT */
#include "recorder/container.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "recorder/room.h"
#include "recorder/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES 65536

enum { TRACK_VIDEO, TRACK_TEXT };

struct container {
	int fd;
	char *path;
	AVFormatContext *format;
	AVIOContext *output;
	AVPacket *packet;
	int64_t offset;	     /* of the next byte */
	int64_t end;	     /* of what was written */
	int64_t whole;	     /* the file's length up to its last whole frame */
	int64_t first, last; /* times of frames, ns */
	int error;	     /* why writing failed: a negative errno value */
	bool begun;	     /* the header is written */
	bool timed;	     /* there was a first time */
};

#if LIBAVFORMAT_VERSION_MAJOR < 61
typedef uint8_t written_byte;
#else
typedef const uint8_t written_byte;
#endif

static int bytes_write(void *opaque, written_byte *data, int size)
{
	struct container *c = opaque;
	int done = 0;

	while (done < size && !c->error) {
		ssize_t wrote = pwrite(c->fd, data + done, (size_t)(size - done), c->offset);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0) {
			c->error = wrote < 0 ? -errno : -EIO;
			break;
		}
		done += (int)wrote;
		c->offset += wrote;
		if (c->end < c->offset)
			c->end = c->offset;
	}
	return c->error ? AVERROR(-c->error) : size;
}

static int64_t position_set(void *opaque, int64_t offset, int whence)
{
	struct container *c = opaque;

	if (whence == AVSEEK_SIZE)
		return c->end;
	if (whence != SEEK_SET || offset < 0)
		return AVERROR(EINVAL);
	c->offset = offset;
	return offset;
}

static int tracks_make(struct container *c, const struct container_options *options)
{
	AVStream *video = avformat_new_stream(c->format, NULL);
	AVStream *text = avformat_new_stream(c->format, NULL);

	if (!video || !text)
		return -ENOMEM;
	video->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
	video->codecpar->codec_id = AV_CODEC_ID_MJPEG;
	video->codecpar->width = options->width;
	video->codecpar->height = options->height;
	video->time_base = (AVRational){1, 1000};
	text->codecpar->codec_type = AVMEDIA_TYPE_SUBTITLE;
	text->codecpar->codec_id = AV_CODEC_ID_SUBRIP;
	text->time_base = (AVRational){1, 1000};
	text->disposition = AV_DISPOSITION_DEFAULT;
	av_dict_set(&text->metadata, "title", "labels", 0);
	return 0;
}

static int header_write(struct container *c, const struct container_options *options)
{
	struct text_builder time = {0};

	text_add_time(&time, options->wall);
	if (!time.failed)
		av_dict_set(&c->format->metadata, "creation_time", time.data, 0);
	text_finish(&time);
	if (options->title)
		av_dict_set(&c->format->metadata, "title", options->title, 0);
	int status = avformat_write_header(c->format, NULL);
	if (status < 0)
		return c->error ? c->error : status == AVERROR(ENOMEM) ? -ENOMEM : -EINVAL;
	c->begun = true;
	avio_flush(c->output);
	c->whole = c->end;
	return c->error;
}

static int muxer_make(struct container *c, const struct container_options *options)
{
	uint8_t *buffer = av_malloc(BUFFER_BYTES);

	c->packet = av_packet_alloc();
	if (buffer)
		c->output = avio_alloc_context(buffer, BUFFER_BYTES, 1, c, NULL, bytes_write, position_set);
	if (!c->output)
		av_free(buffer);
	if (!c->output || !c->packet ||
		avformat_alloc_output_context2(&c->format, NULL, "matroska", NULL) < 0)
		return -ENOMEM;
	c->format->pb = c->output;
	int status = tracks_make(c, options);
	return status ? status : header_write(c, options);
}

static void container_free(struct container *c)
{
	avformat_free_context(c->format);
	if (c->output)
		av_freep(&c->output->buffer);
	avio_context_free(&c->output);
	av_packet_free(&c->packet);
	if (c->fd >= 0)
		close(c->fd);
	free(c->path);
	free(c);
}

static int matroska_open(
	const char *path, const struct container_options *options, struct container **out, struct error *e)
{
	struct container *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return error_set(e, -ENOMEM, "%s: out of memory", path);
	c->path = strdup(path);
	c->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (c->fd < 0) {
		int code = -errno;
		container_free(c);
		return error_set(e, code, "%s: cannot be made: %s", path, strerror(-code));
	}
	/* So that another recorder's retention.h does not delete it; some file systems have no locks. */
	flock(c->fd, LOCK_EX | LOCK_NB);
	int status = c->path ? muxer_make(c, options) : -ENOMEM;
	if (status) {
		container_free(c);
		unlink(path);
		return error_set(e, status, "%s: cannot be written: %s", path, strerror(-status));
	}
	*out = c;
	return 0;
}

static void packet_write(
	struct container *c, int track, const void *data, size_t size, int64_t time, int64_t duration)
{
	if (c->last < time)
		c->last = time;
	c->packet->stream_index = track;
	c->packet->data = (uint8_t *)data; /* only read */
	c->packet->size = (int)size;
	c->packet->pts = c->packet->dts = (c->last - c->first) / NS_PER_MS;
	c->packet->duration = duration / NS_PER_MS;
	c->packet->flags = AV_PKT_FLAG_KEY;
	int status = av_write_frame(c->format, c->packet);
	if (status < 0 && !c->error)
		c->error = status == AVERROR(ENOMEM) ? -ENOMEM : -EIO;
	av_packet_unref(c->packet);
}

static void time_begin(struct container *c, int64_t time)
{
	if (!c->timed)
		c->first = c->last = time;
	c->timed = true;
}

static void matroska_text(struct container *c, const char *text, int64_t time, int64_t duration)
{
	time_begin(c, time);
	if (!c->error)
		packet_write(c, TRACK_TEXT, text, strlen(text), time, duration);
}

static int matroska_frame(
	struct container *c, const uint8_t *jpeg, size_t size, int64_t time, struct error *e)
{
	time_begin(c, time);
	if (!c->error && size <= INT32_MAX)
		packet_write(c, TRACK_VIDEO, jpeg, size, time, 0);
	bool ended = c->error || av_write_frame(c->format, NULL) >= 0; /* the cluster */
	if (!ended && !c->error)
		c->error = -EIO;
	avio_flush(c->output);
	if (!c->error) {
		c->whole = c->end;
		return 0;
	}
	if (!ftruncate(c->fd, c->whole))
		c->end = c->whole;
	return error_set(e, c->error, "%s: %s", c->path, strerror(-c->error));
}

static bool matroska_is_deleted(const struct container *c)
{
	struct stat status;

	return !fstat(c->fd, &status) && !status.st_nlink;
}

static uint64_t matroska_size(const struct container *c)
{
	return (uint64_t)c->end;
}

static uint64_t matroska_room(const struct container *c)
{
	return room_of(c->fd);
}

static int matroska_close(struct container *c, struct error *e)
{
	int status = 0;

	/* After an error the muxer's state is wrong: the file stays without an end. */
	if (c->begun && !c->error) {
		if (av_write_trailer(c->format) < 0 && !c->error)
			c->error = -EIO;
		avio_flush(c->output);
		if (c->error && !ftruncate(c->fd, c->whole))
			c->end = c->whole;
		status = c->error;
	}
	int synced = file_sync(c->fd);
	status = status ? status : synced;
	if (status)
		error_set(e, status, "%s: %s", c->path, strerror(-status));
	container_free(c);
	return status;
}

const struct container_writer container_matroska = {
	.open = matroska_open,
	.text = matroska_text,
	.frame = matroska_frame,
	.is_deleted = matroska_is_deleted,
	.size = matroska_size,
	.room = matroska_room,
	.close = matroska_close,
};
