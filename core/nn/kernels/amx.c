/* SPDX-License-Identifier: MIT */
/*
 * Dot products of bytes by TDPBUSD: the codes of 16 pixels in 16 k-blocks times the weights of 16 channels.
 * Four tiles of sums stay in their registers: of two tiles of pixels and two vectors of channels, or of three
 * or four tiles of pixels, which takes half the weights from the second-level cache. While the tiles
 * multiply, the vector units turn the sums of the block before into codes, so that these take hardly any
 * time.
 */
#include "nn/kernels/amx.h"
#include "nn/kernels/kernel.h"
#include "nn/kernels/requantise512.h"

#define LANES 16
#define CHUNK 16     /* k-blocks of a tile */
#define MOST_TILES 4 /* of pixels, worked on at once */
#define PIXELS TILE_ROWS
#define MOST_PIXELS (MOST_TILES * PIXELS)
#define COPIES 40 /* tiles of codes; as many as leave room in the first-level cache */

/* Tiles of pixels, and the chunks of their windows that are worked on at once. */
struct slab {
	const uint8_t *const *windows; /* of a group */
	int pixels, tiles;
	int first[MOST_TILES]; /* pixel of a tile: the last one begins earlier where that fills it */
	bool copied;	       /* the windows are not equally far apart, or too few */

	/* Codes of tile t in chunk c: at[t] + offsets[c · next], steps[t] bytes from a pixel to the next. */
	const uint8_t *at[MOST_TILES];
	size_t steps[MOST_TILES];
	const int32_t *offsets;
	size_t next;
	int chunks;
	int32_t places[COPIES]; /* of the chunks in a tile's copies */
	_Alignas(TILE_BYTES) uint8_t copies[COPIES][PIXELS][TILE_BYTES];
};

/* Sums that become codes while the tiles multiply. */
struct pending {
	const struct requantisation *requantisation;
	const int32_t *sums; /* [pixel][PAIR] */
	uint8_t *const *codes;
	int channel, channels; /* the first one, and how many of a pair there are */
	int begin, end;	       /* pixels that are left */
};

/* The next two pixels; a last one alone is both. */
ALWAYS_INLINE void finish_two(struct pending *pending, const struct pair_constants *k)
{
	bool both = pending->begin + 1 < pending->end;
	uint8_t *const *codes = pending->codes + pending->begin;

	requantise_two(pending->requantisation, k, pending->sums + (size_t)pending->begin * PAIR, PAIR,
		codes[0] + k->channel, codes[both] + k->channel);
	pending->begin += 2;
}

/*
 * The slab's products for one or two vectors of channels; goes_on: they are added to the sums. Meanwhile
 * `each` pairs of pixels that are pending are finished a chunk.
 */
ALWAYS_INLINE void sweep(const struct slab *slab, const uint8_t *weights, size_t vector, int32_t *sums,
	size_t stride, bool goes_on, struct pending *pending, int each, int tiles, int vectors)
{
	size_t step = stride * sizeof(int32_t);
	int32_t *second = sums + (size_t)slab->first[1] * stride,
		*third = sums + (size_t)slab->first[2] * stride,
		*fourth = sums + (size_t)slab->first[3] * stride;
	struct pair_constants constants = {0};

	if (each)
		constants = pair_constants_of(pending->requantisation, pending->channel, pending->channels);
	tiles_fence();
	if (goes_on) {
		tile_load(0, sums, step);
		if (tiles > 1)
			tile_load(1, second, step);
		if (vectors > 1)
			tile_load(2, sums + LANES, step);
		if (tiles > 1 && vectors > 1)
			tile_load(3, second + LANES, step);
		if (tiles > 2)
			tile_load(2, third, step);
		if (tiles > 3)
			tile_load(3, fourth, step);
	} else {
		tile_zero(0);
		tile_zero(1);
		tile_zero(2);
		tile_zero(3);
	}
	for (int c = 0; c < slab->chunks; c++, weights += CHUNK * TILE_BYTES) {
		ptrdiff_t offset = slab->offsets[(size_t)c * slab->next];

		tile_load(6, weights, TILE_BYTES);
		tile_load(4, slab->at[0] + offset, slab->steps[0]);
		tile_multiply_add(0, 4, 6);
		if (vectors > 1) {
			tile_load(7, weights + vector, TILE_BYTES);
			tile_multiply_add(2, 4, 7);
		}
		if (tiles > 1) {
			tile_load(5, slab->at[1] + offset, slab->steps[1]);
			tile_multiply_add(1, 5, 6);
		}
		if (tiles > 1 && vectors > 1)
			tile_multiply_add(3, 5, 7);
		if (tiles > 2) {
			tile_load(4, slab->at[2] + offset, slab->steps[2]);
			tile_multiply_add(2, 4, 6);
		}
		if (tiles > 3) {
			tile_load(5, slab->at[3] + offset, slab->steps[3]);
			tile_multiply_add(3, 5, 6);
		}
		for (int i = 0; i < each && pending->begin < pending->end; i++)
			finish_two(pending, &constants);
	}
	tile_store(0, sums, step);
	if (tiles > 1)
		tile_store(1, second, step);
	if (vectors > 1)
		tile_store(2, sums + LANES, step);
	if (tiles > 1 && vectors > 1)
		tile_store(3, second + LANES, step);
	if (tiles > 2)
		tile_store(2, third, step);
	if (tiles > 3)
		tile_store(3, fourth, step);
	tiles_fence();
}

