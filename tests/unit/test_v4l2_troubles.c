/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong with a camera, and what is done. The driver behind the ioctls and the clock are simulated
 * here: time passes only while the camera's thread waits, so that minutes take no time and each run is the
 * same.
 */
#include "camera/v4l2.h"

#include "base/error.h"
#include "base/log.h"
#include "camera/drivers.h"
#include "device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MILLISECOND 1000000LL
#define SECOND 1000000000LL
#define FRAME_TIME (SECOND / 25)
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
		camera_v4l2.stop(world.camera);
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
		world.plugged && time_passes(world.now + time->tv_sec * SECOND + time->tv_nsec, count == 2);
	if (!world.plugged && count == 1)
		time_passes(world.now + time->tv_sec * SECOND + time->tv_nsec, false);
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
		.timestamp = {.tv_sec = world.now / SECOND, .tv_usec = world.now % SECOND / 1000}};
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

/* What came of a while with the camera. */
struct run {
	struct frame_pool *pool;
	int good, broken, absent;
	unsigned int lost;
	int64_t gap; /* the longest time without any frame */
	char words[FRAME_WORDS];
};

static void world_begin(struct run *run, const struct happening *happenings)
{
	struct camera_options options = {0};
	struct error e;

	world = (struct world){.now = 1000 * SECOND,
		.happenings = happenings,
		.plugged = true,
		.flowing = true,
		.fd = -1,
		.bytes = PICTURE};
	*run = (struct run){0};
	assert_int_equal(frame_pool_create(14, 1, 1, &run->pool), 0);
	if (camera_v4l2.open("0", &options, &world.camera, &e) < 0)
		fail_msg("%s", e.text);
}

static void world_end(struct run *run)
{
	camera_v4l2.close(world.camera);
	frame_pool_destroy(run->pool);
}

