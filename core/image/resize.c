/* SPDX-License-Identifier: MIT */
/*
 * The formulas, to reproduce them elsewhere; all divisions are of integers and round down.
 *
 * Crop of a picture w × h for an input W × H, centred:
 *   w·H > h·W: crop h rows and (h·W + H/2) / H columns; else: crop w columns and (w·H + W/2) / W rows; at
 * least 1. The first column is (w − columns) / 2, the first row (h − rows) / 2. One axis, n pixels of the
 * crop to N of the input; output pixel i weighs the pixels of the crop, in 1/256 pixel: n ≥ N (area): a =
 * 256·i·n / N, b = 256·(i + 1)·n / N; pixel s weighs what [256·s, 256·s + 256) and [a, b) share. n < N
 * (linear): c = 128·(2·i + 1)·n / N − 128, held within 0 … 256·(n − 1); pixel c / 256 weighs 256 − c mod 256,
 * the next one c mod 256. Value: (Σ wy·wx·p + T/2) / T, where T is the sum of the axis' weights for x times
 * the one for y. Grey: (77·R + 150·G + 29·B + 128) / 256 of the values so found.
 */
#include "image/resize.h"

#include <string.h>

#define BLOCK 256 /* columns of the output whose spans are kept */

/* The pixels that one output pixel takes from an axis: first … last, those between weigh 256. */
struct span {
	int first, last;
	uint32_t first_weight, last_weight; /* the same pixel: first_weight counts */
	uint32_t total;
};

static struct span span_at(int i, int from, int to)
{
	struct span s;

	if (from >= to) {
		int64_t begin = (int64_t)256 * i * from / to;
		int64_t end = (int64_t)256 * (i + 1) * from / to;
		s.first = (int)(begin / 256);
		s.last = (int)((end - 1) / 256);
		s.total = (uint32_t)(end - begin);
		s.first_weight = s.first == s.last ? s.total : (uint32_t)(256 - begin % 256);
		s.last_weight = (uint32_t)(end - (int64_t)256 * s.last);
		return s;
	}
	int64_t centre = (int64_t)128 * (2 * (int64_t)i + 1) * from / to - 128;
	centre = centre < 0 ? 0 : centre;
	centre = centre > (int64_t)256 * (from - 1) ? (int64_t)256 * (from - 1) : centre;
	s.first = (int)(centre / 256);
	s.last_weight = (uint32_t)(centre % 256);
	s.first_weight = 256 - s.last_weight;
	s.last = s.last_weight ? s.first + 1 : s.first;
	s.total = 256;
	return s;
}

/* sums += 256 · those rows, at most 256 of them, so that their sums fit into 16 bits. */
static void whole_rows_add(const uint8_t *row, size_t stride, int rows, int count, uint32_t *sums)
{
	uint16_t part[256];

	for (int begin = 0; begin < count; begin += 256) {
		int end = count - begin < 256 ? count - begin : 256;
		memset(part, 0, sizeof(part));
		for (int y = 0; y < rows; y++)
			for (int i = 0; i < end; i++)
				part[i] += row[(size_t)y * stride + (size_t)(begin + i)];
		for (int i = 0; i < end; i++)
			sums[begin + i] += (uint32_t)part[i] << 8;
	}
}

/* sums[4·columns] = weighted sums down the rows of a span; at most 256 · 16384 · 255, so 32 bits hold them.
 */
static void rows_sum(const uint8_t *crop, size_t stride, int columns, const struct span *rows, uint32_t *sums)
{
	const uint8_t *first = crop + (size_t)rows->first * stride,
		      *last = crop + (size_t)rows->last * stride;
	uint32_t first_weight = rows->first_weight, last_weight = first == last ? 0 : rows->last_weight;

	/* 256 · 255 fits into 16 bits, whose products are vectors' on every processor. */
	for (int i = 0; i < columns * 4; i++)
		sums[i] = (uint32_t)(uint16_t)(first_weight * first[i]) + (uint16_t)(last_weight * last[i]);
	for (int y = rows->first + 1; y < rows->last; y += 256)
		whole_rows_add(crop + (size_t)y * stride, stride, rows->last - y < 256 ? rows->last - y : 256,
			columns * 4, sums);
}

