/* SPDX-License-Identifier: MIT */
/* The reference's kinds of layers of a graph against figures worked out by hand. */
#include "nn/limits.h"
#include "nn/reference.h"
#include "support/layer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct layer layer_of(enum layer_kind kind, struct shape in, int channels, int bits)
{
	return (struct layer){.kind = kind,
		.in = in,
		.out = {in.height, in.width, channels},
		.kernel_height = 1,
		.kernel_width = 1,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
		.input_bits = 8,
		.output_bits = bits};
}

static void padding_has_its_code(void **state)
{
	(void)state;
	int8_t weights[] = {1, 10, 100};
	int32_t sums[2];
	struct layer l = layer_of(LAYER_CONV, (struct shape){1, 2, 1}, 1, TENSOR_SUMS);

	l.kernel_width = 3;
	l.pad_left = l.pad_right = 1;
	l.pad_code = 7;
	l.weight_bits = 8;
	l.weights = weights;
	l.epilogue = EPILOGUE_SUMS;
	layer_measure(&l);
	layer_compute(&l, (const uint8_t[]){2, 3}, sums);
	assert_int_equal(sums[0], 7 * 1 + 2 * 10 + 3 * 100);
	assert_int_equal(sums[1], 2 * 1 + 3 * 10 + 7 * 100);
}

static void dilation_and_strides_differ_by_side(void **state)
{
	(void)state;
	int8_t weights[] = {1, 2, 4, 8};
	const uint8_t in[] = {1, 2, 3, 4, 5, /**/ 6, 7, 8, 9, 10, /**/ 11, 12, 13, 14, 15};
	int32_t sums[4];
	struct layer l = layer_of(LAYER_CONV, (struct shape){3, 5, 1}, 1, TENSOR_SUMS);

	l.kernel_height = l.kernel_width = 2;
	l.dilation_width = 2;
	l.stride_width = 2;
	l.weight_bits = 8;
	l.weights = weights;
	l.epilogue = EPILOGUE_SUMS;
	layer_measure(&l);
	assert_int_equal(l.out.height, 2);
	assert_int_equal(l.out.width, 2);
	layer_compute(&l, in, sums);
	assert_int_equal(sums[0], 1 + 2 * 3 + 4 * 6 + 8 * 8);
	assert_int_equal(sums[1], 3 + 2 * 5 + 4 * 8 + 8 * 10);
	assert_int_equal(sums[2], 6 + 2 * 8 + 4 * 11 + 8 * 13);
	assert_int_equal(sums[3], 8 + 2 * 10 + 4 * 13 + 8 * 15);
}

static void average_pool_sums_its_channel(void **state)
{
	(void)state;
	int32_t multiplier[] = {1, 1};
	uint8_t shift[] = {2, 2}, codes[4];
	int64_t bias[] = {2, 0}; /* to the nearest; down */
	const uint8_t in[] = {1, 10, 2, 20, 5, 50, /**/ 3, 30, 4, 47, 0, 0};
	struct layer l = layer_of(LAYER_AVERAGE_POOL, (struct shape){2, 3, 2}, 2, 8);

	l.kernel_height = l.kernel_width = 2;
	l.epilogue = EPILOGUE_REQUANTISE;
	l.multiplier = multiplier;
	l.shift = shift;
	l.bias = bias;
	layer_measure(&l);
	layer_compute(&l, in, codes);
	assert_memory_equal(codes, ((const uint8_t[]){3, 26, 3, 29}), 4); /* 10, 107; 11, 117 fourths */
}

