/* SPDX-License-Identifier: MIT */
#include "bench/peak.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define CHAINS 6

/* Keeps a value in a register, and hides it from the compiler. */
#define OPAQUE(x) __asm__ volatile("" : "+v"(x))
#define OPAQUE2(x) __asm__ volatile("" : "+x"(x))

/* AND, exclusive or of three, carry: what a carry-save adder needs for 512 products. */
__attribute__((target("avx512f"))) static double adders512(long turns)
{
	__m512i stage[CHAINS], w = _mm512_set1_epi64(5), a = _mm512_set1_epi64(7);

#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		stage[i] = _mm512_set1_epi64(i);
	for (long t = 0; t < turns; t++) {
#pragma GCC unroll 6
		for (int i = 0; i < CHAINS; i++) {
			OPAQUE(w);
			__m512i x = _mm512_and_si512(w, a);
			stage[i] = _mm512_ternarylogic_epi64(stage[i], x, a, 0x96);
			x = _mm512_ternarylogic_epi64(x, a, stage[i], 0xd4);
			OPAQUE(x);
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		OPAQUE(stage[i]);
	return (double)turns * CHAINS * 512;
}

/* The same in AVX2, where a full adder takes five instructions. */
__attribute__((target("avx2"))) static double adders256(long turns)
{
	__m256i stage[CHAINS], w = _mm256_set1_epi64x(5), a = _mm256_set1_epi64x(7);

#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		stage[i] = _mm256_set1_epi64x(i);
	for (long t = 0; t < turns; t++) {
#pragma GCC unroll 6
		for (int i = 0; i < CHAINS; i++) {
			OPAQUE2(w);
			__m256i x = _mm256_and_si256(w, a), either = _mm256_xor_si256(x, a);
			__m256i both = _mm256_and_si256(x, a);
			stage[i] = _mm256_xor_si256(stage[i], either);
			x = _mm256_or_si256(both, _mm256_andnot_si256(stage[i], either));
			OPAQUE2(x);
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		OPAQUE2(stage[i]);
	return (double)turns * CHAINS * 256;
}

__attribute__((target("avx512f,avx512vpopcntdq"))) static double population512(long turns)
{
	__m512i sum[CHAINS], w = _mm512_set1_epi64(5), a = _mm512_set1_epi64(7);

#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		sum[i] = _mm512_setzero_si512();
	for (long t = 0; t < turns; t++) {
#pragma GCC unroll 6
		for (int i = 0; i < CHAINS; i++) {
			OPAQUE(w);
			sum[i] = _mm512_add_epi64(sum[i], _mm512_popcnt_epi64(_mm512_and_si512(w, a)));
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		OPAQUE(sum[i]);
	return (double)turns * CHAINS * 512;
}

/* Products of 16 bits, two sums of two, as the wide kernels need for 64 products. */
__attribute__((target("avx512f,avx512bw"))) static double wide512(long turns)
{
	__m512i sum[CHAINS], w = _mm512_set1_epi64(5), a = _mm512_set1_epi64(7);

#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		sum[i] = _mm512_setzero_si512();
	for (long t = 0; t < turns; t++) {
#pragma GCC unroll 6
		for (int i = 0; i < CHAINS; i++) {
			OPAQUE(w);
			sum[i] = _mm512_add_epi32(sum[i], _mm512_madd_epi16(w, a));
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		OPAQUE(sum[i]);
	return (double)turns * CHAINS * 32;
}

__attribute__((target("avx2"))) static double wide256(long turns)
{
	__m256i sum[CHAINS], w = _mm256_set1_epi64x(5), a = _mm256_set1_epi64x(7);

#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		sum[i] = _mm256_setzero_si256();
	for (long t = 0; t < turns; t++) {
#pragma GCC unroll 6
		for (int i = 0; i < CHAINS; i++) {
			OPAQUE2(w);
			sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(w, a));
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < CHAINS; i++)
		OPAQUE2(sum[i]);
	return (double)turns * CHAINS * 16;
}

/* Twelve sums, since VPDPBUSD takes five cycles and two begin in each. */
__attribute__((target("avx512f,avx512vnni"))) static double bytes512(long turns)
{
	__m512i sum[2 * CHAINS], w = _mm512_set1_epi64(5), a = _mm512_set1_epi64(7);

#pragma GCC unroll 12
	for (int i = 0; i < 2 * CHAINS; i++)
		sum[i] = _mm512_setzero_si512();
	for (long t = 0; t < turns; t++) {
#pragma GCC unroll 12
		for (int i = 0; i < 2 * CHAINS; i++) {
			sum[i] = _mm512_dpbusd_epi32(sum[i], a, w);
			OPAQUE(sum[i]);
		}
	}
	return (double)turns * 2 * CHAINS * 64;
}

static const struct peak peaks[] = {
	{"avx2-bits", "AND, carry-save adder", 1, adders256},
	{"avx512-bits", "AND, carry-save adder", 1, adders512},
	{"avx512vpopcntdq-bits", "AND, VPOPCNTQ, ADD", 1, population512},
	{"avx2-bytes", "VPMADDWD, ADD", 0, wide256},
	{"avx512-bytes", "VPMADDWD, ADD", 0, wide512},
	{"avx512vnni-bytes", "VPDPBUSD", 0, bytes512},
	{.kernel = NULL},
};
#else
static const struct peak peaks[] = {{.kernel = NULL}};
#endif

const struct peak *peak_of(const char *kernel)
{
	for (const struct peak *p = peaks; p->kernel; p++)
		if (strcmp(p->kernel, kernel) == 0)
			return p;
	return NULL;
}
