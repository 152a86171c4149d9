/* SPDX-License-Identifier: MIT */
/*
 * Dot products of bytes by VPDPBUSD: four products and their sum into 32 bits, without saturation. The file
 * that includes this defines the type `vector`, the functions v_*, multiply_add(sum, codes, weights), and
 * what blocks.h needs.
 */
#ifndef NN_KERNELS_DOTS_H
#define NN_KERNELS_DOTS_H

#include "nn/kernels/blocks.h"

/* One pixel: additions to few sums wait for one another, so that each takes a part of the k-blocks. */
#define SUMS 8

/* Weights of a k-block: of the vectors of a block, and of those of the next. */
struct weights_of_pixel {
	const uint8_t *near, *far;
};

/* Adds the products of a k-block to one sum of each vector. */
ALWAYS_INLINE void add_k_block(
	struct weights_of_pixel *weights, const uint8_t *codes, vector *total, int vectors)
{
	const int near = vectors < VECTORS ? vectors : VECTORS;
	vector a = v_spread32(codes);

#pragma GCC unroll 4
	for (int v = 0; v < vectors; v++) {
		const uint8_t *from = v < near ? weights->near : weights->far;
		total[v] = multiply_add(total[v], a, v_load(from + (size_t)(v % VECTORS) * sizeof(vector)));
	}
	weights->near += (size_t)near * sizeof(vector);
	weights->far += (size_t)(vectors - near) * sizeof(vector);
}

/* Up to twice the vectors of a block. */
ALWAYS_INLINE void run_pixel(const struct block *block, int vectors)
{
	const int parts = SUMS / vectors;
	const uint8_t *window = block->windows[0];
	const int32_t *offsets = block->gemm->offsets;
	int k_blocks = block->gemm->k_blocks, s = 0;
	struct weights_of_pixel weights = {
		block->weights, block->weights + (size_t)VECTORS * (size_t)k_blocks * sizeof(vector)};
	vector total[SUMS];

#pragma GCC unroll 8
	for (int i = 0; i < SUMS; i++)
		total[i] = v_zero();
	for (; s + parts <= k_blocks; s += parts)
#pragma GCC unroll 8
		for (int i = 0; i < parts; i++)
			add_k_block(
				&weights, window + offsets[s + i], total + (size_t)(i * vectors), vectors);
	for (; s < k_blocks; s++)
		add_k_block(&weights, window + offsets[s], total, vectors);
#pragma GCC unroll 8
	for (int i = vectors; i < parts * vectors; i++)
		total[i % vectors] = v_add32(total[i % vectors], total[i]);
#pragma GCC unroll 4
	for (int v = 0; v < vectors; v++)
		v_store(block->accumulators + (size_t)(v * LANES), total[v]);
}

/* Of all vectors of channels; four at once read each code for as many weights. */
static void run_one_pixel(const struct tile *tile)
{
	const struct gemm_plan *gemm = tile->gemm;
	int vectors = gemm_vectors(gemm, LANES);
	struct block block = {.gemm = gemm, .weights = gemm->weights};

	for (int g = 0; g < gemm->groups; g++)
		for (int v = 0, count; v < vectors; v += count) {
			block.windows[0] = tile->windows[0] + g * gemm->group_size;
			block.accumulators = tile->accumulators + g * gemm->channels + v * LANES;
			count = vectors - v < 2 * VECTORS ? vectors - v : 2 * VECTORS;
			if (count == 1)
				run_pixel(&block, 1);
			else if (count == 2)
				run_pixel(&block, 2);
			else if (count == 3)
				run_pixel(&block, 3);
			else
				run_pixel(&block, 4);
			block.weights += (size_t)count * (size_t)gemm->k_blocks * sizeof(vector);
		}
}

ALWAYS_INLINE void run_block_of_bytes(const struct block *block, int pixels, int vectors)
{
	const struct gemm_plan *gemm = block->gemm;
	const uint8_t *weights = block->weights;
	vector total[PIXELS][VECTORS];

	if (pixels == 1) {
		run_pixel(block, vectors);
		return;
	}
#pragma GCC unroll 16
	for (int i = 0; i < pixels * vectors; i++)
		total[i / vectors][i % vectors] = v_zero();
	for (int s = 0; s < gemm->k_blocks; s++, weights += (size_t)vectors * sizeof(vector)) {
		int32_t offset = gemm->offsets[s];
#pragma GCC unroll 8
		for (int p = 0; p < pixels; p++) {
			vector a = v_spread32(block->windows[p] + offset);
#pragma GCC unroll 2
			for (int v = 0; v < vectors; v++)
				total[p][v] = multiply_add(
					total[p][v], a, v_load(weights + (size_t)v * sizeof(vector)));
		}
	}
#pragma GCC unroll 16
	for (int i = 0; i < pixels * vectors; i++)
		v_store(block->accumulators + (size_t)(i / vectors) * block->stride +
				(size_t)(i % vectors * LANES),
			total[i / vectors][i % vectors]);
}

static void run_bytes(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const struct tile tile = {gemm, windows, pixels, NULL, accumulators, stride};

	(void)sums;
	if (pixels == 1)
		run_one_pixel(&tile);
	else
		run_blocks(&tile, sizeof(vector), run_block_of_bytes);
}

#endif
