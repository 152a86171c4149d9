/* SPDX-License-Identifier: MIT */
/*
 * What engine_epilogue.c promises of requantisations: an estimate is as near to its number as its margin
 * says, so that a proved one is right; and thresholds become a requantisation only if all accumulators that
 * the weights can make keep their codes.
 */
#include "nn/engine_plan.h"
#include "nn/kernels/table.h"
#include "support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHANNELS = 75, PIXELS = 3, STRIDE = 2 * SLACK };

struct epilogue {
	int32_t multipliers[CHANNELS];
	uint8_t shifts[CHANNELS];
	int64_t biases[CHANNELS];
	struct layer layer;
	struct layer_plan plan;
};

static void epilogue_make(struct epilogue *p)
{
	*p = (struct epilogue){.layer = {.kind = LAYER_CONV,
				       .out = {1, 1, CHANNELS},
				       .output_bits = 8,
				       .epilogue = EPILOGUE_REQUANTISE}};
	p->layer.multiplier = p->multipliers;
	p->layer.shift = p->shifts;
	p->layer.bias = p->biases;
	p->plan.layer = &p->layer;
}

static const struct requantisation *epilogue_pack(struct epilogue *p)
{
	const struct engine engine = {0};

	assert_int_equal(engine_pack_epilogue(&engine, &p->plan), 0);
	assert_non_null(p->plan.requantisation.multipliers);
	return &p->plan.requantisation;
}

/* The whole estimate, as vector code takes it. */
static float estimate(const struct requantisation *r, int c, int32_t accumulator)
{
	return rintf(fmaf((float)accumulator, r->slopes[c], r->intercepts[c]));
}

/* A channel's number, in codes. */
static double number(const struct requantisation *r, int c, int32_t accumulator)
{
	return ldexp((double)(accumulator * r->multipliers[c] + r->biases[c]), -(int)r->shifts[c]);
}

/*
 * Multiplier and accumulator lie half-way between two floats, just above a power of two, where each loses
 * most of its digits; the bias, too, and it is as large as leaves estimates of use. The number is a code's.
 */
static int32_t worst_case(struct epilogue *p, int c)
{
	int64_t above = (1 << 30) + 64 + 256 * random_below(40); /* rounded down, by 64 */
	int64_t accumulator = (1 << 30) + 64 + 256 * random_below(40);
	int64_t code = (INT64_C(1) << 46),
		sign = random_below(2) ? 1 : -1; /* the product: about 2^14 codes */

	p->shifts[c] = 46;
	p->multipliers[c] = (int32_t)(sign * above);
	p->biases[c] = random_below(255) * code + (int64_t)(random_word() >> 18) - above * accumulator;
	return (int32_t)(sign * accumulator);
}

/* The bound is proved in engine_epilogue.c; here the worst that can be found stays below it, and near it. */
static void estimates_keep_their_margin(void **state)
{
	struct epilogue p;
	int32_t accumulators[CHANNELS];
	double most = 0;
	int margin = 0;

	(void)state;
	random_state = 5;
	for (int round = 0; round < 40; round++) {
		epilogue_make(&p);
		for (int c = 0; c < CHANNELS; c++)
			accumulators[c] = worst_case(&p, c);
		const struct requantisation *r = epilogue_pack(&p);
		margin = r->margin;
		assert_true(margin > 0);
		for (int c = 0; c < CHANNELS; c++) {
			double at = number(r, c, accumulators[c]) * ESTIMATE_ONE + margin;
			double off = fabs((double)estimate(r, c, accumulators[c]) - at);
			assert_true(off < margin);
			most = off > most ? off : most;
		}
		engine_unpack_epilogue(&p.plan);
	}
	assert_true(most > 0.75 * margin);
}

/* Channels that differ from each other in every way, some of which always have the same code. */
static void any_channel(struct epilogue *p, int c)
{
	int64_t one = INT64_C(1) << (p->shifts[c] = (uint8_t)(24 + random_below(20)));
	int reach = 1 << (8 + random_below(14));

	int64_t multiplier = 300 * one / reach / (1 + random_below(3));
	p->multipliers[c] = (int32_t)(random_below(2) ? multiplier : -multiplier); /* its low 32 bits */
	p->biases[c] = (int64_t)(random_below(300000) - 50000) * one / 1000;
	if (random_below(4))
		return;
	p->multipliers[c] = 0;
	p->biases[c] = random_below(3) ? (int64_t)(random_below(2000) - 600) * one / 2
				       : (random_below(2) ? 1 : -1) * (INT64_C(1) << 62);
}

/* An accumulator with a number near the border of two codes, if there is one; or any. */
static int32_t any_accumulator(const struct requantisation *r, int c)
{
	double slope = ldexp((double)r->multipliers[c], -(int)r->shifts[c]);
	double bias = ldexp((double)r->biases[c], -(int)r->shifts[c]);
	double at = (random_below(258) - 1 - bias) / slope;

	if (random_below(8) == 0 || !(fabs(at) < INT32_MAX))
		return (int32_t)random_word();
	return (int32_t)at;
}

static void check_estimate(const struct requantisation *r, int c, int32_t accumulator)
{
	float whole = estimate(r, c, accumulator);

	if (r->shifts[c] < 32 || fabsf(whole) >= (float)INT32_MAX)
		return; /* wide; or a lane does not hold it, and vector code takes the nearest it can */
	int32_t fixed = (int32_t)whole;
	bool proved = (fixed & (ESTIMATE_ONE - 1)) >= 2 * r->margin;
	int code = (fixed - (fixed & (ESTIMATE_ONE - 1))) / ESTIMATE_ONE;
	if (proved)
		assert_int_equal(code < 0 ? 0 : code > 255 ? 255 : code, requantised(r, accumulator, c));
	if (!r->multipliers[c])
		assert_true(proved);
}

