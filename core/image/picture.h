/* SPDX-License-Identifier: MIT */
/*
 * Pictures in memory. A raw picture is what a source delivers, in the source's own format. A picture is what
 * the rest of the program works on: 32 bits a pixel, bytes B, G, R, X in memory (libyuv's ARGB, cairo's
 * RGB24).
 */
#ifndef IMAGE_PICTURE_H
#define IMAGE_PICTURE_H

#include "image/limits.h"

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
	int rotation; /* clockwise, by which picture_decode turns the pixels: 0, 90, 180 or 270 degrees */
};

struct picture {
	int width, height; /* pixels */
	uint8_t *data;	   /* height × width × 4 bytes, rows without gaps */
	size_t capacity;   /* bytes allocated */

	uint8_t *spare; /* private to picture_rotate: the memory of the picture before */
	size_t spare_capacity;
};

/* A part of a picture, pixels. */
struct picture_area {
	int x, y, width, height;
};

/*
 * Makes room for width × height; keeps the memory when it is large enough, so that a pool's pictures settle.
 * -EOVERFLOW over PICTURE_SIDE_MAXIMUM or below 1, -ENOMEM.
 */
int picture_resize(struct picture *picture, int width, int height);
/* Makes room for so many bytes of `data` and of `spare`; pixels are lost where it grows. -ENOMEM */
int picture_reserve(struct picture *picture, size_t bytes, size_t spare);
int raw_picture_reserve(struct raw_picture *raw, size_t bytes);

/* picture_resize for sizes that a file claims: too large is -EBADMSG here, with a message. */
int picture_claim(struct picture *picture, uint32_t width, uint32_t height, struct error *e);

/* Turns clockwise by 0, 90, 180 or 270 degrees. Keeps its memory, as picture_resize. -ENOMEM */
int picture_rotate(struct picture *picture, int degrees);

/* Swaps left and right. */
void picture_mirror(struct picture *picture);

/* Frees the memory and zeroes the struct. */
void picture_finish(struct picture *picture);
void raw_picture_finish(struct raw_picture *raw);

/*
 * Encodes as JPEG (4:2:2), for raw pictures of other formats. quality: 1 … 100. Fills all of out, which needs
 * no rotation then, and keeps its memory where that is large enough. -ENOMEM, -EINVAL with a message.
 */
int picture_encode_jpeg(const struct picture *picture, int quality, struct raw_picture *out, struct error *e);

/* The size in pixels in a JPEG's header. 0 or -EBADMSG. */
int picture_jpeg_size(const uint8_t *data, size_t size, int *width, int *height);

/* By what picture_decode reduces a JPEG's sides at that scale: 1, 2, 4 or 8. */
int picture_jpeg_reduction(double scale);

#endif
