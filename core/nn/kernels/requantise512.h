/* SPDX-License-Identifier: MIT */
/*
 * Codes from accumulators by a requantisation, for vectors of 512 bits: estimates in single precision, and
 * integers where one proves nothing.
 */
#ifndef NN_KERNELS_REQUANTISE512_H
#define NN_KERNELS_REQUANTISE512_H

#include "nn/kernels/kernel.h"

#include <immintrin.h>

#define CHANNELS 16 /* of a vector */

/* What `vectors` vectors of channels are multiplied by, in registers. */
struct block_constants {
	__m512i even[4], odd[4], even_bias[4], odd_bias[4], shift[4], least, largest;
};

ALWAYS_INLINE struct block_constants constants_of(const struct requantisation *r, int channel, int vectors)
{
	struct block_constants k = {
		.least = _mm512_set1_epi8((char)r->least),
		.largest = _mm512_set1_epi8((char)r->largest),
	};

#pragma GCC unroll 4
	for (int v = 0, c = channel; v < vectors; v++, c += CHANNELS) {
		k.even[v] = _mm512_load_si512(r->high_multipliers + c);
		k.odd[v] = _mm512_srli_epi64(k.even[v], 32);
		k.even_bias[v] = _mm512_load_si512(r->high_biases + c);
		k.odd_bias[v] = _mm512_load_si512(r->high_biases + c + 8);
		k.shift[v] = _mm512_load_si512(r->high_shifts + c);
	}
	return k;
}

/* A vector's numbers before they are bounded. */
ALWAYS_INLINE __m512i requantise_vector(const struct block_constants *k, int v, const int32_t *accumulators)
{
	__m512i in = _mm512_loadu_si512(accumulators);
	__m512i even = _mm512_mul_epi32(in, k->even[v]);
	__m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(in, 32), k->odd[v]);

	even = _mm512_add_epi64(even, k->even_bias[v]);
	odd = _mm512_add_epi64(odd, k->odd_bias[v]);
	return _mm512_srav_epi32(_mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB), k->shift[v]);
}

ALWAYS_INLINE __m512i bounded(const struct block_constants *k, __m512i codes)
{
	return _mm512_min_epu8(_mm512_max_epu8(codes, k->least), k->largest);
}

/* The codes of four vectors of numbers, of which packing leaves the fours apart. */
ALWAYS_INLINE __m512i pack_codes(const __m512i *numbers)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
	__m512i a = _mm512_packs_epi32(numbers[0], numbers[1]),
		b = _mm512_packs_epi32(numbers[2], numbers[3]);

	return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(a, b));
}

/* 64 channels of all pixels. */
static void requantise_64(const struct requantisation *r, int channel, const int32_t *accumulators,
	size_t stride, int pixels, uint8_t *out, size_t step)
{
	const struct block_constants k = constants_of(r, channel, 4);

	for (int p = 0; p < pixels; p++, accumulators += stride, out += step) {
		__m512i numbers[4];
#pragma GCC unroll 4
		for (int v = 0; v < 4; v++)
			numbers[v] = requantise_vector(&k, v, accumulators + (size_t)v * CHANNELS);
		_mm512_storeu_si512(out, bounded(&k, pack_codes(numbers)));
	}
}

/* Up to 16 channels of all pixels. */
static void requantise_16(const struct requantisation *r, int channel, const int32_t *accumulators,
	size_t stride, int pixels, uint8_t *out, size_t step)
{
	const struct block_constants k = constants_of(r, channel, 1);
	int rest = r->channels - channel;
	__mmask16 mask = (__mmask16)(rest < CHANNELS ? (1 << rest) - 1 : 0xffff);

	for (int p = 0; p < pixels; p++, accumulators += stride, out += step) {
		__m512i positive =
			_mm512_max_epi32(requantise_vector(&k, 0, accumulators), _mm512_setzero_si512());
		__m128i codes = _mm512_cvtusepi32_epi8(positive);
		codes = _mm_max_epu8(codes, _mm512_castsi512_si128(k.least));
		codes = _mm_min_epu8(codes, _mm512_castsi512_si128(k.largest));
		_mm_mask_storeu_epi8(out, mask, codes);
	}
}

