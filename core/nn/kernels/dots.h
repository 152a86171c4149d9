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
#define PARTS_OF_SUM 4

ALWAYS_INLINE void run_pixel(const struct block *block, int vectors)
{
	const uint8_t *weights = block->weights, *window = block->windows[0];
	const int32_t *offsets = block->gemm->offsets;
	int k_blocks = block->gemm->k_blocks, s = 0;
	vector total[PARTS_OF_SUM][VECTORS];

#pragma GCC unroll 8
	for (int i = 0; i < PARTS_OF_SUM * vectors; i++)
		total[i / vectors][i % vectors] = v_zero();
	for (; s + PARTS_OF_SUM <= k_blocks; s += PARTS_OF_SUM)
#pragma GCC unroll 4
		for (int i = 0; i < PARTS_OF_SUM; i++, weights += (size_t)vectors * sizeof(vector)) {
			vector a = v_spread32(window + offsets[s + i]);
#pragma GCC unroll 2
			for (int v = 0; v < vectors; v++)
				total[i][v] = multiply_add(
					total[i][v], a, v_load(weights + (size_t)v * sizeof(vector)));
		}
	for (; s < k_blocks; s++, weights += (size_t)vectors * sizeof(vector))
#pragma GCC unroll 2
		for (int v = 0; v < vectors; v++)
			total[0][v] = multiply_add(total[0][v], v_spread32(window + offsets[s]),
				v_load(weights + (size_t)v * sizeof(vector)));
#pragma GCC unroll 2
	for (int v = 0; v < vectors; v++)
		v_store(block->accumulators + (size_t)(v * LANES),
			v_add32(v_add32(total[0][v], total[1][v]), v_add32(total[2][v], total[3][v])));
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
	(void)sums;
	run_blocks(&(struct tile){gemm, windows, pixels, NULL, accumulators, stride}, sizeof(vector),
		run_block_of_bytes);
}

#endif
