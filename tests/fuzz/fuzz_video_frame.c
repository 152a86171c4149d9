/* SPDX-License-Identifier: MIT */
/*
 * What a stream may say of a decoded frame: its pixel format and size, its colours, the shape of its pixels
 * and its display matrix; then the pixels. (libavformat and libavcodec have fuzzers of their own.)
 */
#include "fuzz.h"

#include "base/error.h"
#include "source/video/convert.h"

#include <libavutil/pixdesc.h>
#include <string.h>

/* Larger pictures find no more faults, and take long. */
#define SIDE 40

struct stated {
	uint16_t format;
	uint8_t width, height, colours, range;
	int32_t wide, high, matrix[9];
};

static AVFrame *frame_make(const struct stated *s, const uint8_t *pixels, size_t size)
{
	AVFrame *frame = av_frame_alloc();

	promise(frame);
	frame->format = s->format % 256;
	frame->width = 1 + s->width % SIDE;
	frame->height = 1 + s->height % SIDE;
	frame->colorspace = s->colours % 16;
	frame->color_range = s->range % 3;
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(frame->format);
	if (!d || d->flags & AV_PIX_FMT_FLAG_HWACCEL || av_frame_get_buffer(frame, 0) < 0)
		av_frame_free(&frame);
	for (int p = 0; frame && p < AV_NUM_DATA_POINTERS && frame->buf[p]; p++)
		for (size_t i = 0; i < frame->buf[p]->size; i++)
			frame->buf[p]->data[i] = size ? pixels[i % size] : 0;
	return frame;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct converter converter = {0};
	struct raw_picture raw = {0};
	struct stated s;
	struct geometry g;
	struct error e = {0};

	if (size < sizeof(s))
		return 0;
	memcpy(&s, data, sizeof(s));
	AVFrame *frame = frame_make(&s, data + sizeof(s), size - sizeof(s));
	if (!frame)
		return 0;
	geometry_set_matrix(&g, s.matrix);
	geometry_set_size(&g, frame->width, frame->height, (AVRational){s.wide, s.high});
	int status = converter_run(&converter, frame, &g, &raw, &e);
	promise(status == 0 || (e.code == status && e.text[0]));
	if (status == 0) {
		promise(raw.width >= 1 && raw.width <= 16 * SIDE && raw.height >= 1 &&
			raw.height <= 16 * SIDE);
		promise(raw.size <= raw.capacity);
		promise(raw.format != PIXEL_BGRX || raw.size == (size_t)raw.width * (size_t)raw.height * 4);
	}
	raw_picture_finish(&raw);
	converter_finish(&converter);
	av_frame_free(&frame);
	return 0;
}
