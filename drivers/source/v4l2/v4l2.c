/* SPDX-License-Identifier: MIT */
/*
 * USB cameras, by V4L2. The source waits for a camera that is unplugged. It restarts one that gives nothing,
 * or the same picture again and again. Meanwhile frames without a picture report that.
 */
#include "source/v4l2/v4l2.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "source/drivers.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* After this time without a picture, or three frames of a slow camera, the camera is restarted. */
#define SILENCE (2 * NS_PER_S)
#define SILENT_FRAMES 3

/* Between frames that report that there is no picture. */
#define ABSENT_INTERVAL (200 * NS_PER_MS)

/* Between looks for a camera that is away, in case a change of /dev goes unnoticed. */
#define LOOK_INTERVAL (2 * NS_PER_S)

/* From a change of /dev to a second look: the kernel removes a device from sysfs only after its node. */
#define SETTLE_INTERVAL (100 * NS_PER_MS)

/* Between attempts to restart a camera that does not work: at first, and at most. */
#define ATTEMPT_INTERVAL (2 * NS_PER_S)
#define ATTEMPT_INTERVAL_MAXIMUM (30 * NS_PER_S)

/* A camera that fails again this soon has not recovered: the next attempt waits. */
#define RELAPSE (10 * NS_PER_S)

/* A camera that has come back may refuse to open until udev has set its permissions. */
#define RETURN_INTERVAL (500 * NS_PER_MS)
#define RETURN_ATTEMPTS 6

enum v4l2_fault {
	V4L2_FAULT_NONE,
	V4L2_FAULT_GONE,   /* unplugged */
	V4L2_FAULT_SILENT, /* plugged in, but gives nothing */
};

struct v4l2_camera {
	struct source_options options;
	char *source; /* NULL: the first camera */
	int stop;     /* readable once v4l2_stop was called */
	int hotplug;  /* readable when /dev changes while the camera is away, else -1 */
	atomic_bool exporting;

	struct v4l2_device device;
	bool counting; /* sequence holds the last frame's number */
	uint32_t sequence;
	uint32_t lost; /* not reported yet */
	struct v4l2_frozen frozen;
	int64_t deadline; /* for the next picture */

	enum v4l2_fault fault;
	char text[FRAME_TEXT_BYTES];
	int attempts;		 /* since the fault began */
	int64_t interval;	 /* from the next attempt to the one after it */
	int64_t attempt_at;	 /* the next one */
	int64_t recovered_at;	 /* the end of the last fault */
	int64_t absent_at;	 /* the next frame without a picture */
	bool others[V4L2_NODES]; /* nodes that existed while ours was away: not ours */
};

/* A node that went meanwhile may be ours when it appears again. */
static void others_note(struct v4l2_camera *c, bool begin)
{
	int numbers[V4L2_NODES];
	bool there[V4L2_NODES] = {false};
	int count = v4l2_numbers(V4L2_SYSFS, numbers);

	for (int i = 0; i < count; i++)
		there[numbers[i]] = numbers[i] != c->device.node.number;
	for (int i = 0; i < V4L2_NODES; i++)
		c->others[i] = there[i] && (begin || c->others[i]);
}

static bool is_ours(const struct v4l2_camera *c, int number)
{
	struct v4l2_identity identity;

	return number < V4L2_NODES && !c->others[number] &&
	       v4l2_identify(V4L2_SYSFS, number, &identity) == 0 &&
	       v4l2_same_camera(&c->device.node.identity, &identity);
}

/* The number that our camera has now, or -ENOENT. */
static int find_again(struct v4l2_camera *c)
{
	int numbers[V4L2_NODES];
	int count = v4l2_numbers(V4L2_SYSFS, numbers);
	struct stat status;

	others_note(c, false);
	/* A link stands for whatever camera it leads to now. */
	if (c->source && lstat(c->source, &status) == 0 && S_ISLNK(status.st_mode))
		return v4l2_number_of(c->source);
	if (!c->device.node.identity.name[0])
		return v4l2_number_of(c->device.node.path);
	if (is_ours(c, c->device.node.number))
		return c->device.node.number;
	for (int i = 0; i < count; i++)
		if (is_ours(c, numbers[i]))
			return numbers[i];
	return -ENOENT;
}

