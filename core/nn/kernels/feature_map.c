/* SPDX-License-Identifier: MIT */
#include "nn/kernels/feature_map.h"

#include <string.h>

static void measure(struct feature_map *map)
{
	map->padded_width = map->left + map->shape.width + map->right;
	map->padded_height = map->top + map->shape.height + map->bottom;
	map->row = (size_t)map->padded_width * map->pixel;
	map->size = (size_t)map->padded_height * map->row;
}

void feature_map_plan(struct feature_map *map, struct tensor tensor, enum layout layout, int groups)
{
	size_t channels = (size_t)tensor.shape.channels;

	*map = (struct feature_map){
		.layout = layout,
		.shape = tensor.shape,
		.bits = tensor.bits,
		.groups = groups,
		.words = (tensor.shape.channels / groups + 63) / 64,
		.pixel = channels,
	};
	if (layout == LAYOUT_BITS)
		map->pixel = (size_t)groups * (size_t)map->bits * (size_t)map->words * 8;
	else if (layout == LAYOUT_SUMS)
		map->pixel = channels * sizeof(int32_t);
	measure(map);
}

static bool is_padded(const struct layer *layer)
{
	return layer->kind != LAYER_MAX_POOL &&
	       (layer->pad_top || layer->pad_left || layer->pad_bottom || layer->pad_right);
}

