/* SPDX-License-Identifier: MIT */
/* For every processor: plain words, one output channel at a time. */
#include "nn/kernels/kernel.h"

#include <string.h>

static int population(uint64_t word)
{
	return __builtin_popcountll(word);
}

static int32_t dot_bits(const struct gemm_plan *gemm, const uint64_t *weights, const uint8_t *window)
{
	int32_t total = 0;

	for (int s = 0; s < gemm->k_blocks; s++)
		for (int p = 0; p < gemm->planes; p++) {
			uint64_t word;
			memcpy(&word, window + gemm->offsets[s] + p * gemm->plane_size, sizeof(word));
			total += population(word & weights[s]) << p;
		}
	return total;
}

/* Σ ±a = 2 Σ over the positive weights − Σ over all; twice the former may need 32 bits without a sign. */
static int32_t difference(int32_t positive, int32_t all)
{
	return (int32_t)(2 * (uint32_t)positive - (uint32_t)all);
}

static void run_bits(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const uint64_t *weights = gemm->weights;

	for (int g = 0; g < gemm->groups; g++)
		for (int c = 0; c < gemm->channels; c++, weights += gemm->k_blocks)
			for (int p = 0; p < pixels; p++)
				accumulators[(size_t)p * stride + (size_t)(g * gemm->channels + c)] =
					difference(dot_bits(gemm, weights, windows[p] + g * gemm->group_size),
						sums[p * gemm->groups + g]);
}

static int32_t dot_bytes(const struct gemm_plan *gemm, const int8_t *weights, const uint8_t *window)
{
	int32_t total = 0;

	for (int s = 0; s < gemm->k_blocks; s++, weights += 4) {
		const uint8_t *codes = window + gemm->offsets[s];
		total += codes[0] * weights[0] + codes[1] * weights[1] + codes[2] * weights[2] +
			 codes[3] * weights[3];
	}
	return total;
}

static void run_bytes(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const int8_t *weights = gemm->weights;

	(void)sums;
	for (int g = 0; g < gemm->groups; g++)
		for (int c = 0; c < gemm->channels; c++, weights += (size_t)gemm->k_blocks * 4)
			for (int p = 0; p < pixels; p++)
				accumulators[(size_t)p * stride + (size_t)(g * gemm->channels + c)] =
					dot_bytes(gemm, weights, windows[p] + g * gemm->group_size);
}

#define LANES 8

static void run_depthwise(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const int8_t *weights = gemm->weights;

	(void)sums;
	for (int c = 0; c < gemm->channels; c += LANES, weights += (size_t)gemm->k_blocks * LANES)
		for (int p = 0; p < pixels; p++) {
			int32_t total[LANES] = {0};
			for (int s = 0; s < gemm->k_blocks; s++) {
				const uint8_t *codes = windows[p] + c + gemm->offsets[s];
				for (int i = 0; i < LANES; i++)
					total[i] += codes[i] * weights[(size_t)s * LANES + (size_t)i];
			}
			memcpy(accumulators + (size_t)p * stride + c, total, sizeof(total));
		}
}

static int reached(const int32_t *row, int32_t accumulator)
{
	int count = 0;

	for (int i = 0; i < ROW; i++)
		count += accumulator >= row[i];
	return count;
}

#include "nn/kernels/rows.h"
#include "nn/kernels/sums.h"

static void codes(
	const struct thresholds *thresholds, const int32_t *accumulators, int channels, uint8_t *out)
{
	if (thresholds->levels > ROW) {
		codes_of_rows(thresholds, accumulators, channels, out);
		return;
	}
	for (int c = 0; c < channels; c++) {
		int code = 0;
		for (int i = 0; i < thresholds->levels; i++)
			code += accumulators[c] >=
				thresholds->values[(size_t)i * (size_t)thresholds->stride + (size_t)c];
		/* levels is all ones, so that this is levels − code where the channel is inverted */
		out[c] = (uint8_t)(code ^ thresholds->flip[c]);
	}
}

static void requantise(const struct requantisation *requantisation, const int32_t *accumulators,
	size_t stride, int pixels, uint8_t *out, size_t step)
{
	for (int p = 0; p < pixels; p++, accumulators += stride, out += step)
		for (int c = 0; c < requantisation->channels; c++)
			out[c] = requantised(requantisation, accumulators[c], c);
}

static void planes(const uint8_t *in, int channels, int bits, uint64_t *out)
{
	int words = (channels + 63) / 64;

	for (int p = 0; p < bits; p++)
		for (int w = 0; w < words; w++) {
			uint64_t word = 0;
			int count = channels - w * 64 < 64 ? channels - w * 64 : 64;
			for (int i = 0; i < count; i++)
				word |= (uint64_t)(in[w * 64 + i] >> p & 1) << i;
			out[p * words + w] = word;
		}
}

static int32_t sum(const uint64_t *in, int bits, int words)
{
	int32_t total = 0;

	for (int p = 0; p < bits; p++)
		for (int w = 0; w < words; w++)
			total += population(in[p * words + w]) << p;
	return total;
}

static void look_up(const uint8_t *table, const uint8_t *codes, size_t step, int channels, int pixels,
	uint8_t *out, size_t out_step)
{
	for (int p = 0; p < pixels; p++, codes += step, out += out_step) {
		const uint8_t *restrict from = codes;
		uint8_t *restrict to = out;

#pragma GCC unroll 8
		for (int c = 0; c < channels; c++)
			to[c] = table[from[c]];
	}
}

static void maxima(const struct pool_window *window, const uint8_t *codes, size_t step, int pixels,
	int channels, uint8_t *out, size_t out_step)
{
	for (int p = 0; p < pixels; p++, codes += step, out += out_step) {
		uint8_t *restrict best = out;

		memset(best, 0, (size_t)channels);
		for (int i = 0; i < window->rows * window->columns; i++) {
			const uint8_t *restrict from = codes + (size_t)(i / window->columns) * window->row +
						       (size_t)(i % window->columns) * window->column;
			for (int c = 0; c < channels; c++)
				best[c] = best[c] > from[c] ? best[c] : from[c];
		}
	}
}

static bool present(void)
{
	return true;
}

static const struct kernel kernels[] = {
	{"scalar-bits", LAYOUT_BITS, 1, 1, 8, 0, 40, fits_bits, pack_bits, run_bits},
	{"scalar-bytes", LAYOUT_BYTES, 1, 1, 4, 0, 40, fits_bytes, pack_bytes, run_bytes},
	{"scalar-depthwise", LAYOUT_BYTES, LANES, 1, 1, 1, 120, fits_depthwise, pack_depthwise,
		run_depthwise},
	{.name = NULL},
};

const struct isa isa_scalar = {
	.name = "scalar",
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
