/* SPDX-License-Identifier: MIT */
/* Dot products of bytes by VPDPBUSD: four products and their sum into 32 bits, without saturation. */
#include "nn/kernels/avx512vnni.h"

#include <string.h>

#define LANES 16
#define PIXELS 8
#define VECTORS 2

typedef __m512i vector;

static inline vector v_zero(void)
{
	return _mm512_setzero_si512();
}

static inline vector v_load(const void *p)
{
	return _mm512_load_si512(p);
}

static inline void v_store(int32_t *out, vector a)
{
	_mm512_storeu_si512(out, a);
}

/* 4 bytes, in each 32-bit lane */
static inline vector v_spread32(const void *p)
{
	int word;
	memcpy(&word, p, sizeof(word));
	return _mm512_set1_epi32(word);
}

static inline vector v_add32(vector a, vector b)
{
	return _mm512_add_epi32(a, b);
}

#include "nn/kernels/dots.h"

/* Depthwise: channels of a vector of codes, whose accumulators are four vectors. */
#define DEPTHWISE_LANES 64

/* The 128-bit parts of four vectors, row by row, become columns. */
static inline void store_transposed(int32_t *out, const __m512i *in)
{
	__m512i a = _mm512_shuffle_i32x4(in[0], in[1], 0x44), b = _mm512_shuffle_i32x4(in[2], in[3], 0x44);
	__m512i c = _mm512_shuffle_i32x4(in[0], in[1], 0xee), d = _mm512_shuffle_i32x4(in[2], in[3], 0xee);

	_mm512_storeu_si512(out, _mm512_shuffle_i32x4(a, b, 0x88));
	_mm512_storeu_si512(out + 16, _mm512_shuffle_i32x4(a, b, 0xdd));
	_mm512_storeu_si512(out + 32, _mm512_shuffle_i32x4(c, d, 0x88));
	_mm512_storeu_si512(out + 48, _mm512_shuffle_i32x4(c, d, 0xdd));
}

/* Four taps at a time: their codes are interleaved, so that a 32-bit lane is a channel. */
ALWAYS_INLINE void depthwise_pixel(
	const struct gemm_plan *gemm, const uint8_t *weights, const uint8_t *window, int32_t *out)
{
	__m512i total[4] = {0};

	for (int s = 0; s < gemm->k_blocks; s += 4, weights += (size_t)4 * 64) {
		const int32_t *offsets = gemm->offsets + s;
		__m512i a = _mm512_loadu_si512(window + offsets[0]);
		__m512i b = _mm512_loadu_si512(window + offsets[1]);
		__m512i c = _mm512_loadu_si512(window + offsets[2]);
		__m512i d = _mm512_loadu_si512(window + offsets[3]);
		__m512i low = _mm512_unpacklo_epi8(a, b), high = _mm512_unpackhi_epi8(a, b);
		__m512i low2 = _mm512_unpacklo_epi8(c, d), high2 = _mm512_unpackhi_epi8(c, d);
		const __m512i taps[4] = {_mm512_unpacklo_epi16(low, low2), _mm512_unpackhi_epi16(low, low2),
			_mm512_unpacklo_epi16(high, high2), _mm512_unpackhi_epi16(high, high2)};
#pragma GCC unroll 4
		for (int i = 0; i < 4; i++)
			total[i] =
				multiply_add(total[i], taps[i], _mm512_load_si512(weights + (size_t)i * 64));
	}
	store_transposed(out, total);
}

static void run_depthwise(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const uint8_t *weights = gemm->weights;

	(void)sums;
	for (int c = 0; c < gemm->channels; c += DEPTHWISE_LANES) {
		for (int p = 0; p < pixels; p++)
			depthwise_pixel(gemm, weights, windows[p] + c, accumulators + (size_t)p * stride + c);
		weights += (size_t)gemm->k_blocks * DEPTHWISE_LANES;
	}
}

/*
 * Depthwise 3×3 and 5×5, step by step along a row: the codes of a column of the window are interleaved once
 * and serve as many pixels as the window has columns. Four rows are one 32-bit lane; the fifth is one by
 * itself. Weights: [vector][part of the vector][column][four rows][lane][row, zero where there is none].
 */
#define PARTS 4		      /* of a vector of codes, 16 channels each */
#define MOST_SIDE 5	      /* rows and columns of a window */
#define MOST_FOURS 2	      /* of rows */
#define PIXELS_OF_ROW_MOST 32 /* worked on at once */
#define TAPS_3X3 4	      /* what round up to the k-blocks of columns of whole fours */
#define TAPS_5X5 20

static bool fits_row(const struct layer *layer, int side)
{
	return fits_depthwise(layer) && layer->kernel_height == side && layer->kernel_width == side &&
	       layer->stride_width == 1 && layer->dilation_width == 1;
}

static bool fits_3x3(const struct layer *layer)
{
	return fits_row(layer, 3);
}

static bool fits_5x5(const struct layer *layer)
{
	return fits_row(layer, MOST_SIDE);
}

static void pack_row(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm)
{
	size_t side = (size_t)layer->kernel_width, fours = (side + 3) / 4;
	int8_t *out = gemm->weights;

	(void)kernel;
	(void)k_blocks;
	for (size_t c = 0; c < (size_t)gemm->channels; c++)
		for (size_t i = 0; i < side * side; i++) {
			size_t part = c / DEPTHWISE_LANES * PARTS + c % DEPTHWISE_LANES / LANES;
			size_t four = (part * side + i % side) * fours + i / side / 4;

			out[(four * LANES + c % LANES) * 4 + i / side % 4] =
				layer->weights[c * side * side + i];
		}
}