/* Up to 64 channels of one pixel. */
static void requantise_exactly(
	const struct requantisation *r, int channel, int channels, const int32_t *accumulators, uint8_t *out)
{
	if (channels == 64) {
		requantise_64(r, channel, accumulators, 0, 1, out, 0);
		return;
	}
	for (int c = 0; c < channels; c += CHANNELS)
		requantise_16(r, channel + c, accumulators + c, 0, 1, out + c, 0);
}

/* A vector's estimates (struct requantisation): numbers times ESTIMATE_ONE. */
ALWAYS_INLINE __m512 estimate(const int32_t *accumulators, __m512 slopes, __m512 intercepts)
{
	return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(accumulators)), slopes, intercepts);
}

/* Whether one of four vectors of estimates proves nothing. unproved: twice the margin, in 16-bit lanes. */
ALWAYS_INLINE bool is_unproved(const __m512i *estimates, __m512i unproved)
{
	__m512i low = _mm512_min_epu16(estimates[0], estimates[1]);
	__m512i high = _mm512_min_epu16(estimates[2], estimates[3]);

	return _mm512_mask_cmplt_epu16_mask(0x55555555, _mm512_min_epu16(low, high), unproved);
}

/* The codes of four vectors of estimates, whose whole parts are the codes before they are bounded. */
ALWAYS_INLINE __m512i codes_of_estimates(const __m512i *estimates)
{
	const __m512i whole[4] = {_mm512_srai_epi32(estimates[0], 16), _mm512_srai_epi32(estimates[1], 16),
		_mm512_srai_epi32(estimates[2], 16), _mm512_srai_epi32(estimates[3], 16)};

	return pack_codes(whole);
}

#define PAIR (2 * CHANNELS) /* of two vectors */

/* What a pair of vectors is multiplied by, in registers. */
struct pair_constants {
	__m512 slopes[2], intercepts[2];
	__m512i unproved, least, largest;
	int channel, channels; /* the first one, and how many there are */
	__mmask32 mask;
	bool bounded; /* not all codes of 8 bits are allowed */
};

ALWAYS_INLINE struct pair_constants pair_constants_of(
	const struct requantisation *r, int channel, int channels)
{
	const float *slopes = r->slopes + channel, *intercepts = r->intercepts + channel;

	return (struct pair_constants){
		.channel = channel,
		.channels = channels,
		.mask = (__mmask32)((UINT64_C(1) << channels) - 1),
		.slopes = {_mm512_load_ps(slopes), _mm512_load_ps(slopes + CHANNELS)},
		.intercepts = {_mm512_load_ps(intercepts), _mm512_load_ps(intercepts + CHANNELS)},
		.unproved = _mm512_set1_epi16((short)(2 * r->margin)),
		.least = _mm512_set1_epi8((char)r->least),
		.largest = _mm512_set1_epi8((char)r->largest),
		.bounded = r->least > 0 || r->largest < UINT8_MAX,
	};
}

/*
 * Codes of two pixels, whose accumulators are `stride` apart, by estimates that are in range. If both are the
 * same pixel, the first one's accumulators count.
 */
ALWAYS_INLINE void requantise_two(const struct requantisation *r, const struct pair_constants *k,
	const int32_t *accumulators, size_t stride, uint8_t *first, uint8_t *second)
{
	__m512i estimates[4];

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		const int32_t *in = accumulators + (size_t)(i / 2) * stride + (size_t)(i % 2) * CHANNELS;
		estimates[i] = _mm512_cvtps_epi32(estimate(in, k->slopes[i % 2], k->intercepts[i % 2]));
	}
	if (__builtin_expect(is_unproved(estimates, k->unproved), 0)) {
		requantise_exactly(r, k->channel, k->channels, accumulators + stride, second);
		requantise_exactly(r, k->channel, k->channels, accumulators, first);
		return;
	}
	__m512i codes = codes_of_estimates(estimates);
	if (k->bounded)
		codes = _mm512_min_epu8(_mm512_max_epu8(codes, k->least), k->largest);
	_mm256_mask_storeu_epi8((void *)second, k->mask, _mm512_extracti64x4_epi64(codes, 1));
	_mm256_mask_storeu_epi8((void *)first, k->mask, _mm512_castsi512_si256(codes));
}

#endif
