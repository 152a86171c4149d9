/* SPDX-License-Identifier: MIT */
/*
 * The codecs that decode.c dispatches to. Each fills out and returns 0, or leaves no picture and reports the
 * cause, without a path.
 */
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include "image/picture.h"

#include <stdbool.h>
#include <stdio.h>

bool jpeg_begins(const uint8_t *data, size_t size);
bool png_begins(const uint8_t *data, size_t size);
/* `scale` as in picture_decode. */
int jpeg_read(const uint8_t *data, size_t size, double scale, struct picture *out, struct error *e);
int png_read(const uint8_t *data, size_t size, struct picture *out, struct error *e);

/* -EIO: the file takes no more (errno has the cause), or libpng reports an error; -ENOMEM. */
int png_write(FILE *file, const struct picture *picture, struct error *e);

/* Every format but JPEG, by libyuv. */
int raw_picture_convert(const struct raw_picture *raw, struct picture *out, struct error *e);

/* The orientation in a JPEG's EXIF block: 1 … 8; 1 (upright) where it has no valid one. */
int jpeg_orientation(const uint8_t *data, size_t size);

/* Turns picture upright. -ENOMEM */
int picture_orient(struct picture *picture, int orientation);

#endif
