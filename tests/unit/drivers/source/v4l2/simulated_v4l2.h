/* SPDX-License-Identifier: MIT */
/*
 * A V4L2 driver with one camera, and the clock, in place of the real ones (tests/CMakeLists.txt wraps the
 * functions): time passes only while the camera's thread waits. A folder stands for /dev, and inotify is the
 * real one. For one test program.
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
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME_TIME (NS_PER_S / 25)
#define BUFFERS 16
#define WIDTH 64
#define HEIGHT 48
#define PICTURE (WIDTH * HEIGHT * 2)
#define SLOT 65536 /* from buffer to buffer: whole pages, however large */
#define LINES 32

/* Something that happens to the camera at a time. */
enum event {
	EVENT_UNPLUG,
	EVENT_PLUG,
	EVENT_PERMIT, /* udev opens the node to this user */
	EVENT_FOLDER, /* udev makes v4l, and the next time by-id in it */
	EVENT_LINK,   /* udev makes the link there */
	EVENT_CHANGE, /* of another node's permissions */
	EVENT_TWIN_UNPLUG,
	EVENT_TWIN_FORGET, /* sysfs lists the twin no longer */
	EVENT_STALL,
	EVENT_FLOW,
	EVENT_FREEZE,
	EVENT_MOVE,
	EVENT_STOP
};

struct happening {
	int64_t time; /* ns */
	enum event event;
	int number; /* EVENT_PLUG: of the node */
};

static char world_dev[] = "/tmp/twobit-dev-XXXXXX";

/* The world: a clock, one camera, and perhaps another one of the same kind. */
static struct world {
	int64_t now;
	const struct happening *happenings; /* by time; ended by time 0 */
	void *camera;

	bool plugged, flowing, frozen, streaming;
	int number;
	int fd;			     /* its handle that is open, or -1 */
	bool twin;		     /* another camera of the same kind is video1 */
	bool stranger;		     /* the plugged camera is of another kind */
	int inotify;		     /* the descriptor that is open, or -1 */
	int inotify_fails;	     /* errno value: there is none */
	int watch_fails;	     /* errno value: it takes no folder */
	int open_fails, queue_fails; /* errno values; the latter once */
	int request_fails;	     /* errno value: there are no buffers */
	int buffers, queued[BUFFERS], queued_count, queued_least;
	int64_t next_frame;
	uint32_t sequence;
	int skip;	       /* frames that the camera loses next */
	uint32_t flags, bytes; /* of the frames */
	uint64_t content;
	int opened, started, exported;
	int64_t opened_at;	/* the last time */
	int debug_count;	/* lines for debugging */
	char lines[LINES][200]; /* what was logged */
	int line_count;
} world;

int64_t __wrap_clock_now(void);
void __wrap_log_line(enum log_level level, const char *format, ...);
int __wrap_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *time, const sigset_t *signals);
int __real_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *time, const sigset_t *signals);
int __wrap_device_ioctl(int fd, unsigned long request, void *argument);
int __wrap_inotify_init1(int flags);
int __real_inotify_init1(int flags);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_v4l2_hotplug_open(const char *dev);
int __real_v4l2_hotplug_open(const char *dev);
void __wrap_v4l2_hotplug_rearm(int fd, const char *dev, const char *source);
void __real_v4l2_hotplug_rearm(int fd, const char *dev, const char *source);
int __wrap_v4l2_number_of(const char *path);
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

	world.debug_count += level == LOG_DEBUG;
	if (level == LOG_DEBUG || world.line_count == LINES)
		return;
	va_start(arguments, format);
	vsnprintf(world.lines[world.line_count++], sizeof(world.lines[0]), format, arguments);
	va_end(arguments);
}

/* Runs a command in the shell. */
static void __attribute__((format(printf, 1, 2))) dev_change(const char *format, ...)
{
	char command[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): the test's own text
}

/* Makes another node, changes its permissions and removes it. */
static void other_change(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/other", world_dev);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	close(fd);
	unlink(path);
}

