/* SPDX-License-Identifier: MIT */
/*
 * Dot products of 1-bit weights without a population count: the products' bits are added up by carry-save
 * adders (Harley and Seal's method), one counter in each bit of a vector, and only the carries out of the
 * fourth stage are counted, in bytes. A lane of 64 bits is an output channel. The second plane's bits weigh
 * two, so they enter at the second stage.
 *
 * The file that includes this defines the type `vector`, LANES64, and the functions v_*.
 */
#ifndef NN_KERNELS_ADDERS_H
#define NN_KERNELS_ADDERS_H

#include "nn/kernels/kernel.h"

#define STEPS_AT_ONCE 8
/* The byte counters take 8 a turn, so 31 turns would be the most; the last turn is for the rest. */
#define STEPS_OF_COUNTER (30 * STEPS_AT_ONCE)
/* Weights of a fully connected layer come from a far cache: ask for them this early. */
#define PREFETCH_BYTES 2048

struct counter {
	vector stages[5]; /* bits that weigh 1, 2, 4, 8, 16 */
	vector carries;	  /* bytes: carries out of the last stage, 32 each */
};

/* Adds bits to a stage, in twos with a full adder, a last one with a half adder. Returns the count of
 * carries. */
ALWAYS_INLINE int add(vector *stage, const vector *in, int count, vector *carries)
{
	int n = 0;
#pragma GCC unroll 16
	for (int i = 0; i < count; i += 2, n++)
		if (i + 1 < count) {
			carries[n] = v_majority(*stage, in[i], in[i + 1]);
			*stage = v_xor3(*stage, in[i], in[i + 1]);
		} else {
			carries[n] = v_and(*stage, in[i]);
			*stage = v_xor(*stage, in[i]);
		}
	return n;
}

/* n ≤ STEPS_AT_ONCE and planes (1 or 2) are constants where this is called. */
ALWAYS_INLINE void add_steps(struct counter *c, const uint8_t *weights, const int32_t *offsets,
	const uint8_t *window, int32_t plane_size, int n, int planes)
{
	vector a[STEPS_AT_ONCE], b[STEPS_AT_ONCE]; /* carries of one stage, and of the next */
	int in_a = 0, in_b = 0;

#pragma GCC unroll 16
	for (int i = 0; i < n; i += 2) {
		int count = n - i < 2 ? 1 : 2;
		vector x[2], y[2];
#pragma GCC unroll 2
		for (int k = 0; k < count; k++) {
			vector w = v_load(weights + (size_t)(i + k) * sizeof(vector));
			const uint8_t *codes = window + offsets[i + k];
			__builtin_prefetch(weights + (size_t)(i + k) * sizeof(vector) + PREFETCH_BYTES);
			x[k] = v_and(w, v_spread(codes));
			y[k] = planes > 1 ? v_and(w, v_spread(codes + plane_size)) : v_zero();
		}
		in_a += add(&c->stages[0], x, count, a + in_a);
		if (planes > 1)
			in_b += add(&c->stages[1], y, count, b + in_b);
	}
	in_b += add(&c->stages[1], a, in_a, b + in_b);
	in_a = add(&c->stages[2], b, in_b, a);
	in_b = add(&c->stages[3], a, in_a, b);
	in_a = add(&c->stages[4], b, in_b, a);
#pragma GCC unroll 2
	for (int i = 0; i < in_a; i++)
		c->carries = v_add8(c->carries, v_population8(a[i]));
}

/* Sum of what the counter holds, in each lane: at most 8 · 31 in a byte of the stages. */
ALWAYS_INLINE vector counter_total(const struct counter *c)
{
	vector bytes = v_population8(c->stages[4]);
#pragma GCC unroll 4
	for (int i = 3; i >= 0; i--)
		bytes = v_add8(v_add8(bytes, bytes), v_population8(c->stages[i]));
	return v_add64(v_sum8(bytes), v_shift_left64(v_sum8(c->carries), 5));
}

ALWAYS_INLINE vector count_chunk(const uint8_t *weights, const int32_t *offsets, const uint8_t *window,
	int32_t plane_size, int steps, int planes)
{
	struct counter c;

#pragma GCC unroll 5
	for (int i = 0; i < 5; i++)
		c.stages[i] = v_zero();
	c.carries = v_zero();
	for (; steps >= STEPS_AT_ONCE; steps -= STEPS_AT_ONCE) {
		add_steps(&c, weights, offsets, window, plane_size, STEPS_AT_ONCE, planes);
		weights += STEPS_AT_ONCE * sizeof(vector);
		offsets += STEPS_AT_ONCE;
	}
#define REST(n)                                                                                              \
	case n:                                                                                              \
		add_steps(&c, weights, offsets, window, plane_size, n, planes);                              \
		break;
	switch (steps) {
		REST(1)
		REST(2)
		REST(3)
		REST(4)
		REST(5)
		REST(6)
		REST(7)
	}
#undef REST
	return counter_total(&c);
}

/* Σ over the planes (1 or 2) of 2^plane · population(weights & plane), in each lane. */
ALWAYS_INLINE vector count_planes(
	const struct product *product, const uint8_t *weights, const uint8_t *window, int planes)
{
	vector total = v_zero();

	for (int begin = 0; begin < product->steps; begin += STEPS_OF_COUNTER) {
		int rest = product->steps - begin;
		total = v_add64(total, count_chunk(weights + (size_t)begin * sizeof(vector),
					       product->offsets + begin, window, product->plane_size,
					       rest < STEPS_OF_COUNTER ? rest : STEPS_OF_COUNTER, planes));
	}
	return total;
}

/* Accumulators of one vector of channels for all pixels; `pairs`: planes taken two at a time. */
ALWAYS_INLINE void run_vector(const struct product *product, const uint8_t *weights,
	const uint8_t *const *windows, int pixels, int group, const int32_t *sums, int32_t *accumulators,
	size_t stride, int planes)
{
	for (int p = 0; p < pixels; p++) {
		const uint8_t *window = windows[p] + group * product->group_size;
		vector total = count_planes(product, weights, window, planes);

		for (int i = 2; i < product->planes; i += 2)
			total = v_add64(
				total, v_shift_left64(count_planes(product, weights,
							      window + i * product->plane_size, planes),
					       i));
		/* Σ ±a = 2 Σ over the positive weights − Σ over all */
		v_store32(accumulators + (size_t)p * stride, v_add64(total, total),
			sums[p * product->groups + group]);
	}
}

static void run_bits(const struct product *product, const uint8_t *const *windows, int pixels,
	const int32_t *sums, int32_t *accumulators, size_t stride)
{
	const uint8_t *weights = product->weights;
	int vectors = product_vectors(product, LANES64);

	for (int g = 0; g < product->groups; g++)
		for (int v = 0; v < vectors; v++, weights += (size_t)product->steps * sizeof(vector)) {
			int32_t *out = accumulators + g * product->channels + v * LANES64;
			if (product->planes == 1)
				run_vector(product, weights, windows, pixels, g, sums, out, stride, 1);
			else
				run_vector(product, weights, windows, pixels, g, sums, out, stride, 2);
		}
}

#endif
