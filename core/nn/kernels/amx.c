/* SPDX-License-Identifier: MIT */
/*
 * Dot products of bytes by TDPBUSD: the codes of 16 pixels in 16 k-blocks times the weights of 16 channels.
 * Two tiles of codes and two of weights make four of sums, which stay in their registers.
 */
#include "nn/kernels/amx.h"
#include "nn/kernels/kernel.h"

#define LANES 16
#define VECTORS 2
#define CHUNK 16      /* k-blocks of a tile */
#define CHUNKS 16     /* worked on at once, so that their codes stay in the first-level cache */
#define PIXEL_TILES 2 /* worked on at once */
#define PIXELS TILE_ROWS

/* Where the codes of a tile are: in the feature map, or copied. */
struct codes {
	const uint8_t *at;
	size_t step; /* bytes from a pixel to the next */
};

/* A k-block's bytes are where those of the one before end, but for the first of a run: there the window's
 * next row or place begins. Run i has the k-blocks of masks[i], the first of the chunk at window + shifts[i].
 */
struct chunk {
	int runs;
	__mmask16 masks[CHUNK];
	ptrdiff_t shifts[CHUNK];
};

static struct chunk chunk_of(const int32_t *offsets)
{
	__m512i here = _mm512_loadu_si512(offsets);
	__m512i before = _mm512_maskz_loadu_epi32(0xfffe, offsets - 1);
	__mmask16 begins = _mm512_cmpneq_epi32_mask(here, _mm512_add_epi32(before, _mm512_set1_epi32(4))) | 1;
	struct chunk chunk = {0};

	for (unsigned rest = begins; rest; rest &= rest - 1) {
		int first = __builtin_ctz(rest);
		if (chunk.runs)
			chunk.masks[chunk.runs - 1] &= (__mmask16)((1U << first) - 1);
		chunk.masks[chunk.runs] = (__mmask16)(0xffffU << first);
		chunk.shifts[chunk.runs++] = offsets[first] - (ptrdiff_t)4 * first;
	}
	return chunk;
}

/* Copies the window's codes of a chunk. */
static inline void copy_codes(const struct chunk *chunk, const uint8_t *window, uint8_t *to)
{
	__m512i codes = _mm512_maskz_loadu_epi32(chunk->masks[0], window + chunk->shifts[0]);

	for (int i = 1; i < chunk->runs; i++)
		codes = _mm512_mask_loadu_epi32(codes, chunk->masks[i], window + chunk->shifts[i]);
	_mm512_store_si512(to, codes);
}

/* The bytes from one of a tile's windows to the next, if these are all the same; else 0. */
static size_t step_of(const uint8_t *const *windows, int pixels)
{
	ptrdiff_t step = pixels < PIXELS ? 0 : windows[1] - windows[0];

	for (int i = 2; i < PIXELS && step; i++)
		if (windows[i] - windows[i - 1] != step)
			return 0;
	return step > 0 ? (size_t)step : 0;
}

struct slab {
	int tiles, chunks;
	struct codes codes[PIXEL_TILES][CHUNKS];
	_Alignas(TILE_BYTES) uint8_t copies[PIXEL_TILES][CHUNKS][PIXELS][TILE_BYTES];
};

/* Finds or copies the codes of `slab->chunks` chunks; the last pixel fills up its tile. */
static void gather_codes(
	struct slab *slab, const int32_t *offsets, const uint8_t *const *windows, size_t group, int pixels)
{
	for (int t = 0; t < slab->tiles; t++) {
		const uint8_t *const *first = windows + (size_t)t * PIXELS;
		int count = pixels - t * PIXELS < PIXELS ? pixels - t * PIXELS : PIXELS;
		size_t step = step_of(first, count);

		for (int c = 0; c < slab->chunks; c++) {
			struct chunk chunk = chunk_of(offsets + (size_t)c * CHUNK);
			uint8_t(*copies)[TILE_BYTES] = slab->copies[t][c];
			if (step && chunk.runs == 1) {
				slab->codes[t][c] = (struct codes){first[0] + group + chunk.shifts[0], step};
				continue;
			}
			for (int p = 0; p < PIXELS; p++)
				copy_codes(&chunk, first[p < count ? p : count - 1] + group, copies[p]);
			slab->codes[t][c] = (struct codes){copies[0], TILE_BYTES};
		}
	}
}

