/* SPDX-License-Identifier: MIT */
/*
 * The one instruction that avx512vpopcntdq.c is about. With EMULATED defined it is made of older ones, so
 * that a test can run the kernel on a processor that lacks it.
 */
#ifndef NN_KERNELS_AVX512VPOPCNTDQ_H
#define NN_KERNELS_AVX512VPOPCNTDQ_H

#include <immintrin.h>
#include <stdbool.h>

#ifdef EMULATED

#define NAME(name) name "-emulated"
#define ISA isa_avx512vpopcntdq_emulated

static inline __m512i population64(__m512i a)
{
	const __m512i by2 = _mm512_set1_epi8(0x55), by4 = _mm512_set1_epi8(0x33),
		      by8 = _mm512_set1_epi8(0x0f);

	a = _mm512_sub_epi8(a, _mm512_and_si512(_mm512_srli_epi64(a, 1), by2));
	a = _mm512_add_epi8(_mm512_and_si512(a, by4), _mm512_and_si512(_mm512_srli_epi64(a, 2), by4));
	a = _mm512_and_si512(_mm512_add_epi8(a, _mm512_srli_epi64(a, 4)), by8);
	return _mm512_sad_epu8(a, _mm512_setzero_si512());
}

static bool present(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl");
}

#else

#define NAME(name) name
#define ISA isa_avx512vpopcntdq

static inline __m512i population64(__m512i a)
{
	return _mm512_popcnt_epi64(a);
}

static bool present(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq");
}

#endif
#endif