/*
 * Rounds half up. A double's division takes a fraction of the time of an integer's, and is exact here: sum is
 * less than 2^53, and a quotient below 256 by at most 2^44 that is no integer differs from the next one by
 * more than a double's precision.
 */
static uint8_t divide_rounded(uint64_t sum, uint64_t total)
{
	return (uint8_t)((double)(int64_t)(sum + total / 2) / (double)(int64_t)total);
}

/* sums: of the rows, from the crop's column `left` on. */
static void columns_sum(
	const uint32_t *sums, int left, const struct span *columns, uint32_t row_total, uint8_t rgb[3])
{
	const uint32_t *first = sums + (size_t)(columns->first - left) * 4;
	const uint32_t *last = sums + (size_t)(columns->last - left) * 4;
	uint64_t b = 0;
	uint64_t g = 0;
	uint64_t r = 0;

	for (const uint32_t *at = first + 4; at < last; at += 4) {
		b += at[0];
		g += at[1];
		r += at[2];
	}
	uint64_t last_weight = first == last ? 0 : columns->last_weight;
	b = (b << 8) + (uint64_t)columns->first_weight * first[0] + last_weight * last[0];
	g = (g << 8) + (uint64_t)columns->first_weight * first[1] + last_weight * last[1];
	r = (r << 8) + (uint64_t)columns->first_weight * first[2] + last_weight * last[2];
	uint64_t total = (uint64_t)columns->total * row_total;
	rgb[0] = divide_rounded(r, total);
	rgb[1] = divide_rounded(g, total);
	rgb[2] = divide_rounded(b, total);
}

/* `count` pixels of an output row. */
static void resize_row(const uint8_t *crop, size_t stride, const struct span *down, const struct span *across,
	int count, uint8_t *out, int channels)
{
	uint32_t sums[4 * PICTURE_SIDE_MAXIMUM];
	int left = across[0].first;

	rows_sum(crop + (size_t)left * 4, stride, across[count - 1].last + 1 - left, down, sums);
	for (int i = 0; i < count; i++, out += channels) {
		uint8_t rgb[3];
		columns_sum(sums, left, &across[i], down->total, rgb);
		if (channels == 3)
			memcpy(out, rgb, 3);
		else
			*out = (uint8_t)((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8);
	}
}

/* Rounded to the nearest, at least 1. */
static int part_of(int side, double part)
{
	int scaled = (int)(side * part + 0.5);

	return scaled < 1 ? 1 : scaled;
}

struct picture_area resize_middle(const struct picture *picture, double part, int width, int height)
{
	int columns = picture->width;
	int rows = picture->height;

	if ((int64_t)columns * height > (int64_t)rows * width)
		columns = (int)(((int64_t)rows * width + height / 2) / height);
	else
		rows = (int)(((int64_t)columns * height + width / 2) / width);
	columns = part_of(columns, part);
	rows = part_of(rows, part);
	return (struct picture_area){
		(picture->width - columns) / 2, (picture->height - rows) / 2, columns, rows};
}

void resize_area_to_input(const struct picture *picture, const struct picture_area *area, uint8_t *out,
	int width, int height, int channels)
{
	size_t stride = (size_t)picture->width * 4;
	const uint8_t *crop = picture->data + (size_t)area->y * stride + (size_t)area->x * 4;

	for (int x = 0; x < width; x += BLOCK) {
		int count = width - x < BLOCK ? width - x : BLOCK;
		struct span across[BLOCK];

		for (int i = 0; i < count; i++)
			across[i] = span_at(x + i, area->width, width);
		for (int y = 0; y < height; y++) {
			struct span down = span_at(y, area->height, height);
			resize_row(crop, stride, &down, across, count,
				out + ((size_t)y * (size_t)width + (size_t)x) * (size_t)channels, channels);
		}
	}
}

void resize_to_input(const struct picture *picture, uint8_t *out, int width, int height, int channels)
{
	struct picture_area middle = resize_middle(picture, 1, width, height);

	resize_area_to_input(picture, &middle, out, width, height, channels);
}