/* The codes of up to four rows as quadruples, ordered so that part i holds channels 16 i … 16 i + 15. */
ALWAYS_INLINE void interleave_rows(const uint8_t *const *rows, int count, size_t at, __m512i *parts)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
	__m512i in[4] = {0};

#pragma GCC unroll 4
	for (int i = 0; i < PARTS && count == 1; i++)
		parts[i] = _mm512_cvtepu8_epi32(
			_mm_loadu_si128((const __m128i *)(const void *)(rows[0] + at + (size_t)i * LANES)));
	if (count == 1)
		return;
#pragma GCC unroll 4
	for (int i = 0; i < count; i++)
		in[i] = _mm512_permutexvar_epi32(order, _mm512_loadu_si512(rows[i] + at));
	__m512i low = _mm512_unpacklo_epi8(in[0], in[1]), high = _mm512_unpackhi_epi8(in[0], in[1]);
	__m512i low2 = _mm512_unpacklo_epi8(in[2], in[3]), high2 = _mm512_unpackhi_epi8(in[2], in[3]);

	parts[0] = _mm512_unpacklo_epi16(low, low2);
	parts[1] = _mm512_unpackhi_epi16(low, low2);
	parts[2] = _mm512_unpacklo_epi16(high, high2);
	parts[3] = _mm512_unpackhi_epi16(high, high2);
}

/* One vector of channels for pixels whose windows are `step` bytes apart. */
ALWAYS_INLINE void run_row(const uint8_t *weights, const uint8_t *const *rows, size_t step, int pixels,
	int32_t *out, size_t stride, int side)
{
	const int fours = (side + 3) / 4;
	__m512i columns[PIXELS_OF_ROW_MOST + MOST_SIDE - 1][MOST_FOURS][PARTS];

	for (int x = 0; x < pixels + side - 1; x++) {
		interleave_rows(rows, side < 4 ? side : 4, (size_t)x * step, columns[x][0]);
		if (fours > 1)
			interleave_rows(rows + 4, side - 4, (size_t)x * step, columns[x][1]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < PARTS; i++) {
		__m512i w[MOST_SIDE * MOST_FOURS];
#pragma GCC unroll 10
		for (int k = 0; k < side * fours; k++, weights += 64)
			w[k] = _mm512_load_si512(weights);
		for (int p = 0; p < pixels; p++) {
			__m512i total = _mm512_setzero_si512();
#pragma GCC unroll 10
			for (int k = 0; k < side * fours; k++)
				total = multiply_add(total, columns[p + k / fours][k % fours][i], w[k]);
			_mm512_storeu_si512(out + (size_t)p * stride + (size_t)i * LANES, total);
		}
	}
}

/* How many windows from the first are `step` bytes apart. */
static int count_row(const uint8_t *const *windows, int pixels, ptrdiff_t step)
{
	int count = 1;

	while (count < pixels && count < PIXELS_OF_ROW_MOST && windows[count] - windows[count - 1] == step)
		count++;
	return count;
}

ALWAYS_INLINE void run_rows(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	int32_t *accumulators, size_t stride, int side)
{
	const int32_t *offsets = gemm->offsets;
	size_t step = (size_t)(offsets[1] - offsets[0]);

	for (int p = 0, count; p < pixels; p += count) {
		const uint8_t *weights = gemm->weights, *rows[MOST_SIDE];
		count = count_row(windows + p, pixels - p, (ptrdiff_t)step);
		for (int c = 0; c < gemm->channels; c += DEPTHWISE_LANES) {
			for (int i = 0; i < side; i++)
				rows[i] = windows[p] + c + offsets[i * side];
			run_row(weights, rows, step, count, accumulators + (size_t)p * stride + c, stride,
				side);
			weights += (size_t)(PARTS * side * ((side + 3) / 4)) * 64;
		}
	}
}

static void run_3x3(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	(void)sums;
	run_rows(gemm, windows, pixels, accumulators, stride, 3);
}

static void run_5x5(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	(void)sums;
	run_rows(gemm, windows, pixels, accumulators, stride, MOST_SIDE);
}

static const struct kernel kernels[] = {
	{NAME("avx512vnni-bytes"), LAYOUT_BYTES, LANES, VECTORS, 4, 0, 6, fits_bytes, pack_bytes, run_bytes},
	{NAME("avx512vnni-depthwise"), LAYOUT_BYTES, DEPTHWISE_LANES, 1, 1, 4, 24, fits_depthwise,
		pack_depthwise, run_depthwise},
	{NAME("avx512vnni-depthwise-3x3"), LAYOUT_BYTES, DEPTHWISE_LANES, 1, 1, TAPS_3X3, 15, fits_3x3,
		pack_row, run_3x3},
	{NAME("avx512vnni-depthwise-5x5"), LAYOUT_BYTES, DEPTHWISE_LANES, 1, 1, TAPS_5X5, 10, fits_5x5,
		pack_row, run_5x5},
	{.name = NULL},
};

const struct isa ISA = {.name = NAME("avx512vnni"), .present = present, .kernels = kernels};
