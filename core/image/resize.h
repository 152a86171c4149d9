/* SPDX-License-Identifier: MIT */
/*
 * From pixels to a network's input: the centre square (or the input's aspect), averaged over areas in
 * integer arithmetic. The same bits on every machine, and the identity where the picture already has the
 * input's size; libyuv's scalers differ in the last bit between processors, so they serve the display only.
 */
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "image/pixels.h"

/*
 * The middle of a picture that has the aspect width : height, and of that a box of `part` (0 … 1] of its
 * sides, at least a pixel.
 */
struct picture_area resize_middle(const struct pixels *pixels, double part, int width, int height);

/*
 * area: within the picture. out: uint8_t [height][width][channels]; channels 3: R, G, B; 1: grey, (77 R + 150
 * G + 29 B + 128) >> 8. Each output pixel is the mean over its area of the crop, weights in 1/256 pixel,
 * rounded half up; enlarging interpolates linearly between pixel centres in the same fixed point. Of YUV the
 * codes are averaged and then converted, once for an output pixel. resize.c gives the formulas. Allocates
 * nothing; takes 400 KiB of stack.
 */
void resize_area_to_input(const struct pixels *pixels, const struct picture_area *area, uint8_t *out,
	int width, int height, int channels);

/* The same bits without vectors, for tests. */
void resize_area_plainly(const struct pixels *pixels, const struct picture_area *area, uint8_t *out,
	int width, int height, int channels);

/* The same of the whole middle of a picture. */
void resize_to_input(const struct picture *picture, uint8_t *out, int width, int height, int channels);

#endif
