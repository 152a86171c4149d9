/* SPDX-License-Identifier: MIT */
/*
 * Cuts a gemm plan into blocks of PIXELS × VECTORS vectors of accumulators, which stay in registers. The file
 * that includes this defines PIXELS, VECTORS (at most 4) and LANES (output channels of a vector of
 * accumulators).
 */
#ifndef NN_KERNELS_BLOCKS_H
#define NN_KERNELS_BLOCKS_H

#include "nn/kernels/kernel.h"

struct block {
	const struct gemm_plan *gemm;
	const uint8_t *weights;		/* of the block's first vector */
	const uint8_t *windows[PIXELS]; /* of the block's group */
	int32_t sums[PIXELS];
	int32_t *accumulators; /* of the first pixel and channel */
	size_t stride;
};

/* Computes one block; pixels and vectors are constants where it is inlined. */
typedef void block_function(const struct block *block, int pixels, int vectors);

struct tile {
	const struct gemm_plan *gemm;
	const uint8_t *const *windows;
	int pixels;
	const int32_t *sums; /* NULL: not needed */
	int32_t *accumulators;
	size_t stride;
};

ALWAYS_INLINE void run_block(const struct tile *tile, int group, int first, const uint8_t *weights, int begin,
	block_function *function, int pixels, int vectors)
{
	const struct gemm_plan *gemm = tile->gemm;
	struct block block = {
		.gemm = gemm,
		.weights = weights,
		.accumulators = tile->accumulators + (size_t)begin * tile->stride + group * gemm->channels +
				first * LANES,
		.stride = tile->stride,
	};

#pragma GCC unroll 8
	for (int p = 0; p < pixels; p++) {
		block.windows[p] = tile->windows[begin + p] + group * gemm->group_size;
		block.sums[p] = tile->sums ? tile->sums[(begin + p) * gemm->groups + group] : 0;
	}
	function(&block, pixels, vectors);
}

/* All pixels of a block of vectors, so that its weights stay in the first-level cache. */
ALWAYS_INLINE void run_vectors(const struct tile *tile, int group, int first, const uint8_t *weights,
	block_function *function, int vectors)
{
	int p = 0;

	for (; p + PIXELS <= tile->pixels; p += PIXELS)
		run_block(tile, group, first, weights, p, function, PIXELS, vectors);
#if PIXELS > 4
	for (; p + PIXELS / 2 <= tile->pixels; p += PIXELS / 2)
		run_block(tile, group, first, weights, p, function, PIXELS / 2, vectors);
#endif
	for (; p < tile->pixels; p++)
		run_block(tile, group, first, weights, p, function, 1, vectors);
}

/* vector_size: bytes of packed weights of a vector's k-block. */
ALWAYS_INLINE void run_blocks(const struct tile *tile, size_t vector_size, block_function *function)
{
	const struct gemm_plan *gemm = tile->gemm;
	const uint8_t *weights = gemm->weights;
	int vectors = gemm_vectors(gemm, LANES);

	for (int g = 0; g < gemm->groups; g++)
		for (int v = 0; v < vectors; v += VECTORS) {
			int count = vectors - v < VECTORS ? vectors - v : VECTORS;
			if (count == 1)
				run_vectors(tile, g, v, weights, function, 1);
			else if (count == 2)
				run_vectors(tile, g, v, weights, function, 2);
#if VECTORS > 2
			else if (count == 3)
				run_vectors(tile, g, v, weights, function, 3);
			else
				run_vectors(tile, g, v, weights, function, 4);
#endif
			weights += (size_t)count * (size_t)gemm->k_blocks * vector_size;
		}
}

#endif
