/* SPDX-License-Identifier: MIT */
/*
 * A V4L2 driver with one camera, and the clock, in place of the real ones (tests/CMakeLists.txt wraps the
 * functions): time passes only while the camera's thread waits. For one test program.
 */
#ifndef UNIT_SIMULATED_V4L2_H
#define UNIT_SIMULATED_V4L2_H

#include "source/v4l2/v4l2.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "device/device.h"
#include "source/drivers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAME_TIME (NS_PER_S / 25)
#define BUFFERS 16
#define WIDTH 64
#define HEIGHT 48
#define PICTURE (WIDTH * HEIGHT * 2)
#define SLOT 65536 /* from buffer to buffer: whole pages, however large */
#define LINES 32

/* Something that happens to the camera at a time. */
enum event { EVENT_UNPLUG, EVENT_PLUG, EVENT_STALL, EVENT_FLOW, EVENT_FREEZE, EVENT_MOVE, EVENT_STOP };

struct happening {
	int64_t time; /* ns */
	enum event event;
	int number; /* EVENT_PLUG: of the node */
};

/* The world: a clock, one camera, and perhaps another one of the same kind. */
static struct world {
	int64_t now;
	const struct happening *happenings; /* by time; ended by time 0 */
	void *camera;

	bool plugged, flowing, frozen, streaming;
	int number;
	int fd;			     /* its handle that is open, or -1 */
	bool twin;		     /* another camera of the same kind is video1 */
	int open_fails, queue_fails; /* errno values; the latter once */
	int buffers, queued[BUFFERS], queued_count, queued_least;
	int64_t next_frame;
	uint32_t sequence;
	int skip;	       /* frames that the camera loses next */
	uint32_t flags, bytes; /* of the frames */
	uint64_t content;
	int opened, started, exported;
	char lines[LINES][200]; /* what was logged */
	int line_count;
} world;

int64_t __wrap_clock_now(void);
void __wrap_log_line(enum log_level level, const char *format, ...);
int __wrap_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *time, const sigset_t *signals);
int __real_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *time, const sigset_t *signals);
int __wrap_device_ioctl(int fd, unsigned long request, void *argument);
int __wrap_v4l2_identify(const char *sysfs, int number, struct v4l2_identity *identity);
int __wrap_v4l2_numbers(const char *sysfs, int numbers[V4L2_NODES]);
int __wrap_v4l2_number_open(int number, struct v4l2_node *node, struct error *e);
int __wrap_v4l2_node_open(const char *source, struct v4l2_node *node, struct error *e);

int64_t __wrap_clock_now(void)
{
	return world.now;
}

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (level == LOG_DEBUG || world.line_count == LINES)
		return;
	va_start(arguments, format);
	vsnprintf(world.lines[world.line_count++], sizeof(world.lines[0]), format, arguments);
	va_end(arguments);
}

static void happen(const struct happening *h)
{
	switch (h->event) {
	case EVENT_UNPLUG:
		world.plugged = world.streaming = false;
		break;
	case EVENT_PLUG:
		world.plugged = true;
		world.number = h->number;
		break;
	case EVENT_STALL:
	case EVENT_FLOW:
		world.flowing = h->event == EVENT_FLOW;
		world.next_frame = world.now + FRAME_TIME;
		break;
	case EVENT_FREEZE:
	case EVENT_MOVE:
		world.frozen = h->event == EVENT_FREEZE;
		break;
	case EVENT_STOP:
		source_v4l2.stop(world.camera);
		break;
	}
}

/* Time goes on until something happens, a frame is there, or `until`. */
static bool time_passes(int64_t until, bool watching)
{
	for (;;) {
		const struct happening *h = world.happenings;
		bool event = h && h->time && h->time <= until;
		bool frames = world.streaming && world.flowing && world.queued_count;
		if (watching && frames && world.next_frame <= until &&
			(!event || world.next_frame <= h->time)) {
			world.now = world.next_frame > world.now ? world.next_frame : world.now;
			return true;
		}
		if (!event) {
			world.now = until > world.now ? until : world.now;
			return false;
		}
		world.now = h->time > world.now ? h->time : world.now;
		world.happenings++;
		happen(h);
		if ((watching && !world.plugged) || h->event == EVENT_STOP)
			return false;
	}
}

int __wrap_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *time, const sigset_t *signals)
{
	static const struct timespec none = {0};
	struct pollfd *stop = &polled[count - 1];

	if (__real_ppoll(stop, 1, &none, signals))
		return 1;
	bool frame =
		world.plugged && time_passes(world.now + time->tv_sec * NS_PER_S + time->tv_nsec, count == 2);
	if (!world.plugged && count == 1)
		time_passes(world.now + time->tv_sec * NS_PER_S + time->tv_nsec, false);
	if (__real_ppoll(stop, 1, &none, signals))
		return 1;
	if (count == 1)
		return 0;
	polled[0].revents = !world.plugged ? POLLERR | POLLHUP : frame ? POLLIN : 0;
	return polled[0].revents != 0;
}

static int queue(const struct v4l2_buffer *b)
{
	int error = world.queue_fails;

	world.queue_fails = 0;
	if (error)
		return -error;
	for (int i = 0; i < world.queued_count; i++)
		assert_int_not_equal(world.queued[i], b->index);
	world.queued[world.queued_count++] = (int)b->index;
	return 0;
}

