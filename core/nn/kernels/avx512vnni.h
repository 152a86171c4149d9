/* SPDX-License-Identifier: MIT */
/*
 * The one instruction that avx512vnni.c is about. With EMULATED defined it is made of older ones, so that a
 * test can run the kernel on a processor that lacks it.
 */
#ifndef NN_KERNELS_AVX512VNNI_H
#define NN_KERNELS_AVX512VNNI_H

#include <immintrin.h>
#include <stdbool.h>

#ifdef EMULATED

#define NAME(name) name "-emulated"
#define ISA isa_avx512vnni_emulated

/* sum + Σ of four products u8 × s8, in each 32-bit lane */
static inline __m512i multiply_add(__m512i sum, __m512i codes, __m512i weights)
{
	__m512i even = _mm512_madd_epi16(_mm512_and_si512(codes, _mm512_set1_epi16(255)),
		_mm512_srai_epi16(_mm512_slli_epi16(weights, 8), 8));
	__m512i odd = _mm512_madd_epi16(_mm512_srli_epi16(codes, 8), _mm512_srai_epi16(weights, 8));

	return _mm512_add_epi32(sum, _mm512_add_epi32(even, odd));
}

static bool present(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

#else

#define NAME(name) name
#define ISA isa_avx512vnni

static inline __m512i multiply_add(__m512i sum, __m512i codes, __m512i weights)
{
	return _mm512_dpbusd_epi32(sum, codes, weights);
}

/* Also the older AVX-512, since its conversions are used with this kernel. */
static bool present(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

#endif
#endif