static int64_t silence_of(const struct v4l2_camera *c)
{
	int64_t frames = c->device.rate > 0 ? (int64_t)(SILENT_FRAMES * 1e9 / c->device.rate) : 0;

	return frames > SILENCE ? frames : SILENCE;
}

/* After each start. A camera needs longer for the first picture. */
static void begin(struct v4l2_camera *c)
{
	c->counting = false;
	c->deadline = clock_now() + 2 * silence_of(c);
}

static int reopen(struct v4l2_camera *c, struct error *e)
{
	struct v4l2_node node;

	int number = find_again(c);
	if (number < 0)
		return -ENOENT;
	int fd = v4l2_number_open(number, &node, e);
	if (fd < 0)
		return fd;
	struct v4l2_node before = c->device.node;
	int status = v4l2_device_open(&c->device, fd, &node, &c->options, e);
	if (status < 0)
		c->device.node = before;
	else
		begin(c);
	return status;
}

static void fault_begin(struct v4l2_camera *c, enum v4l2_fault fault)
{
	int64_t now = clock_now();
	bool again = fault == V4L2_FAULT_SILENT && c->recovered_at && now - c->recovered_at < RELAPSE;

	c->fault = fault;
	c->attempts = 0;
	c->interval = again ? c->interval : ATTEMPT_INTERVAL;
	c->attempt_at = again ? now + c->interval : now;
	c->absent_at = now;
}

static void gone(struct v4l2_camera *c)
{
	v4l2_device_close(&c->device);
	if (c->fault == V4L2_FAULT_GONE)
		return;
	others_note(c, true);
	snprintf(
		c->text, sizeof(c->text), "no camera: %s was unplugged; waiting for it", c->device.node.name);
	log_warning("%s (%s) was unplugged; waiting for it", c->device.node.name, c->device.node.path);
	c->hotplug = v4l2_hotplug_open(V4L2_DEV);
	fault_begin(c, V4L2_FAULT_GONE);
}

/* status: why no buffer can be dequeued; -ETIMEDOUT: none came. */
static void silent(struct v4l2_camera *c, int status)
{
	if (status != -ETIMEDOUT)
		v4l2_device_close(&c->device);
	if (c->fault == V4L2_FAULT_SILENT)
		return;
	snprintf(c->text, sizeof(c->text), "%s gives no pictures; restarted", c->device.node.name);
	if (status == -ETIMEDOUT)
		log_warning("%s gives no pictures; restarting it", c->device.node.name);
	else
		log_warning("%s fails (%s); restarting it", c->device.node.name, strerror(-status));
	fault_begin(c, V4L2_FAULT_SILENT);
}

static void hotplug_close(struct v4l2_camera *c)
{
	if (c->hotplug >= 0)
		close(c->hotplug);
	c->hotplug = -1;
}

/* due: the interval is over; else /dev changed. */
static void attempt_return(struct v4l2_camera *c, bool due)
{
	struct error e = {0};

	v4l2_hotplug_rearm(c->hotplug, V4L2_DEV, c->source);
	int status = reopen(c, &e);
	if (status == 0) {
		log_info("%s is back as %s", c->device.node.name, c->device.node.path);
		c->fault = V4L2_FAULT_NONE;
		c->frozen = (struct v4l2_frozen){0};
		hotplug_close(c);
		return;
	}
	int64_t absent = due ? LOOK_INTERVAL : SETTLE_INTERVAL;
	int64_t next = clock_now() + (status == -ENOENT ? absent : RETURN_INTERVAL);
	if (due || next < c->attempt_at)
		c->attempt_at = next;
	if (status == -ENOENT || !due || ++c->attempts != RETURN_ATTEMPTS)
		return;
	log_warning("%s is plugged in again, but %s", c->device.node.name, e.text);
	snprintf(c->text, sizeof(c->text), "no camera: %.150s", e.text);
}

