/* SPDX-License-Identifier: MIT */
/* How the pictures of a stream are to be shown: upright, and with square pixels. */
#ifndef SOURCE_VIDEO_GEOMETRY_H
#define SOURCE_VIDEO_GEOMETRY_H

#include "image/picture.h"

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

struct geometry {
	int width, height; /* pixels to scale to, before the turn */
	bool flip;	   /* upside down, before the turn */
	int turn;	   /* clockwise, 0, 90, 180 or 270 degrees */
};

/*
 * What a display matrix (nine numbers, as in libavutil/display.h) does to a picture, to the nearest quarter
 * turn; NULL: nothing. A matrix that turns nothing into pixels counts as none.
 */
void geometry_set_matrix(struct geometry *g, const int32_t *matrix);

/*
 * Sets the size for pixels of the shape width : height = aspect. The picture grows, as players show it; one
 * that would grow over PICTURE_SIDE_MAXIMUM shrinks instead. Impossible shapes count as square.
 */
void geometry_set_size(struct geometry *g, int width, int height, AVRational aspect);

/*
 * Of a picture of that size in the stream. A matrix of the frame goes over that of the stream; frame NULL:
 * libavcodec has not decoded it.
 */
struct geometry geometry_of(AVFormatContext *format, AVStream *stream, AVFrame *frame, int width, int height);

/* Whether pictures of that size are shown as they are. */
bool geometry_is_plain(const struct geometry *g, int width, int height);

/*
 * From BGRX, width × height, stride bytes a row, to raw. `scaled` keeps memory between calls. -ENOMEM,
 * -EOVERFLOW.
 */
int geometry_apply(const struct geometry *g, const uint8_t *from, int stride, int width, int height,
	struct picture *scaled, struct raw_picture *to);

#endif
