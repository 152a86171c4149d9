/* SPDX-License-Identifier: MIT */
/* Percentiles against the sorted values themselves. */
#include "flow/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct histogram histogram;

static int reset(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	return 0;
}

/* xorshift64: the same values in every run */
static uint64_t random_bits(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* At most 1/64 above the exact value, never below it. */
static void assert_close(int64_t found, int64_t exact)
{
	assert_true(found >= exact);
	assert_true(found - exact <= exact / 64);
}

static void compare_with_sorted(int64_t *values, int count)
{
	static const double percents[] = {0.01, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};

	memset(&histogram, 0, sizeof(histogram));
	for (int i = 0; i < count; i++)
		histogram_add(&histogram, values[i]);
	qsort(values, (size_t)count, sizeof(*values), compare);
	assert_int_equal(histogram.count, count);
	assert_true(histogram.minimum == values[0]);
	assert_true(histogram.maximum == values[count - 1]);
	for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
		/* in whole numbers of 1/100 percent: the first rank that reaches the share */
		int64_t hundredths = (int64_t)(percents[i] * 100 + 0.5);
		int64_t rank = (hundredths * count + 9999) / 10000;

		assert_close(histogram_percentile(&histogram, percents[i]), values[rank - 1]);
	}
	assert_true(histogram_percentile(&histogram, 0) == values[0]);
	assert_true(histogram_percentile(&histogram, 100) == values[count - 1]);
}

static void empty_is_zero(void **state)
{
	(void)state;
	assert_true(histogram_percentile(&histogram, 0) == 0);
	assert_true(histogram_percentile(&histogram, 50) == 0);
	assert_true(histogram_percentile(&histogram, 100) == 0);
}

static void small_values_are_exact(void **state)
{
	(void)state;
	for (int64_t v = 0; v < 128; v++)
		histogram_add(&histogram, v);
	for (int i = 1; i <= 128; i++)
		assert_true(histogram_percentile(&histogram, i * 100.0 / 128) == i - 1);
}

static void negative_counts_as_zero(void **state)
{
	(void)state;
	histogram_add(&histogram, -1);
	histogram_add(&histogram, INT64_MIN);
	assert_int_equal(histogram.count, 2);
	assert_int_equal(histogram.buckets[0], 2);
	assert_true(histogram.minimum == 0 && histogram.maximum == 0);
	assert_true(histogram_percentile(&histogram, 100) == 0);
}

/* With INT64_MAX in it, the maximum does not cover up for a bucket's wrong edge. */
static void edges_of_all_buckets(void **state)
{
	(void)state;
	for (int bit = 0; bit < 63; bit++)
		for (int64_t part = 0; part < 64; part++)
			for (int off = -1; off <= 1; off++) {
				int64_t v = (int64_t)(1ULL << bit) + off;

				v += (int64_t)(((1ULL << bit) >> 6) * (uint64_t)part);
				memset(&histogram, 0, sizeof(histogram));
				histogram_add(&histogram, v);
				histogram_add(&histogram, v);
				histogram_add(&histogram, INT64_MAX);
				assert_close(histogram_percentile(&histogram, 50), v);
				assert_true(histogram_percentile(&histogram, 100) == INT64_MAX);
			}
}

static void extremes(void **state)
{
	int64_t values[] = {INT64_MAX, 0, INT64_MAX - 1, 1, INT64_MAX, 0};

	(void)state;
	compare_with_sorted(values, (int)(sizeof(values) / sizeof(*values)));
	compare_with_sorted(values, 1);
}

static void random_values(void **state)
{
	static int64_t values[20000];

	(void)state;
	for (int round = 0; round < 40; round++) {
		int count = 1 + (int)(random_bits() % 20000);

		for (int i = 0; i < count; i++) {
			uint64_t bits = random_bits();

			if (round % 3 == 0) /* all magnitudes alike */
				values[i] = (int64_t)(bits >> (1 + random_bits() % 63));
			else if (round % 3 == 1) /* latencies: 1 … 30 ms */
				values[i] = 1000000 + (int64_t)(bits % 29000000);
			else /* most alike, some far out */
				values[i] = bits % 100 ? 5000000 : (int64_t)(bits >> 1);
		}
		compare_with_sorted(values, count);
	}
}

static void out_of_range_percents(void **state)
{
	(void)state;
	histogram_add(&histogram, 1000);
	histogram_add(&histogram, 1000000);
	assert_true(histogram_percentile(&histogram, -5) == 1000);
	assert_true(histogram_percentile(&histogram, 500) == 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_is_zero, reset),
		cmocka_unit_test_setup(small_values_are_exact, reset),
		cmocka_unit_test_setup(negative_counts_as_zero, reset),
		cmocka_unit_test_setup(edges_of_all_buckets, reset),
		cmocka_unit_test_setup(extremes, reset),
		cmocka_unit_test_setup(random_values, reset),
		cmocka_unit_test_setup(out_of_range_percents, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
