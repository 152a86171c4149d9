/* SPDX-License-Identifier: MIT */
/*
 * The one instruction that avxvnni.c is about. With EMULATED defined it is made of older ones, so that a test
 * can run the kernel on a processor that lacks it.
 */
#ifndef NN_KERNELS_AVXVNNI_H
#define NN_KERNELS_AVXVNNI_H

#include <immintrin.h>
#include <stdbool.h>

#ifdef EMULATED

#define NAME(name) name "-emulated"
#define ISA isa_avxvnni_emulated

/* sum + Σ of four products u8 × s8, in each 32-bit lane */
static inline __m256i multiply_add(__m256i sum, __m256i codes, __m256i weights)
{
	__m256i even = _mm256_madd_epi16(_mm256_and_si256(codes, _mm256_set1_epi16(255)),
		_mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8));
	__m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(codes, 8), _mm256_srai_epi16(weights, 8));

	return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}

static bool present(void)
{
	return __builtin_cpu_supports("avx2");
}

#else

#include <cpuid.h>

#define NAME(name) name
#define ISA isa_avxvnni

static inline __m256i multiply_add(__m256i sum, __m256i codes, __m256i weights)
{
	return _mm256_dpbusd_avx_epi32(sum, codes, weights);
}

#define HAS_AVX_VNNI (1U << 4) /* CPUID, leaf 7, subleaf 1, EAX */

/* Also AVX2, which includes the system: it must save the wide registers. */
static bool present(void)
{
	unsigned a, b, c, d;

	return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
	       (a & HAS_AVX_VNNI);
}

#endif
#endif
