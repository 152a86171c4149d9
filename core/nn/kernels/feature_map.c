/* SPDX-License-Identifier: MIT */
#include "nn/kernels/feature_map.h"

#include <string.h>

void feature_map_plan(struct feature_map *map, const struct layer *layer, enum layout layout, int groups)
{
	*map = (struct feature_map){
		.layout = layout,
		.shape = layer->in,
		.bits = layer->input_bits,
		.groups = groups,
		.words = (layer->in.channels / groups + 63) / 64,
		.top = layer->pad_top,
		.left = layer->pad_left,
		.padded_width = layer->in.width + layer->pad_left + layer->pad_right,
		.padded_height = layer->in.height + layer->pad_top + layer->pad_bottom,
	};
	map->pixel = layout == LAYOUT_BYTES ? (size_t)layer->in.channels
					    : (size_t)groups * (size_t)map->bits * (size_t)map->words * 8;
	map->row = (size_t)map->padded_width * map->pixel;
	map->size = (size_t)map->padded_height * map->row;
}

void feature_map_write(const struct feature_map *map, int y, int x, const uint8_t *codes,
	void (*planes)(const uint8_t *, int, int, uint64_t *))
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

static void pool_pixel(
	const struct layer *layer, const struct feature_map *in, const struct feature_map *out, int y, int x)
{
	const uint8_t *window =
		feature_map_pixel(in, y * layer->stride - in->top, x * layer->stride - in->left);
	uint8_t *best = feature_map_pixel(out, y, x);

	memcpy(best, window, in->pixel);
	for (int ky = 0; ky < layer->kernel_height; ky++)
		for (int kx = 0; kx < layer->kernel_width; kx++) {
			const uint8_t *other = window + (size_t)ky * in->row + (size_t)kx * in->pixel;
			if (in->layout == LAYOUT_BYTES)
				maximum_of_bytes(best, other, in->pixel);
			else
				maximum_of_bits(in, best, other);
		}
}

void feature_map_pool(const struct layer *layer, const struct feature_map *in, const struct feature_map *out)
{
	for (int y = 0; y < layer->out.height; y++)
		for (int x = 0; x < layer->out.width; x++)
			pool_pixel(layer, in, out, y, x);
}