static void attempt_restart(struct v4l2_camera *c)
{
	struct error e = {0};
	int status = -EIO;

	if (c->attempts++ == 0 && c->device.fd >= 0)
		status = v4l2_stream_restart(c->device.stream);
	if (status < 0) {
		v4l2_device_close(&c->device);
		status = reopen(c, &e);
	}
	if (status == -ENOENT || status == -ENODEV) {
		gone(c);
		return;
	}
	if (status < 0)
		log_debug("%s: %s", c->device.node.name, e.text);
	c->counting = false;
	c->attempt_at = clock_now() + c->interval;
	c->interval = c->interval * 2 < ATTEMPT_INTERVAL_MAXIMUM ? c->interval * 2 : ATTEMPT_INTERVAL_MAXIMUM;
}

static void attempt(struct v4l2_camera *c)
{
	if (c->fault == V4L2_FAULT_GONE)
		attempt_return(c, true);
	else
		attempt_restart(c);
}

static void look_for_frozen(struct v4l2_camera *c, const struct raw_picture *raw, int64_t now)
{
	const char *name = c->device.node.name;

	switch (v4l2_frozen_look(&c->frozen, raw->data, raw->size, now)) {
	case MOTION_USUAL:
		return;
	case MOTION_BACK:
		log_info("%s gives new pictures again", name);
		return;
	case MOTION_FROZEN:
		log_warning("%s gives the same picture again and again; restarting it", name);
		break;
	case MOTION_STILL:
		log_debug("%s still gives the same picture; restarting it", name);
		break;
	}
	int status = v4l2_stream_restart(c->device.stream);
	if (status < 0)
		silent(c, status);
	else
		begin(c);
}

static void count(struct v4l2_camera *c, uint32_t sequence)
{
	if (c->counting)
		c->lost += v4l2_sequence_gap(c->sequence, sequence);
	c->sequence = sequence;
	c->counting = true;
}

/* The driver gets the buffer back, or the frame borrows it. */
static int buffer_return(struct v4l2_camera *c, int buffer, struct frame *frame)
{
	if (frame && atomic_load(&c->exporting) && v4l2_device_can_export(&c->device))
		return v4l2_stream_export(
			c->device.stream, buffer, c->device.picture.bytesperline, &frame->borrowed);
	return v4l2_stream_queue(c->device.stream, buffer);
}

static int take(struct v4l2_camera *c, int64_t until, struct frame *frame, struct error *e)
{
	struct v4l2_dequeued dequeued;

	int status = v4l2_stream_dequeue(c->device.stream, c->stop, until, &dequeued);
	if (status < 0)
		return status;
	int64_t now = clock_now();
	count(c, dequeued.sequence);
	status = v4l2_device_copy(&c->device, &dequeued, frame, e);
	int returned = buffer_return(c, dequeued.buffer, status == 0 ? frame : NULL);
	if (status == 0) {
		frame->stamps[STAMP_CAPTURED] = v4l2_capture_time(dequeued.flags, dequeued.time, now);
		frame->lost = c->lost;
		frame->sequence = dequeued.sequence;
		c->lost = 0;
		if (c->fault == V4L2_FAULT_SILENT) {
			log_info("%s gives pictures again", c->device.node.name);
			c->recovered_at = now;
		}
		c->fault = V4L2_FAULT_NONE;
		c->deadline = now + silence_of(c);
		look_for_frozen(c, &frame->raw, now);
	} else if (c->fault == V4L2_FAULT_NONE && now >= c->deadline) {
		silent(c, -ETIMEDOUT);
	}
	if (returned == -ENODEV)
		gone(c);
	else if (returned < 0)
		silent(c, returned);
	return status;
}

/* While there is no camera. 1: /dev changed. */
static int wait(const struct v4l2_camera *c, int64_t until)
{
	struct pollfd events[] = {{.fd = c->hotplug, .events = POLLIN}, {.fd = c->stop, .events = POLLIN}};
	int64_t left = until - clock_now();
	struct timespec time = {
		.tv_sec = left > 0 ? left / NS_PER_S : 0, .tv_nsec = left > 0 ? left % NS_PER_S : 0};

	if (ppoll(events, 2, &time, NULL) <= 0)
		return -ETIMEDOUT;
	return events[1].revents ? -ECANCELED : 1;
}

static void absent(struct v4l2_camera *c, struct frame *frame)
{
	c->absent_at = clock_now() + ABSENT_INTERVAL;
	frame->absent = true;
	frame->raw.size = 0;
	frame->stamps[STAMP_CAPTURED] = clock_now();
	memcpy(frame->absent_reason, c->text, sizeof(frame->absent_reason));
}

