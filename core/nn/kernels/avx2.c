/* SPDX-License-Identifier: MIT */
#include <immintrin.h>
#include <string.h>

typedef __m256i vector;

static inline vector v_zero(void)
{
	return _mm256_setzero_si256();
}

static inline vector v_load(const void *p)
{
	return _mm256_load_si256(p);
}

static inline void v_store(int32_t *out, vector a)
{
	_mm256_storeu_si256((vector *)(void *)out, a);
}

/* 8 bytes, in each 64-bit lane */
static inline vector v_spread(const void *p)
{
	long long word;
	memcpy(&word, p, sizeof(word));
	return _mm256_set1_epi64x(word);
}

/* 4 bytes, in each 32-bit lane */
static inline vector v_spread32(const void *p)
{
	int word;
	memcpy(&word, p, sizeof(word));
	return _mm256_set1_epi32(word);
}

static inline vector v_and(vector a, vector b)
{
	return _mm256_and_si256(a, b);
}

static inline vector v_xor(vector a, vector b)
{
	return _mm256_xor_si256(a, b);
}

static inline vector v_xor3(vector a, vector b, vector c)
{
	return v_xor(v_xor(a, b), c);
}

/* The carry of a + b + c, where `sum` is their exclusive or: a where a = b, else c, which is then the sum's
 * inverse. */
static inline vector v_carry(vector a, vector b, vector sum)
{
	return _mm256_or_si256(v_and(a, b), _mm256_andnot_si256(sum, v_xor(a, b)));
}

static inline vector v_add8(vector a, vector b)
{
	return _mm256_add_epi8(a, b);
}

static inline vector v_add16(vector a, vector b)
{
	return _mm256_add_epi16(a, b);
}

static inline vector v_add32(vector a, vector b)
{
	return _mm256_add_epi32(a, b);
}

static inline vector v_add64(vector a, vector b)
{
	return _mm256_add_epi64(a, b);
}

static inline vector v_shift_left64(vector a, int count)
{
	return _mm256_slli_epi64(a, count);
}

/* Set bits of each byte, by nibbles. */
static inline vector v_population8(vector a)
{
	const vector table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1,
		2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
	const vector nibble = _mm256_set1_epi8(15);

	return v_add8(_mm256_shuffle_epi8(table, v_and(a, nibble)),
		_mm256_shuffle_epi8(table, v_and(_mm256_srli_epi16(a, 4), nibble)));
}

/* Sum of the 8 bytes of each 64-bit lane. */
static inline vector v_sum8(vector a)
{
	return _mm256_sad_epu8(a, v_zero());
}

