/* SPDX-License-Identifier: MIT */
/* From a camera's formats to BGRX by libyuv: BT.601, studio range for YUV, full range for grey. */
#include "base/error.h"
#include "image/codec.h"
#include "image/pixels.h"

#include <errno.h>
#include <libyuv.h>

/* Bytes that width × height need; sides are at most PICTURE_SIDE_MAXIMUM. */
static size_t format_size(enum pixel_format format, size_t width, size_t height)
{
	size_t chroma = (width + 1) / 2 * ((height + 1) / 2);

	switch (format) {
	case PIXEL_YUYV:
	case PIXEL_UYVY:
		return (width + 1) / 2 * 4 * height;
	case PIXEL_NV12:
	case PIXEL_I420:
		return width * height + 2 * chroma;
	case PIXEL_GREY:
		return width * height;
	case PIXEL_BGRX:
		return width * height * 4;
	case PIXEL_JPEG:
		break;
	}
	return SIZE_MAX;
}

static void pixels_convert(const struct raw_picture *raw, struct picture *out)
{
	int width = out->width;
	int height = out->height;
	int half = (width + 1) / 2;
	const uint8_t *luma = raw->data;
	const uint8_t *chroma = luma + (size_t)width * (size_t)height;
	const uint8_t *second = chroma + (size_t)half * (size_t)((height + 1) / 2);

	switch (raw->format) {
	case PIXEL_YUYV:
		YUY2ToARGB(luma, half * 4, out->data, width * 4, width, height);
		break;
	case PIXEL_UYVY:
		UYVYToARGB(luma, half * 4, out->data, width * 4, width, height);
		break;
	case PIXEL_NV12:
		NV12ToARGB(luma, width, chroma, half * 2, out->data, width * 4, width, height);
		break;
	case PIXEL_I420:
		I420ToARGB(luma, width, chroma, half, second, half, out->data, width * 4, width, height);
		break;
	case PIXEL_GREY:
		J400ToARGB(luma, width, out->data, width * 4, width, height);
		break;
	case PIXEL_BGRX:
		ARGBCopy(luma, width * 4, out->data, width * 4, width, height);
		break;
	case PIXEL_JPEG:
		break;
	}
}

static int raw_picture_check(const struct raw_picture *raw, struct error *e)
{
	size_t needed = format_size(raw->format, (size_t)raw->width, (size_t)raw->height);

	if (raw->size >= needed)
		return 0;
	return error_set(e, -EBADMSG, "the frame holds %zu bytes, and %d×%d pixels need %zu", raw->size,
		raw->width, raw->height, needed);
}

int raw_picture_convert(const struct raw_picture *raw, struct picture *out, struct error *e)
{
	int status = picture_claim(out, (uint32_t)raw->width, (uint32_t)raw->height, e);

	if (!status)
		status = raw_picture_check(raw, e);
	if (!status)
		pixels_convert(raw, out);
	return status;
}

struct pixels picture_pixels(const struct picture *picture)
{
	return (struct pixels){PIXEL_BGRX, picture->width, picture->height, picture->data};
}

bool raw_picture_has_pixels(const struct raw_picture *raw)
{
	return raw->format != PIXEL_JPEG && raw->rotation == 0;
}

int raw_picture_pixels(const struct raw_picture *raw, struct pixels *out, struct error *e)
{
	int status = picture_check((uint32_t)raw->width, (uint32_t)raw->height, e);

	*out = (struct pixels){raw->format, raw->width, raw->height, raw->data};
	return status ? status : raw_picture_check(raw, e);
}
