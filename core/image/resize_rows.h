/* SPDX-License-Identifier: MIT */
/* What the plain resize and the one in vectors share: what bytes mean, and sums of rows. */
#ifndef IMAGE_RESIZE_ROWS_H
#define IMAGE_RESIZE_ROWS_H

#include "image/pixels.h"

#include <stdbool.h>
#include <string.h>

#define BLOCK 256 /* columns of the output whose spans are kept */

#define BANDS 3
#define CHANNELS 3

/* Rows of bytes that are summed together: groups of bytes, each for 1 << across pixels of 1 << down rows. */
struct band {
	int group, across, down;
};

/* A band's samples of one channel, each for 1 << across pixels. */
struct channel {
	int band;
	int offset, step; /* bytes to the first, from one to the next */
	int across;
};

/* What a pixel's bytes mean. Channels: R, G, B or Y, U, V. */
struct pixel_layout {
	bool yuv;
	int band_count;
	struct band bands[BANDS];
	struct channel channels[CHANNELS];
};

/* The samples that one output pixel takes from an axis: first … last, those between weigh 256 << shift. */
struct span {
	int first, last;
	uint32_t first_weight, last_weight; /* the same sample: first_weight counts */
	uint32_t total;
	double inverse; /* 1 / total */
};

/* The axis' crop: `count` pixels from `begin` on. */
struct axis {
	int begin, count;
	int outputs;
};

struct resize {
	const struct pixels *pixels;
	const struct pixel_layout *layout;
	struct axis columns, rows;
};

/* A block of the output's columns, and the pixels that they take. */
struct column_block {
	int count;
	int left, right;
	struct span across[2][BLOCK]; /* by the samples' shift; last > first */
	uint32_t totals[BLOCK], most; /* of the spans */
	double inverses[BLOCK];
};

/* Values lie between −1.2 · 2^30 and 2.1 · 2^30: an unsigned number holds them from −1.5 · 2^30 on. */
static inline uint8_t resize_held(uint32_t value)
{
	const uint32_t zero = UINT32_C(3) << 29;
	uint32_t moved = value + zero, above = moved > zero ? moved - zero : 0;

	return (uint8_t)(above >> 22 > 255 ? 255 : above >> 22);
}

/* means: Y, U, V in 1/64. */
static inline void resize_yuv_to_rgb(const int32_t means[CHANNELS], uint8_t *r, uint8_t *g, uint8_t *b)
{
	uint32_t y = 76309 * ((uint32_t)means[0] - 1024) + (1 << 21);
	uint32_t u = (uint32_t)means[1] - 8192, v = (uint32_t)means[2] - 8192;

	*r = resize_held(y + 104597 * v);
	*g = resize_held(y - 25675 * u - 53279 * v);
	*b = resize_held(y + 132201 * u);
}

/* Output i's samples; each is for 1 << shift pixels. */
struct span resize_span(int i, const struct axis *axis, int shift);

/* sums += those rows << shift, at most 256 of them, so that their sums fit into 16 bits. */
static inline void whole_rows_add(
	const uint8_t *row, size_t stride, int rows, size_t count, int shift, uint32_t *restrict sums)
{
	uint16_t part[256];

	for (size_t begin = 0; begin < count; begin += 256) {
		size_t end = count - begin < 256 ? count - begin : 256;
		const uint8_t *at = row + begin;
		int y = 0;
		memset(part, 0, sizeof(part));
		for (; y + 4 <= rows; y += 4, at += 4 * stride)
			for (size_t i = 0; i < end; i++)
				part[i] = (uint16_t)(part[i] + at[i] + at[stride + i] + at[2 * stride + i] +
						     at[3 * stride + i]);
		for (; y < rows; y++, at += stride)
			for (size_t i = 0; i < end; i++)
				part[i] = (uint16_t)(part[i] + at[i]);
		for (size_t i = 0; i < end; i++)
			sums[begin + i] += (uint32_t)part[i] << shift;
	}
}

/*
 * sums[count] = weighted sums down the rows of a span; at most 256 · 16384 · 255, so 32 bits hold them.
 * 256 · 255 fits into 16 bits, whose products are vectors' on every processor.
 */
static inline void rows_sum(const uint8_t *bytes, size_t stride, size_t count, const struct span *rows,
	int shift, uint32_t *restrict sums)
{
	const uint8_t *first = bytes + (size_t)rows->first * stride,
		      *last = bytes + (size_t)rows->last * stride;
	uint32_t first_weight = rows->first_weight, last_weight = first == last ? 0 : rows->last_weight;

	if (first_weight <= 256 && last_weight <= 256) {
		for (size_t i = 0; i < count; i++)
			sums[i] = (uint32_t)(uint16_t)(first_weight * first[i]) +
				  (uint16_t)(last_weight * last[i]);
	} else {
		for (size_t i = 0; i < count; i++)
			sums[i] = first_weight * first[i] + last_weight * last[i];
	}
	for (int y = rows->first + 1; y < rows->last; y += 256)
		whole_rows_add(bytes + (size_t)y * stride, stride,
			rows->last - y < 256 ? rows->last - y : 256, count, 8 + shift, sums);
}

#endif
