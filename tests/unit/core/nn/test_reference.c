/* SPDX-License-Identifier: MIT */
/* The reference against figures worked out by hand. */
#include "nn/reference.h"
#include "support/layer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static void scores_are(const struct layer *layer, const uint8_t *in, const int32_t *expected, int count)
{
	int32_t out[64];

	assert_int_equal(shape_size(layer->out), count);
	assert_in_range(count, 1, COUNT(out));
	memset(out, 0x5a, sizeof(out));
	layer_compute(layer, in, out);
	for (int i = 0; i < count; i++)
		assert_int_equal(out[i], expected[i]);
}

static void codes_are(const struct layer *layer, const uint8_t *in, const uint8_t *expected, int count)
{
	uint8_t out[64];

	assert_int_equal(shape_size(layer->out), count);
	assert_in_range(count, 1, COUNT(out));
	memset(out, 0x5a, sizeof(out));
	layer_compute(layer, in, out);
	assert_memory_equal(out, expected, (size_t)count);
	for (int i = count; i < COUNT(out); i++)
		assert_int_equal(out[i], 0x5a);
}

static void convolution_is_no_mirror_image(void **state)
{
	(void)state;
	/* Weights 1 … 4 on 2×2 distinguish a correlation from a convolution, and rows from columns. */
	int8_t weights[] = {1, 2, 3, 4};
	const uint8_t in[] = {1, 0, 0, /**/ 0, 2, 0, /**/ 0, 0, 3};
	struct layer layer = {.kind = LAYER_CONV,
		.in = {3, 3, 1},
		.out = {2, 2, 1},
		.kernel_height = 2,
		.kernel_width = 2,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
		.input_bits = 2,
		.weight_bits = 4,
		.output_bits = 32,
		.weights = weights,
		.epilogue = EPILOGUE_SCORES};

	scores_are(&layer, in, (const int32_t[]){1 + 2 * 4, 2 * 3, 2 * 2, 2 + 3 * 4}, 4);
}

static void convolution_with_padding_and_stride(void **state)
{
	(void)state;
	/* Each row of the kernel has one sign; 1×3 input, padded by two above, one left, none below, three
	 * right. */
	int8_t weights[] = {1, 1, 1, /**/ -1, -1, -1, /**/ 1, -1, 1};
	const uint8_t in[] = {1, 2, 3};
	struct layer layer = {.kind = LAYER_CONV,
		.in = {1, 3, 1},
		.out = {1, 3, 1},
		.kernel_height = 3,
		.kernel_width = 3,
		.stride_height = 2,
		.stride_width = 2,
		.dilation_height = 1,
		.dilation_width = 1,
		.pad_top = 2,
		.pad_left = 1,
		.pad_right = 3,
		.groups = 1,
		.input_bits = 2,
		.weight_bits = 1,
		.output_bits = 32,
		.weights = weights,
		.epilogue = EPILOGUE_SCORES};

	scores_are(&layer, in, (const int32_t[]){-1 + 2, 2 - 3, 0}, 3);

	/* The middle row of the kernel meets the input when padding is one above and one below. */
	layer.pad_top = layer.pad_bottom = 1;
	scores_are(&layer, in, (const int32_t[]){-1 - 2, -2 - 3, 0}, 3);
}

static void groups_see_their_own_channels(void **state)
{
	(void)state;
	int8_t weights[] = {1, 1, /**/ 1, -1, /**/ -1, -1, /**/ -1, 1};
	const uint8_t in[] = {1, 2, 10, 20, /**/ 3, 0, 0, 7};
	struct layer layer = {.kind = LAYER_CONV,
		.in = {1, 2, 4},
		.out = {1, 2, 4},
		.kernel_height = 1,
		.kernel_width = 1,
		LAYER_STEPS_OF_ONE,
		.groups = 2,
		.input_bits = 8,
		.weight_bits = 1,
		.output_bits = 32,
		.weights = weights,
		.epilogue = EPILOGUE_SCORES};

	scores_are(&layer, in, (const int32_t[]){3, -1, -30, 10, /**/ 3, 3, -7, 7}, 8);
}

