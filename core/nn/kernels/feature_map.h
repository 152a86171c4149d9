/* SPDX-License-Identifier: MIT */
/*
 * A tensor in the layout of the layers that read it, with a border of padding around it as wide as the widest
 * of them needs. A tensor whose readers need different layouts or paddings is in several feature maps.
 */
#ifndef NN_KERNELS_FEATURE_MAP_H
#define NN_KERNELS_FEATURE_MAP_H

#include "nn/kernels/kernel.h"

struct feature_map {
	enum layout layout;
	struct shape shape;	      /* without the border */
	int bits, groups, words;      /* words: 64-bit, of one plane of one group */
	size_t pixel, row, size;      /* bytes from one to the next; of the whole with border */
	int top, left, bottom, right; /* pixels of border */
	int padded_height, padded_width;
	uint8_t border; /* its code */
	uint8_t *data;	/* the first byte with the border */
};

/* A tensor without a border; groups: those of the layer that multiplies it. Allocates nothing. */
void feature_map_plan(struct feature_map *map, struct tensor tensor, enum layout layout, int groups);

/* Whether one map can serve this layer too, given its layout and groups; a max pool ignores borders. */
bool feature_map_serves(
	const struct feature_map *map, const struct layer *layer, enum layout layout, int groups);

/* Widens the border to the layer's padding. */
void feature_map_pad(struct feature_map *map, const struct layer *layer);

static inline uint8_t *feature_map_pixel(const struct feature_map *map, int y, int x)
{
	return map->data + (size_t)(y + map->top) * map->row + (size_t)(x + map->left) * map->pixel;
}

/* An isa's functions of these names. */
typedef void planes_function(const uint8_t *codes, int channels, int bits, uint64_t *out);
typedef void maxima_function(const struct pool_window *window, const uint8_t *codes, size_t step, int pixels,
	int channels, uint8_t *out, size_t out_step);

/* Writes one pixel's codes. */
void feature_map_write(
	const struct feature_map *map, int y, int x, const uint8_t *codes, planes_function *planes);

/* Writes the border. pixel: room for a pixel's codes. */
void feature_map_fill_border(const struct feature_map *map, uint8_t *pixel, planes_function *planes);

/* Max pool between two feature maps of one layout and the same groups: rows first … last − 1 of `out`. */
void feature_map_pool(const struct layer *layer, const struct feature_map *in, const struct feature_map *out,
	int first, int last, maxima_function *maxima);

#endif
