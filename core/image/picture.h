/* SPDX-License-Identifier: MIT */
/*
 * Pictures in memory. A raw picture is what a source delivers, in the source's own format. A picture is what
 * the rest of the house works on: 32 bits a pixel, bytes B, G, R, X in memory (libyuv's ARGB, cairo's RGB24).
 */
#ifndef IMAGE_PICTURE_H
#define IMAGE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum pixel_format {
	PIXEL_JPEG,
	PIXEL_YUYV, /* 4:2:2, Y0 U Y1 V */
	PIXEL_UYVY,
	PIXEL_NV12,
	PIXEL_I420, /* three planes, one after the other, chroma (w + 1) / 2 × (h + 1) / 2 */
	PIXEL_GREY,
	PIXEL_BGRX,
};

struct raw_picture {
	enum pixel_format format;
	int width, height; /* pixels; 0 for JPEG until it is decoded */
	uint8_t *data;	   /* rows without gaps */
	size_t size;	   /* bytes in use */
	size_t capacity;   /* bytes allocated */
};

struct picture {
	int width, height; /* pixels */
	uint8_t *data;	   /* height × width × 4 bytes, rows without gaps */
	size_t capacity;   /* bytes allocated */
};

/* Largest side that is accepted anywhere, pixels. */
#define PICTURE_SIDE_MAXIMUM 16384

/*
 * Makes room for width × height; keeps the memory when it is large enough, so that a pool's pictures settle.
 * -EOVERFLOW over PICTURE_SIDE_MAXIMUM or below 1, -ENOMEM.
 */
int picture_resize(struct picture *picture, int width, int height);
int raw_picture_reserve(struct raw_picture *raw, size_t bytes);

/* Frees the memory and zeroes the struct. */
void picture_finish(struct picture *picture);
void raw_picture_finish(struct raw_picture *raw);

/*
 * Decodes and converts to BGRX (JPEG with libjpeg's exact DCT and smooth chroma, as in training). A scale
 * below 1 lets JPEG come out smaller, where that costs less: by the smallest of 1/8, 1/4, 1/2 and 1 that is
 * not below it. -EBADMSG with a sentence for a broken, truncated or too large picture; the picture then holds
 * nothing to show.
 */
int picture_decode(const struct raw_picture *raw, double scale, struct picture *out, struct error *e);

/*
 * As JPEG (4:2:2), for raw pictures that are none. quality: 1 … 100. Fills all of out, keeping its memory
 * where that is large enough. -ENOMEM, -EINVAL with a sentence.
 */
int picture_encode_jpeg(const struct picture *picture, int quality, struct raw_picture *out, struct error *e);

/* The size in pixels that a JPEG's header says. 0 or -EBADMSG. */
int picture_jpeg_size(const uint8_t *data, size_t size, int *width, int *height);

/* A picture file: JPEG or PNG (by content, not by name). -ENOENT …, -EBADMSG; the sentence names the path. */
int picture_read_file(const char *path, struct picture *out, struct error *e);

/* Writes a PNG through a temporary name, so that an old file stays whole when writing fails. */
int picture_write_png(const char *path, const struct picture *picture, struct error *e);

#endif