static void pixels_meet_8_bit_weights(void **state)
{
	(void)state;
	int8_t weights[] = {-128, -128, 127, /**/ 127, 127, 127};
	const uint8_t in[] = {255, 255, 255};
	struct layer layer = {.kind = LAYER_FULLY_CONNECTED,
		.in = {1, 1, 3},
		.out = {1, 1, 2},
		.kernel_height = 1,
		.kernel_width = 1,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
		.input_bits = 8,
		.weight_bits = 8,
		.output_bits = 32,
		.weights = weights,
		.epilogue = EPILOGUE_SCORES};

	scores_are(&layer, in, (const int32_t[]){255 * -129, 255 * 381}, 2);
}

static void fully_connected_reads_height_width_channels(void **state)
{
	(void)state;
	int8_t weights[] = {-8, 1, 2, 3, 4, 5, 6, 7};
	const uint8_t in[] = {1, 0, 0, 0, 1, 0, 0, 2};
	struct layer layer = {.kind = LAYER_FULLY_CONNECTED,
		.in = {2, 2, 2},
		.out = {1, 1, 1},
		.kernel_height = 2,
		.kernel_width = 2,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
		.input_bits = 2,
		.weight_bits = 4,
		.output_bits = 32,
		.weights = weights,
		.epilogue = EPILOGUE_SCORES};

	scores_are(&layer, in, (const int32_t[]){-8 + 4 + 14}, 1);
}

static void thresholds_count_and_invert(void **state)
{
	(void)state;
	int32_t thresholds[] = {-2, 0, 5, /**/ -2, 0, 5, /**/ 1, 1, 1};
	uint8_t invert[] = {0, 1, 0};
	const int32_t sums[] = {INT32_MIN, -3, -2, -1, 0, 4, 5, INT32_MAX};
	const uint8_t codes[] = {0, 0, 1, 1, 2, 2, 3, 3};
	struct layer layer = {.output_bits = 2,
		.epilogue = EPILOGUE_THRESHOLDS,
		.thresholds = thresholds,
		.invert = invert};

	for (int i = 0; i < COUNT(sums); i++) {
		assert_int_equal(reference_code(&layer, 0, sums[i]), codes[i]);
		assert_int_equal(reference_code(&layer, 1, sums[i]), 3 - codes[i]);
		assert_int_equal(reference_code(&layer, 2, sums[i]), sums[i] >= 1 ? 3 : 0);
	}
	layer.invert = NULL;
	assert_int_equal(reference_code(&layer, 1, 4), 2);

	layer.output_bits = 1; /* one threshold a channel: channel 2 has the third of the six */
	assert_int_equal(reference_code(&layer, 2, 4), 0);
	assert_int_equal(reference_code(&layer, 2, 5), 1);
}

static void requantise_floors(void **state)
{
	(void)state;
	int32_t multiplier[] = {1, -1};
	uint8_t shift[] = {1, 1};
	int64_t bias[] = {20, 20};
	const int32_t sums[] = {-3, -2, -1, 0, 1, 2, 3};
	const uint8_t floors[] = {8, 9, 9, 10, 10, 11, 11};
	const uint8_t falling[] = {11, 11, 10, 10, 9, 9, 8};
	const uint8_t nearest[] = {9, 9, 10, 10, 11, 11, 12}; /* with half of 2^shift in the bias */
	struct layer layer = {.output_bits = 8,
		.epilogue = EPILOGUE_REQUANTISE,
		.multiplier = multiplier,
		.shift = shift,
		.bias = bias};

	for (int i = 0; i < COUNT(sums); i++) {
		assert_int_equal(reference_code(&layer, 0, sums[i]), floors[i]);
		assert_int_equal(reference_code(&layer, 1, sums[i]), falling[i]);
	}
	bias[0] = 21;
	for (int i = 0; i < COUNT(sums); i++)
		assert_int_equal(reference_code(&layer, 0, sums[i]), nearest[i]);

	shift[0] = 40; /* 3 · 2^40 − 1 is still code 2 */
	bias[0] = (INT64_C(3) << 40) - 5;
	assert_int_equal(reference_code(&layer, 0, 4), 2);
	assert_int_equal(reference_code(&layer, 0, 5), 3);
}

