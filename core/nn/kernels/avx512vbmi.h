/* SPDX-License-Identifier: MIT */
/*
 * The one instruction that avx512vbmi.c is about. With EMULATED defined it is made of older ones, so that a
 * test can run the function on a processor that lacks it.
 */
#ifndef NN_KERNELS_AVX512VBMI_H
#define NN_KERNELS_AVX512VBMI_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef EMULATED

#define NAME(name) name "-emulated"
#define ISA isa_avx512vbmi_emulated

/* The bytes of low and high, 128 in all, at the lower 7 bits of each index */
static inline __m512i permute128(__m512i low, __m512i indices, __m512i high)
{
	uint8_t table[128], at[64];

	_mm512_storeu_si512(table, low);
	_mm512_storeu_si512(table + 64, high);
	_mm512_storeu_si512(at, indices);
	for (int i = 0; i < 64; i++)
		at[i] = table[at[i] & 127];
	return _mm512_loadu_si512(at);
}

static bool present(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

#else

#define NAME(name) name
#define ISA isa_avx512vbmi

static inline __m512i permute128(__m512i low, __m512i indices, __m512i high)
{
	return _mm512_permutex2var_epi8(low, indices, high);
}

static bool present(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi");
}

#endif
#endif