static void average_pool_leaves_padding_out(void **state)
{
	(void)state;
	int32_t sums[12];
	const uint8_t in[] = {6, 12, 18, /**/ 24, 30, 36};
	struct layer l = layer_of(LAYER_AVERAGE_POOL, (struct shape){2, 3, 1}, 1, TENSOR_SUMS);

	l.kernel_height = l.kernel_width = 2;
	l.pad_top = l.pad_left = l.pad_bottom = l.pad_right = 1;
	l.epilogue = EPILOGUE_SUMS;
	l.pixels = 4; /* windows of one, two and four */
	layer_measure(&l);
	layer_compute(&l, in, sums);
	assert_memory_equal(sums,
		((const int32_t[]){24, 36, 60, 72, /**/ 60, 72, 96, 108, /**/ 96, 108, 132, 144}),
		sizeof(sums));
	assert_int_equal(layer_pixels_inside(&l, 0, 0), 1);
	assert_int_equal(layer_pixels_inside(&l, 1, 3), 2);
	assert_int_equal(layer_pixels_inside(&l, 1, 1), 4);
}

static void weights_have_an_offset(void **state)
{
	(void)state;
	int8_t weights[] = {127, -128, 0, 3}, offset[] = {127, -127};
	int32_t sums[2];
	struct layer l = layer_of(LAYER_CONV, (struct shape){1, 1, 2}, 2, TENSOR_SUMS);

	l.weight_bits = 8;
	l.weights = weights;
	l.weight_offset = offset;
	l.epilogue = EPILOGUE_SUMS;
	layer_compute(&l, (const uint8_t[]){10, 100}, sums);
	assert_int_equal(sums[0], 254 * 10 - 1 * 100);
	assert_int_equal(sums[1], -127 * 10 - 124 * 100);
}

static void add_scales_each_input(void **state)
{
	(void)state;
	int32_t factors[] = {3, -1, 1, 1000};
	uint8_t shift[] = {1, 0}, codes[2], a[] = {10, 200};
	int64_t bias[] = {5, 0};
	int32_t b[] = {7, -1}, sums[2];
	struct layer l = layer_of(LAYER_ADD, (struct shape){1, 1, 2}, 2, 8);
	struct reference_input in[] = {{{l.in, 8}, a}, {{l.in, TENSOR_SUMS}, b}};

	l.from_count = 2;
	l.factors = factors;
	l.shift = shift;
	l.bias = bias;
	l.epilogue = EPILOGUE_REQUANTISE;
	reference_layer(&l, in, codes);
	assert_memory_equal(codes, ((const uint8_t[]){21, 0}), 2); /* (30 + 7 + 5) / 2; −1200 */
	l.epilogue = EPILOGUE_SUMS;
	l.output_bits = TENSOR_SUMS;
	reference_layer(&l, in, sums);
	assert_int_equal(sums[0], 21);
	assert_int_equal(sums[1], -1200);
	l.clamp_low = -100;
	l.clamp_high = 20;
	reference_layer(&l, in, sums);
	assert_int_equal(sums[0], 20);
	assert_int_equal(sums[1], -100);
	l.epilogue = EPILOGUE_SCORES; /* neither bias nor shift */
	l.clamp_low = l.clamp_high = 0;
	reference_layer(&l, in, sums);
	assert_int_equal(sums[0], 37);
	assert_int_equal(sums[1], -1200);
}

/* Beyond 32 bits the sum is exact until it is shifted, and then kept within them. */
static void add_sums_in_64_bits(void **state)
{
	(void)state;
	int32_t factors[] = {INT32_MAX, -INT32_MAX, INT32_MAX, INT32_MAX}, sums[2];
	int32_t a[] = {INT32_MAX, INT32_MAX}, b[] = {-1, INT32_MIN + 1};
	uint8_t shift[] = {0, 32};
	int64_t bias[] = {0, 0};
	struct layer l = layer_of(LAYER_ADD, (struct shape){1, 1, 2}, 2, TENSOR_SUMS);
	struct reference_input in[] = {{{l.in, TENSOR_SUMS}, a}, {{l.in, TENSOR_SUMS}, b}};

	l.from_count = 2;
	l.factors = factors;
	l.shift = shift;
	l.bias = bias;
	l.epilogue = EPILOGUE_SUMS;
	reference_layer(&l, in, sums);
	assert_int_equal(sums[0], INT32_MAX);
	assert_int_equal(sums[1], INT32_MIN + 1); /* ⌊−2 (2^31 − 1)² / 2^32⌋ */
	int32_t thresholds[] = {INT32_MAX, INT32_MIN + 2};
	uint8_t codes[2];
	l.output_bits = 1;
	l.epilogue = EPILOGUE_THRESHOLDS;
	l.thresholds = thresholds;
	reference_layer(&l, in, codes);
	assert_memory_equal(codes, ((const uint8_t[]){1, 0}), 2);
}