static int v4l2_next(void *state, struct frame *frame, struct error *e)
{
	struct v4l2_camera *c = state;

	frame->lost = 0;
	frame->absent = false;
	frame->name = NULL;
	for (;;) {
		int64_t now = clock_now();
		if (c->fault && now >= c->attempt_at)
			attempt(c);
		if (c->fault && now >= c->absent_at) {
			absent(c, frame);
			return wait(c, 0) == -ECANCELED ? -ECANCELED : 0;
		}
		int64_t until = c->fault ? (c->attempt_at < c->absent_at ? c->attempt_at : c->absent_at)
					 : c->deadline;
		int status = c->device.fd >= 0 ? take(c, until, frame, e) : wait(c, until);
		if (status > 0)
			attempt_return(c, false);
		else if (status == -ENODEV)
			gone(c);
		else if (status == 0 || status == -EBADMSG || status == -ECANCELED || status == -ENOMEM)
			return status;
		else if (status != -ETIMEDOUT || !c->fault)
			silent(c, status);
	}
}

static bool v4l2_accepts(const char *source)
{
	struct stat status;
	bool there = stat(source, &status) == 0;
	bool number = source[0] && strspn(source, "0123456789") == strlen(source);

	return (number && !there) || strncmp(source, "/dev/video", 10) == 0 ||
	       strncmp(source, "/dev/v4l/", 9) == 0 || (there && S_ISCHR(status.st_mode));
}

/* Reports the mode where it differs from the request. */
static void difference_report(const struct v4l2_camera *c)
{
	const struct source_options *o = &c->options;
	const struct v4l2_device *d = &c->device;
	char mode[96];

	bool size =
		o->width > 0 && (o->width != (int)d->picture.width || o->height != (int)d->picture.height);
	bool rate = o->rate > 0 && d->rate > 0 && (d->rate < o->rate * 0.95 || d->rate > o->rate * 1.05);
	if (!size && !rate)
		return;
	v4l2_device_mode(d, mode, sizeof(mode));
	log_info("%s gives %s, the nearest to what was asked for", d->node.name, mode);
}

static void v4l2_close(void *state)
{
	struct v4l2_camera *c = state;

	v4l2_device_close(&c->device);
	hotplug_close(c);
	if (c->stop >= 0)
		close(c->stop);
	free(c->source);
	free(c);
}

static int v4l2_open(const char *source, const struct source_options *options, void **state, struct error *e)
{
	struct v4l2_node node;

	int fd = v4l2_node_open(source, &node, e);
	if (fd < 0)
		return fd;
	struct v4l2_camera *c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return error_set(e, -ENOMEM, "%s: no memory", node.path);
	}
	c->device.fd = -1;
	c->hotplug = -1;
	c->options = *options;
	c->source = source ? strdup(source) : NULL;
	c->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int status = v4l2_device_open(&c->device, fd, &node, options, e);
	if (status == 0 && (c->stop < 0 || (source && !c->source)))
		status = error_set(e, -ENOMEM, "%s: no memory", node.path);
	if (status < 0) {
		v4l2_close(c);
		return status;
	}
	difference_report(c);
	begin(c);
	*state = c;
	return 0;
}

static void v4l2_describe(const void *state, char *text, size_t size)
{
	const struct v4l2_camera *c = state;
	char mode[96];

	v4l2_device_mode(&c->device, mode, sizeof(mode));
	snprintf(text, size, "%s (%s), %s", c->device.node.name, c->device.node.path, mode);
}

static void v4l2_stop(void *state)
{
	const struct v4l2_camera *c = state;

	eventfd_write(c->stop, 1);
}

static void v4l2_export_dmabuf(void *state, bool enabled)
{
	struct v4l2_camera *c = state;

	atomic_store(&c->exporting, enabled);
}

const struct source_driver source_v4l2 = {
	.name = "camera",
	.summary = "a camera: 0, /dev/video0, /dev/v4l/by-id/…",
	.accepts = v4l2_accepts,
	.open = v4l2_open,
	.describe = v4l2_describe,
	.next = v4l2_next,
	.close = v4l2_close,
	.stop = v4l2_stop,
	.export_dmabuf = v4l2_export_dmabuf,
};