/* One or two vectors of channels. vector: bytes of one's weights. */
static void sweep_pair(const struct slab *slab, const uint8_t *weights, size_t vector, int32_t *sums,
	size_t stride, bool goes_on, int vectors, struct pending *pending)
{
	int left = (pending->end - pending->begin + 1) / 2;
	int chunks = slab->tiles > 2 ? slab->chunks * vectors : slab->chunks;
	int each = (left + chunks - 1) / chunks;

	for (int v = 0; v < vectors && slab->tiles > 2; v++, weights += vector, sums += LANES)
		if (slab->tiles > 3)
			sweep(slab, weights, 0, sums, stride, goes_on, pending, each, 4, 1);
		else
			sweep(slab, weights, 0, sums, stride, goes_on, pending, each, 3, 1);
	if (slab->tiles > 2)
		return;
	if (slab->tiles > 1 && vectors > 1)
		sweep(slab, weights, vector, sums, stride, goes_on, pending, each, 2, 2);
	else if (slab->tiles > 1)
		sweep(slab, weights, vector, sums, stride, goes_on, pending, each, 2, 1);
	else if (vectors > 1)
		sweep(slab, weights, vector, sums, stride, goes_on, pending, each, 1, 2);
	else
		sweep(slab, weights, vector, sums, stride, goes_on, pending, each, 1, 1);
}

/* The bytes from one of a tile's windows to the next, if these are all the same; else 0. */
static size_t step_of(const uint8_t *const *windows)
{
	ptrdiff_t step = windows[1] - windows[0];

	for (int i = 2; i < PIXELS; i++)
		if (windows[i] - windows[i - 1] != step)
			return 0;
	return step > 0 ? (size_t)step : 0;
}

#define LARGE_STEP 256 /* bytes: four tiles of such pixels fill a good part of the first-level cache */

/*
 * Pixels to work on at once: those of four tiles, unless lines of the cache cut the rows of these, or they
 * come from the second-level cache. Then tiles of codes take long to load, and each is to be multiplied by
 * two vectors' weights.
 */
static int pixels_at_once(const uint8_t *const *windows, int pixels)
{
	ptrdiff_t step = pixels > 1 ? windows[1] - windows[0] : 0;

	return step % TILE_BYTES == 0 && step <= LARGE_STEP ? MOST_PIXELS : MOST_PIXELS / 2;
}

/* Finds the tiles of pixels: of a group, whose first code is `group` bytes behind a window's. */
static void find_tiles(struct slab *slab, const uint8_t *const *windows, ptrdiff_t group, int pixels)
{
	slab->windows = windows;
	slab->pixels = pixels;
	slab->tiles = (pixels + PIXELS - 1) / PIXELS;
	slab->copied = pixels < PIXELS;
	for (int t = 0; t < MOST_TILES; t++)
		slab->first[t] = 0;
	for (int t = 0; t < slab->tiles; t++) {
		int most = pixels < PIXELS ? 0 : pixels - PIXELS;

		slab->first[t] = t * PIXELS < most ? t * PIXELS : most;
		slab->at[t] = windows[slab->first[t]] + group;
		slab->steps[t] = pixels < PIXELS ? 0 : step_of(windows + slab->first[t]);
		slab->copied |= !slab->steps[t];
	}
}

/* The k-blocks of a chunk are one run of bytes (`chunk` in kernel.h). Rows of a tile without a pixel hold
 * anything. */
static void copy_tile(struct slab *slab, int tile, const int32_t *offsets, ptrdiff_t group)
{
	const uint8_t *const *windows = slab->windows + slab->first[tile];
	uint8_t(*to)[PIXELS][TILE_BYTES] = slab->copies + (size_t)tile * (size_t)slab->chunks;
	int pixels = slab->pixels < PIXELS ? slab->pixels : PIXELS;

	slab->at[tile] = to[0][0];
	slab->steps[tile] = TILE_BYTES;
	for (int c = 0; c < slab->chunks; c++)
		for (int p = 0; p < pixels; p++)
			_mm512_store_si512(
				to[c][p], _mm512_loadu_si512(windows[p] + offsets[c * CHUNK] + group));
}

