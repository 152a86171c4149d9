/* SPDX-License-Identifier: MIT */
/*
 * The camera's buffers, mapped into memory. A buffer is dequeued, copied and queued again at once, or
 * exported to a display as a dma-buf. A stream exists until it has ended and its last borrowed buffer is
 * released, so that a borrowed buffer stays whole when the camera is unplugged or restarted.
 */
#include "base/clock.h"
#include "base/error.h"
#include "device/device.h"
#include "source/v4l2/v4l2.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUFFERS 16
#define BUFFERS_LEAST 2

/* The camera always keeps so many to fill; a buffer is borrowed only beyond that. */
#define QUEUED_LEAST 4

struct stream_buffer {
	uint8_t *data;
	size_t size;
	int dmabuf; /* -1: not exported yet */
	bool borrowed;
};

struct v4l2_stream {
	pthread_mutex_t lock; /* guards what follows, except data */
	int fd;		      /* -1: ended */
	int references;	      /* the camera's, and one for each borrowed buffer */
	int queued;	      /* buffers that the driver has */
	bool cannot_export;
	int count;
	struct stream_buffer buffers[BUFFERS];
};

static void stream_free(struct v4l2_stream *s)
{
	for (int i = 0; i < s->count; i++)
		if (s->buffers[i].dmabuf >= 0)
			close(s->buffers[i].dmabuf);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* The caller holds the lock; this unlocks it. */
static void unlock_and_release(struct v4l2_stream *s)
{
	bool last = --s->references == 0;

	pthread_mutex_unlock(&s->lock);
	if (last)
		stream_free(s);
}

static int buffer_queue(struct v4l2_stream *s, int buffer)
{
	struct v4l2_buffer b = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = (uint32_t)buffer};

	int status = device_ioctl(s->fd, VIDIOC_QBUF, &b);
	if (status < 0)
		return status;
	s->queued++;
	return 0;
}

/* Queues all buffers that are not borrowed, and starts the driver. */
static int stream_on(struct v4l2_stream *s)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	int status = 0;

	s->queued = 0;
	for (int i = 0; i < s->count && status == 0; i++)
		if (!s->buffers[i].borrowed)
			status = buffer_queue(s, i);
	if (status == 0)
		status = device_ioctl(s->fd, VIDIOC_STREAMON, &type);
	return status < 0 ? status : 0;
}

static void unmap(struct v4l2_stream *s)
{
	for (int i = 0; i < s->count; i++) {
		if (s->buffers[i].data)
			munmap(s->buffers[i].data, s->buffers[i].size);
		s->buffers[i].data = NULL;
	}
}

static int map(struct v4l2_stream *s)
{
	for (int i = 0; i < s->count; i++) {
		struct v4l2_buffer b = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.memory = V4L2_MEMORY_MMAP,
			.index = (uint32_t)i};
		int status = device_ioctl(s->fd, VIDIOC_QUERYBUF, &b);
		if (status < 0)
			return status;
		void *data = mmap(NULL, b.length, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, b.m.offset);
		if (data == MAP_FAILED)
			return -errno;
		s->buffers[i].data = data;
		s->buffers[i].size = b.length;
	}
	return 0;
}

/* Takes the buffers back from the driver. */
static void buffers_drop(int fd)
{
	struct v4l2_requestbuffers none = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	device_ioctl(fd, VIDIOC_STREAMOFF, &type);
	device_ioctl(fd, VIDIOC_REQBUFS, &none);
}

static int start(struct v4l2_stream *s, int buffers, struct error *e)
{
	struct v4l2_requestbuffers request = {.count = (uint32_t)(buffers < BUFFERS ? buffers : BUFFERS),
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP};

	int status = device_ioctl(s->fd, VIDIOC_REQBUFS, &request);
	if (status < 0)
		return error_set(e, status, "no buffers for its pictures: %s", strerror(-status));
	if (request.count < BUFFERS_LEAST)
		return error_set(e, -ENOMEM, "the driver has no memory for its pictures");
	s->count = (int)(request.count < BUFFERS ? request.count : BUFFERS);
	status = map(s);
	if (status < 0)
		return error_set(e, status, "its pictures' memory: %s", strerror(-status));
	status = stream_on(s);
	if (status == -ENOSPC)
		return error_set(e, status,
			"the USB bus has no bandwidth left for it; use MJPEG or a smaller size, or plug it "
			"in elsewhere");
	if (status < 0)
		return error_set(e, status, "it does not start: %s", strerror(-status));
	return 0;
}