static void happen(const struct happening *h)
{
	switch (h->event) {
	case EVENT_UNPLUG:
		world.plugged = world.streaming = false;
		dev_change("cd %s; rm -rf v4l video%d", world_dev, world.number);
		break;
	case EVENT_PLUG:
		world.plugged = true;
		world.number = h->number;
		dev_change("touch %s/video%d", world_dev, world.number);
		break;
	case EVENT_PERMIT:
		world.open_fails = 0;
		dev_change("chmod 0660 %s/video%d", world_dev, world.number);
		break;
	case EVENT_FOLDER:
		dev_change("cd %s; if [ -d v4l ]; then mkdir v4l/by-id; else mkdir v4l; fi", world_dev);
		break;
	case EVENT_LINK:
		dev_change("ln -s ../../video%d %s/v4l/by-id/camera", world.number, world_dev);
		break;
	case EVENT_CHANGE:
		other_change();
		break;
	case EVENT_TWIN_UNPLUG:
		dev_change("touch %s/video1; rm %s/video1", world_dev, world_dev);
		break;
	case EVENT_TWIN_FORGET:
		world.twin = false;
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

enum passed { PASSED_ALL, PASSED_TO_EVENT, PASSED_TO_FRAME };

/* Time goes on until something happens, a frame is there where the camera is polled, or `until`. */
static enum passed time_passes(int64_t until, bool camera)
{
	const struct happening *h = world.happenings;
	bool event = h && h->time && h->time <= until;
	bool frames = camera && world.streaming && world.flowing && world.queued_count;

	if (frames && world.next_frame <= until && (!event || world.next_frame <= h->time)) {
		world.now = world.next_frame > world.now ? world.next_frame : world.now;
		return PASSED_TO_FRAME;
	}
	if (!event) {
		world.now = until > world.now ? until : world.now;
		return PASSED_ALL;
	}
	world.now = h->time > world.now ? h->time : world.now;
	world.happenings++;
	happen(h);
	return PASSED_TO_EVENT;
}

/* The first of two descriptors is the simulated camera's, or inotify's; the second is the real stop. */
int __wrap_ppoll(struct pollfd *polled, nfds_t count, const struct timespec *time, const sigset_t *signals)
{
	static const struct timespec none = {0};
	int64_t until = world.now + time->tv_sec * NS_PER_S + time->tv_nsec;
	bool camera = polled[0].fd >= 0 && polled[0].fd == world.fd;
	enum passed passed = PASSED_TO_EVENT;

	assert_int_equal(count, 2);
	assert_true(camera || polled[0].fd == world.inotify);
	for (;;) {
		polled[0].revents = 0;
		if (__real_ppoll(polled + camera, count - camera, &none, signals))
			return 1;
		if (camera && !world.plugged) {
			polled[0].revents = POLLERR | POLLHUP;
			return 1;
		}
		if (passed == PASSED_ALL)
			return 0;
		passed = time_passes(until, camera);
		if (passed == PASSED_TO_FRAME) {
			polled[0].revents = POLLIN;
			return 1;
		}
	}
}

int __wrap_inotify_init1(int flags)
{
	if (world.inotify_fails) {
		errno = world.inotify_fails;
		return -1;
	}
	world.inotify = __real_inotify_init1(flags);
	if (world.fd == world.inotify)
		world.fd = -1; /* it is closed, and its number is used again */
	return world.inotify;
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (!world.watch_fails)
		return __real_inotify_add_watch(fd, path, mask);
	errno = world.watch_fails;
	return -1;
}

int __wrap_v4l2_hotplug_open(const char *dev)
{
	assert_string_equal(dev, "/dev");
	int fd = __real_v4l2_hotplug_open(world_dev);
	if (fd < 0)
		world.inotify = -1;
	return fd;
}

void __wrap_v4l2_hotplug_rearm(int fd, const char *dev, const char *source)
{
	(void)dev;
	__real_v4l2_hotplug_rearm(fd, world_dev, source);
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
		if (world.request_fails)
			return -world.request_fails;
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
	if (world.stranger)
		identity->product[0] = '9';
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

/* For a link. */
int __wrap_v4l2_number_of(const char *path)
{
	return world.plugged && access(path, F_OK) == 0 ? world.number : -ENOENT;
}

int __wrap_v4l2_number_open(int number, struct v4l2_node *node, struct error *e)
{
	assert_int_equal(number, world.number); /* never the twin */
	world.opened++;
	world.opened_at = world.now;
	if (world.open_fails)
		return error_set(e, -world.open_fails, "it is closed");
	*node = (struct v4l2_node){.number = number, .name = "Camera"};
	snprintf(node->path, sizeof(node->path), "/dev/video%d", number);
	__wrap_v4l2_identify(NULL, number, &node->identity);
	world.fd = memfd_create("camera", MFD_CLOEXEC);
	if (world.fd == world.inotify)
		world.inotify = -1;
	return world.fd;
}

int __wrap_v4l2_node_open(const char *source, struct v4l2_node *node, struct error *e)
{
	(void)source;
	return __wrap_v4l2_number_open(world.number, node, e);
}

/* What a test got from the camera. */
struct run {
	struct frame_pool *pool;
	int good, broken, absent;
	unsigned int lost;
	int64_t gap; /* the longest time without any frame */
	char text[FRAME_TEXT_BYTES];
};

static void world_begin(struct run *run, const char *source, const struct happening *happenings)
{
	struct source_options options = {0};
	struct error e;

	dev_change("rm -rf %s/*", world_dev);
	dev_change("touch %s/video0", world_dev);
	world = (struct world){.now = 1000 * NS_PER_S,
		.happenings = happenings,
		.plugged = true,
		.flowing = true,
		.fd = -1,
		.inotify = -1,
		.bytes = PICTURE};
	*run = (struct run){0};
	assert_int_equal(frame_pool_create(14, 1, 1, &run->pool), 0);
	if (source_v4l2.open(source, &options, &world.camera, &e) != 0)
		fail_msg("%s", e.text);
}

static void world_end(struct run *run)
{
	source_v4l2.close(world.camera);
	frame_pool_destroy(run->pool);
}

/* Takes frames until a time. Returns the status that ended it, else 0. */
static int take_until(struct run *run, int64_t time)
{
	struct error e;
	int status = 0;

	while (world.now < time && (status == 0 || status == -EBADMSG)) {
		struct frame *frame = frame_acquire(run->pool);
		int64_t before = world.now;
		status = source_v4l2.next(world.camera, frame, &e);
		if (world.now - before > run->gap)
			run->gap = world.now - before;
		if (status == -EBADMSG) {
			run->broken++;
		} else if (status == 0 && frame->absent) {
			run->absent++;
			memcpy(run->text, frame->absent_reason, sizeof(run->text));
			assert_int_equal(frame->stamps[STAMP_CAPTURED], world.now);
		} else if (status == 0) {
			run->good++;
			run->lost += frame->lost;
			assert_int_equal(frame->raw.size, PICTURE);
			assert_memory_equal(frame->raw.data, &world.content, sizeof(world.content));
			assert_in_range(world.now - frame->stamps[STAMP_CAPTURED], 0, 1000);
		}
		frame_release(&frame);
	}
	return status == -EBADMSG ? 0 : status;
}

static void assert_logged(const char *const *wanted)
{
	int count = 0;

	for (; wanted[count]; count++) {
		assert_true(count < world.line_count);
		assert_string_equal(world.lines[count], wanted[count]);
	}
	if (world.line_count > count)
		fail_msg("one line too many: %s", world.lines[count]);
}

static int world_setup(void **state)
{
	(void)state;
	return mkdtemp(world_dev) ? 0 : -1;
}

static int world_teardown(void **state)
{
	(void)state;
	dev_change("rm -r %s", world_dev);
	return 0;
}

#endif