/* Every isa that this machine has, with estimates or without, and wide channels. */
static void check_isas(const struct requantisation *r, const int32_t accumulators[PIXELS * STRIDE])
{
	int count;
	const struct isa *const *isas = isas_present(&count);
	uint8_t codes[PIXELS * CHANNELS];

	for (int i = 0; i < count; i++) {
		if (!isas[i]->requantise)
			continue;
		isas[i]->requantise(r, accumulators, STRIDE, PIXELS, codes, CHANNELS);
		requantise_wide(r, accumulators, STRIDE, PIXELS, codes, CHANNELS);
		for (int k = 0; k < PIXELS * CHANNELS; k++) {
			int p = k / CHANNELS, c = k % CHANNELS;
			int want = requantised(r, accumulators[p * STRIDE + c], c);
			if (codes[k] != want)
				fail_msg("%s, channel %d: %d, not %d", isas[i]->name, c, codes[k], want);
		}
	}
}

/* Again with accumulators whose estimates are in range, of which the isas are told. */
static void check_in_range(struct requantisation r, int32_t accumulators[PIXELS * STRIDE])
{
	for (int k = 0; k < PIXELS * STRIDE; k++)
		if (k % STRIDE < CHANNELS &&
			fabsf(estimate(&r, k % STRIDE, accumulators[k])) >= (float)INT32_MAX)
			accumulators[k] = 0;
	r.in_range = true;
	check_isas(&r, accumulators);
}

static void proved_estimates_are_right(void **state)
{
	struct epilogue p;
	int32_t accumulators[PIXELS * STRIDE] = {0};

	(void)state;
	random_state = 7;
	for (int round = 0; round < 100; round++) {
		epilogue_make(&p);
		for (int c = 0; c < CHANNELS; c++)
			any_channel(&p, c);
		const struct requantisation *r = epilogue_pack(&p);
		assert_true(r->margin > 0);
		for (int k = 0; k < PIXELS * CHANNELS; k++) {
			int c = k % CHANNELS;
			accumulators[k / CHANNELS * STRIDE + c] = any_accumulator(r, c);
			check_estimate(r, c, accumulators[k / CHANNELS * STRIDE + c]);
		}
		check_isas(r, accumulators);
		check_in_range(*r, accumulators);
		engine_unpack_epilogue(&p.plan);
	}
}

/* A channel far from its codes makes all estimates useless, but none wrong; one without a multiplier does
 * not.
 */
static void far_channels(void **state)
{
	struct epilogue p;

	(void)state;
	for (int multiplier = 0; multiplier < 2; multiplier++) {
		epilogue_make(&p);
		for (int c = 0; c < CHANNELS; c++) {
			p.multipliers[c] = 1 << 30;
			p.shifts[c] = 40;
		}
		p.multipliers[3] = multiplier;
		p.biases[3] = INT64_C(1) << 60;
		const struct requantisation *r = epilogue_pack(&p);
		assert_int_equal(r->margin > 0, multiplier == 0);
		engine_unpack_epilogue(&p.plan);
	}
}

enum { TAPS = 40 };

/* Thresholds of codes of 2 bits that are even but for the one at `odd`, which only some weights reach. */
struct reached {
	int8_t weights[TAPS], offset;
	int32_t thresholds[3];
	int weight_bits;
};

static bool becomes_requantisation(struct reached *reached)
{
	const struct engine engine = {.requantise_bits = 2};
	struct layer layer = {.kind = LAYER_FULLY_CONNECTED,
		.in = {1, 1, TAPS},
		.out = {1, 1, 1},
		.kernel_height = 1,
		.kernel_width = 1,
		.groups = 1,
		.input_bits = 2,
		.weight_bits = reached->weight_bits,
		.output_bits = 2,
		.weights = reached->weights,
		.weight_offset = reached->weight_bits == 8 ? &reached->offset : NULL,
		.epilogue = EPILOGUE_THRESHOLDS,
		.thresholds = reached->thresholds};
	struct layer_plan plan = {.layer = &layer};

	assert_int_equal(engine_pack_epilogue(&engine, &plan), 0);
	bool is = plan.requantisation.multipliers != NULL;
	assert_true(is == (plan.thresholds.values == NULL));
	engine_unpack_epilogue(&plan);
	return is;
}

static void only_reached_thresholds_count(void **state)
{
	struct reached r = {.weight_bits = 1};
	const int positive = 25; /* accumulators up to 3 · 25, and down to −3 · 15 */

	(void)state;
	for (int i = 0; i < TAPS; i++)
		r.weights[i] = i % 8 < 5 ? 1 : -1;
	for (int above = 0; above < 2; above++) {
		memcpy(r.thresholds, (int32_t[]){20, 50, 3 * positive + above}, sizeof(r.thresholds));
		assert_int_equal(becomes_requantisation(&r), above);
		/* the first accumulator is code 0 or 1 */
		memcpy(r.thresholds, (int32_t[]){-3 * (TAPS - positive) + !above, -20, 10},
			sizeof(r.thresholds));
		assert_int_equal(becomes_requantisation(&r), above);
	}
	r.weight_bits = 8;
	r.offset = 2;
	for (int i = 0; i < TAPS; i++)
		r.weights[i] = (int8_t)(i % 8 < 5 ? -1 : -3);
	for (int above = 0; above < 2; above++) {
		memcpy(r.thresholds, (int32_t[]){20, 50, 3 * positive + above}, sizeof(r.thresholds));
		assert_int_equal(becomes_requantisation(&r), above);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(estimates_keep_their_margin),
		cmocka_unit_test(proved_estimates_are_right),
		cmocka_unit_test(far_channels),
		cmocka_unit_test(only_reached_thresholds_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