bool feature_map_serves(
	const struct feature_map *map, const struct layer *layer, enum layout layout, int groups)
{
	bool bare = !map->top && !map->left && !map->bottom && !map->right;

	return map->layout == layout && (layout != LAYOUT_BITS || map->groups == groups) &&
	       (bare || !is_padded(layer) || map->border == layer->pad_code);
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

void feature_map_pad(struct feature_map *map, const struct layer *layer)
{
	if (!is_padded(layer))
		return;
	map->border = layer->pad_code;
	map->top = larger(map->top, layer->pad_top);
	map->left = larger(map->left, layer->pad_left);
	map->bottom = larger(map->bottom, layer->pad_bottom);
	map->right = larger(map->right, layer->pad_right);
	measure(map);
}

void feature_map_write(
	const struct feature_map *map, int y, int x, const uint8_t *codes, planes_function *planes)
{
	uint8_t *pixel = feature_map_pixel(map, y, x);

	if (map->layout == LAYOUT_BYTES) {
		memcpy(pixel, codes, map->pixel);
		return;
	}
	int depth = map->shape.channels / map->groups;
	uint64_t *words = (uint64_t *)(void *)pixel; /* bit planes are whole words, aligned */

	for (int g = 0; g < map->groups; g++)
		planes(codes + (size_t)g * (size_t)depth, depth, map->bits,
			words + (size_t)g * (size_t)(map->bits * map->words));
}

static void fill_run(
	const struct feature_map *map, int y, int x, int count, const uint8_t *pixel, planes_function *planes)
{
	if (map->layout == LAYOUT_BYTES || map->border == 0) {
		memset(feature_map_pixel(map, y, x), map->border, (size_t)count * map->pixel);
		return;
	}
	for (int i = 0; i < count; i++)
		feature_map_write(map, y, x + i, pixel, planes);
}

void feature_map_fill_border(const struct feature_map *map, uint8_t *pixel, planes_function *planes)
{
	memset(pixel, map->border, (size_t)map->shape.channels);
	for (int y = -map->top; y < map->shape.height + map->bottom; y++)
		if (y < 0 || y >= map->shape.height) {
			fill_run(map, y, -map->left, map->padded_width, pixel, planes);
		} else {
			fill_run(map, y, -map->left, map->left, pixel, planes);
			fill_run(map, y, map->shape.width, map->right, pixel, planes);
		}
}

/* best = max(best, other) in each of 64 channels; planes `stride` words apart. */
static void maximum_of_words(uint64_t *best, const uint64_t *other, int planes, int stride)
{
	uint64_t greater = 0, undecided = ~UINT64_C(0);

	for (int p = planes - 1; p >= 0; p--) {
		uint64_t b = best[p * stride], o = other[p * stride];
		greater |= undecided & o & ~b;
		undecided &= ~(o ^ b);
	}
	for (int p = 0; p < planes; p++)
		best[p * stride] ^= (best[p * stride] ^ other[p * stride]) & greater;
}

static void maximum_of_bits(const struct feature_map *map, uint8_t *best, const uint8_t *other)
{
	uint64_t *b = (uint64_t *)(void *)best;
	const uint64_t *o = (const uint64_t *)(const void *)other;

	for (int g = 0; g < map->groups; g++, b += map->bits * map->words, o += map->bits * map->words)
		for (int w = 0; w < map->words; w++)
			maximum_of_words(b + w, o + w, map->bits, map->words);
}

/* The part of a window that lies on the input, in places of the kernel: from `first` to below `last`. */
static void clip(int begin, int dilation, int kernel, int side, int *first, int *last)
{
	*first = begin < 0 ? (-begin + dilation - 1) / dilation : 0;
	*last = begin >= side ? 0 : (side - 1 - begin) / dilation + 1;
	*last = *last < kernel ? *last : kernel;
}

/* The window of pixel (y, x) of the output without padding. Returns its first place. */
static const uint8_t *find_window(
	const struct layer *layer, const struct feature_map *in, int y, int x, struct pool_window *window)
{
	int top = y * layer->stride_height - layer->pad_top, left = x * layer->stride_width - layer->pad_left;
	int first_y, last_y, first_x, last_x;

	clip(top, layer->dilation_height, layer->kernel_height, in->shape.height, &first_y, &last_y);
	clip(left, layer->dilation_width, layer->kernel_width, in->shape.width, &first_x, &last_x);
	*window = (struct pool_window){
		.rows = last_y - first_y,
		.columns = last_x - first_x,
		.row = (size_t)layer->dilation_height * in->row,
		.column = (size_t)layer->dilation_width * in->pixel,
	};
	if (window->rows <= 0 || window->columns <= 0) {
		window->rows = window->columns = 0;
		return in->data;
	}
	return feature_map_pixel(
		in, top + first_y * layer->dilation_height, left + first_x * layer->dilation_width);
}

/* Code 0 where the window holds padding only: no code is less. */
static void pool_bits(
	const struct layer *layer, const struct feature_map *in, const struct feature_map *out, int y, int x)
{
	struct pool_window window;
	const uint8_t *from = find_window(layer, in, y, x, &window);
	uint8_t *best = feature_map_pixel(out, y, x);

	memset(best, 0, in->pixel);
	for (int row = 0; row < window.rows; row++)
		for (int column = 0; column < window.columns; column++)
			maximum_of_bits(
				in, best, from + (size_t)row * window.row + (size_t)column * window.column);
}

/* Pixels from the first column whose window no padding cuts to the last such one. */
static void find_whole(const struct layer *layer, int *first, int *last)
{
	int reach = (layer->kernel_width - 1) * layer->dilation_width, step = layer->stride_width;
	int room = layer->in.width - 1 - reach + layer->pad_left; /* for the left end of a whole window */

	*first = (layer->pad_left + step - 1) / step;
	*last = room < 0 ? 0 : room / step + 1;
	*last = *last < layer->out.width ? *last : layer->out.width;
	*first = *first < *last ? *first : *last;
}

static void pool_row(const struct layer *layer, const struct feature_map *in, const struct feature_map *out,
	int y, maxima_function *maxima)
{
	struct pool_window window;
	int first, last;

	find_whole(layer, &first, &last);
	for (int x = 0, count; x < layer->out.width; x += count) {
		const uint8_t *from = find_window(layer, in, y, x, &window);

		count = x == first && first < last ? last - first : 1;
		maxima(&window, from, (size_t)layer->stride_width * in->pixel, count, (int)in->pixel,
			feature_map_pixel(out, y, x), out->pixel);
	}
}

void feature_map_pool(const struct layer *layer, const struct feature_map *in, const struct feature_map *out,
	int first, int last, maxima_function *maxima)
{
	for (int y = first; y < last; y++)
		if (in->layout == LAYOUT_BYTES)
			pool_row(layer, in, out, y, maxima);
		else
			for (int x = 0; x < layer->out.width; x++)
				pool_bits(layer, in, out, y, x);
}
