/* SPDX-License-Identifier: MIT */
/* Which formats, sizes and rates a camera offers, and which of them is used. */
#include "base/error.h"
#include "device/device.h"
#include "source/v4l2/convert.h"
#include "source/v4l2/v4l2.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* More than any camera offers: the limit for a driver whose list never ends. */
#define FORMATS 128
#define MODES 256

/* Without a request: the frames a second to ask for, and those that are enough. */
#define RATE_USUAL 30
#define RATE_ENOUGH 25

/*
 * The formats that we read, and their work on the way to pixels: about the bytes moved a pixel, and the cost
 * of decoding in the same unit. Grey comes last because the network needs colours.
 */
static const struct own_format {
	uint32_t code;
	const char *name;
	enum pixel_format format;
	int work;
} own_formats[] = {
	{V4L2_PIX_FMT_NV12, "NV12", PIXEL_NV12, 3},
	{V4L2_PIX_FMT_YUV420, "I420", PIXEL_I420, 3},
	{V4L2_PIX_FMT_YUYV, "YUYV", PIXEL_YUYV, 4},
	{V4L2_PIX_FMT_UYVY, "UYVY", PIXEL_UYVY, 4},
	{V4L2_PIX_FMT_XBGR32, "BGRX", PIXEL_BGRX, 8},
	{V4L2_PIX_FMT_ABGR32, "BGRA", PIXEL_BGRX, 8},
	{V4L2_PIX_FMT_BGR32, "BGR4", PIXEL_BGRX, 8},
	{V4L2_PIX_FMT_MJPEG, "MJPEG", PIXEL_JPEG, 20},
	{V4L2_PIX_FMT_JPEG, "JPEG", PIXEL_JPEG, 20},
	{V4L2_PIX_FMT_GREY, "GREY", PIXEL_GREY, 1000},
};

#define WORK_CONVERTED 40

static const struct own_format *own_format_of(uint32_t code)
{
	for (size_t i = 0; i < sizeof(own_formats) / sizeof(own_formats[0]); i++)
		if (own_formats[i].code == code)
			return &own_formats[i];
	return NULL;
}

void v4l2_format_name(uint32_t code, struct camera_format *format)
{
	const struct own_format *own = own_format_of(code);
	char letters[5] = {0};

	for (int i = 0; i < 4; i++) {
		char letter = (char)(code >> 8 * i & 0x7f);
		letters[i] = letter > ' ' && letter < 0x7f ? letter : '\0';
	}
	format->code = code;
	snprintf(format->name, sizeof(format->name), "%s", own ? own->name : letters);
	format->converted = !own && v4l2_converter_reads(code);
	format->readable = own || format->converted;
}

enum pixel_format v4l2_pixel_format(uint32_t code)
{
	const struct own_format *own = own_format_of(code);

	return own ? own->format : PIXEL_I420;
}

static int clamp(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

/* The size in a mode's range that is nearest to `requested`. */
static int side_near(int requested, int first, int last, int step)
{
	int side = clamp(requested, first, last);

	return step > 1 ? first + (side - first) / step * step : side;
}

static double rate_of(const struct v4l2_fract *interval)
{
	return interval->numerator ? (double)interval->denominator / interval->numerator : 0;
}

static int rates_compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x < y) - (x > y);
}

static void rates_read(int fd, uint32_t code, struct camera_mode *mode)
{
	struct v4l2_frmivalenum at = {.pixel_format = code,
		.width = (uint32_t)side_near(640, mode->width, mode->last_width, mode->width_step),
		.height = (uint32_t)side_near(480, mode->height, mode->last_height, mode->height_step)};

	while (mode->rate_count < CAMERA_RATES && device_ioctl(fd, VIDIOC_ENUM_FRAMEINTERVALS, &at) == 0) {
		if (at.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
			mode->any_rate = true;
			mode->rates[0] = rate_of(&at.stepwise.min);
			mode->rates[1] = rate_of(&at.stepwise.max);
			mode->rate_count = 2;
			break;
		}
		double rate = rate_of(&at.discrete);
		if (rate > 0)
			mode->rates[mode->rate_count++] = rate;
		at.index++;
	}
	qsort(mode->rates, (size_t)mode->rate_count, sizeof(mode->rates[0]), rates_compare);
}

