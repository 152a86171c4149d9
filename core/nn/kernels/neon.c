/* SPDX-License-Identifier: MIT */
/*
 * NEON as 32-bit ARM has it, such as the Cortex-A9 of a Zynq-7000: 16 registers of 128 bits, a population
 * count of bytes, and products into lanes twice as wide.
 */
#include "nn/kernels/neon.h"

#include <string.h>

#ifdef __arm__
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define LANES 4
#define PIXELS 4
#define VECTORS 2
#include "nn/kernels/blocks.h"

#define UNROLL _Pragma("GCC unroll 4")

/* Pixels, halves of a vector of channels, and planes that are counted at once: 8 counters in 16 registers. */
#define AT_ONCE 2

/* A byte of a counter holds the populations of so many bytes. */
#define K_BLOCKS_OF_COUNTER 31

/* 64-bit words of weights of one k-block of a vector */
#define WORDS_OF_VECTOR (LANES * sizeof(uint64_t))

/* 8 bytes, in each 64-bit lane */
static inline uint8x16_t spread(const uint8_t *p)
{
	uint8x8_t word = vld1_u8(p);

	return vcombine_u8(word, word);
}

/* total[pixel][half] += Σ over `planes` planes from the given one of 2^plane · population(weights & plane).
 */
ALWAYS_INLINE void count_planes(const struct gemm_plan *gemm, const uint8_t *weights, size_t k_block_size,
	const uint8_t *const *windows, int pixels, int plane, int planes, uint64x2_t total[][AT_ONCE])
{
	uint32x4_t part[AT_ONCE][AT_ONCE][AT_ONCE] = {0};

	for (int s = 0, end; s < gemm->k_blocks; s = end) {
		uint8x16_t count[AT_ONCE][AT_ONCE][AT_ONCE] = {0};
		end = gemm->k_blocks - s < K_BLOCKS_OF_COUNTER ? gemm->k_blocks : s + K_BLOCKS_OF_COUNTER;
		for (int i = s; i < end; i++, weights += k_block_size) {
			uint8x16_t w[AT_ONCE] = {vld1q_u8(weights), vld1q_u8(weights + sizeof(w[0]))};
			const int32_t offset = gemm->offsets[i] + plane * gemm->plane_size;
			UNROLL for (int p = 0; p < pixels; p++) UNROLL for (int k = 0; k < planes; k++)
			{
				uint8x16_t x = spread(windows[p] + offset + k * gemm->plane_size);
				UNROLL for (int h = 0; h < AT_ONCE; h++) count[p][k][h] =
					vaddq_u8(count[p][k][h], vcntq_u8(vandq_u8(w[h], x)));
			}
		}
		UNROLL for (int p = 0; p < pixels; p++) UNROLL for (int k = 0; k < planes; k++)
			UNROLL for (int h = 0; h < AT_ONCE; h++) part[p][k][h] =
				vpadalq_u16(part[p][k][h], vpaddlq_u8(count[p][k][h]));
	}
	UNROLL for (int p = 0; p < pixels; p++) UNROLL for (int k = 0; k < planes; k++)
		UNROLL for (int h = 0; h < AT_ONCE; h++) total[p][h] =
			vaddq_u64(total[p][h], vshlq_u64(vpaddlq_u32(part[p][k][h]), vdupq_n_s64(plane + k)));
}

/* One vector of channels for one or two pixels from the given one: Σ ±a = 2 Σ over the positive weights − Σ.
 */
ALWAYS_INLINE void count_pixels(const struct block *block, const uint8_t *weights, size_t k_block_size,
	int first, int pixels, int32_t *out)
{
	const struct gemm_plan *gemm = block->gemm;
	const uint8_t *const *windows = block->windows + first;
	uint64x2_t total[AT_ONCE][AT_ONCE] = {0};

	if (gemm->planes == 1)
		count_planes(gemm, weights, k_block_size, windows, pixels, 0, 1, total);
	else
		for (int plane = 0; plane < gemm->planes; plane += 2)
			count_planes(gemm, weights, k_block_size, windows, pixels, plane, 2, total);
	UNROLL for (int p = 0; p < pixels; p++)
	{
		uint32x4_t positive = vcombine_u32(vmovn_u64(total[p][0]), vmovn_u64(total[p][1]));
		vst1q_s32(out + (size_t)(first + p) * block->stride,
			vsubq_s32(vreinterpretq_s32_u32(vaddq_u32(positive, positive)),
				vdupq_n_s32(block->sums[first + p])));
	}
}

ALWAYS_INLINE void block_bits(const struct block *block, int pixels, int vectors)
{
	for (int v = 0; v < vectors; v++) {
		const uint8_t *weights = block->weights + (size_t)v * WORDS_OF_VECTOR;
		size_t k_block_size = (size_t)vectors * WORDS_OF_VECTOR;
		int32_t *out = block->accumulators + (size_t)v * LANES;

		for (int p = 0; p < pixels; p += AT_ONCE)
			count_pixels(block, weights, k_block_size, p, pixels == 1 ? 1 : AT_ONCE, out);
	}
}

