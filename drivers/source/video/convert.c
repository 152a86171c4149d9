/* SPDX-License-Identifier: MIT */
#include "source/video/convert.h"

#include "base/error.h"
#include "image/decode.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <libyuv.h>
#include <string.h>

void converter_finish(struct converter *c)
{
	sws_freeContext(c->scaler);
	av_frame_free(&c->bgra);
	picture_finish(&c->picture);
	picture_finish(&c->scaled);
	*c = (struct converter){0};
}

/* What libyuv reads; libswscale takes several times as long. */
static bool is_fast(int format)
{
	switch (format) {
	case AV_PIX_FMT_YUV420P:
	case AV_PIX_FMT_YUVJ420P:
	case AV_PIX_FMT_NV12:
	case AV_PIX_FMT_YUV422P:
	case AV_PIX_FMT_YUVJ422P:
	case AV_PIX_FMT_YUV444P:
	case AV_PIX_FMT_YUVJ444P:
	case AV_PIX_FMT_YUV420P10LE:
		return true;
	default:
		return false;
	}
}

static bool has_full_range(const AVFrame *f)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);

	switch (f->format) {
	case AV_PIX_FMT_YUVJ420P:
	case AV_PIX_FMT_YUVJ422P:
	case AV_PIX_FMT_YUVJ444P:
	case AV_PIX_FMT_YUVJ440P:
	case AV_PIX_FMT_YUVJ411P:
		return true;
	default: /* grey has all of its values unless it is said to be video's */
		return f->color_range == AVCOL_RANGE_JPEG ||
		       (f->color_range != AVCOL_RANGE_MPEG && d->nb_components <= 2 &&
			       !(d->flags & AV_PIX_FMT_FLAG_PAL));
	}
}

/* plain: I420 or NV12 as the rest of the program reads it. */
static const struct YuvConstants *colours(const AVFrame *f, bool *plain)
{
	bool full = has_full_range(f);

	*plain = false;
	if (f->colorspace == AVCOL_SPC_BT709)
		return full ? &kYuvF709Constants : &kYuvH709Constants;
	if (f->colorspace == AVCOL_SPC_BT2020_NCL || f->colorspace == AVCOL_SPC_BT2020_CL)
		return full ? &kYuvV2020Constants : &kYuv2020Constants;
	*plain = !full && (f->format == AV_PIX_FMT_YUV420P || f->format == AV_PIX_FMT_NV12);
	return full ? &kYuvJPEGConstants : &kYuvI601Constants;
}

static int fill_fast(const AVFrame *f, const struct YuvConstants *k, uint8_t *to)
{
	const uint8_t *y = f->data[0];
	const uint8_t *u = f->data[1];
	const uint8_t *v = f->data[2];
	const int *l = f->linesize;
	int stride = f->width * 4;

	switch (f->format) {
	case AV_PIX_FMT_YUV422P:
	case AV_PIX_FMT_YUVJ422P:
		return I422ToARGBMatrix(y, l[0], u, l[1], v, l[2], to, stride, k, f->width, f->height);
	case AV_PIX_FMT_YUV444P:
	case AV_PIX_FMT_YUVJ444P:
		return I444ToARGBMatrix(y, l[0], u, l[1], v, l[2], to, stride, k, f->width, f->height);
	case AV_PIX_FMT_NV12:
		return NV12ToARGBMatrix(y, l[0], u, l[1], to, stride, k, f->width, f->height);
	case AV_PIX_FMT_YUV420P10LE: /* planes of 16-bit numbers, aligned by libavcodec */
		return I010ToARGBMatrix((const uint16_t *)(const void *)y, l[0] / 2,
			(const uint16_t *)(const void *)u, l[1] / 2, (const uint16_t *)(const void *)v,
			l[2] / 2, to, stride, k, f->width, f->height);
	default:
		return I420ToARGBMatrix(y, l[0], u, l[1], v, l[2], to, stride, k, f->width, f->height);
	}
}

/* A frame of BGRA whose rows have the room behind them that libswscale writes into. */
static int bgra_make(struct converter *c, int width, int height)
{
	if (c->bgra && c->bgra->width == width && c->bgra->height == height)
		return 0;
	av_frame_free(&c->bgra);
	c->bgra = av_frame_alloc();
	if (!c->bgra)
		return -ENOMEM;
	c->bgra->format = AV_PIX_FMT_BGRA;
	c->bgra->width = width;
	c->bgra->height = height;
	if (av_frame_get_buffer(c->bgra, 0) == 0)
		return 0;
	av_frame_free(&c->bgra);
	return -ENOMEM;
}

