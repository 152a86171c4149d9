/* SPDX-License-Identifier: MIT */
/*
 * Dot products of 1-bit weights without a population count: the products' bits are added up by carry-save
 * adders (Harley and Seal's method), one counter in each bit of a vector, and only the carries out of the
 * last stage are counted, in bytes. A lane of 64 bits is an output channel. The second plane's bits weigh
 * two, so they enter at the second stage.
 *
 * The file that includes this defines the type `vector`, LANES64, PIXELS64 (pixels worked on at once, 1 or 2)
 * and the functions v_*.
 */
#ifndef NN_KERNELS_ADDERS_H
#define NN_KERNELS_ADDERS_H

#include "nn/kernels/kernel.h"

#define STAGES 5
#define K_BLOCKS_AT_ONCE 8
/* A turn adds at most 8 to a byte of the last stage's carries: 30 full turns and one for the rest fit. */
#define K_BLOCKS_OF_COUNTER (30 * K_BLOCKS_AT_ONCE)
/* The weights of a fully connected layer come from a distant cache: prefetch them this early. */
#define PREFETCH_BYTES 2048

struct counter {
	vector stages[STAGES]; /* bits that weigh 1, 2, 4, 8, 16 */
	vector carries;	       /* bytes: population of the carries, which weigh 32 */
};

/* Adds bits to a stage, in twos with a full adder, a last one with a half adder. Returns the count of
 * carries. */
ALWAYS_INLINE int add(vector *stage, const vector *in, int count, vector *carries)
{
	int n = 0;
#pragma GCC unroll 16
	for (int i = 0; i < count; i += 2, n++)
		if (i + 1 < count) {
			*stage = v_xor3(*stage, in[i], in[i + 1]);
			carries[n] = v_carry(in[i], in[i + 1], *stage);
		} else {
			carries[n] = v_and(*stage, in[i]);
			*stage = v_xor(*stage, in[i]);
		}
	return n;
}

/* Where a part of a window is: the words of its first and of its second plane. */
struct window_planes {
	const uint8_t *first, *second;
};

/* n ≤ K_BLOCKS_AT_ONCE, pixels and planes (1 or 2) are constants where this is called. */
ALWAYS_INLINE void add_k_blocks(struct counter *counters, const uint8_t *weights, const int32_t *offsets,
	const struct window_planes *places, int n, int pixels, int planes)
{
	/* carries of one stage, and of the next, of each pixel */
	vector a[PIXELS64][K_BLOCKS_AT_ONCE], b[PIXELS64][K_BLOCKS_AT_ONCE];
	int in_a = 0, in_b = 0;

#pragma GCC unroll 16
	for (int i = 0; i < n; i += 2) {
		int count = n - i < 2 ? 1 : 2, added_a = 0, added_b = 0;
		vector w[2];
#pragma GCC unroll 2
		for (int k = 0; k < count; k++) {
			w[k] = v_load(weights + (size_t)(i + k) * sizeof(vector));
			if (pixels == 1)
				__builtin_prefetch(
					weights + (size_t)(i + k) * sizeof(vector) + PREFETCH_BYTES);
		}
#pragma GCC unroll 2
		for (int p = 0; p < pixels; p++) {
			vector x[2];
#pragma GCC unroll 2
			for (int k = 0; k < count; k++)
				x[k] = v_and(w[k], v_spread(places[p].first + offsets[i + k]));
			added_a = add(&counters[p].stages[0], x, count, a[p] + in_a);
			if (planes == 1)
				continue;
#pragma GCC unroll 2
			for (int k = 0; k < count; k++)
				x[k] = v_and(w[k], v_spread(places[p].second + offsets[i + k]));
			added_b = add(&counters[p].stages[1], x, count, b[p] + in_b);
		}
		in_a += added_a;
		in_b += added_b;
	}
#pragma GCC unroll 2
	for (int p = 0; p < pixels; p++) {
		struct counter *c = &counters[p];
		int count = in_b + add(&c->stages[1], a[p], in_a, b[p] + in_b);
		count = add(&c->stages[2], b[p], count, a[p]);
		count = add(&c->stages[3], a[p], count, b[p]);
		count = add(&c->stages[4], b[p], count, a[p]);
#pragma GCC unroll 2
		for (int i = 0; i < count; i++)
			c->carries = v_add8(c->carries, v_population8(a[p][i]));
	}
}

/* Sum of what the counter holds, in each lane: at most 8 · 31 in a byte of the stages. */
ALWAYS_INLINE vector counter_total(const struct counter *c)
{
	vector bytes = v_population8(c->stages[STAGES - 1]);
#pragma GCC unroll 4
	for (int i = STAGES - 2; i >= 0; i--)
		bytes = v_add8(v_add8(bytes, bytes), v_population8(c->stages[i]));
	return v_add64(v_sum8(bytes), v_shift_left64(v_sum8(c->carries), STAGES));
}