/* The 64-bit lanes less `minus`, as int32_t. */
static inline void v_store32(int32_t *out, vector a, int32_t minus)
{
	vector low = _mm256_permutevar8x32_epi32(a, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
	_mm_storeu_si128(
		(__m128i *)(void *)out, _mm_sub_epi32(_mm256_castsi256_si128(low), _mm_set1_epi32(minus)));
}

/* Even and odd bytes as 16-bit lanes. */
static inline vector v_even8(vector a)
{
	return v_and(a, _mm256_set1_epi16(255));
}

static inline vector v_odd8(vector a)
{
	return _mm256_srli_epi16(a, 8);
}

static inline vector v_ones16(void)
{
	return _mm256_set1_epi16(1);
}

/* Sums of two products, s16 × s16 into 32 bits and u8 × s8 into 16. */
static inline vector v_multiply16(vector a, vector b)
{
	return _mm256_madd_epi16(a, b);
}

static inline vector v_multiply8(vector codes, vector weights)
{
	return _mm256_maddubs_epi16(codes, weights);
}

/* As many codes as there are 16-bit lanes, widened to these. */
static inline vector v_widen8(const void *p)
{
	return _mm256_cvtepu8_epi16(_mm_loadu_si128(p));
}

/* The 16-bit lanes of both in turn: of the lower and the higher half of each 128 bits. */
static inline vector v_interleave_low16(vector a, vector b)
{
	return _mm256_unpacklo_epi16(a, b);
}

static inline vector v_interleave_high16(vector a, vector b)
{
	return _mm256_unpackhi_epi16(a, b);
}

/* Fours of 32-bit lanes, in turn from both. */
static inline void v_store_halves(int32_t *out, vector low, vector high)
{
	v_store(out, _mm256_permute2x128_si256(low, high, 0x20));
	v_store(out + 8, _mm256_permute2x128_si256(low, high, 0x31));
}

#define LANES64 4
#define PIXELS64 1
#define LANES 8
#define PIXELS 4
#define VECTORS 2
#include "nn/kernels/adders.h"
#include "nn/kernels/depthwise.h"
#include "nn/kernels/multiply.h"

static inline int reached(const int32_t *row, int32_t accumulator)
{
	vector accumulators = _mm256_set1_epi32(accumulator);
	vector beyond = _mm256_packs_epi32(_mm256_cmpgt_epi32(v_load(row), accumulators),
		_mm256_cmpgt_epi32(v_load(row + LANES), accumulators));

	return ROW - _mm_popcnt_u32((uint32_t)_mm256_movemask_epi8(beyond)) / 2;
}

#include "nn/kernels/rows.h"
#include "nn/kernels/sums.h"

static void codes(
	const struct thresholds *thresholds, const int32_t *accumulators, int channels, uint8_t *out)
{
	const vector order = _mm256_setr_epi32(0, 4, 1, 5, 0, 0, 0, 0);

	if (thresholds->levels > ROW) {
		codes_of_rows(thresholds, accumulators, channels, out);
		return;
	}
	for (int c = 0; c < channels; c += 8) {
		const int32_t *values = thresholds->values + c;
		vector a = _mm256_loadu_si256((const vector *)(const void *)(accumulators + c));
		vector code = _mm256_set1_epi32(thresholds->levels);
		for (int i = 0; i < thresholds->levels; i++, values += thresholds->stride)
			code = v_add32(code, _mm256_cmpgt_epi32(v_load(values), a));
		vector bytes = _mm256_packus_epi16(_mm256_packs_epi32(code, code), v_zero());
		__m128i eight = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bytes, order));
		__m128i flip = _mm_loadl_epi64((const __m128i *)(const void *)(thresholds->flip + c));
		_mm_storel_epi64((__m128i *)(void *)(out + c), _mm_xor_si128(eight, flip));
	}
}

/* What a vector of channels is multiplied by, in registers. */
struct vector_constants {
	vector even, odd, even_bias, odd_bias, shift;
};

/* Biases lie as 16 channels have them, those of the even ones first. */
static inline struct vector_constants constants_of(const struct requantisation *r, int c)
{
	const int64_t *biases = r->high_biases + c / 16 * 16 + c % 16 / 2;
	vector even = v_load(r->high_multipliers + c);

	return (struct vector_constants){even, _mm256_srli_epi64(even, 32), v_load(biases),
		v_load(biases + 8), v_load(r->high_shifts + c)};
}

/* A vector's numbers before they are bounded. */
static inline vector requantise_vector(const struct vector_constants *k, const int32_t *accumulators)
{
	vector in = _mm256_loadu_si256((const vector *)(const void *)accumulators);
	vector even = v_add64(_mm256_mul_epi32(in, k->even), k->even_bias);
	vector odd = v_add64(_mm256_mul_epi32(_mm256_srli_epi64(in, 32), k->odd), k->odd_bias);

	return _mm256_srav_epi32(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa), k->shift);
}

/* Up to 16 channels of all pixels. */
static void requantise_16(const struct requantisation *r, int channel, const int32_t *accumulators,
	size_t stride, int pixels, uint8_t *out, size_t step)
{
	const struct vector_constants low = constants_of(r, channel), high = constants_of(r, channel + LANES);
	const __m128i least = _mm_set1_epi8((char)r->least), largest = _mm_set1_epi8((char)r->largest);
	int rest = r->channels - channel;

	for (int p = 0; p < pixels; p++, accumulators += stride, out += step) {
		vector words = _mm256_packs_epi32(requantise_vector(&low, accumulators),
			requantise_vector(&high, accumulators + LANES));
		words = _mm256_permute4x64_epi64(words, 0xd8);
		__m128i codes =
			_mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
		codes = _mm_min_epu8(_mm_max_epu8(codes, least), largest);
		if (rest >= 16)
			_mm_storeu_si128((__m128i *)(void *)out, codes);
		else
			memcpy(out, &codes, (size_t)rest);
	}
}

static void requantise(const struct requantisation *requantisation, const int32_t *accumulators,
	size_t stride, int pixels, uint8_t *out, size_t step)
{
	for (int c = 0; c < requantisation->channels; c += 16)
		requantise_16(requantisation, c, accumulators + c, stride, pixels, out + c, step);
}