static void run_bits(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	run_blocks(&(struct tile){gemm, windows, pixels, sums, accumulators, stride}, WORDS_OF_VECTOR,
		block_bits);
}

/* Weights of a k-block: its first of all lanes, then its second, and so on, each of 16 bits. */
#define K_BLOCK_OF_VECTOR (4 * LANES * sizeof(int16_t))

/* 4 bytes as 16-bit lanes */
static inline int16x4_t widened(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return vreinterpret_s16_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(word)))));
}

#define FOR_PIXELS UNROLL for (int p = 0; p < pixels; p++)
#define FOR_VECTORS UNROLL for (int v = 0; v < vectors; v++)

ALWAYS_INLINE void block_bytes(const struct block *block, int pixels, int vectors)
{
	const struct gemm_plan *gemm = block->gemm;
	const int16_t *weights = (const int16_t *)(const void *)block->weights;
	int32x4_t total[PIXELS][VECTORS];

	FOR_PIXELS
	FOR_VECTORS total[p][v] = vdupq_n_s32(0);
	for (int s = 0; s < gemm->k_blocks; s++) {
		int16x4_t codes[PIXELS];
		FOR_PIXELS codes[p] = widened(block->windows[p] + gemm->offsets[s]);
		FOR_VECTORS
		{
			FOR_PIXELS total[p][v] = vmlal_lane_s16(total[p][v], vld1_s16(weights), codes[p], 0);
			FOR_PIXELS total[p][v] =
				vmlal_lane_s16(total[p][v], vld1_s16(weights + 4), codes[p], 1);
			FOR_PIXELS total[p][v] =
				vmlal_lane_s16(total[p][v], vld1_s16(weights + 8), codes[p], 2);
			FOR_PIXELS total[p][v] =
				vmlal_lane_s16(total[p][v], vld1_s16(weights + 12), codes[p], 3);
			weights += K_BLOCK_OF_VECTOR / sizeof(*weights);
		}
	}
	FOR_PIXELS
	FOR_VECTORS vst1q_s32(
		block->accumulators + (size_t)p * block->stride + (size_t)(v * LANES), total[p][v]);
}

static void run_bytes(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	(void)sums;
	run_blocks(&(struct tile){gemm, windows, pixels, NULL, accumulators, stride}, K_BLOCK_OF_VECTOR,
		block_bytes);
}

#define DEPTHWISE_LANES 8

/* A vector of channels, whose accumulators are two vectors. */
ALWAYS_INLINE void depthwise_pixel(
	const struct gemm_plan *gemm, const int16_t *weights, const uint8_t *window, int32_t *out)
{
	int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);

	for (int s = 0; s < gemm->k_blocks; s++, weights += DEPTHWISE_LANES) {
		uint16x8_t codes = vmovl_u8(vld1_u8(window + gemm->offsets[s]));
		low = vmlal_s16(low, vreinterpret_s16_u16(vget_low_u16(codes)), vld1_s16(weights));
		high = vmlal_s16(high, vreinterpret_s16_u16(vget_high_u16(codes)), vld1_s16(weights + 4));
	}
	vst1q_s32(out, low);
	vst1q_s32(out + 4, high);
}

static void run_depthwise(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const int16_t *weights = gemm->weights;

	(void)sums;
	for (int c = 0; c < gemm->channels; c += DEPTHWISE_LANES) {
		for (int p = 0; p < pixels; p++)
			depthwise_pixel(gemm, weights, windows[p] + c, accumulators + (size_t)p * stride + c);
		weights += (size_t)gemm->k_blocks * DEPTHWISE_LANES;
	}
}

static inline int reached(const int32_t *row, int32_t accumulator)
{
	int32x4_t accumulators = vdupq_n_s32(accumulator);
	uint32x4_t count = vdupq_n_u32(0);

#pragma GCC unroll 4
	for (int i = 0; i < ROW; i += 4) /* all bits, minus one, where it is reached */
		count = vsubq_u32(count, vcgeq_s32(accumulators, vld1q_s32(row + i)));
	uint64x2_t halves = vpaddlq_u32(count);
	return (int)(vgetq_lane_u64(halves, 0) + vgetq_lane_u64(halves, 1));
}

#include "nn/kernels/rows.h"
#include "nn/kernels/sums.h"

static inline uint16x4_t codes_of_four(
	const struct thresholds *thresholds, const int32_t *accumulators, int c)
{
	const int32_t *values = thresholds->values + c;
	int32x4_t a = vld1q_s32(accumulators + c);
	uint32x4_t code = vdupq_n_u32(0);

	for (int i = 0; i < thresholds->levels; i++, values += thresholds->stride)
		code = vsubq_u32(code, vcgeq_s32(a, vld1q_s32(values)));
	return vmovn_u32(code);
}