/* Adds the weighted population of up to K_BLOCKS_OF_COUNTER k-blocks to total[pixel]. */
ALWAYS_INLINE void count_chunk(const uint8_t *weights, const int32_t *offsets,
	const struct window_planes *places, int k_blocks, int pixels, int planes, vector *total)
{
	struct counter c[PIXELS64];

#pragma GCC unroll 2
	for (int p = 0; p < pixels; p++) {
#pragma GCC unroll 5
		for (int i = 0; i < STAGES; i++)
			c[p].stages[i] = v_zero();
		c[p].carries = v_zero();
	}
	for (; k_blocks >= K_BLOCKS_AT_ONCE; k_blocks -= K_BLOCKS_AT_ONCE) {
		add_k_blocks(c, weights, offsets, places, K_BLOCKS_AT_ONCE, pixels, planes);
		weights += K_BLOCKS_AT_ONCE * sizeof(vector);
		offsets += K_BLOCKS_AT_ONCE;
	}
#define REST(n)                                                                                              \
	case n:                                                                                              \
		add_k_blocks(c, weights, offsets, places, n, pixels, planes);                                \
		break;
	switch (k_blocks) {
		REST(1)
		REST(2)
		REST(3)
		REST(4)
		REST(5)
		REST(6)
		REST(7)
	}
#undef REST
#pragma GCC unroll 2
	for (int p = 0; p < pixels; p++)
		total[p] = v_add64(total[p], counter_total(&c[p]));
}

/* total[pixel] = Σ over the planes (1 or 2) of 2^plane · population(weights & plane), in each lane. */
ALWAYS_INLINE void count_planes(const struct gemm_plan *gemm, const uint8_t *weights,
	const struct window_planes *places, int pixels, int planes, vector *total)
{
	for (int p = 0; p < pixels; p++)
		total[p] = v_zero();
	for (int begin = 0; begin < gemm->k_blocks; begin += K_BLOCKS_OF_COUNTER) {
		int rest = gemm->k_blocks - begin;
		count_chunk(weights + (size_t)begin * sizeof(vector), gemm->offsets + begin, places,
			rest < K_BLOCKS_OF_COUNTER ? rest : K_BLOCKS_OF_COUNTER, pixels, planes, total);
	}
}

/* Accumulators of one vector of channels for `pixels` pixels from the given one. */
ALWAYS_INLINE void run_pixels(const struct gemm_plan *gemm, const uint8_t *weights,
	const uint8_t *const *windows, int group, const int32_t *sums, int32_t *accumulators, size_t stride,
	int pixels, int planes)
{
	vector total[PIXELS64], part[PIXELS64];
	struct window_planes places[PIXELS64];

	for (int p = 0; p < pixels; p++)
		total[p] = v_zero();
	for (int plane = 0; plane < gemm->planes; plane += 2) {
		for (int p = 0; p < pixels; p++) {
			places[p].first = windows[p] + group * gemm->group_size + plane * gemm->plane_size;
			places[p].second = places[p].first + gemm->plane_size;
		}
		count_planes(gemm, weights, places, pixels, planes, part);
		for (int p = 0; p < pixels; p++)
			total[p] = v_add64(total[p], v_shift_left64(part[p], plane));
	}
	/* Σ ±a = 2 Σ over the positive weights − Σ over all */
	for (int p = 0; p < pixels; p++)
		v_store32(accumulators + (size_t)p * stride, v_add64(total[p], total[p]),
			sums[p * gemm->groups + group]);
}

ALWAYS_INLINE void run_vector(const struct gemm_plan *gemm, const uint8_t *weights,
	const uint8_t *const *windows, int pixels, int group, const int32_t *sums, int32_t *accumulators,
	size_t stride, int planes)
{
	int p = 0;

	for (; p + PIXELS64 <= pixels; p += PIXELS64)
		run_pixels(gemm, weights, windows + p, group, sums + p * gemm->groups,
			accumulators + (size_t)p * stride, stride, PIXELS64, planes);
	for (; p < pixels; p++)
		run_pixels(gemm, weights, windows + p, group, sums + p * gemm->groups,
			accumulators + (size_t)p * stride, stride, 1, planes);
}

static void run_bits(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const uint8_t *weights = gemm->weights;
	int vectors = gemm_vectors(gemm, LANES64);

	for (int g = 0; g < gemm->groups; g++)
		for (int v = 0; v < vectors; v++, weights += (size_t)gemm->k_blocks * sizeof(vector)) {
			int32_t *out = accumulators + g * gemm->channels + v * LANES64;
			if (gemm->planes == 1)
				run_vector(gemm, weights, windows, pixels, g, sums, out, stride, 1);
			else
				run_vector(gemm, weights, windows, pixels, g, sums, out, stride, 2);
		}
}

#endif