/* Bit `plane` of 64 codes. */
static inline uint64_t plane_of(vector low, vector high, int plane)
{
	__m128i shift = _mm_cvtsi32_si128(7 - plane);
	uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_sll_epi16(low, shift));
	uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_sll_epi16(high, shift));

	return a | (uint64_t)b << 32;
}

static void planes(const uint8_t *in, int channels, int bits, uint64_t *out)
{
	int words = (channels + 63) / 64;

	for (int w = 0; w < words; w++) {
		uint8_t rest[64];
		const uint8_t *from = codes_of_word(in, channels, w, rest);
		vector low = _mm256_loadu_si256((const vector *)(const void *)from);
		vector high = _mm256_loadu_si256((const vector *)(const void *)(from + 32));
		for (int p = 0; p < bits; p++)
			out[p * words + w] = plane_of(low, high, p);
	}
}

static int32_t sum(const uint64_t *in, int bits, int words)
{
	int32_t total = 0;

	for (int p = 0; p < bits; p++)
		for (int w = 0; w < words; w++)
			total += (int32_t)_mm_popcnt_u64(in[p * words + w]) << p;
	return total;
}

/*
 * Each 16 codes of the table serve as one shuffle's: less where they begin, with saturation, a code is
 * 0x70 … 0x7f if it is among them, else 0x80 or more, which shuffles give 0 for.
 */
static inline vector look_up_32(const uint8_t *table, vector codes)
{
	const vector sixteen = _mm256_set1_epi8(16), bias = _mm256_set1_epi8(0x70);
	vector found = v_zero();

#pragma GCC unroll 16
	for (int i = 0; i < TABLE_CODES / 16; i++) {
		vector part = _mm256_broadcastsi128_si256(
			_mm_load_si128((const __m128i *)(const void *)(table + (size_t)i * 16)));
		found = _mm256_or_si256(found, _mm256_shuffle_epi8(part, _mm256_adds_epu8(codes, bias)));
		codes = _mm256_sub_epi8(codes, sixteen);
	}
	return found;
}

static void look_up(const uint8_t *table, const uint8_t *codes, size_t step, int channels, int pixels,
	uint8_t *out, size_t out_step)
{
	for (int p = 0; p < pixels; p++, codes += step, out += out_step)
		for (int c = 0; c < channels; c += 32) {
			const uint8_t *from = codes + c;
			vector found =
				look_up_32(table, _mm256_loadu_si256((const vector *)(const void *)from));
			if (channels - c >= 32)
				_mm256_storeu_si256((vector *)(void *)(out + c), found);
			else
				memcpy(out + c, &found, (size_t)(channels - c));
		}
}

static inline vector v_codes(const uint8_t *p)
{
	return _mm256_loadu_si256((const vector *)(const void *)p);
}

static inline vector v_maximum(vector a, vector b)
{
	return _mm256_max_epu8(a, b);
}

static inline void v_write(uint8_t *out, vector codes, int count)
{
	if (count == sizeof(codes))
		_mm256_storeu_si256((vector *)(void *)out, codes);
	else
		memcpy(out, &codes, (size_t)count);
}

#include "nn/kernels/maxima.h"

static bool present(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

static const struct kernel kernels[] = {
	{"avx2-bits", LAYOUT_BITS, LANES64, 1, 8, 0, 24, fits_bits, pack_bits, run_bits},
	{"avx2-bytes", LAYOUT_BYTES, LANES, VECTORS, 8, 0, 17, fits_bytes, pack_wide, run_wide},
	{"avx2-bytes-narrow", LAYOUT_BYTES, LANES, VECTORS, 4, 0, 10, fits_narrow, pack_bytes, run_narrow},
	{"avx2-depthwise", LAYOUT_BYTES, DEPTHWISE_LANES, 1, 2, 2, 20, fits_depthwise, pack_depthwise,
		run_depthwise},
	{.name = NULL},
};

const struct isa isa_avx2 = {
	.name = "avx2",
	.present = present,
	.kernels = kernels,
	.codes = codes,
	.requantise = requantise,
	.requantise_bits = 4,
	.add_scaled = add_scaled,
	.maxima = maxima,
	.planes = planes,
	.sum = sum,
	.look_up = look_up,
};