static void codes(
	const struct thresholds *thresholds, const int32_t *accumulators, int channels, uint8_t *out)
{
	if (thresholds->levels > ROW) {
		codes_of_rows(thresholds, accumulators, channels, out);
		return;
	}
	for (int c = 0; c < channels; c += 8) {
		uint16x8_t eight = vcombine_u16(codes_of_four(thresholds, accumulators, c),
			codes_of_four(thresholds, accumulators, c + 4));
		vst1_u8(out + c, veor_u8(vmovn_u16(eight), vld1_u8(thresholds->flip + c)));
	}
}

/* The high halves of four sums, shifted further. */
static inline int16x4_t requantise_four(const struct requantisation *r, const int32_t *accumulators, int c)
{
	int32x4_t in = vld1q_s32(accumulators), multipliers = vld1q_s32(r->high_multipliers + c);
	int64x2_t low = vmlal_s32(vld1q_s64(r->biases + c), vget_low_s32(in), vget_low_s32(multipliers));
	int64x2_t high =
		vmlal_s32(vld1q_s64(r->biases + c + 2), vget_high_s32(in), vget_high_s32(multipliers));
	int32x4_t sums = vcombine_s32(vshrn_n_s64(low, 32), vshrn_n_s64(high, 32));

	return vqmovn_s32(vshlq_s32(sums, vnegq_s32(vld1q_s32(r->high_shifts + c))));
}

static void requantise_pixel(const struct requantisation *r, const int32_t *accumulators, uint8_t *out)
{
	for (int c = 0; c < r->channels; c += 8) {
		int16x8_t eight = vcombine_s16(requantise_four(r, accumulators + c, c),
			requantise_four(r, accumulators + c + 4, c + 4));
		uint8x8_t codes = vmax_u8(vqmovun_s16(eight), vdup_n_u8(r->least));
		codes = vmin_u8(codes, vdup_n_u8(r->largest));
		if (r->channels - c >= 8)
			vst1_u8(out + c, codes);
		else
			memcpy(out + c, &codes, (size_t)(r->channels - c));
	}
}

static void requantise(const struct requantisation *requantisation, const int32_t *accumulators,
	size_t stride, int pixels, uint8_t *out, size_t step)
{
	for (int p = 0; p < pixels; p++, accumulators += stride, out += step)
		requantise_pixel(requantisation, accumulators, out);
}

/* Bit `plane` of 16 codes. */
static inline uint16_t plane_of(uint8x16_t sixteen, int plane)
{
	static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t set = vandq_u8(vtstq_u8(sixteen, vdupq_n_u8((uint8_t)(1 << plane))), vld1q_u8(places));
	uint64x2_t halves = vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(set)));

	return (uint16_t)(vgetq_lane_u64(halves, 0) | vgetq_lane_u64(halves, 1) << 8);
}

static void planes(const uint8_t *in, int channels, int bits, uint64_t *out)
{
	int words = (channels + 63) / 64;

	for (int w = 0; w < words; w++) {
		uint8_t rest[64];
		const uint8_t *from = codes_of_word(in, channels, w, rest);
		for (int p = 0; p < bits; p++) {
			uint64_t word = 0;
#pragma GCC unroll 4
			for (int i = 0; i < 4; i++)
				word |= (uint64_t)plane_of(vld1q_u8(from + 16 * i), p) << 16 * i;
			out[p * words + w] = word;
		}
	}
}

static int32_t sum(const uint64_t *in, int bits, int words)
{
	int32_t total = 0;

	for (int p = 0; p < bits; p++)
		for (int w = 0; w < words; w++) {
			uint8x8_t bytes = vcnt_u8(vld1_u8((const uint8_t *)(in + p * words + w)));
			total += (int32_t)vget_lane_u64(vpaddl_u32(vpaddl_u16(vpaddl_u8(bytes))), 0) << p;
		}
	return total;
}

static bool present(void)
{
#ifdef __arm__
	return getauxval(AT_HWCAP) & HWCAP_NEON;
#else
	return true;
#endif
}

static const struct kernel kernels[] = {
	{NAME("neon-bits"), LAYOUT_BITS, LANES, VECTORS, 8, 0, 60, fits_bits, pack_bits, run_bits},
	{NAME("neon-bytes"), LAYOUT_BYTES, LANES, VECTORS, 8, 0, 80, fits_bytes, pack_columns, run_bytes},
	{NAME("neon-depthwise"), LAYOUT_BYTES, DEPTHWISE_LANES, 1, 2, 1, 40, fits_depthwise, pack_depthwise,
		run_depthwise},
	{.name = NULL},
};

const struct isa ISA = {
	.name = NAME("neon"),
	.present = present,
	.kernels = kernels,
	.codes = codes,
	.requantise = requantise,
	.requantise_bits = 4,
	.add_scaled = add_scaled,
	.planes = planes,
	.sum = sum,
};
