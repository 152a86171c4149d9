/* SPDX-License-Identifier: MIT */
/*
 * Dot products of bytes by TDPBUSD: the codes of 16 pixels in 16 k-blocks times the weights of 16 channels.
 * Two tiles of codes and two of weights make four of sums, which stay in their registers.
 */
#include "nn/kernels/amx.h"
#include "nn/kernels/kernel.h"

#define LANES 16
#define CHUNK 16      /* k-blocks of a tile */
#define PIXEL_TILES 2 /* worked on at once */
#define PIXELS TILE_ROWS
#define CHUNKS 64 /* worked on at once */
#define COPIED 16 /* as many where codes are copied, so that these stay in the first-level cache */

/* Where the codes of a tile are: in the feature map, or copied. */
struct codes {
	const uint8_t *at;
	size_t step; /* bytes from a pixel to the next */
};

struct slab {
	int tiles, chunks;
	struct codes codes[PIXEL_TILES][CHUNKS];
	_Alignas(TILE_BYTES) uint8_t copies[PIXEL_TILES][COPIED][PIXELS][TILE_BYTES];
};

/* The bytes from one of a tile's windows to the next, if these are all the same; else 0. */
static size_t step_of(const uint8_t *const *windows, int pixels)
{
	ptrdiff_t step = pixels < PIXELS ? 0 : windows[1] - windows[0];

	for (int i = 2; i < PIXELS && step; i++)
		if (windows[i] - windows[i - 1] != step)
			return 0;
	return step > 0 ? (size_t)step : 0;
}

/* The k-blocks of a chunk are one run of bytes (`chunk` in kernel.h). Rows of a tile without a pixel hold
 * anything. */
static void copy_codes(uint8_t (*to)[TILE_BYTES], const uint8_t *const *windows, ptrdiff_t offset, int pixels)
{
	for (int p = 0; p < pixels; p++)
		_mm512_store_si512(to[p], _mm512_loadu_si512(windows[p] + offset));
}

/* Finds or copies the codes of `slab->chunks` chunks; steps: of the tiles. */
static void gather_codes(struct slab *slab, const int32_t *offsets, const uint8_t *const *windows,
	ptrdiff_t group, int pixels, const size_t *steps)
{
	for (int t = 0; t < slab->tiles; t++) {
		const uint8_t *const *first = windows + (size_t)t * PIXELS;
		int count = pixels - t * PIXELS < PIXELS ? pixels - t * PIXELS : PIXELS;

		for (int c = 0; c < slab->chunks; c++) {
			ptrdiff_t offset = group + offsets[c * CHUNK];
			if (steps[t]) {
				slab->codes[t][c] = (struct codes){first[0] + offset, steps[t]};
				continue;
			}
			copy_codes(slab->copies[t][c], first, offset, count);
			slab->codes[t][c] = (struct codes){slab->copies[t][c][0], TILE_BYTES};
		}
	}
}

/* The slab's products for one or two vectors of channels; goes_on: they are added to the sums. */
ALWAYS_INLINE void multiply(const struct slab *slab, const uint8_t *weights, size_t vector, int32_t *sums,
	size_t stride, bool goes_on, int tiles, int vectors)
{
	size_t step = stride * sizeof(int32_t);
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
	for (int c = 0; c < slab->chunks; c++, weights += CHUNK * TILE_BYTES) {
		tile_load(6, weights, TILE_BYTES);
		tile_load(4, slab->codes[0][c].at, slab->codes[0][c].step);
		tile_multiply_add(0, 4, 6);
		if (vectors > 1) {
			tile_load(7, weights + vector, TILE_BYTES);
			tile_multiply_add(1, 4, 7);
		}
		if (tiles > 1) {
			tile_load(5, slab->codes[1][c].at, slab->codes[1][c].step);
			tile_multiply_add(2, 5, 6);
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
	size_t vector = (size_t)gemm->k_blocks * TILE_BYTES;

	weights += (size_t)k_block * TILE_BYTES;
	for (; vectors > 0; vectors -= 2, weights += 2 * vector, sums += (size_t)2 * LANES)
		if (slab->tiles > 1 && vectors > 1)
			multiply(slab, weights, vector, sums, stride, k_block, 2, 2);
		else if (slab->tiles > 1)
			multiply(slab, weights, vector, sums, stride, k_block, 2, 1);
		else if (vectors > 1)
			multiply(slab, weights, vector, sums, stride, k_block, 1, 2);
		else
			multiply(slab, weights, vector, sums, stride, k_block, 1, 1);
}

static void run_slabs(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	int32_t *accumulators, size_t stride)
{
	size_t of_group = (size_t)gemm_vectors(gemm, LANES) * TILE_BYTES * (size_t)gemm->k_blocks;
	const uint8_t *weights = gemm->weights;
	struct slab slab;

	slab.tiles = pixels > PIXELS ? 2 : 1;
	size_t steps[] = {step_of(windows, pixels), 1};
	if (slab.tiles > 1)
		steps[1] = step_of(windows + PIXELS, pixels - PIXELS);
	int most = steps[0] && steps[1] ? CHUNKS : COPIED;
	for (int g = 0; g < gemm->groups; g++, weights += of_group)
		for (int s = 0; s < gemm->k_blocks; s += CHUNK * most) {
			int rest = (gemm->k_blocks - s) / CHUNK;
			slab.chunks = rest < most ? rest : most;
			gather_codes(&slab, gemm->offsets + s, windows, (ptrdiff_t)g * gemm->group_size,
				pixels, steps);
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
	{NAME("amx-bytes"), LAYOUT_BYTES, LANES, 1, 4, 0, 1, fits_bytes, pack_bytes, run_bytes,
		.chunk = CHUNK, .pixels = PIXELS, .store_cost = 25, .begin = tiles_begin, .end = tiles_end},
	{.name = NULL},
};

const struct isa ISA = {.name = NAME("amx"), .present = present, .kernels = kernels};
