/* SPDX-License-Identifier: MIT */
/* A tensor of codes in its consumer's layout, with the consumer's border of zeros around it. */
#ifndef NN_KERNELS_FEATURE_MAP_H
#define NN_KERNELS_FEATURE_MAP_H

#include "nn/kernels/kernel.h"

struct feature_map {
	enum layout layout;
	struct shape shape;	     /* without the border */
	int bits, groups, words;     /* words: 64-bit, of one plane of one group */
	size_t pixel, row, size;     /* bytes from one to the next; of the whole with border */
	int top, left, padded_width; /* pixels */
	int padded_height;
	uint8_t *data; /* the first byte with the border */
};

/* The input of `layer` laid out for it; groups: those of the layer that multiplies it. Allocates nothing. */
void feature_map_plan(struct feature_map *map, const struct layer *layer, enum layout layout, int groups);

static inline uint8_t *feature_map_pixel(const struct feature_map *map, int y, int x)
{
	return map->data + (size_t)(y + map->top) * map->row + (size_t)(x + map->left) * map->pixel;
}

/* Writes one pixel's codes, by the given isa's `planes`. */
void feature_map_write(const struct feature_map *map, int y, int x, const uint8_t *codes,
	void (*planes)(const uint8_t *, int, int, uint64_t *));

/* Max pool between two feature maps of one layout. */
void feature_map_pool(const struct layer *layer, const struct feature_map *in, const struct feature_map *out);

#endif