static void requantise_clamps(void **state)
{
	(void)state;
	int32_t multiplier[] = {1, -3, INT32_MIN, INT32_MAX, INT32_MIN, INT32_MIN};
	uint8_t shift[] = {0, 0, 62, 31, 0, 62};
	int64_t bias[] = {
		0, 128, INT64_C(1) << 61, -(INT64_C(1) << 62), -(INT64_C(1) << 62), INT64_C(1) << 62};
	struct layer layer = {.output_bits = 8,
		.epilogue = EPILOGUE_REQUANTISE,
		.multiplier = multiplier,
		.shift = shift,
		.bias = bias};

	assert_int_equal(reference_code(&layer, 0, -1), 0);
	assert_int_equal(reference_code(&layer, 0, 255), 255);
	assert_int_equal(reference_code(&layer, 0, 256), 255);
	assert_int_equal(reference_code(&layer, 1, 42), 2);
	assert_int_equal(reference_code(&layer, 1, 43), 0);
	assert_int_equal(reference_code(&layer, 1, -43), 255);
	assert_int_equal(reference_code(&layer, 2, -(1 << 30)), 1);
	assert_int_equal(reference_code(&layer, 2, -(1 << 30) + 1), 0);
	assert_int_equal(reference_code(&layer, 2, INT32_MAX), 0);
	assert_int_equal(reference_code(&layer, 3, INT32_MAX), 0);
	assert_int_equal(reference_code(&layer, 4, INT32_MAX), 0);  /* the least sum that can be */
	assert_int_equal(reference_code(&layer, 5, -INT32_MAX), 1); /* and the greatest */
	layer.output_bits = 4;
	assert_int_equal(reference_code(&layer, 0, 17), 15);
}

static void epilogues_use_their_channel(void **state)
{
	(void)state;
	int8_t weights[] = {1, 1, -1};
	int32_t thresholds[] = {1, 2, 3, /**/ 3, 4, 5, /**/ -3, -2, -1};
	uint8_t invert[] = {0, 0, 1};
	const uint8_t in[] = {3, 2};
	struct layer layer = {.kind = LAYER_CONV,
		.in = {2, 1, 1},
		.out = {2, 1, 3},
		.kernel_height = 1,
		.kernel_width = 1,
		LAYER_STEPS_OF_ONE,
		.groups = 1,
		.input_bits = 2,
		.weight_bits = 1,
		.output_bits = 2,
		.weights = weights,
		.epilogue = EPILOGUE_THRESHOLDS,
		.thresholds = thresholds,
		.invert = invert};

	codes_are(&layer, in, (const uint8_t[]){3, 1, 2, /**/ 2, 0, 1}, 6);
}

static void max_pool_keeps_channels_apart(void **state)
{
	(void)state;
	const uint8_t in[] = {1, 9, 2, 8, /**/ 3, 7, 0, 6};
	struct layer layer = {.kind = LAYER_MAX_POOL,
		.in = {2, 2, 2},
		.out = {1, 1, 2},
		.kernel_height = 2,
		.kernel_width = 2,
		.stride_height = 2,
		.stride_width = 2,
		.dilation_height = 1,
		.dilation_width = 1,
		.groups = 1,
		.input_bits = 8,
		.output_bits = 8};

	codes_are(&layer, in, (const uint8_t[]){3, 9}, 2);
}