static bool mode_of(const struct v4l2_frmsizeenum *size, struct camera_mode *mode)
{
	*mode = (struct camera_mode){0};
	if (size->type == V4L2_FRMSIZE_TYPE_DISCRETE) {
		mode->width = mode->last_width = (int)size->discrete.width;
		mode->height = mode->last_height = (int)size->discrete.height;
	} else {
		mode->width = (int)size->stepwise.min_width;
		mode->height = (int)size->stepwise.min_height;
		mode->last_width = clamp((int)size->stepwise.max_width, 0, PICTURE_SIDE_MAXIMUM);
		mode->last_height = clamp((int)size->stepwise.max_height, 0, PICTURE_SIDE_MAXIMUM);
		mode->width_step = (int)size->stepwise.step_width;
		mode->height_step = (int)size->stepwise.step_height;
	}
	return mode->width > 0 && mode->height > 0 && mode->width <= PICTURE_SIDE_MAXIMUM &&
	       mode->height <= PICTURE_SIDE_MAXIMUM && mode->last_width >= mode->width &&
	       mode->last_height >= mode->height && mode->width_step >= 0 && mode->height_step >= 0;
}

/* A driver that lists no sizes has one: the current one. */
static bool mode_now(int fd, struct camera_mode *mode)
{
	struct v4l2_format now = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct v4l2_frmsizeenum size = {.type = V4L2_FRMSIZE_TYPE_DISCRETE};

	if (device_ioctl(fd, VIDIOC_G_FMT, &now) < 0)
		return false;
	size.discrete.width = now.fmt.pix.width;
	size.discrete.height = now.fmt.pix.height;
	return mode_of(&size, mode);
}

static int modes_read(int fd, struct camera_format *format)
{
	struct v4l2_frmsizeenum size = {.pixel_format = format->code};

	format->modes = calloc(MODES, sizeof(*format->modes));
	if (!format->modes)
		return -ENOMEM;
	for (; size.index < MODES && device_ioctl(fd, VIDIOC_ENUM_FRAMESIZES, &size) == 0; size.index++) {
		struct camera_mode *mode = &format->modes[format->mode_count];
		if (mode_of(&size, mode))
			format->mode_count++;
		if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE)
			break;
	}
	if (!format->mode_count && mode_now(fd, format->modes))
		format->mode_count = 1;
	for (int i = 0; i < format->mode_count; i++)
		rates_read(fd, format->code, &format->modes[i]);
	struct camera_mode *fit =
		realloc(format->modes, (size_t)(format->mode_count ? format->mode_count : 1) * sizeof(*fit));
	if (fit)
		format->modes = fit;
	return 0;
}