static int fill_any(struct converter *c, const AVFrame *f, uint8_t *to)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);

	if (bgra_make(c, f->width, f->height) < 0)
		return -ENOMEM;
	c->scaler = sws_getCachedContext(c->scaler, f->width, f->height, (enum AVPixelFormat)f->format,
		f->width, f->height, AV_PIX_FMT_BGRA, SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
		NULL, NULL, NULL);
	if (!c->scaler)
		return -ENOMEM;
	sws_setColorspaceDetails(c->scaler, sws_getCoefficients(f->colorspace), has_full_range(f),
		sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
	if (sws_scale(c->scaler, (const uint8_t *const *)f->data, f->linesize, 0, f->height, c->bgra->data,
		    c->bgra->linesize) != f->height)
		return -EBADMSG;
	if (d->flags & AV_PIX_FMT_FLAG_ALPHA)
		return ARGBAttenuate(
			c->bgra->data[0], c->bgra->linesize[0], to, f->width * 4, f->width, f->height);
	return ARGBCopy(c->bgra->data[0], c->bgra->linesize[0], to, f->width * 4, f->width, f->height);
}

static void planes_copy(const AVFrame *f, uint8_t *to)
{
	int half = (f->width + 1) / 2;
	int rows = (f->height + 1) / 2;
	uint8_t *chroma = to + (size_t)f->width * (size_t)f->height;

	CopyPlane(f->data[0], f->linesize[0], to, f->width, f->width, f->height);
	if (f->format == AV_PIX_FMT_NV12) {
		CopyPlane(f->data[1], f->linesize[1], chroma, half * 2, half * 2, rows);
		return;
	}
	CopyPlane(f->data[1], f->linesize[1], chroma, half, half, rows);
	CopyPlane(f->data[2], f->linesize[2], chroma + (size_t)half * (size_t)rows, half, half, rows);
}

static int raw_prepare(
	struct raw_picture *raw, enum pixel_format format, const AVFrame *f, size_t size, struct error *e)
{
	raw->format = format;
	raw->width = f->width;
	raw->height = f->height;
	raw->size = size;
	return raw_picture_reserve(raw, size) < 0 ? error_set(e, -ENOMEM, "no memory for a frame") : 0;
}

static int fill_refuse(int status, struct error *e)
{
	return status == -ENOMEM ? error_set(e, status, "no memory for a frame")
				 : error_set(e, -EBADMSG, "its pixels cannot be converted");
}

static int frame_check(const AVFrame *f, struct error *e)
{
	const char *name = av_get_pix_fmt_name(f->format);

	if (f->width < 1 || f->height < 1 || f->width > PICTURE_SIDE_MAXIMUM ||
		f->height > PICTURE_SIDE_MAXIMUM)
		return error_set(e, -EBADMSG, "it is %d×%d pixels", f->width, f->height);
	if (!name || (!is_fast(f->format) && !sws_isSupportedInput((enum AVPixelFormat)f->format)))
		return error_set(e, -EBADMSG, "its pixels are %s, which libswscale does not read",
			name ? name : "of an unknown format");
	return 0;
}

int converter_run(struct converter *c, const AVFrame *f, const struct geometry *g, struct raw_picture *raw,
	struct error *e)
{
	size_t pixels = (size_t)f->width * (size_t)f->height;
	size_t chroma = (size_t)((f->width + 1) / 2) * (size_t)((f->height + 1) / 2);
	bool plain;

	int status = frame_check(f, e);
	if (status < 0)
		return status;
	const struct YuvConstants *k = colours(f, &plain);
	bool straight = geometry_is_plain(g, f->width, f->height);
	if (plain && straight) {
		enum pixel_format format = f->format == AV_PIX_FMT_NV12 ? PIXEL_NV12 : PIXEL_I420;
		status = raw_prepare(raw, format, f, pixels + 2 * chroma, e);
		if (status == 0)
			planes_copy(f, raw->data);
		return status;
	}
	if (straight)
		status = raw_prepare(raw, PIXEL_BGRX, f, pixels * 4, e);
	else if (picture_resize(&c->picture, f->width, f->height) < 0)
		status = error_set(e, -ENOMEM, "no memory for a frame");
	if (status < 0)
		return status;
	uint8_t *to = straight ? raw->data : c->picture.data;
	status = is_fast(f->format) ? fill_fast(f, k, to) : fill_any(c, f, to);
	if (status == 0 && !straight)
		status = geometry_apply(g, to, f->width * 4, f->width, f->height, &c->scaled, raw);
	return status == 0 ? 0 : fill_refuse(status, e);
}

int converter_run_jpeg(
	struct converter *c, const struct geometry *g, struct raw_picture *raw, struct error *e)
{
	int status = picture_decode(raw, 1, &c->picture, e);
	if (status < 0)
		return status;
	status = geometry_apply(g, c->picture.data, c->picture.width * 4, c->picture.width, c->picture.height,
		&c->scaled, raw);
	return status == 0 ? 0 : fill_refuse(status, e);
}