static void max_pool_pads_with_code_0(void **state)
{
	(void)state;
	const uint8_t in[] = {5, 1, 1, /**/ 1, 1, 2, /**/ 1, 4, 3};
	struct layer layer = {.kind = LAYER_MAX_POOL,
		.in = {3, 3, 1},
		.out = {2, 2, 1},
		.kernel_height = 3,
		.kernel_width = 3,
		.stride_height = 2,
		.stride_width = 2,
		.dilation_height = 1,
		.dilation_width = 1,
		.pad_top = 1,
		.pad_left = 1,
		.pad_bottom = 1,
		.pad_right = 1,
		.groups = 1,
		.input_bits = 4,
		.output_bits = 4};

	codes_are(&layer, in, (const uint8_t[]){5, 2, /**/ 4, 4}, 4);

	/* 2×2 without padding at the top and left: the last row and column stand alone. */
	layer.kernel_height = layer.kernel_width = 2;
	layer.pad_top = layer.pad_left = 0;
	codes_are(&layer, in, (const uint8_t[]){5, 2, /**/ 4, 3}, 4);

	/* A window that holds nothing but padding. */
	layer.kernel_height = layer.kernel_width = 1;
	layer.stride_height = layer.stride_width = 3;
	layer.pad_right = 1;
	layer.out = (struct shape){1, 2, 1};
	codes_are(&layer, in, (const uint8_t[]){5, 0}, 2);
}

static void run_chains_layers(void **state)
{
	(void)state;
	int8_t signs[] = {1, -1, /**/ -1, 1};
	int32_t thresholds[] = {0, 1, 2, /**/ 0, 1, 2};
	int8_t last[] = {3, 5};
	const uint8_t in[] = {
		3, 1, /**/ 0, 2}; /* after the first layer: 3, 0 and 0, 3; after the pool: 3, 3 */
	struct layer layers[] = {
		{.kind = LAYER_CONV,
			.in = {1, 2, 2},
			.out = {1, 2, 2},
			.kernel_height = 1,
			.kernel_width = 1,
			LAYER_STEPS_OF_ONE,
			.groups = 1,
			.input_bits = 2,
			.weight_bits = 1,
			.output_bits = 2,
			.weights = signs,
			.epilogue = EPILOGUE_THRESHOLDS,
			.thresholds = thresholds},
		{.kind = LAYER_MAX_POOL,
			.in = {1, 2, 2},
			.out = {1, 1, 2},
			.kernel_height = 1,
			.kernel_width = 2,
			LAYER_STEPS_OF_ONE,
			.groups = 1,
			.input_bits = 2,
			.output_bits = 2},
		{.kind = LAYER_FULLY_CONNECTED,
			.in = {1, 1, 2},
			.out = {1, 1, 1},
			.kernel_height = 1,
			.kernel_width = 1,
			LAYER_STEPS_OF_ONE,
			.groups = 1,
			.input_bits = 2,
			.weight_bits = 4,
			.output_bits = 32,
			.weights = last,
			.epilogue = EPILOGUE_SCORES},
	};
	struct network network = {.layers = layers, .layer_count = COUNT(layers)};
	int32_t score = -1;
	uint8_t codes[2] = {9, 9};

	assert_int_equal(reference_run(&network, 0, 3, in, &score), 0);
	assert_int_equal(score, 3 * 3 + 3 * 5);
	assert_int_equal(reference_run(&network, 0, 2, in, codes), 0);
	assert_memory_equal(codes, ((const uint8_t[]){3, 3}), 2);
	assert_int_equal(reference_run(&network, 2, 3, (const uint8_t[]){2, 1}, &score), 0);
	assert_int_equal(score, 2 * 3 + 1 * 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convolution_is_no_mirror_image),
		cmocka_unit_test(convolution_with_padding_and_stride),
		cmocka_unit_test(groups_see_their_own_channels),
		cmocka_unit_test(pixels_meet_8_bit_weights),
		cmocka_unit_test(fully_connected_reads_height_width_channels),
		cmocka_unit_test(thresholds_count_and_invert),
		cmocka_unit_test(requantise_floors),
		cmocka_unit_test(requantise_clamps),
		cmocka_unit_test(epilogues_use_their_channel),
		cmocka_unit_test(max_pool_keeps_channels_apart),
		cmocka_unit_test(max_pool_pads_with_code_0),
		cmocka_unit_test(run_chains_layers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
