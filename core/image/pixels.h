/* SPDX-License-Identifier: MIT */
/*
 * Pixels to look at: those of a picture, or a camera's frame as it is, so that a network's input needs no
 * picture of the whole frame.
 */
#ifndef IMAGE_PIXELS_H
#define IMAGE_PIXELS_H

#include "image/picture.h"

#include <stdbool.h>

struct pixels {
	enum pixel_format format; /* any but PIXEL_JPEG */
	int width, height;
	const uint8_t *data; /* owned by the picture; rows without gaps */
};

struct pixels picture_pixels(const struct picture *picture);

/* Whether a raw picture can be looked at as it is: it is no JPEG and need not be turned. */
bool raw_picture_has_pixels(const struct raw_picture *raw);

/* The pixels of such a raw picture. -EBADMSG with a message: it is too large, or holds too few bytes. */
int raw_picture_pixels(const struct raw_picture *raw, struct pixels *out, struct error *e);

#endif