int v4l2_formats_read(int fd, struct camera_format **out)
{
	struct v4l2_fmtdesc at = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	int count = 0;
	int status;

	*out = calloc(FORMATS, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	while (count < FORMATS && (status = device_ioctl(fd, VIDIOC_ENUM_FMT, &at)) == 0) {
		struct camera_format *format = &(*out)[count++];
		v4l2_format_name(at.pixelformat, format);
		status = modes_read(fd, format);
		if (status < 0)
			break;
		at.index++;
	}
	if (status == 0 || status == -EINVAL) /* -EINVAL ends the list */
		return count;
	v4l2_formats_free(*out, count);
	*out = NULL;
	return status;
}

void v4l2_formats_free(struct camera_format *formats, int count)
{
	for (int i = 0; i < count; i++)
		free(formats[i].modes);
	free(formats);
}

struct v4l2_request v4l2_request_of(const struct source_options *options, int processors)
{
	bool any = !options->format || strcasecmp(options->format, "auto") == 0;
	struct v4l2_request request = {.format = any ? NULL : options->format,
		.rate = options->rate > 0 ? options->rate : RATE_USUAL,
		.enough = options->rate > 0 ? options->rate * 0.95 : RATE_ENOUGH,
		.size_first = options->width > 0};

	/* 640×480 is enough work for two cores. */
	request.width = request.size_first ? options->width : processors < 4 ? 640 : 1280;
	request.height = request.size_first ? options->height : processors < 4 ? 480 : 720;
	return request;
}

/* The mode's nearest rate among those that are enough, else its fastest. 0: not known. */
static double rate_choose(const struct camera_mode *mode, const struct v4l2_request *request)
{
	if (!mode->rate_count)
		return 0;
	double fastest = mode->rates[0];
	double slowest = mode->rates[mode->rate_count - 1];
	if (mode->any_rate)
		return request->rate > fastest ? fastest : request->rate < slowest ? slowest : request->rate;
	double best = fastest;
	for (int i = 1; i < mode->rate_count; i++)
		if (mode->rates[i] >= request->enough &&
			fabs(mode->rates[i] - request->rate) < fabs(best - request->rate))
			best = mode->rates[i];
	return best;
}

/* What two modes are compared by, the most important first; smaller is better. */
struct merit {
	double ranks[4];
};

static struct merit merit_of(const struct v4l2_choice *choice, const struct v4l2_request *request)
{
	const struct own_format *own = own_format_of(choice->format->code);
	bool grey = own && own->format == PIXEL_GREY;
	double off = abs(choice->width - request->width) + abs(choice->height - request->height);
	double slow =
		choice->rate == 0 || choice->rate >= request->enough ? 0 : request->enough - choice->rate;
	double work = own ? own->work : WORK_CONVERTED;

	if (request->size_first)
		return (struct merit){{grey, off, slow, work}};
	return (struct merit){{grey, slow > 0, off, slow > 0 ? slow * 1000 + work : work}};
}

static bool better(const struct merit *a, const struct merit *b)
{
	for (size_t i = 0; i < sizeof(a->ranks) / sizeof(a->ranks[0]); i++)
		if (a->ranks[i] < b->ranks[i] || a->ranks[i] > b->ranks[i])
			return a->ranks[i] < b->ranks[i];
	return false;
}

/* By our name or by V4L2's four letters: MJPEG is also MJPG. */
static bool format_is(const struct camera_format *format, const char *name)
{
	char letters[5] = {0};

	for (int i = 0; i < 4; i++)
		letters[i] = (char)(format->code >> 8 * i & 0x7f);
	return strcasecmp(format->name, name) == 0 || strcasecmp(letters, name) == 0 ||
	       (format->code == V4L2_PIX_FMT_YUYV && strcasecmp(name, "YUY2") == 0);
}

static int choice_fails(
	const struct camera_format *formats, int count, const struct v4l2_request *request, struct error *e)
{
	char names[160] = "";
	size_t used = 0;

	for (int i = 0; i < count; i++) {
		if (request->format && format_is(&formats[i], request->format) && !formats[i].readable)
			return error_refuse(e, request->format, -EINVAL,
				"the camera gives %s, but twobit does not read it", formats[i].name);
		if (formats[i].readable && formats[i].mode_count && used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
				formats[i].name);
	}
	if (!used)
		return error_set(e, -EINVAL, "the camera gives no format that twobit reads");
	return error_refuse(e, request->format, -EINVAL, "the camera gives no %s; choose one of: auto, %s",
		request->format, names);
}

int v4l2_choose(const struct camera_format *formats, int count, const struct v4l2_request *request,
	struct v4l2_choice *choice, struct error *e)
{
	struct merit best = {{0}};

	*choice = (struct v4l2_choice){0};
	for (int i = 0; i < count; i++) {
		const struct camera_format *format = &formats[i];
		if (!format->readable || (request->format && !format_is(format, request->format)))
			continue;
		for (const struct camera_mode *m = format->modes; m < format->modes + format->mode_count;
			m++) {
			struct v4l2_choice one = {.format = format,
				.width = side_near(request->width, m->width, m->last_width, m->width_step),
				.height =
					side_near(request->height, m->height, m->last_height, m->height_step),
				.rate = rate_choose(m, request)};
			struct merit merit = merit_of(&one, request);
			if (choice->format && !better(&merit, &best))
				continue;
			*choice = one;
			best = merit;
		}
	}
	return choice->format ? 0 : choice_fails(formats, count, request, e);
}
