/* SPDX-License-Identifier: MIT */
/* Dot products of bytes by VPDPBUSD: four products and their sum into 32 bits, without saturation. */
#include "nn/kernels/avx512vnni.h"

#include <string.h>

#define LANES 16
#define PIXELS 8
#define VECTORS 2
#include "nn/kernels/blocks.h"

static inline __m512i spread(const uint8_t *p)
{
	int word;
	memcpy(&word, p, sizeof(word));
	return _mm512_set1_epi32(word);
}

ALWAYS_INLINE void run_block_of_bytes(const struct block *block, int pixels, int vectors)
{
	const struct gemm_plan *gemm = block->gemm;
	const uint8_t *weights = block->weights;
	__m512i total[PIXELS][VECTORS];

#pragma GCC unroll 16
	for (int i = 0; i < pixels * vectors; i++)
		total[i / vectors][i % vectors] = _mm512_setzero_si512();
	for (int s = 0; s < gemm->k_blocks; s++, weights += (size_t)vectors * 64) {
		int32_t offset = gemm->offsets[s];
#pragma GCC unroll 8
		for (int p = 0; p < pixels; p++) {
			__m512i a = spread(block->windows[p] + offset);
#pragma GCC unroll 2
			for (int v = 0; v < vectors; v++)
				total[p][v] = multiply_add(
					total[p][v], a, _mm512_load_si512(weights + (size_t)v * 64));
		}
	}
#pragma GCC unroll 16
	for (int i = 0; i < pixels * vectors; i++)
		_mm512_storeu_si512(block->accumulators + (size_t)(i / vectors) * block->stride +
					    (size_t)(i % vectors * LANES),
			total[i / vectors][i % vectors]);
}

static void run_bytes(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	(void)sums;
	run_blocks(&(struct tile){gemm, windows, pixels, NULL, accumulators, stride}, 64, run_block_of_bytes);
}

static const struct kernel kernels[] = {
	{NAME("avx512vnni-bytes"), LAYOUT_BYTES, LANES, VECTORS, 4, 6, fits_bytes, pack_bytes, run_bytes},
	{.name = NULL},
};

const struct isa ISA = {NAME("avx512vnni"), present, kernels, NULL, NULL, NULL, NULL};
