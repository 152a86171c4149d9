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
 *
 * YUV: a chroma sample counts for each of the pixels that share it. The means are y, u, v = (64·Σ wy·wx·p +
 * T/2) / T, and with Y = 76309·(y − 1024), U = u − 8192, V = v − 8192 the values R = (Y + 104597·V + 2^21) /
 * 2^22, G = (Y − 25675·U − 53279·V + 2^21) / 2^22, B = (Y + 132201·U + 2^21) / 2^22, held within 0 … 255:
 * BT.601 of the studio's range.
 */
#include "image/resize.h"

#include "image/resize_rows.h"
#include "image/resize_vectors.h"

#include <string.h>

static const struct pixel_layout layouts[] = {
	[PIXEL_YUYV] = {true, 1, {{4, 1, 0}}, {{0, 0, 2, 0}, {0, 1, 4, 1}, {0, 3, 4, 1}}},
	[PIXEL_UYVY] = {true, 1, {{4, 1, 0}}, {{0, 1, 2, 0}, {0, 0, 4, 1}, {0, 2, 4, 1}}},
	[PIXEL_NV12] = {true, 2, {{1, 0, 0}, {2, 1, 1}}, {{0, 0, 1, 0}, {1, 0, 2, 1}, {1, 1, 2, 1}}},
	[PIXEL_I420] = {true, 3, {{1, 0, 0}, {1, 1, 1}, {1, 1, 1}},
		{{0, 0, 1, 0}, {1, 0, 1, 1}, {2, 0, 1, 1}}},
	[PIXEL_GREY] = {false, 1, {{1, 0, 0}}, {{0, 0, 1, 0}, {0, 0, 1, 0}, {0, 0, 1, 0}}},
	[PIXEL_BGRX] = {false, 1, {{4, 0, 0}}, {{0, 2, 4, 0}, {0, 1, 4, 0}, {0, 0, 4, 0}}},
};

static void block_init(
	struct column_block *block, const struct pixel_layout *layout, const struct axis *axis, int begin)
{
	block->count = axis->outputs - begin < BLOCK ? axis->outputs - begin : BLOCK;
	block->most = 0;
	for (int shift = 0; shift <= layout->yuv; shift++)
		for (int i = 0; i < block->count; i++) {
			struct span s = resize_span(begin + i, axis, shift);
			block->totals[i] = s.total;
			block->inverses[i] = s.inverse;
			block->most = s.total > block->most ? s.total : block->most;
			if (shift == 0)
				block->right = s.last;
			if (s.first == s.last) {
				s.last_weight = 0;
				s.last++;
			}
			block->across[shift][i] = s;
		}
	block->left = block->across[0][0].first;
}

/* sums: the rows' sums of a channel's samples. */
struct sampling {
	const uint32_t *sums;
	int first, count; /* samples */
	int step, across; /* as of the channel */
};

static uint64_t columns_sum(const struct sampling *in, const struct span *columns)
{
	const uint32_t *first = in->sums + (ptrdiff_t)(columns->first - in->first) * in->step;
	const uint32_t *last = in->sums + (ptrdiff_t)(columns->last - in->first) * in->step;
	uint64_t sum = 0;

	for (const uint32_t *at = first + in->step; at < last; at += in->step)
		sum += *at;
	return (sum << (8 + in->across)) + (uint64_t)columns->first_weight * *first +
	       (columns->last_weight ? (uint64_t)columns->last_weight * *last : 0);
}

/*
 * out[count] = means · scale. A product with the inverse of a total takes a fraction of the time of a
 * division, and is exact: (n + 1/2) / total is at least 1 / (2 total) away from an integer, which for
 * quotients below 2^14 and totals below 2^34 is more than what four roundings change.
 */
static void columns_mean(const struct sampling *in, const struct column_block *block, const struct span *down,
	int scale, int *out)
{
	for (int i = 0; i < block->count; i++) {
		uint64_t total = (uint64_t)block->totals[i] * down->total;
		uint64_t sum = columns_sum(in, &block->across[in->across][i]) * (uint64_t)scale + total / 2;
		if (total >> 34)
			out[i] = (int)(sum / total);
		else
			out[i] = (int)(((double)(int64_t)sum + 0.5) * (block->inverses[i] * down->inverse));
	}
}

/* The same where all sums fit into 32 bits: differences of sums from the left, without a loop for a mean. */
static void columns_mean_short(const struct sampling *in, const struct column_block *block,
	const struct span *down, int scale, int *out)
{
	uint32_t before[PICTURE_SIDE_MAXIMUM + 4], sums[BLOCK];

	before[0] = 0;
	for (int i = 0; i < in->count; i++)
		before[i + 1] = before[i] + in->sums[(ptrdiff_t)i * in->step];
	before[in->count + 1] = before[in->count];
	for (int i = 0; i < block->count; i++) {
		const struct span *s = &block->across[in->across][i];
		const uint32_t *first = before + (s->first - in->first),
			       *last = before + (s->last - in->first);
		sums[i] = ((last[0] - first[1]) << (8 + in->across)) +
			  s->first_weight * (first[1] - first[0]) + s->last_weight * (last[1] - last[0]);
	}
	for (int i = 0; i < block->count; i++) {
		uint32_t half = block->totals[i] * down->total / 2;
		out[i] = (int)(((double)sums[i] * scale + (double)half + 0.5) *
			       (block->inverses[i] * down->inverse));
	}
}

