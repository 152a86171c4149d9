/* SPDX-License-Identifier: MIT */
/*
 * The codecs that decode.c dispatches to. Each fills out and returns 0, or leaves no picture and reports the
 * cause, without a path.
 */
#ifndef IMAGE_CODEC_H
#define IMAGE_CODEC_H

#include "base/module.h"
#include "image/picture.h"

#include <stdbool.h>
#include <stdio.h>

/* A format of picture files. */
struct codec {
	const char *name;
	bool (*begins)(const uint8_t *data, size_t size);
	/*
	 * The file's first picture as it is stored, and its orientation, 1 … 8 as in EXIF. NULL: `part`, a
	 * struct codec too, has it; or, where that is NULL, too, the library for it is not in this build.
	 */
	int (*read)(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e);
	const struct module_part *part;
};

/* The format that a file begins as; NULL: none that is known. */
const struct codec *codec_find(const uint8_t *data, size_t size);

bool jpeg_begins(const uint8_t *data, size_t size);
bool png_begins(const uint8_t *data, size_t size);
bool gif_begins(const uint8_t *data, size_t size);
bool bmp_begins(const uint8_t *data, size_t size);

/* A camera's JPEG; `scale` as in picture_decode. */
int jpeg_read(const uint8_t *data, size_t size, double scale, struct picture *out, struct error *e);

/* struct codec's read. */
int jpeg_read_file(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e);
int png_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e);
int gif_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e);
int bmp_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e);
int webp_read(const uint8_t *data, size_t size, struct picture *out, int *orientation, struct error *e);

/* HEIC and AVIF, in the module "heif". */
extern const struct codec picture_heif;

/* Whether a GIF has more than one frame. */
bool gif_moves(const uint8_t *data, size_t size);

/* -EIO: the file takes no more (errno has the cause), or libpng reports an error; -ENOMEM. */
int png_write(FILE *file, const struct picture *picture, struct error *e);

/* -EBADMSG: a side is below 1 or over PICTURE_SIDE_MAXIMUM. */
int picture_check(uint32_t width, uint32_t height, struct error *e);

/* Every format but JPEG, by libyuv. */
int raw_picture_convert(const struct raw_picture *raw, struct picture *out, struct error *e);

/*
 * The orientation in an EXIF block (a TIFF file, which "Exif" and two zeros may precede), in a JPEG's and in
 * a PNG's: 1 … 8; 1 (upright) where it has no valid one.
 */
int exif_orientation(const uint8_t *data, size_t size);
int jpeg_orientation(const uint8_t *data, size_t size);
int png_orientation(const uint8_t *data, size_t size);

/* Turns picture upright. -ENOMEM */
int picture_orient(struct picture *picture, int orientation);

/*
 * By how much a picture of a file of `bytes` must be reduced, so that its pixels keep to the limits of
 * limits.h: 1, 2, 4 or 8. -EBADMSG: too large by any of them.
 */
int picture_reduction(uint32_t width, uint32_t height, size_t bytes, struct error *e);

/* picture_claim for a format that cannot be reduced while it is decoded. */
int picture_claim_whole(
	struct picture *picture, uint32_t width, uint32_t height, size_t bytes, struct error *e);

/* The processor's time that a picture has taken; begins as zeros. */
struct picture_time {
	int64_t begun;	    /* ns */
	unsigned int calls; /* the clock costs more than a row: only one call of 64 reads it */
};

/* Whether it is over the limit. Called for each row. */
bool picture_time_is_up(struct picture_time *time);
#define PICTURE_TAKES_LONG "it takes too long to decode"

/* Lays transparent pixels on white, as on a page: the fourth byte is alpha, and becomes 255. */
void pixels_lay_on_white(uint8_t *pixels, size_t count);

#endif
