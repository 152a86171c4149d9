/* SPDX-License-Identifier: MIT */
/* The first AVX-512 processors (F, BW, VL): no population count and no dot products of bytes. */
#include <immintrin.h>
#include <string.h>

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

/* 8 bytes, in each 64-bit lane */
static inline vector v_spread(const void *p)
{
	long long word;
	memcpy(&word, p, sizeof(word));
	return _mm512_set1_epi64(word);
}

/* 4 bytes, in each 32-bit lane */
static inline vector v_spread32(const void *p)
{
	int word;
	memcpy(&word, p, sizeof(word));
	return _mm512_set1_epi32(word);
}

static inline vector v_and(vector a, vector b)
{
	return _mm512_and_si512(a, b);
}

static inline vector v_xor(vector a, vector b)
{
	return _mm512_xor_si512(a, b);
}

/* The tables of vpternlogq: bit 4a + 2b + c is the result. */
static inline vector v_xor3(vector a, vector b, vector c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/* The carry of a + b + c, where `sum` is their exclusive or: a where a = b, else c, which is then the sum's
 * inverse. */
static inline vector v_carry(vector a, vector b, vector sum)
{
	return _mm512_ternarylogic_epi64(a, b, sum, 0xd4);
}

static inline vector v_add8(vector a, vector b)
{
	return _mm512_add_epi8(a, b);
}

static inline vector v_add16(vector a, vector b)
{
	return _mm512_add_epi16(a, b);
}

static inline vector v_add32(vector a, vector b)
{
	return _mm512_add_epi32(a, b);
}

static inline vector v_add64(vector a, vector b)
{
	return _mm512_add_epi64(a, b);
}

static inline vector v_shift_left64(vector a, int count)
{
	return _mm512_slli_epi64(a, (unsigned)count);
}

/* Set bits of each byte, by nibbles. */
static inline vector v_population8(vector a)
{
	const vector table =
		_mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
	const vector nibble = _mm512_set1_epi8(15);

	return v_add8(_mm512_shuffle_epi8(table, v_and(a, nibble)),
		_mm512_shuffle_epi8(table, v_and(_mm512_srli_epi16(a, 4), nibble)));
}

/* Sum of the 8 bytes of each 64-bit lane. */
static inline vector v_sum8(vector a)
{
	return _mm512_sad_epu8(a, v_zero());
}

/* The 64-bit lanes less `minus`, as int32_t. */
static inline void v_store32(int32_t *out, vector a, int32_t minus)
{
	__m256i low = _mm512_cvtepi64_epi32(a);
	_mm256_storeu_si256((__m256i *)(void *)out, _mm256_sub_epi32(low, _mm256_set1_epi32(minus)));
}

/* Even and odd bytes as 16-bit lanes. */
static inline vector v_even8(vector a)
{
	return v_and(a, _mm512_set1_epi16(255));
}

static inline vector v_odd8(vector a)
{
	return _mm512_srli_epi16(a, 8);
}

static inline vector v_ones16(void)
{
	return _mm512_set1_epi16(1);
}

/* Sums of two products, s16 × s16 into 32 bits and u8 × s8 into 16. */
static inline vector v_multiply16(vector a, vector b)
{
	return _mm512_madd_epi16(a, b);
}

static inline vector v_multiply8(vector codes, vector weights)
{
	return _mm512_maddubs_epi16(codes, weights);
}

/* As many codes as there are 16-bit lanes, widened to these. */
static inline vector v_widen8(const void *p)
{
	return _mm512_cvtepu8_epi16(_mm256_loadu_si256(p));
}

/* The 16-bit lanes of both in turn: of the lower and the higher half of each 128 bits. */
static inline vector v_interleave_low16(vector a, vector b)
{
	return _mm512_unpacklo_epi16(a, b);
}

static inline vector v_interleave_high16(vector a, vector b)
{
	return _mm512_unpackhi_epi16(a, b);
}

/* Fours of 32-bit lanes, in turn from both. */
static inline void v_store_halves(int32_t *out, vector low, vector high)
{
	const vector first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
	const vector second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);

	v_store(out, _mm512_permutex2var_epi64(low, first, high));
	v_store(out + 16, _mm512_permutex2var_epi64(low, second, high));
}

#define LANES64 8
#define PIXELS64 2
#define LANES 16
#define PIXELS 4
#define VECTORS 4
#include "nn/kernels/adders.h"
#include "nn/kernels/depthwise.h"
#include "nn/kernels/multiply.h"

static inline int reached(const int32_t *row, int32_t accumulator)
{
	return _mm_popcnt_u32(_mm512_cmpge_epi32_mask(_mm512_set1_epi32(accumulator), v_load(row)));
}

#include "nn/kernels/rows.h"
#include "nn/kernels/sums.h"

static void codes(
	const struct thresholds *thresholds, const int32_t *accumulators, int channels, uint8_t *out)
{
	const vector one = _mm512_set1_epi32(1);

	if (thresholds->levels > ROW) {
		codes_of_rows(thresholds, accumulators, channels, out);
		return;
	}
	for (int c = 0; c < channels; c += 16) {
		const int32_t *values = thresholds->values + c;
		vector a = _mm512_loadu_si512(accumulators + c), code = v_zero();
		for (int i = 0; i < thresholds->levels; i++, values += thresholds->stride)
			code = _mm512_mask_add_epi32(
				code, _mm512_cmpge_epi32_mask(a, v_load(values)), code, one);
		__m128i flip = _mm_load_si128((const __m128i *)(const void *)(thresholds->flip + c));
		_mm_storeu_si128(
			(__m128i *)(void *)(out + c), _mm_xor_si128(_mm512_cvtepi32_epi8(code), flip));
	}
}

#include "nn/kernels/requantise512.h"

