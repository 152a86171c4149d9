/* SPDX-License-Identifier: MIT */
/*
 * A sum of scaled codes, for an isa's table: the compiler makes vector code of the inner loop, for the
 * processor of the file that includes this.
 */
#ifndef NN_KERNELS_SUMS_H
#define NN_KERNELS_SUMS_H

#include <stddef.h>
#include <stdint.h>

#define SUMS_AT_ONCE 16

static void add_scaled(int32_t *restrict sums, size_t stride, const int32_t *restrict factors,
	const uint8_t *restrict codes, size_t step, int pixels, int channels)
{
	for (int p = 0; p < pixels; p++, sums += stride, codes += step)
		for (int c = 0; c < channels; c += SUMS_AT_ONCE)
			for (int i = c; i < c + SUMS_AT_ONCE; i++)
				sums[i] += factors[i] * codes[i];
}

#endif