/* Takes frames until a time; the status that ended it, else 0. */
static int take_until(struct run *run, int64_t time)
{
	struct error e;
	int status = 0;

	while (world.now < time && (status == 0 || status == -EBADMSG)) {
		struct frame *frame = frame_acquire(run->pool);
		int64_t before = world.now;
		status = camera_v4l2.next(world.camera, frame, &e);
		if (world.now - before > run->gap)
			run->gap = world.now - before;
		if (status == -EBADMSG) {
			run->broken++;
		} else if (status == 0 && frame->absent) {
			run->absent++;
			memcpy(run->words, frame->words, sizeof(run->words));
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

static void all_is_well(void **state)
{
	(void)state;
	struct run run;
	char text[100];

	world_begin(&run, NULL);
	camera_v4l2.describe(world.camera, text, sizeof(text));
	assert_string_equal(text, "Camera (/dev/video0), YUYV 64×48, 25 frames a second");
	assert_int_equal(take_until(&run, 1100 * SECOND), 0);
	assert_int_equal(run.good, 2500);
	assert_int_equal(run.lost + (unsigned int)(run.broken + run.absent), 0);
	assert_int_equal(world.queued_least, world.buffers - 1);
	assert_int_equal(world.exported, 0);
	assert_logged((const char *const[]){NULL});
	world_end(&run);
}

static void losses_and_broken_frames_are_counted(void **state)
{
	(void)state;
	struct run run;

	world_begin(&run, NULL);
	take_until(&run, 1001 * SECOND);
	world.skip = 3;
	take_until(&run, 1002 * SECOND);
	assert_int_equal(run.lost, 3);
	/* Those before a broken frame are told with the next good one. */
	world.skip = 2;
	world.flags = V4L2_BUF_FLAG_ERROR;
	take_until(&run, world.now + FRAME_TIME);
	world.flags = 0;
	world.bytes = PICTURE - 1;
	take_until(&run, world.now + FRAME_TIME);
	world.bytes = 0;
	take_until(&run, world.now + FRAME_TIME);
	assert_int_equal(run.broken, 3);
	assert_int_equal(run.lost, 3);
	world.bytes = PICTURE;
	take_until(&run, 1003 * SECOND);
	assert_int_equal(run.lost, 5);
	assert_int_equal(run.broken, 3);
	assert_int_equal(world.queued_count, world.buffers);
	assert_logged((const char *const[]){NULL});

	/* Nothing but broken frames is no picture. */
	world.flags = V4L2_BUF_FLAG_ERROR;
	take_until(&run, 1007 * SECOND);
	assert_true(run.absent > 0);
	world.flags = 0;
	take_until(&run, 1008 * SECOND);
	assert_logged((const char *const[]){
		"Camera gives no pictures; restarting it", "Camera gives pictures again", NULL});
	world_end(&run);
}

static void unplugged_is_waited_for(void **state)
{
	(void)state;
	static const struct happening happenings[] = {{1002 * SECOND, EVENT_UNPLUG, 0},
		{1012 * SECOND, EVENT_PLUG, 2}, {1014 * SECOND, EVENT_UNPLUG, 0},
		{1015 * SECOND, EVENT_PLUG, 0}, {0}};
	struct run run;

	world_begin(&run, happenings);
	world.twin = true;
	take_until(&run, 1011 * SECOND);
	assert_in_range(run.good, 49, 50);
	assert_in_range(run.absent, 44, 46); /* five a second */
	assert_true(run.gap <= 200 * MILLISECOND);
	assert_string_equal(run.words, "no camera: Camera was unplugged; waiting for it");
	assert_int_equal(world.opened, 1);
	take_until(&run, 1020 * SECOND);
	assert_in_range(run.good, 50 + 40 + 115, 50 + 50 + 125);
	assert_int_equal(run.lost, 0);
	assert_int_equal(world.opened, 3);
	assert_logged((const char *const[]){"Camera (/dev/video0) was unplugged; waiting for it",
		"Camera is back as /dev/video2", "Camera (/dev/video2) was unplugged; waiting for it",
		"Camera is back as /dev/video0", NULL});
	world_end(&run);
}

static void a_closed_door_is_told_once(void **state)
{
	(void)state;
	static const struct happening happenings[] = {
		{1002 * SECOND, EVENT_UNPLUG, 0}, {1003 * SECOND, EVENT_PLUG, 0}, {0}};
	struct run run;

	world_begin(&run, happenings);
	world.open_fails = EACCES;
	take_until(&run, 1030 * SECOND);
	assert_in_range(world.opened, 50, 60); /* twice a second */
	assert_string_equal(run.words, "no camera: it is closed");
	world.open_fails = 0;
	take_until(&run, 1031 * SECOND);
	assert_logged((const char *const[]){"Camera (/dev/video0) was unplugged; waiting for it",
		"Camera is plugged in again, but it is closed", "Camera is back as /dev/video0", NULL});
	world_end(&run);
}

static void silent_is_started_again(void **state)
{
	(void)state;
	static const struct happening happenings[] = {
		{1003 * SECOND, EVENT_STALL, 0}, {1013 * SECOND, EVENT_FLOW, 0}, {0}};
	struct run run;

	world_begin(&run, happenings);
	take_until(&run, 1006 * SECOND);
	assert_int_equal(world.started, 2); /* after 2 s */
	assert_int_equal(world.opened, 1);
	assert_string_equal(run.words, "Camera gives no pictures; restarted");
	take_until(&run, 1012 * SECOND);
	assert_int_equal(world.opened, 3); /* after 2, and after 4 s more */
	assert_in_range(run.absent, 30, 36);
	assert_in_range(run.gap, 1900 * MILLISECOND, 2000 * MILLISECOND);
	take_until(&run, 1020 * SECOND);
	assert_in_range(run.good, 75 + 170, 75 + 175);
	assert_logged((const char *const[]){
		"Camera gives no pictures; restarting it", "Camera gives pictures again", NULL});
	world_end(&run);
}

static void frozen_is_started_again(void **state)
{
	(void)state;
	static const struct happening happenings[] = {
		{1003 * SECOND, EVENT_FREEZE, 0}, {1013 * SECOND, EVENT_MOVE, 0}, {0}};
	struct run run;

	world_begin(&run, happenings);
	take_until(&run, 1020 * SECOND);
	assert_int_equal(world.started, 3); /* after 2 s, and after 4 s more */
	assert_int_equal(world.opened, 1);
	assert_int_equal(run.absent, 0);
	assert_in_range(run.good, 495, 500); /* the picture stays */
	assert_logged((const char *const[]){"Camera gives the same picture again and again; restarting it",
		"Camera gives new pictures again", NULL});
	world_end(&run);
}

static void a_failing_driver_is_opened_again(void **state)
{
	(void)state;
	struct run run;

	world_begin(&run, NULL);
	take_until(&run, 1002 * SECOND);
	world.queue_fails = EINVAL;
	take_until(&run, 1004 * SECOND);
	assert_int_equal(world.opened, 2);
	assert_in_range(run.good, 97, 100);
	assert_logged((const char *const[]){
		"Camera fails (Invalid argument); restarting it", "Camera gives pictures again", NULL});
	world_end(&run);
}

static void stop_wakes(void **state)
{
	(void)state;
	static const struct happening while_it_runs[] = {{1002 * SECOND + 1, EVENT_STOP, 0}, {0}};
	static const struct happening while_it_waits[] = {
		{1002 * SECOND, EVENT_UNPLUG, 0}, {1003 * SECOND + 1, EVENT_STOP, 0}, {0}};
	struct run run;

	world_begin(&run, while_it_runs);
	assert_int_equal(take_until(&run, 1010 * SECOND), -ECANCELED);
	assert_int_equal(world.now, 1002 * SECOND + 1);
	assert_int_equal(take_until(&run, 1010 * SECOND), -ECANCELED);
	assert_int_equal(world.now, 1002 * SECOND + 1);
	world_end(&run);
	world_begin(&run, while_it_waits);
	assert_int_equal(take_until(&run, 1010 * SECOND), -ECANCELED);
	assert_int_equal(world.now, 1003 * SECOND + 1);
	world_end(&run);
}

static void *release(void *argument)
{
	struct frame **frames = argument;

	for (int i = 0; i < 14; i++)
		frame_release(&frames[i]);
	return NULL;
}

/* However many are kept, the camera has four buffers to fill; what is lent outlives the camera. */
static void buffers_are_lent(void **state)
{
	(void)state;
	struct run run;
	struct frame *held[14] = {NULL};
	struct error e;
	pthread_t thread;
	int lent = 0;

	world_begin(&run, NULL);
	camera_v4l2.lend(world.camera, true);
	for (int i = 0; i < 13; i++) {
		held[i] = frame_acquire(run.pool);
		assert_int_equal(camera_v4l2.next(world.camera, held[i], &e), 0);
		const struct frame_loan *loan = &held[i]->loan;
		if (!loan->give_back)
			continue;
		lent++;
		uint64_t content;
		assert_int_equal(loan->stride, WIDTH * 2);
		assert_int_equal(pread(loan->dmabuf, &content, sizeof(content), (off_t)loan->buffer * SLOT),
			sizeof(content));
		assert_memory_equal(&content, held[i]->raw.data, sizeof(content));
	}
	assert_int_equal(world.queued_count, 4);
	assert_int_equal(lent, world.buffers - 4);
	take_until(&run, world.now + SECOND);
	assert_true(world.queued_least >= 3);

	/* Given back, they go round again; a dma-buf is made once for each. */
	pthread_create(&thread, NULL, release, held);
	pthread_join(thread, NULL);
	assert_int_equal(world.queued_count, world.buffers);
	take_until(&run, world.now + 2 * SECOND);
	assert_true(world.exported <= world.buffers);

	/* The camera goes and comes back, and is closed, while some are out. */
	held[0] = frame_acquire(run.pool);
	camera_v4l2.next(world.camera, held[0], &e);
	held[1] = frame_acquire(run.pool);
	camera_v4l2.next(world.camera, held[1], &e);
	int old = held[0]->loan.dmabuf;
	world.plugged = world.streaming = false;
	take_until(&run, world.now + SECOND);
	world.plugged = true;
	take_until(&run, world.now + SECOND);
	assert_int_equal(world.queued_count, world.buffers);
	assert_true(fcntl(old, F_GETFD) >= 0);
	frame_release(&held[0]);
	assert_int_equal(world.queued_count, world.buffers); /* it is none of the new stream's */
	camera_v4l2.close(world.camera);
	assert_true(fcntl(held[1]->loan.dmabuf, F_GETFD) >= 0);
	old = held[1]->loan.dmabuf;
	frame_release(&held[1]);
	assert_true(fcntl(old, F_GETFD) < 0);
	frame_pool_destroy(run.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(losses_and_broken_frames_are_counted),
		cmocka_unit_test(unplugged_is_waited_for),
		cmocka_unit_test(a_closed_door_is_told_once),
		cmocka_unit_test(silent_is_started_again),
		cmocka_unit_test(frozen_is_started_again),
		cmocka_unit_test(a_failing_driver_is_opened_again),
		cmocka_unit_test(stop_wakes),
		cmocka_unit_test(buffers_are_lent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