/* Up to 64 channels of all pixels in `vectors` vectors: estimates, and integers where one proves nothing. */
ALWAYS_INLINE void estimate_vectors(const struct requantisation *r, int channel, int channels, int vectors,
	bool in_range, const int32_t *accumulators, size_t stride, int pixels, uint8_t *out, size_t step)
{
	const __mmask64 mask = ~UINT64_C(0) >> (64 - channels);
	const __m512 most = _mm512_set1_ps((float)(INT32_MAX - 127)); /* that a lane holds */
	const vector unproved = _mm512_set1_epi16((short)(2 * r->margin));
	const vector proved = _mm512_set1_epi32(ESTIMATE_ONE / 2);
	const vector least = _mm512_set1_epi8((char)r->least), largest = _mm512_set1_epi8((char)r->largest);
	__m512 slopes[4], intercepts[4];

#pragma GCC unroll 4
	for (int v = 0; v < vectors; v++) {
		slopes[v] = _mm512_load_ps(r->slopes + channel + v * LANES);
		intercepts[v] = _mm512_load_ps(r->intercepts + channel + v * LANES);
	}
	for (int p = 0; p < pixels; p++, accumulators += stride, out += step) {
		vector estimates[4] = {proved, proved, proved, proved};
#pragma GCC unroll 4
		for (int v = 0; v < vectors; v++) {
			__m512 number = estimate(accumulators + (size_t)v * LANES, slopes[v], intercepts[v]);
			estimates[v] = _mm512_cvtps_epi32(in_range ? number : _mm512_min_ps(number, most));
		}
		if (is_unproved(estimates, unproved)) {
			requantise_exactly(r, channel, channels, accumulators, out);
			continue;
		}
		vector codes =
			_mm512_min_epu8(_mm512_max_epu8(codes_of_estimates(estimates), least), largest);
		_mm512_mask_storeu_epi8(out, mask, codes);
	}
}

/* Up to 32 channels of all pixels, two by two. */
static void estimate_pair(const struct requantisation *r, int channel, const int32_t *accumulators,
	size_t stride, int pixels, uint8_t *out, size_t step)
{
	const struct pair_constants k = pair_constants_of(r, channel, r->channels - channel);

	for (int p = 0; p < pixels; p += 2, accumulators += 2 * stride, out += 2 * step) {
		size_t last = p + 1 == pixels;
		requantise_two(r, &k, accumulators, last ? 0 : stride, out, out + (last ? 0 : step));
	}
}

static void requantise(const struct requantisation *r, const int32_t *accumulators, size_t stride, int pixels,
	uint8_t *out, size_t step)
{
	int channels = r->channels, c = 0, rest = channels % 64;

	for (; c + 64 <= channels && r->margin; c += 64)
		if (r->in_range)
			estimate_vectors(r, c, 64, 4, true, accumulators + c, stride, pixels, out + c, step);
		else
			estimate_vectors(r, c, 64, 4, false, accumulators + c, stride, pixels, out + c, step);
	if (c == channels)
		return;
	if (r->margin && rest <= PAIR && r->in_range)
		estimate_pair(r, c, accumulators + c, stride, pixels, out + c, step);
	else if (r->margin && rest <= PAIR)
		estimate_vectors(r, c, rest, 2, false, accumulators + c, stride, pixels, out + c, step);
	else if (r->margin)
		estimate_vectors(r, c, rest, 4, false, accumulators + c, stride, pixels, out + c, step);
	else
		for (; c < channels; c += 64) {
			int most = channels - c < 64 ? channels - c : 64;
			for (int p = 0; p < pixels; p++)
				requantise_exactly(r, c, most, accumulators + (size_t)p * stride + c,
					out + (size_t)p * step + c);
		}
}

static void planes(const uint8_t *in, int channels, int bits, uint64_t *out)
{
	int words = (channels + 63) / 64;

	for (int w = 0; w < words; w++) {
		int count = channels - w * 64 < 64 ? channels - w * 64 : 64;
		vector c = _mm512_maskz_loadu_epi8(~UINT64_C(0) >> (64 - count), in + (size_t)w * 64);
		for (int p = 0; p < bits; p++)
			out[p * words + w] = _mm512_test_epi8_mask(c, _mm512_set1_epi8((char)(1 << p)));
	}
}

static inline vector v_codes(const uint8_t *p)
{
	return _mm512_loadu_si512(p);
}

static inline vector v_maximum(vector a, vector b)
{
	return _mm512_max_epu8(a, b);
}

static inline void v_write(uint8_t *out, vector codes, int count)
{
	_mm512_mask_storeu_epi8(out, ~UINT64_C(0) >> (64 - count), codes);
}

#include "nn/kernels/maxima.h"

static bool present(void)
{
	/* these checks include the system: it must save the wide registers */
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl");
}

static const struct kernel kernels[] = {
	{"avx512-bits", LAYOUT_BITS, LANES64, 1, 8, 0, 20, fits_bits, pack_bits, run_bits},
	{"avx512-bytes", LAYOUT_BYTES, LANES, VECTORS, 8, 0, 22, fits_bytes, pack_wide, run_wide},
	{"avx512-bytes-narrow", LAYOUT_BYTES, LANES, VECTORS, 4, 0, 12, fits_narrow, pack_bytes, run_narrow},
	{"avx512-depthwise", LAYOUT_BYTES, DEPTHWISE_LANES, 1, 2, 2, 20, fits_depthwise, pack_depthwise,
		run_depthwise},
	{.name = NULL},
};

const struct isa isa_avx512 = {
	.name = "avx512",
	.present = present,
	.kernels = kernels,
	.codes = codes,
	.requantise = requantise,
	.requantise_bits = 2,
	.add_scaled = add_scaled,
	.maxima = maxima,
	.planes = planes,
};
