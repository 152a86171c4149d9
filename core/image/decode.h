/* SPDX-License-Identifier: MIT */
/* Pictures from bytes and from files, and from the formats of cameras. */
#ifndef IMAGE_DECODE_H
#define IMAGE_DECODE_H

#include "image/picture.h"

/*
 * Decodes, converts to BGRX and turns by the raw picture's rotation (JPEG with libjpeg's exact DCT and smooth
 * chroma, as in training). A scale below 1 lets JPEG come out smaller, where that costs less: by the smallest
 * of 1/8, 1/4, 1/2 and 1 that is not below it. -EBADMSG with a message for a broken, truncated or too large
 * picture; the picture then holds nothing to show.
 */
int picture_decode(const struct raw_picture *raw, double scale, struct picture *out, struct error *e);

/*
 * A picture file of any format of image/formats.h, by content, not by name; also a pipe, and "-" for standard
 * input. Upright, as its orientation says; transparent pixels are laid on white; of several pictures, the
 * first. -ENOENT …, -EBADMSG; the message names the path. limits.h has what it may cost.
 */
int picture_read_file(const char *path, struct picture *out, struct error *e);

/* The same of such a file's bytes; the message begins with a verb, or "broken …". */
int picture_read(const uint8_t *data, size_t size, struct picture *out, struct error *e);

#endif
