/* SPDX-License-Identifier: MIT */
/*
 * Depthwise convolution: a lane is a channel. Two taps at a time: their codes, widened to 16 bits, are
 * interleaved, so that one instruction multiplies both and adds the products.
 *
 * The file that includes this defines the type `vector` and the functions v_*.
 */
#ifndef NN_KERNELS_DEPTHWISE_H
#define NN_KERNELS_DEPTHWISE_H

#include "nn/kernels/kernel.h"

#define DEPTHWISE_LANES ((int)sizeof(vector) / 2)

ALWAYS_INLINE void depthwise_pixel(
	const struct gemm_plan *gemm, const uint8_t *weights, const uint8_t *window, int32_t *out)
{
	vector low = v_zero(), high = v_zero();

	for (int s = 0; s < gemm->k_blocks; s += 2, weights += 2 * sizeof(vector)) {
		vector a = v_widen8(window + gemm->offsets[s]);
		vector b = v_widen8(window + gemm->offsets[s + 1]);
		low = v_add32(low, v_multiply16(v_interleave_low16(a, b), v_load(weights)));
		high = v_add32(
			high, v_multiply16(v_interleave_high16(a, b), v_load(weights + sizeof(vector))));
	}
	v_store_halves(out, low, high);
}

static void run_depthwise(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const uint8_t *weights = gemm->weights;

	(void)sums;
	for (int c = 0; c < gemm->channels; c += DEPTHWISE_LANES) {
		for (int p = 0; p < pixels; p++)
			depthwise_pixel(gemm, weights, windows[p] + c, accumulators + (size_t)p * stride + c);
		weights += (size_t)gemm->k_blocks * sizeof(vector);
	}
}

#endif
