/* SPDX-License-Identifier: MIT */
/* VPDPBUSD in vectors of 256 bits: Intel's processors without AVX-512 from 2021 on. */
#include "nn/kernels/avxvnni.h"

#include <stdint.h>
#include <string.h>

#define LANES 8
#define PIXELS 6
#define VECTORS 2

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

/* 4 bytes, in each 32-bit lane */
static inline vector v_spread32(const void *p)
{
	int word;
	memcpy(&word, p, sizeof(word));
	return _mm256_set1_epi32(word);
}

static inline vector v_add32(vector a, vector b)
{
	return _mm256_add_epi32(a, b);
}

#include "nn/kernels/dots.h"

static const struct kernel kernels[] = {
	{NAME("avxvnni-bytes"), LAYOUT_BYTES, LANES, VECTORS, 4, 0, 6, fits_bytes, pack_bytes, run_bytes},
	{.name = NULL},
};

const struct isa ISA = {.name = NAME("avxvnni"), .present = present, .kernels = kernels};
