/* SPDX-License-Identifier: MIT */
/*
 * A camera whose driver answers anything: what it offers, how it sets itself up, its controls, and what is in
 * its buffers. `device_ioctl` is simulated and takes each answer from the input (a byte that says whether it
 * fails, and the fields); what is left of the input is what the camera writes into a buffer.
 */
#include "fuzz.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "device/device.h"
#include "flow/frame.h"
#include "image/decode.h"
#include "source/v4l2/v4l2.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FORMATS 3
#define MODES 3
#define CONTROLS 4
#define PICTURES 3

/* Larger pictures find no more faults, and take long; the limit itself has a unit test. */
#define SIDE 128

/* Places of the buffers in the file that stands for the camera. */
#define SLOT 16384
#define SLOTS 16

static struct {
	const uint8_t *bytes;
	size_t size;
} input;

static uint32_t take(size_t count)
{
	uint32_t value = 0;

	for (; count && input.size; count--, input.bytes++, input.size--)
		value = value << 8 | *input.bytes;
	return value;
}

static void take_text(uint8_t *to, size_t room)
{
	for (size_t length = take(1) % (room + 1), i = 0; i < length; i++)
		to[i] = (uint8_t)take(1);
}

static uint32_t take_code(void)
{
	static const uint32_t codes[] = {V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420, V4L2_PIX_FMT_YUYV,
		V4L2_PIX_FMT_UYVY, V4L2_PIX_FMT_XBGR32, V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_JPEG,
		V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_RGB24, V4L2_PIX_FMT_YVU420, V4L2_PIX_FMT_SBGGR8};
	uint32_t which = take(1);

	return which < sizeof(codes) / sizeof(codes[0]) ? codes[which] : take(4);
}

static struct v4l2_fract take_fraction(void)
{
	return (struct v4l2_fract){take(1), take(2)};
}

static int size_answer(struct v4l2_frmsizeenum *size)
{
	size->type = take(1) % 4;
	if (size->type == V4L2_FRMSIZE_TYPE_DISCRETE)
		size->discrete = (struct v4l2_frmsize_discrete){take(2), take(2)};
	else
		size->stepwise =
			(struct v4l2_frmsize_stepwise){take(2), take(4), take(1), take(2), take(4), take(1)};
	return size->index < MODES ? 0 : -EINVAL;
}

static int rate_answer(struct v4l2_frmivalenum *rate)
{
	rate->type = take(1) % 4;
	if (rate->type == V4L2_FRMIVAL_TYPE_DISCRETE)
		rate->discrete = take_fraction();
	else
		rate->stepwise = (struct v4l2_frmival_stepwise){take_fraction(), take_fraction(), {1, 1}};
	return rate->index < MODES ? 0 : -EINVAL;
}

/* The driver may set another size and format than it was asked for. */
static int format_answer(struct v4l2_pix_format *p)
{
	if (take(1) % 4 == 0)
		p->pixelformat = take_code();
	p->width = take(1) % (SIDE + 1);
	p->height = take(1) % (SIDE + 1);
	p->bytesperline = take(2);
	p->sizeimage = take(3) % (1 << 20);
	return 0;
}

static int control_answer(struct v4l2_query_ext_ctrl *q)
{
	static uint32_t count;

	if (!(q->id & V4L2_CTRL_FLAG_NEXT_CTRL) || !(q->id & ~V4L2_CTRL_FLAG_NEXT_CTRL))
		count = 0;
	q->id = ++count;
	q->type = take(1) % 12;
	q->flags = take(1);
	q->minimum = (int32_t)take(4);
	q->maximum = (int32_t)take(4);
	take_text((uint8_t *)q->name, sizeof(q->name));
	return count <= CONTROLS ? 0 : -EINVAL;
}

static int buffer_answer(int fd, unsigned long request, struct v4l2_buffer *b)
{
	if (request == VIDIOC_QUERYBUF) {
		b->length = take(2) % (SLOT + 1);
		b->m.offset = b->index * SLOT;
		return 0;
	}
	if (request == VIDIOC_QBUF)
		return 0;
	b->index = take(1);
	b->flags = take(1) << 8 | take(1);
	b->sequence = take(4);
	b->timestamp.tv_sec = take(2);
	b->timestamp.tv_usec = take(4);
	bool honest = take(1) % 4 != 0;
	b->bytesused = honest ? 0 : take(4);
	size_t size = input.size < SLOT ? input.size : SLOT;
	b->bytesused = honest ? (uint32_t)size : b->bytesused;
	promise(pwrite(fd, input.bytes, size, (off_t)(b->index % SLOTS) * SLOT) == (ssize_t)size);
	return 0;
}

int __wrap_device_ioctl(int fd, unsigned long request, void *argument);

