/* SPDX-License-Identifier: MIT */
/* A camera that is set up and streams: its format, and how a picture comes out of a buffer. */
#include "device/device.h"
#include "base/error.h"
#include "base/log.h"
#include "source/v4l2/convert.h"
#include "source/v4l2/v4l2.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* They last a quarter of a second at the usual rate when this program is not scheduled; a display keeps some
 * more. */
#define BUFFERS 8
#define BUFFERS_TO_EXPORT 12

void v4l2_device_mode(const struct v4l2_device *d, char *text, size_t size)
{
	int used = snprintf(text, size, "%s %u×%u", d->format.name, d->picture.width, d->picture.height);

	if (d->rate > 0 && used > 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used, ", %.4g frames a second", d->rate);
}

static int format_set(struct v4l2_device *d, const struct v4l2_choice *choice, struct error *e)
{
	struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct v4l2_pix_format *p = &format.fmt.pix;

	p->width = (uint32_t)choice->width;
	p->height = (uint32_t)choice->height;
	p->pixelformat = choice->format->code;
	p->field = V4L2_FIELD_NONE;
	int status = device_ioctl(d->fd, VIDIOC_S_FMT, &format);
	if (status == -EBUSY)
		return device_error(d->node.path, status, e);
	if (status < 0)
		return error_set(e, status, "%s (%s) does not take %s %d×%d: %s", d->node.path, d->node.name,
			choice->format->name, choice->width, choice->height, strerror(-status));
	v4l2_format_name(p->pixelformat, &d->format);
	if (!d->format.readable || p->width - 1 >= PICTURE_SIDE_MAXIMUM ||
		p->height - 1 >= PICTURE_SIDE_MAXIMUM)
		return error_set(e, -EINVAL, "%s (%s) gives %s %u×%u, which twobit does not read",
			d->node.path, d->node.name, d->format.name, p->width, p->height);
	d->picture = *p;
	d->delivers = v4l2_pixel_format(p->pixelformat);
	return 0;
}

/* Drivers that cannot set a rate leave it as it is. */
static void rate_set(struct v4l2_device *d, double rate)
{
	struct v4l2_streamparm parameters = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct v4l2_fract *interval = &parameters.parm.capture.timeperframe;

	d->rate = 0;
	if (rate > 0) {
		bool whole = fabs(rate - round(rate)) < 1e-4;
		interval->numerator = whole ? 1 : 10000;
		interval->denominator = (uint32_t)lround(whole ? rate : rate * 10000);
		device_ioctl(d->fd, VIDIOC_S_PARM, &parameters);
	}
	if (device_ioctl(d->fd, VIDIOC_G_PARM, &parameters) >= 0 && interval->numerator &&
		interval->denominator)
		d->rate = (double)interval->denominator / interval->numerator;
}

static int negotiate(struct v4l2_device *d, const struct source_options *options, struct error *e)
{
	struct camera_format *formats;
	struct v4l2_choice choice;
	struct v4l2_request request = v4l2_request_of(options, (int)sysconf(_SC_NPROCESSORS_ONLN));

	int count = v4l2_formats_read(d->fd, &formats);
	if (count < 0)
		return device_error(d->node.path, count, e);
	int status = v4l2_choose(formats, count, &request, &choice, e);
	if (status == 0)
		status = format_set(d, &choice, e);
	if (status == 0)
		rate_set(d, choice.rate);
	v4l2_formats_free(formats, count);
	if (status < 0 || !d->format.converted)
		return status;
	d->convert = v4l2_converter_create(d->fd);
	if (!d->convert)
		return error_set(
			e, -ENOMEM, "%s (%s): libv4lconvert does not start", d->node.path, d->node.name);
	return 0;
}

static int stream(struct v4l2_device *d, struct error *e)
{
	struct error why;
	int buffers = v4l2_device_can_export(d) ? BUFFERS_TO_EXPORT : BUFFERS;

	int status = v4l2_stream_begin(d->fd, buffers, &d->stream, &why);
	if (status == -EBUSY)
		return device_error(d->node.path, status, e);
	if (status < 0)
		return error_set(e, status, "%s (%s): %s", d->node.path, d->node.name, why.text);
	return 0;
}

int v4l2_device_open(struct v4l2_device *d, int fd, const struct v4l2_node *node,
	const struct source_options *options, struct error *e)
{
	*d = (struct v4l2_device){.fd = fd, .node = *node};
	int status = negotiate(d, options, e);
	if (status == 0)
		status = v4l2_controls_set(fd, options->exposure, options->controls, e);
	if (status == 0)
		status = stream(d, e);
	if (status < 0)
		v4l2_device_close(d);
	return status;
}

void v4l2_device_close(struct v4l2_device *d)
{
	if (d->fd < 0)
		return;
	v4l2_stream_end(d->stream);
	d->stream = NULL;
	v4l2_converter_destroy(d->convert);
	d->convert = NULL;
	close(d->fd);
	d->fd = -1;
}

bool v4l2_device_can_export(const struct v4l2_device *d)
{
	return d->delivers != PIXEL_JPEG && !d->format.converted;
}

/* What a buffer becomes at most, bytes. */
static size_t room_of(const struct v4l2_device *d, const struct v4l2_dequeued *dequeued)
{
	if (d->delivers != PIXEL_JPEG)
		return v4l2_picture_size(d->delivers, (int)d->picture.width, (int)d->picture.height);
	return d->picture.sizeimage > dequeued->size ? d->picture.sizeimage : dequeued->size;
}

static int jpeg_copy(const struct v4l2_dequeued *dequeued, struct raw_picture *raw, struct error *e)
{
	memcpy(raw->data, dequeued->data, dequeued->size);
	raw->size = v4l2_jpeg_length(raw->data, dequeued->size);
	if (!raw->size)
		return error_set(
			e, -EBADMSG, "the camera gave a JPEG that is not whole (%zu bytes)", dequeued->size);
	return 0;
}

int v4l2_device_copy(const struct v4l2_device *d, const struct v4l2_dequeued *dequeued, struct frame *frame,
	struct error *e)
{
	struct raw_picture *raw = &frame->raw;
	size_t size = room_of(d, dequeued);
	int width = (int)d->picture.width;
	int height = (int)d->picture.height;

	if (dequeued->flags & V4L2_BUF_FLAG_ERROR || !dequeued->size)
		return error_set(e, -EBADMSG, "%s marked a frame as broken", d->node.name);
	if (raw_picture_reserve(raw, size) < 0)
		return error_set(e, -ENOMEM, "no memory for a frame of %d×%d pixels", width, height);
	raw->format = d->delivers;
	raw->width = width;
	raw->height = height;
	raw->size = size;
	if (d->delivers == PIXEL_JPEG)
		return jpeg_copy(dequeued, raw, e);
	if (d->convert)
		return v4l2_converter_run(
			d->convert, &d->picture, dequeued->data, dequeued->size, raw->data, size, e);
	if (v4l2_picture_copy(d->delivers, width, height, d->picture.bytesperline, dequeued->data,
		    dequeued->size, raw->data) < 0)
		return error_set(e, -EBADMSG, "%s gave a frame of %zu bytes, and %d×%d pixels need more",
			d->node.name, dequeued->size, width, height);
	return 0;
}
