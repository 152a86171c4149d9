/* SPDX-License-Identifier: MIT */
/* Ranges for 8 bits: their error against all that could be chosen. */
#include "nn/import/onnx/range.h"
#include "support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COUNT = 20000 };

/* About a normal distribution, with one number far outside. */
static float *numbers_make(uint32_t seed, double middle)
{
	uint32_t random = seed;
	float *numbers = malloc(COUNT * sizeof(*numbers));

	assert_non_null(numbers);
	for (int i = 0; i < COUNT; i++) {
		double sum = 0;
		for (int k = 0; k < 12; k++)
			sum += (double)random_within(&random, 0, 10000) / 10000;
		numbers[i] = (float)(sum - 6 + middle);
	}
	numbers[COUNT / 2] = 7;
	return numbers;
}

static double error_with(const float *numbers, struct range range)
{
	double error = 0;

	for (int i = 0; i < COUNT; i++) {
		double code = fmin(fmax(rint((double)numbers[i] / range.scale) + range.zero, 0), 255);
		double difference = (code - range.zero) * range.scale - (double)numbers[i];
		error += difference * difference;
	}
	return error / COUNT;
}

static void error_is_least(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 4; seed++) {
		float *numbers = numbers_make(seed, seed == 2 ? 1 : 0);
		struct range_histogram *histogram = calloc(1, sizeof(*histogram));

		assert_non_null(histogram);
		range_add(histogram, numbers, COUNT);
		struct range found = range_find(histogram, -INFINITY, INFINITY);
		double error = error_with(numbers, found);

		assert_true(found.zero >= 0 && found.zero <= 255);
		assert_true(error < error_with(numbers, range_between(histogram->least, 7)));
		for (int low = 2; low <= 12; low++) /* nothing on a coarse grid is better by much */
			for (int high = 2; high <= 12; high++)
				assert_true(error <
					    1.1 * error_with(numbers, range_between(-low / 2.0, high / 2.0)));
		free(numbers);
		free(histogram);
	}
}

static void bounds_hold(void **state)
{
	float *numbers = numbers_make(5, 0);
	struct range_histogram *histogram = calloc(1, sizeof(*histogram));

	(void)state;
	assert_non_null(histogram);
	range_add(histogram, numbers, COUNT);
	struct range found = range_find(histogram, 0, 2);
	assert_int_equal(found.zero, 0);
	assert_true(found.scale * 255 <= 2 + 1e-9);
	free(numbers);
	free(histogram);
}

/* The order of what is counted matters little. */
static void bins_widen(void **state)
{
	float *numbers = numbers_make(6, 0);
	struct range_histogram *rising = calloc(1, sizeof(*rising)), *falling = calloc(1, sizeof(*falling));

	(void)state;
	assert_non_null(rising);
	assert_non_null(falling);
	numbers[0] = 1e-6F;
	range_add(rising, numbers, COUNT);
	for (int i = COUNT - 1; i >= 0; i--)
		range_add(falling, &numbers[i], 1);
	assert_int_equal(falling->count, rising->count);
	uint64_t counted = falling->zeros;
	for (int i = 0; i < RANGE_BINS; i++)
		counted += falling->bins[i];
	assert_int_equal(counted, COUNT);
	struct range a = range_find(rising, -INFINITY, INFINITY),
		     b = range_find(falling, -INFINITY, INFINITY);
	assert_true(error_with(numbers, a) < 1.05 * error_with(numbers, b));
	assert_true(error_with(numbers, b) < 1.05 * error_with(numbers, a));
	free(numbers);
	free(rising);
	free(falling);
}

static void zeros_have_a_range(void **state)
{
	static const float zeros[4];
	struct range_histogram *histogram = calloc(1, sizeof(*histogram));

	(void)state;
	assert_non_null(histogram);
	range_add(histogram, zeros, 4);
	struct range found = range_find(histogram, -INFINITY, INFINITY);
	assert_true(found.scale > 0 && isfinite(found.scale));
	assert_int_equal(found.zero, 0);
	free(histogram);
}

static void weights_of_one_outlier(void **state)
{
	float weights[400];

	(void)state;
	for (int i = 0; i < 400; i++)
		weights[i] = (float)(i % 19 - 9) / 9;
	weights[0] = 1.2F;
	double scale = range_of_weights(weights, 400);
	assert_true(scale <= 1.2 / 127 + 1e-9 && scale >= 0.9 / 127);
	assert_true(range_of_weights((const float[]){0, 0}, 2) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_is_least),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(bins_widen),
		cmocka_unit_test(zeros_have_a_range),
		cmocka_unit_test(weights_of_one_outlier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