int v4l2_stream_begin(int fd, int buffers, struct v4l2_stream **out, struct error *e)
{
	struct v4l2_stream *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return error_set(e, -ENOMEM, "no memory for its pictures");
	s->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	s->fd = fd;
	s->references = 1;
	for (int i = 0; i < BUFFERS; i++)
		s->buffers[i].dmabuf = -1;
	int status = start(s, buffers, e);
	if (status < 0) {
		v4l2_stream_end(s);
		return status;
	}
	*out = s;
	return 0;
}

void v4l2_stream_end(struct v4l2_stream *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	unmap(s);
	buffers_drop(s->fd);
	s->fd = -1;
	unlock_and_release(s);
}

int v4l2_stream_restart(struct v4l2_stream *s)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	pthread_mutex_lock(&s->lock);
	int status = device_ioctl(s->fd, VIDIOC_STREAMOFF, &type);
	if (status >= 0)
		status = stream_on(s);
	pthread_mutex_unlock(&s->lock);
	return status < 0 ? status : 0;
}

static int dequeue(struct v4l2_stream *s, struct v4l2_dequeued *dequeued)
{
	struct v4l2_buffer b = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};

	pthread_mutex_lock(&s->lock);
	int status = device_ioctl(s->fd, VIDIOC_DQBUF, &b);
	if (status >= 0)
		s->queued--;
	pthread_mutex_unlock(&s->lock);
	if (status < 0)
		return status;
	if (b.index >= (uint32_t)s->count)
		return -EIO;
	const struct stream_buffer *buffer = &s->buffers[b.index];
	*dequeued = (struct v4l2_dequeued){.buffer = (int)b.index,
		.data = buffer->data,
		.size = b.bytesused < buffer->size ? b.bytesused : buffer->size,
		.flags = b.flags,
		.sequence = b.sequence,
		.time = (int64_t)b.timestamp.tv_sec * NS_PER_S + (int64_t)b.timestamp.tv_usec * NS_PER_US};
	return 0;
}

int v4l2_stream_dequeue(struct v4l2_stream *s, int stop, int64_t deadline, struct v4l2_dequeued *dequeued)
{
	struct pollfd events[] = {{.fd = s->fd, .events = POLLIN}, {.fd = stop, .events = POLLIN}};

	for (;;) {
		int64_t left = deadline - clock_now();
		struct timespec wait = {
			.tv_sec = left > 0 ? left / NS_PER_S : 0, .tv_nsec = left > 0 ? left % NS_PER_S : 0};
		int ready = ppoll(events, 2, &wait, NULL);
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready < 0)
			continue;
		if (events[1].revents)
			return -ECANCELED;
		if (!ready)
			return -ETIMEDOUT;
		int status = dequeue(s, dequeued);
		if (status != -EAGAIN)
			return status;
		/* An error, and no buffer: another wait would return at once, again and again. */
		if (events[0].revents & (POLLERR | POLLHUP | POLLNVAL))
			return -EIO;
	}
}

int v4l2_stream_queue(struct v4l2_stream *s, int buffer)
{
	pthread_mutex_lock(&s->lock);
	int status = buffer_queue(s, buffer);
	pthread_mutex_unlock(&s->lock);
	return status;
}

/* A borrowed buffer is released, in any thread. */
static void buffer_release(void *owner, int buffer)
{
	struct v4l2_stream *s = owner;

	pthread_mutex_lock(&s->lock);
	s->buffers[buffer].borrowed = false;
	if (s->fd >= 0)
		buffer_queue(s, buffer); /* fails when the camera is gone; the camera's thread notices too */
	unlock_and_release(s);
}

static bool dmabuf_make(struct v4l2_stream *s, int buffer)
{
	struct v4l2_exportbuffer export = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.index = (uint32_t)buffer,
		.flags = O_RDONLY | O_CLOEXEC};

	if (s->buffers[buffer].dmabuf >= 0)
		return true;
	s->cannot_export |= device_ioctl(s->fd, VIDIOC_EXPBUF, &export) < 0;
	if (!s->cannot_export)
		s->buffers[buffer].dmabuf = export.fd;
	return !s->cannot_export;
}

int v4l2_stream_export(struct v4l2_stream *s, int buffer, size_t stride, struct borrowed_buffer *borrowed)
{
	int status = 0;

	pthread_mutex_lock(&s->lock);
	if (s->queued >= QUEUED_LEAST && !s->cannot_export && dmabuf_make(s, buffer)) {
		s->buffers[buffer].borrowed = true;
		s->references++;
		*borrowed = (struct borrowed_buffer){.dmabuf = s->buffers[buffer].dmabuf,
			.stride = stride,
			.index = buffer,
			.owner = s,
			.release = buffer_release};
	} else {
		status = buffer_queue(s, buffer);
	}
	pthread_mutex_unlock(&s->lock);
	return status;
}