static int dequeue(struct v4l2_buffer *b)
{
	if (!world.streaming || !world.queued_count || !world.flowing || world.next_frame > world.now)
		return -EAGAIN;
	*b = (struct v4l2_buffer){.index = (uint32_t)world.queued[0],
		.bytesused = world.bytes,
		.flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | world.flags,
		.sequence = world.sequence + (uint32_t)world.skip,
		.timestamp = {.tv_sec = world.now / NS_PER_S, .tv_usec = world.now % NS_PER_S / 1000}};
	world.sequence += 1 + (uint32_t)world.skip;
	world.skip = 0;
	world.content += !world.frozen;
	assert_int_equal(pwrite(world.fd, &world.content, sizeof(world.content), (off_t)b->index * SLOT),
		sizeof(world.content));
	world.queued_count--;
	memmove(world.queued, world.queued + 1, (size_t)world.queued_count * sizeof(int));
	if (world.queued_count < world.queued_least)
		world.queued_least = world.queued_count;
	world.next_frame += FRAME_TIME;
	return 0;
}

static int format_ioctl(unsigned long request, void *argument)
{
	struct v4l2_fmtdesc *format = argument;
	struct v4l2_frmsizeenum *size = argument;
	struct v4l2_format *set = argument;
	struct v4l2_streamparm *rate = argument;

	switch (request) {
	case VIDIOC_ENUM_FMT:
		format->pixelformat = V4L2_PIX_FMT_YUYV;
		return format->index ? -EINVAL : 0;
	case VIDIOC_ENUM_FRAMESIZES:
		size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
		size->discrete.width = WIDTH;
		size->discrete.height = HEIGHT;
		return size->index ? -EINVAL : 0;
	case VIDIOC_S_FMT:
		assert_int_equal(set->fmt.pix.width, WIDTH);
		assert_int_equal(set->fmt.pix.pixelformat, V4L2_PIX_FMT_YUYV);
		set->fmt.pix.bytesperline = (uint32_t)WIDTH * 2;
		set->fmt.pix.sizeimage = PICTURE;
		return 0;
	case VIDIOC_G_PARM:
		rate->parm.capture.timeperframe = (struct v4l2_fract){1, 25};
		return 0;
	default:
		return -ENOTTY;
	}
}

int __wrap_device_ioctl(int fd, unsigned long request, void *argument)
{
	struct v4l2_requestbuffers *buffers = argument;
	struct v4l2_buffer *b = argument;
	struct v4l2_exportbuffer *export = argument;

	assert_int_equal(fd, world.fd);
	if (!world.plugged)
		return -ENODEV;
	switch (request) {
	case VIDIOC_REQBUFS:
		world.buffers = (int)buffers->count;
		world.queued_count = 0;
		return ftruncate(fd, (off_t)world.buffers * SLOT);
	case VIDIOC_QUERYBUF:
		b->length = PICTURE;
		b->m.offset = b->index * SLOT;
		return 0;
	case VIDIOC_QBUF:
		return queue(b);
	case VIDIOC_DQBUF:
		return dequeue(b);
	case VIDIOC_STREAMON:
		world.streaming = true;
		world.started++;
		world.sequence = 0;
		world.next_frame = world.now + FRAME_TIME;
		world.queued_least = world.queued_count;
		return 0;
	case VIDIOC_STREAMOFF:
		world.streaming = false;
		world.queued_count = 0;
		return 0;
	case VIDIOC_EXPBUF:
		world.exported++;
		export->fd = dup(fd);
		return 0;
	default:
		return format_ioctl(request, argument);
	}
}

int __wrap_v4l2_identify(const char *sysfs, int number, struct v4l2_identity *identity)
{
	(void)sysfs;
	*identity = (struct v4l2_identity){
		.vendor = "1d6b", .product = "0102", .interface = "00", .index = "0", .name = "Camera"};
	return (world.plugged && number == world.number) || (world.twin && number == 1) ? 0 : -ENOENT;
}

int __wrap_v4l2_numbers(const char *sysfs, int numbers[V4L2_NODES])
{
	int count = 0;

	(void)sysfs;
	for (int i = 0; i < 4; i++)
		if ((world.plugged && i == world.number) || (world.twin && i == 1))
			numbers[count++] = i;
	return count;
}

int __wrap_v4l2_number_open(int number, struct v4l2_node *node, struct error *e)
{
	assert_int_equal(number, world.number); /* never the twin */
	world.opened++;
	if (world.open_fails)
		return error_set(e, -world.open_fails, "it is closed");
	*node = (struct v4l2_node){.number = number, .name = "Camera"};
	snprintf(node->path, sizeof(node->path), "/dev/video%d", number);
	__wrap_v4l2_identify(NULL, number, &node->identity);
	world.fd = memfd_create("camera", MFD_CLOEXEC);
	return world.fd;
}

int __wrap_v4l2_node_open(const char *source, struct v4l2_node *node, struct error *e)
{
	(void)source;
	return __wrap_v4l2_number_open(world.number, node, e);
}

#endif