int __wrap_device_ioctl(int fd, unsigned long request, void *argument)
{
	static const int failures[] = {EBUSY, ENODEV, ENOSPC, EIO, EINVAL, ENOTTY};
	struct v4l2_requestbuffers *buffers = argument;
	struct v4l2_fmtdesc *offered = argument;
	uint32_t failure = take(1) - 250;

	if (failure < sizeof(failures) / sizeof(failures[0]))
		return -failures[failure];
	switch (request) {
	case VIDIOC_ENUM_FMT:
		offered->pixelformat = take_code();
		return offered->index < FORMATS ? 0 : -EINVAL;
	case VIDIOC_ENUM_FRAMESIZES:
		return size_answer(argument);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return rate_answer(argument);
	case VIDIOC_G_FMT:
	case VIDIOC_S_FMT:
		return format_answer(&((struct v4l2_format *)argument)->fmt.pix);
	case VIDIOC_G_PARM:
		((struct v4l2_streamparm *)argument)->parm.capture.timeperframe = take_fraction();
		return 0;
	case VIDIOC_QUERY_EXT_CTRL:
		return control_answer(argument);
	case VIDIOC_QUERYMENU:
		take_text(((struct v4l2_querymenu *)argument)->name, 32);
		return 0;
	case VIDIOC_REQBUFS:
		buffers->count = take(1) % 4 ? buffers->count : take(4);
		return 0;
	case VIDIOC_QUERYBUF:
	case VIDIOC_QBUF:
	case VIDIOC_DQBUF:
		return buffer_answer(fd, request, argument);
	default:
		return 0;
	}
}

/* What came out of a buffer can be decoded, unless it is a broken JPEG, and watched for a picture that stands
 * still. */
static void look(const struct v4l2_device *device, const struct frame *frame, double scale)
{
	struct v4l2_frozen frozen = {0};
	struct picture picture = {0};
	struct error e = {0};

	promise(frame->raw.size > 0 && frame->raw.size <= frame->raw.capacity);
	int status = picture_decode(&frame->raw, scale, &picture, &e);
	promise(status == 0 || (device->delivers == PIXEL_JPEG && e.code == status && e.text[0]));
	for (int i = 0; i < 12; i++)
		v4l2_frozen_look(&frozen, frame->raw.data, frame->raw.size, i * NS_PER_S);
	picture_finish(&picture);
}

static void pictures_take(struct v4l2_device *device, double scale)
{
	struct frame frame = {0};
	struct v4l2_dequeued dequeued;
	struct error e = {0};

	for (int i = 0; i < PICTURES; i++) {
		if (v4l2_stream_dequeue(device->stream, -1, clock_now() + NS_PER_S, &dequeued) < 0)
			break;
		uint8_t *exact = malloc(dequeued.size + 1); /* a byte read past the end is found */
		promise(exact);
		uint8_t *begin = exact + 1;
		memcpy(begin, dequeued.data, dequeued.size);
		dequeued.data = begin;
		int status = v4l2_device_copy(device, &dequeued, &frame, &e);
		promise(status == 0 || (e.code == status && e.text[0]));
		if (status == 0)
			look(device, &frame, scale);
		free(exact);
		promise(v4l2_capture_time(dequeued.flags, dequeued.time, NS_PER_S) <= NS_PER_S);
		if (v4l2_stream_queue(device->stream, dequeued.buffer) < 0)
			break;
	}
	raw_picture_finish(&frame.raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const exposures[] = {NULL, "auto", "5"};
	static const char *const controls[] = {"brightness=5", "b=off", NULL};
	static const struct v4l2_node node = {.path = "/dev/video0", .name = "Camera"};
	struct v4l2_device device;
	struct error e = {0};
	char mode[96];

	log_hold();
	input.bytes = data;
	input.size = size;
	uint32_t asked = take(1);
	struct source_options options = {.exposure = exposures[asked % 3],
		.controls = asked & 4 ? controls : NULL,
		.width = asked & 8 ? 64 : 0,
		.height = asked & 8 ? 48 : 0,
		.rate = asked & 16 ? 25 : 0,
		.format = asked & 32 ? "YUYV" : NULL};
	int camera = memfd_create("camera", MFD_CLOEXEC);
	promise(camera >= 0 && ftruncate(camera, (off_t)SLOTS * SLOT) == 0);
	int status = v4l2_device_open(&device, camera, &node, &options, &e);
	promise(status <= 0 && (status == 0 || (e.code == status && e.text[0])));
	if (status == 0) {
		v4l2_device_mode(&device, mode, sizeof(mode));
		pictures_take(&device, (asked >> 6) / 4.0);
	}
	v4l2_device_close(&device);
	return 0;
}
