/* SPDX-License-Identifier: MIT */
/* Videos for tests, made by libavcodec: four quarters, red and green above, blue and white below. */
#ifndef TEST_SUPPORT_VIDEO_FILE_H
#define TEST_SUPPORT_VIDEO_FILE_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdint.h>

struct video_recipe {
	const char *container; /* libavformat's name of it */
	enum AVCodecID codec;
	enum AVPixelFormat format;
	int width, height, frames;
	AVRational aspect; /* of a pixel, in container and codec; 0: not said */
	bool codec_aspect; /* only in the codec */
	uint8_t alpha;	   /* of the white quarter; the others are opaque */
};

/* Whether the file was written: not every encoder takes every format. */
bool video_write(const char *path, const struct video_recipe *recipe);

/* The matrix a b, c d of the only track of a .mov (tkhd): x' = a x + c y, y' = b x + d y. */
bool video_set_matrix(const char *path, double a, double b, double c, double d);

/* One file behind the other. */
bool video_append(const char *path, const char *more);

#endif
