/* SPDX-License-Identifier: MIT */
/* Dot products of 1-bit weights by VPOPCNTQ: AND, count and add for each 512 bits. */
#include "nn/kernels/avx512vpopcntdq.h"

#include <string.h>

#define LANES 8
#define PIXELS 4
#define VECTORS 2
#include "nn/kernels/blocks.h"

/* Weights of a fully connected layer come from a distant cache: prefetch them this early. */
#define PREFETCH_BYTES 4096

static inline __m512i spread(const uint8_t *p)
{
	long long word;
	memcpy(&word, p, sizeof(word));
	return _mm512_set1_epi64(word);
}

/* Adds 2^first · Σ 2^plane · population(weights & plane) for planes first and, where there are two, first
 * + 1. */
ALWAYS_INLINE void add_planes(const struct block *block, __m512i total[PIXELS][VECTORS], int first,
	int pixels, int vectors, int planes)
{
	const struct gemm_plan *gemm = block->gemm;
	const uint8_t *weights = block->weights;
	int32_t plane_size = gemm->plane_size;
	__m512i count[PIXELS][VECTORS][2];

#pragma GCC unroll 8
	for (int i = 0; i < pixels * vectors * planes; i++)
		count[i / planes / vectors][i / planes % vectors][i % planes] = _mm512_setzero_si512();
	for (int s = 0; s < gemm->k_blocks; s++, weights += (size_t)vectors * 64) {
		int32_t offset = gemm->offsets[s] + first * plane_size;
		__m512i w[VECTORS];
#pragma GCC unroll 2
		for (int v = 0; v < vectors; v++) {
			w[v] = _mm512_load_si512(weights + (size_t)v * 64);
			if (pixels == 1)
				__builtin_prefetch(weights + (size_t)v * 64 + PREFETCH_BYTES);
		}
#pragma GCC unroll 8
		for (int p = 0; p < pixels; p++)
#pragma GCC unroll 2
			for (int k = 0; k < planes; k++) {
				__m512i a = spread(block->windows[p] + offset + k * plane_size);
#pragma GCC unroll 2
				for (int v = 0; v < vectors; v++)
					count[p][v][k] = _mm512_add_epi64(
						count[p][v][k], population64(_mm512_and_si512(w[v], a)));
			}
	}
#pragma GCC unroll 8
	for (int p = 0; p < pixels; p++)
#pragma GCC unroll 2
		for (int v = 0; v < vectors; v++) {
			__m512i sum = count[p][v][0];
			if (planes == 2)
				sum = _mm512_add_epi64(sum, _mm512_slli_epi64(count[p][v][1], 1));
			total[p][v] = _mm512_add_epi64(total[p][v], _mm512_slli_epi64(sum, (unsigned)first));
		}
}

ALWAYS_INLINE void run_block_of_bits(const struct block *block, int pixels, int vectors)
{
	__m512i total[PIXELS][VECTORS];

#pragma GCC unroll 8
	for (int i = 0; i < pixels * vectors; i++)
		total[i / vectors][i % vectors] = _mm512_setzero_si512();
	if (block->gemm->planes == 1)
		add_planes(block, total, 0, pixels, vectors, 1);
	else
		for (int first = 0; first < block->gemm->planes; first += 2)
			add_planes(block, total, first, pixels, vectors, 2);
			/* Σ ±a = 2 Σ over the positive weights − Σ over all */
#pragma GCC unroll 8
	for (int p = 0; p < pixels; p++)
#pragma GCC unroll 2
		for (int v = 0; v < vectors; v++) {
			__m256i twice = _mm512_cvtepi64_epi32(_mm512_slli_epi64(total[p][v], 1));
			int32_t *out = block->accumulators + (size_t)p * block->stride + (size_t)(v * LANES);
			_mm256_storeu_si256((__m256i *)(void *)out,
				_mm256_sub_epi32(twice, _mm256_set1_epi32(block->sums[p])));
		}
}

static void run_bits(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	run_blocks(&(struct tile){gemm, windows, pixels, sums, accumulators, stride}, 64, run_block_of_bits);
}

static const struct kernel kernels[] = {
	{NAME("avx512vpopcntdq-bits"), LAYOUT_BITS, LANES, VECTORS, 8, 0, 15, fits_bits, pack_bits, run_bits},
	{.name = NULL},
};

const struct isa ISA = {.name = NAME("avx512vpopcntdq"), .present = present, .kernels = kernels};