static void concat_keeps_the_order_of_its_inputs(void **state)
{
	(void)state;
	const uint8_t a[] = {1, 2, /**/ 3, 4}, b[] = {5, /**/ 6}, want[] = {5, 1, 2, /**/ 6, 3, 4};
	struct layer l = layer_of(LAYER_CONCAT, (struct shape){1, 2, 3}, 3, 8);
	struct reference_input in[] = {{{{1, 2, 1}, 8}, b}, {{{1, 2, 2}, 8}, a}};
	uint8_t codes[6];

	l.from_count = 2;
	reference_layer(&l, in, codes);
	assert_memory_equal(codes, want, 6);
}

static void upsample_repeats_or_stuffs(void **state)
{
	(void)state;
	const uint8_t in[] = {1, 2}, nearest[] = {1, 1, 1, 2, 2, 2, /**/ 1, 1, 1, 2, 2, 2};
	const uint8_t stuffed[] = {1, 9, 9, 2};
	struct layer l = layer_of(LAYER_UPSAMPLE, (struct shape){1, 2, 1}, 1, 8);
	uint8_t codes[12];

	l.stride_height = 2;
	l.stride_width = 3;
	l.out = (struct shape){2, 6, 1};
	layer_compute(&l, in, codes);
	assert_memory_equal(codes, nearest, 12);
	l.stuffed = true;
	l.pad_code = 9;
	l.out = (struct shape){1, 4, 1};
	layer_compute(&l, in, codes);
	assert_memory_equal(codes, stuffed, 4);
}

static void table_has_one_row_or_many(void **state)
{
	(void)state;
	uint8_t table[] = {3, 2, 1, 0, /**/ 10, 11, 12, 13}, codes[4];
	const uint8_t in[] = {0, 0, /**/ 3, 2};
	struct layer l = layer_of(LAYER_TABLE, (struct shape){1, 2, 2}, 2, 8);

	l.input_bits = 2;
	l.table = table;
	l.table_rows = 1;
	layer_compute(&l, in, codes);
	assert_memory_equal(codes, ((const uint8_t[]){3, 3, 0, 1}), 4);
	l.table_rows = 2;
	layer_compute(&l, in, codes);
	assert_memory_equal(codes, ((const uint8_t[]){3, 10, 0, 12}), 4);
}

static void clamp_bounds_codes(void **state)
{
	(void)state;
	int8_t weights[] = {1};
	int32_t multiplier[] = {1};
	uint8_t shift[] = {0}, codes[3];
	int64_t bias[] = {0};
	struct layer l = layer_of(LAYER_CONV, (struct shape){1, 3, 1}, 1, 8);

	l.weight_bits = 8;
	l.weights = weights;
	l.multiplier = multiplier;
	l.shift = shift;
	l.bias = bias;
	l.epilogue = EPILOGUE_REQUANTISE;
	l.clamp_low = 10;
	l.clamp_high = 100;
	layer_compute(&l, (const uint8_t[]){9, 55, 101}, codes);
	assert_memory_equal(codes, ((const uint8_t[]){10, 55, 100}), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padding_has_its_code),
		cmocka_unit_test(dilation_and_strides_differ_by_side),
		cmocka_unit_test(average_pool_sums_its_channel),
		cmocka_unit_test(average_pool_leaves_padding_out),
		cmocka_unit_test(weights_have_an_offset),
		cmocka_unit_test(add_scales_each_input),
		cmocka_unit_test(add_sums_in_64_bits),
		cmocka_unit_test(concat_keeps_the_order_of_its_inputs),
		cmocka_unit_test(upsample_repeats_or_stuffs),
		cmocka_unit_test(table_has_one_row_or_many),
		cmocka_unit_test(clamp_bounds_codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