/* The slab's products for one or two vectors of channels; goes_on: they are added to the sums. */
ALWAYS_INLINE void multiply(const struct slab *slab, const uint8_t *weights, int32_t *sums, size_t stride,
	bool goes_on, int tiles, int vectors)
{
	size_t step = stride * sizeof(int32_t), row = (size_t)vectors * TILE_BYTES;
	int32_t *lower = sums + PIXELS * stride;

	tiles_fence();
	if (goes_on) {
		tile_load(0, sums, step);
		if (vectors > 1)
			tile_load(1, sums + LANES, step);
		if (tiles > 1)
			tile_load(2, lower, step);
		if (tiles > 1 && vectors > 1)
			tile_load(3, lower + LANES, step);
	} else {
		tile_zero(0);
		tile_zero(1);
		tile_zero(2);
		tile_zero(3);
	}
	for (int c = 0; c < slab->chunks; c++, weights += CHUNK * row) {
		tile_load(4, slab->codes[0][c].at, slab->codes[0][c].step);
		tile_load(6, weights, row);
		tile_multiply_add(0, 4, 6);
		if (tiles > 1) {
			tile_load(5, slab->codes[1][c].at, slab->codes[1][c].step);
			tile_multiply_add(2, 5, 6);
		}
		if (vectors > 1) {
			tile_load(7, weights + TILE_BYTES, row);
			tile_multiply_add(1, 4, 7);
		}
		if (tiles > 1 && vectors > 1)
			tile_multiply_add(3, 5, 7);
	}
	tile_store(0, sums, step);
	if (vectors > 1)
		tile_store(1, sums + LANES, step);
	if (tiles > 1)
		tile_store(2, lower, step);
	if (tiles > 1 && vectors > 1)
		tile_store(3, lower + LANES, step);
	tiles_fence();
}

/* All channels of a group for the slab's pixels and its chunks, which begin at a k-block. weights: the
 * group's. */
static void multiply_group(const struct gemm_plan *gemm, const struct slab *slab, int k_block,
	const uint8_t *weights, int32_t *sums, size_t stride)
{
	int vectors = gemm_vectors(gemm, LANES);

	for (int v = 0; v < vectors; v += VECTORS, sums += (size_t)VECTORS * LANES) {
		bool two = vectors - v > 1;
		size_t row = (two ? 2 : 1) * (size_t)TILE_BYTES;
		const uint8_t *from = weights + (size_t)k_block * row;

		if (slab->tiles > 1 && two)
			multiply(slab, from, sums, stride, k_block, 2, 2);
		else if (slab->tiles > 1)
			multiply(slab, from, sums, stride, k_block, 2, 1);
		else if (two)
			multiply(slab, from, sums, stride, k_block, 1, 2);
		else
			multiply(slab, from, sums, stride, k_block, 1, 1);
		weights += row * (size_t)gemm->k_blocks;
	}
}

static void run_slabs(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	int32_t *accumulators, size_t stride)
{
	size_t of_group = (size_t)gemm_vectors(gemm, LANES) * TILE_BYTES * (size_t)gemm->k_blocks;
	const uint8_t *weights = gemm->weights;
	struct slab slab;

	slab.tiles = pixels > PIXELS ? 2 : 1;
	for (int g = 0; g < gemm->groups; g++, weights += of_group)
		for (int s = 0; s < gemm->k_blocks; s += CHUNK * CHUNKS) {
			int rest = (gemm->k_blocks - s) / CHUNK;
			slab.chunks = rest < CHUNKS ? rest : CHUNKS;
			gather_codes(&slab, gemm->offsets + s, windows, (size_t)g * (size_t)gemm->group_size,
				pixels);
			multiply_group(gemm, &slab, s, weights, accumulators + g * gemm->channels, stride);
		}
}

static void run_bytes(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	(void)sums;
	for (int p = 0; p < pixels; p += PIXEL_TILES * PIXELS) {
		int rest = pixels - p;
		run_slabs(gemm, windows + p, rest < PIXEL_TILES * PIXELS ? rest : PIXEL_TILES * PIXELS,
			accumulators + (size_t)p * stride, stride);
	}
}

static const struct kernel kernels[] = {
	{NAME("amx-bytes"), LAYOUT_BYTES, LANES, VECTORS, 4, 0, 1, fits_bytes, pack_bytes, run_bytes,
		.chunk = CHUNK, .pixels = PIXELS, .window_cost = 4, .begin = tiles_begin, .end = tiles_end},
	{.name = NULL},
};

const struct isa ISA = {.name = NAME("amx"), .present = present, .kernels = kernels};