/* Goes on with the chunks from this k-block on, as many as can be worked on at once. */
static void begin_chunks(struct slab *slab, const struct gemm_plan *gemm, int k_block, ptrdiff_t group)
{
	int rest = (gemm->k_blocks - k_block) / CHUNK, most = COPIES / slab->tiles;

	slab->chunks = slab->copied && rest > most ? most : rest;
	slab->offsets = slab->copied ? slab->places : gemm->offsets + k_block;
	slab->next = slab->copied ? 1 : CHUNK;
	for (int c = 0; c < slab->chunks && slab->copied; c++)
		slab->places[c] = c * PIXELS * TILE_BYTES;
	for (int t = 0; t < slab->tiles && slab->copied; t++)
		copy_tile(slab, t, gemm->offsets + k_block, group);
}

/* Up to MOST_PIXELS pixels. */
static void run_tiles(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	int32_t *accumulators, size_t stride)
{
	int vectors = gemm_vectors(gemm, LANES);
	size_t vector = (size_t)gemm->k_blocks * TILE_BYTES;
	const uint8_t *weights = gemm->weights;
	struct pending none = {0};
	struct slab slab;

	for (int g = 0; g < gemm->groups; g++, weights += (size_t)vectors * vector) {
		ptrdiff_t group = (ptrdiff_t)g * gemm->group_size;
		int32_t *sums = accumulators + (size_t)g * (size_t)gemm->channels;

		find_tiles(&slab, windows, group, pixels);
		for (int s = 0; s < gemm->k_blocks; s += slab.chunks * CHUNK) {
			begin_chunks(&slab, gemm, s, group);
			for (int v = 0; v < vectors; v += 2)
				sweep_pair(&slab, weights + (size_t)v * vector + (size_t)s * TILE_BYTES,
					vector, sums + (size_t)v * LANES, stride, s > 0,
					vectors - v < 2 ? 1 : 2, &none);
		}
	}
}

static void run_bytes(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	int most = pixels_at_once(windows, pixels);

	(void)sums;
	for (int p = 0, count; p < pixels; p += count) {
		count = pixels - p < most ? pixels - p : most;
		run_tiles(gemm, windows + p, count, accumulators + (size_t)p * stride, stride);
	}
}

static void finish_pending(struct pending *pending)
{
	if (pending->begin >= pending->end)
		return;
	const struct pair_constants constants =
		pair_constants_of(pending->requantisation, pending->channel, pending->channels);
	while (pending->begin < pending->end)
		finish_two(pending, &constants);
}

static void run_codes(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const struct requantisation *requantisation, int channel, uint8_t *const *codes)
{
	_Alignas(TILE_BYTES) int32_t sums[2][MOST_PIXELS][PAIR];
	int vectors = gemm_vectors(gemm, LANES), most = pixels_at_once(windows, pixels), turn = 0;
	size_t vector = (size_t)gemm->k_blocks * TILE_BYTES;
	struct pending pending = {.requantisation = requantisation};
	struct slab slab;

	for (int p = 0, count; p < pixels; p += count) {
		count = pixels - p < most ? pixels - p : most;
		find_tiles(&slab, windows + p, 0, count);
		for (int v = 0; v < vectors; v += 2, turn = !turn) {
			const uint8_t *weights = (const uint8_t *)gemm->weights + (size_t)v * vector;
			int rest = gemm->channels - v * LANES;

			for (int s = 0; s < gemm->k_blocks; s += slab.chunks * CHUNK) {
				if (s || !v || slab.chunks * CHUNK < gemm->k_blocks)
					begin_chunks(&slab, gemm, s, 0);
				sweep_pair(&slab, weights + (size_t)s * TILE_BYTES, vector, sums[turn][0],
					PAIR, s > 0, vectors - v < 2 ? 1 : 2, &pending);
			}
			pending.sums = sums[turn][0];
			pending.codes = codes + p;
			pending.channel = channel + v * LANES;
			pending.channels = rest < PAIR ? rest : PAIR;
			pending.begin = 0;
			pending.end = count;
		}
	}
	finish_pending(&pending);
}

static const struct kernel kernels[] = {
	{NAME("amx-bytes"), LAYOUT_BYTES, LANES, 1, 4, 0, 1, fits_bytes, pack_bytes, run_bytes,
		.chunk = CHUNK, .pixels = PIXELS, .store_cost = 34, .stored = 2, .begin = tiles_begin,
		.end = tiles_end, .run_codes = run_codes},
	{.name = NULL},
};

const struct isa ISA = {.name = NAME("amx"), .present = present, .kernels = kernels};
