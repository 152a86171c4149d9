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

static void maximum_of_bytes(uint8_t *restrict best, const uint8_t *restrict other, size_t count)
{
	for (size_t i = 0; i < count; i++)
		best[i] = best[i] > other[i] ? best[i] : other[i];
}

/* The part of a window that lies on the input, in places of the kernel: from `first` to below `last`. */
static void clip(int begin, int dilation, int kernel, int side, int *first, int *last)
{
	*first = begin < 0 ? (-begin + dilation - 1) / dilation : 0;
	*last = begin >= side ? 0 : (side - 1 - begin) / dilation + 1;
	*last = *last < kernel ? *last : kernel;
}

/* Code 0 where the window holds padding only: no code is less. */
static void pool_pixel(
	const struct layer *layer, const struct feature_map *in, const struct feature_map *out, int y, int x)
{
	int top = y * layer->stride_height - layer->pad_top, left = x * layer->stride_width - layer->pad_left;
	int first_y, last_y, first_x, last_x;
	uint8_t *best = feature_map_pixel(out, y, x);

	clip(top, layer->dilation_height, layer->kernel_height, in->shape.height, &first_y, &last_y);
	clip(left, layer->dilation_width, layer->kernel_width, in->shape.width, &first_x, &last_x);
	memset(best, 0, in->pixel);
	for (int ky = first_y; ky < last_y; ky++)
		for (int kx = first_x; kx < last_x; kx++) {
			const uint8_t *other = feature_map_pixel(
				in, top + ky * layer->dilation_height, left + kx * layer->dilation_width);
			if (in->layout == LAYOUT_BYTES)
				maximum_of_bytes(best, other, in->pixel);
			else
				maximum_of_bits(in, best, other);
		}
}

void feature_map_pool(const struct layer *layer, const struct feature_map *in, const struct feature_map *out,
	int first, int last)
{
	for (int y = first; y < last; y++)
		for (int x = 0; x < layer->out.width; x++)
			pool_pixel(layer, in, out, y, x);
}
