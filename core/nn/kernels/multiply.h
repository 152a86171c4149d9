/* SPDX-License-Identifier: MIT */
/*
 * Dot products of codes of 8 bits with weights of 8 bits or less, four of them in each 32-bit lane. Wide:
 * everything in 16 × 16 bits. Narrow: u8 × s8 into 16 bits where no sum can leave them, and into 32 bits once
 * in `gemm->exact` k-blocks.
 *
 * The file that includes this defines the type `vector` and the functions v_*, and what blocks.h needs.
 */
#ifndef NN_KERNELS_MULTIPLY_H
#define NN_KERNELS_MULTIPLY_H

#include "nn/kernels/blocks.h"

#define FOR_PIXELS _Pragma("GCC unroll 8") for (int p = 0; p < pixels; p++)
#define FOR_VECTORS _Pragma("GCC unroll 4") for (int v = 0; v < vectors; v++)

ALWAYS_INLINE void block_wide(const struct block *block, int pixels, int vectors)
{
	const struct gemm_plan *gemm = block->gemm;
	const uint8_t *weights = block->weights;
	vector total[PIXELS][VECTORS];

	FOR_PIXELS
	FOR_VECTORS total[p][v] = v_zero();
	for (int s = 0; s < gemm->k_blocks; s++) {
		int32_t offset = gemm->offsets[s];
		FOR_PIXELS
		{
			vector codes = v_spread32(block->windows[p] + offset);
			vector even = v_even8(codes), odd = v_odd8(codes);
			FOR_VECTORS
			{
				const uint8_t *w = weights + (size_t)v * 2 * sizeof(vector);
				total[p][v] = v_add32(total[p][v], v_multiply16(even, v_load(w)));
				total[p][v] =
					v_add32(total[p][v], v_multiply16(odd, v_load(w + sizeof(vector))));
			}
		}
		weights += (size_t)vectors * 2 * sizeof(vector);
	}
	FOR_PIXELS
	FOR_VECTORS v_store(
		block->accumulators + (size_t)p * block->stride + (size_t)(v * LANES), total[p][v]);
}

ALWAYS_INLINE void block_narrow(const struct block *block, int pixels, int vectors)
{
	const struct gemm_plan *gemm = block->gemm;
	const uint8_t *weights = block->weights;
	vector total[PIXELS][VECTORS], part[PIXELS][VECTORS];

	FOR_PIXELS
	FOR_VECTORS total[p][v] = v_zero();
	for (int s = 0, end; s < gemm->k_blocks; s = end) {
		end = gemm->k_blocks - s < gemm->exact ? gemm->k_blocks : s + gemm->exact;
		FOR_PIXELS
		FOR_VECTORS part[p][v] = v_zero();
		for (int i = s; i < end; i++, weights += (size_t)vectors * sizeof(vector)) {
			int32_t offset = gemm->offsets[i];
			FOR_PIXELS
			{
				vector codes = v_spread32(block->windows[p] + offset);
				FOR_VECTORS part[p][v] = v_add16(part[p][v],
					v_multiply8(codes, v_load(weights + (size_t)v * sizeof(vector))));
			}
		}
		FOR_PIXELS
		FOR_VECTORS total[p][v] = v_add32(total[p][v], v_multiply16(part[p][v], v_ones16()));
	}
	FOR_PIXELS
	FOR_VECTORS v_store(
		block->accumulators + (size_t)p * block->stride + (size_t)(v * LANES), total[p][v]);
}

static void run_wide(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	(void)sums;
	run_blocks(&(struct tile){gemm, windows, pixels, NULL, accumulators, stride}, 2 * sizeof(vector),
		block_wide);
}

static void run_narrow(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	(void)sums;
	run_blocks(&(struct tile){gemm, windows, pixels, NULL, accumulators, stride}, sizeof(vector),
		block_narrow);
}

#endif