/* means[channel][column], of row y of the output; in 1/64 of YUV. */
static void row_mean(const struct pixels *pixels, const struct column_block *block, const struct axis *axis,
	int y, int means[CHANNELS][BLOCK])
{
	const struct pixel_layout *layout = &layouts[pixels->format];
	uint32_t sums[4 * PICTURE_SIDE_MAXIMUM + 4];
	const uint8_t *data = pixels->data;
	const struct span down = resize_span(y, axis, 0);
	bool is_short = (uint64_t)block->most * down.total < 1 << 24;

	for (int b = 0; b < layout->band_count; b++) {
		const struct band *band = &layout->bands[b];
		size_t stride =
			(size_t)((pixels->width + band->across) >> band->across) * (size_t)band->group;
		int left = block->left >> band->across, right = block->right >> band->across;
		struct span rows = resize_span(y, axis, band->down);
		rows_sum(data + (size_t)left * (size_t)band->group, stride,
			(size_t)(right - left + 1) * (size_t)band->group, &rows, band->down, sums);
		for (int c = 0; c < CHANNELS; c++) {
			const struct channel *channel = &layout->channels[c];
			if (channel->band != b)
				continue;
			int first = left << (band->across - channel->across);
			const struct sampling in = {sums + channel->offset, first,
				((right + 1) << (band->across - channel->across)) - first, channel->step,
				channel->across};
			(is_short ? columns_mean_short : columns_mean)(
				&in, block, &down, layout->yuv ? 64 : 1, means[c]);
		}
		data += stride * (size_t)((pixels->height + band->down) >> band->down);
	}
}

static void row_write(int means[CHANNELS][BLOCK], int count, bool yuv, uint8_t *out, int channels)
{
	for (int i = 0; i < count; i++, out += channels) {
		const int mean[CHANNELS] = {means[0][i], means[1][i], means[2][i]};
		uint8_t rgb[CHANNELS] = {(uint8_t)mean[0], (uint8_t)mean[1], (uint8_t)mean[2]};
		if (yuv)
			resize_yuv_to_rgb(mean, &rgb[0], &rgb[1], &rgb[2]);
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

struct picture_area resize_middle(const struct pixels *pixels, double part, int width, int height)
{
	int columns = pixels->width;
	int rows = pixels->height;

	if ((int64_t)columns * height > (int64_t)rows * width)
		columns = (int)(((int64_t)rows * width + height / 2) / height);
	else
		rows = (int)(((int64_t)columns * height + width / 2) / width);
	columns = part_of(columns, part);
	rows = part_of(rows, part);
	return (struct picture_area){
		(pixels->width - columns) / 2, (pixels->height - rows) / 2, columns, rows};
}

static void area_to_input(const struct pixels *pixels, const struct picture_area *area, uint8_t *out,
	int width, int height, int channels, bool vectors)
{
	const struct pixel_layout *layout = &layouts[pixels->format];
	const struct resize resize = {
		pixels, layout, {area->x, area->width, width}, {area->y, area->height, height}};
	size_t stride = (size_t)width * (size_t)channels;

	for (int x = 0; x < width; x += BLOCK) {
		struct column_block block;
		int means[CHANNELS][BLOCK] = {{0}};
		uint8_t *at = out + (size_t)x * (size_t)channels;

		block_init(&block, layout, &resize.columns, x);
		if (vectors && resize_in_vectors(&resize, &block, x, at, stride, channels))
			continue;
		for (int y = 0; y < height; y++, at += stride) {
			row_mean(pixels, &block, &resize.rows, y, means);
			row_write(means, block.count, layout->yuv, at, channels);
		}
	}
}

void resize_area_plainly(const struct pixels *pixels, const struct picture_area *area, uint8_t *out,
	int width, int height, int channels)
{
	area_to_input(pixels, area, out, width, height, channels, false);
}

void resize_area_to_input(const struct pixels *pixels, const struct picture_area *area, uint8_t *out,
	int width, int height, int channels)
{
	area_to_input(pixels, area, out, width, height, channels, resize_has_vectors());
}

void resize_to_input(const struct picture *picture, uint8_t *out, int width, int height, int channels)
{
	struct pixels pixels = picture_pixels(picture);
	struct picture_area middle = resize_middle(&pixels, 1, width, height);

	resize_area_to_input(&pixels, &middle, out, width, height, channels);
}
