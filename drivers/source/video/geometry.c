/* SPDX-License-Identifier: MIT */
#include "source/video/geometry.h"

#include <errno.h>
#include <libyuv.h>
#include <stdlib.h>

/* Pixels further from square are a fault of the file. */
#define ASPECT_MAXIMUM 16

/* The stream's own matrix: libavformat moved it in FFmpeg 6.1, and dropped the old place in 8. */
static const int32_t *stream_matrix(const AVStream *stream)
{
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
	const AVPacketSideData *data = av_packet_side_data_get(stream->codecpar->coded_side_data,
		stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
	bool whole = data && data->size >= 9 * sizeof(int32_t);
	const uint8_t *bytes = whole ? data->data : NULL;
#else
	size_t size = 0;
	const uint8_t *bytes = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
	bytes = size >= 9 * sizeof(int32_t) ? bytes : NULL;
#endif
	return (const int32_t *)(const void *)bytes; /* libavutil aligns it */
}

void geometry_set_matrix(struct geometry *g, const int32_t *matrix)
{
	g->flip = false;
	g->turn = 0;
	if (!matrix)
		return;
	/* x' = a x + c y, y' = b x + d y, with y downwards */
	int64_t a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
	bool turned = llabs(b) + llabs(c) > llabs(a) + llabs(d);
	if (turned && b && c) {
		g->turn = b > 0 ? 90 : 270;
		g->flip = (b > 0) == (c > 0);
	} else if (!turned && a && d) {
		g->turn = a > 0 ? 0 : 180;
		g->flip = (a > 0) != (d > 0);
	}
}

void geometry_set_size(struct geometry *g, int width, int height, AVRational aspect)
{
	int64_t wide = aspect.num, high = aspect.den;

	g->width = width;
	g->height = height;
	if (width < 1 || height < 1 || wide < 1 || high < 1 || wide > ASPECT_MAXIMUM * high ||
		high > ASPECT_MAXIMUM * wide)
		return;
	int64_t wider = (width * wide + high / 2) / high;
	int64_t higher = (height * high + wide / 2) / wide;
	bool widen = wide > high ? wider <= PICTURE_SIDE_MAXIMUM : higher > PICTURE_SIDE_MAXIMUM;
	if (widen)
		g->width = (int)(wider > 0 ? wider : 1);
	else
		g->height = (int)(higher > 0 ? higher : 1);
}

struct geometry geometry_of(AVFormatContext *format, AVStream *stream, AVFrame *frame, int width, int height)
{
	struct geometry g;
	const AVFrameSideData *data =
		frame ? av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX) : NULL;
	bool whole = data && data->size >= 9 * sizeof(int32_t);

	geometry_set_matrix(&g, whole ? (const int32_t *)(const void *)data->data : stream_matrix(stream));
	/* Of Motion JPEG only what the container says: a camera's JPEGs name any density. */
	bool jpeg = stream->codecpar->codec_id == AV_CODEC_ID_MJPEG;
	geometry_set_size(&g, width, height,
		jpeg ? stream->sample_aspect_ratio : av_guess_sample_aspect_ratio(format, stream, frame));
	return g;
}

bool geometry_is_plain(const struct geometry *g, int width, int height)
{
	return g->width == width && g->height == height && !g->flip && !g->turn;
}

int geometry_apply(const struct geometry *g, const uint8_t *from, int stride, int width, int height,
	struct picture *scaled, struct raw_picture *to)
{
	bool swap = g->turn == 90 || g->turn == 270;

	if (g->width != width || g->height != height) {
		int status = picture_resize(scaled, g->width, g->height);
		if (status < 0)
			return status;
		if (ARGBScale(from, stride, width, height, scaled->data, g->width * 4, g->width, g->height,
			    kFilterBilinear) != 0)
			return -ENOMEM;
		from = scaled->data;
		stride = g->width * 4;
	}
	to->format = PIXEL_BGRX;
	to->width = swap ? g->height : g->width;
	to->height = swap ? g->width : g->height;
	to->size = (size_t)g->width * (size_t)g->height * 4;
	if (raw_picture_reserve(to, to->size) < 0)
		return -ENOMEM;
	/* A height below 0 turns the picture upside down first. */
	return ARGBRotate(from, stride, to->data, to->width * 4, g->width, g->flip ? -g->height : g->height,
		       (enum RotationMode)g->turn) == 0
		       ? 0
		       : -ENOMEM;
}
