/* SPDX-License-Identifier: MIT */
#include "flow/statistics.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct summary summary_of(const int64_t *values, size_t count)
{
	struct samples samples;
	struct summary summary;

	assert_int_equal(samples_create(&samples, count), 0);
	for (size_t i = 0; i < count; i++)
		assert_true(samples_add(&samples, values[i]));
	assert_false(samples_add(&samples, 1));
	assert_int_equal(samples_summarise(&samples, &summary), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(samples.values[i], values[i]);
	samples_finish(&samples);
	return summary;
}

static void test_percentiles(void **state)
{
	int64_t values[1000];

	(void)state;
	for (int i = 0; i < 1000; i++)
		values[i] = (i * 7919 + 13) % 1000 + 1; /* 1 … 1000, mixed */
	struct summary s = summary_of(values, 1000);
	assert_int_equal(s.runs, 1000);
	assert_int_equal(s.minimum, 1);
	assert_int_equal(s.p50, 500);
	assert_int_equal(s.p95, 950);
	assert_int_equal(s.p99, 990);
	assert_int_equal(s.maximum, 1000);
	/* 500 − 0.98 √1000 = 469.01, 501 + 30.99 = 531.99 */
	assert_int_equal(s.low, 469);
	assert_int_equal(s.high, 532);
	assert_false(s.stable);
}

static void test_few(void **state)
{
	struct summary none = summary_of(NULL, 0);
	struct summary one = summary_of((const int64_t[]){7}, 1);
	struct summary two = summary_of((const int64_t[]){9, 7}, 2);

	(void)state;
	assert_int_equal(none.runs, 0);
	assert_false(none.stable);
	assert_int_equal(one.p50, 7);
	assert_int_equal(one.p99, 7);
	assert_int_equal(one.low, 7);
	assert_int_equal(one.high, 7);
	assert_false(one.stable); /* one run is no statistic */
	assert_int_equal(two.p50, 7);
	assert_int_equal(two.high, 9);
}

/* Equal times are stable as soon as there are enough; a drift is not, however narrow the interval. */
static void test_stable(void **state)
{
	int64_t values[4000];

	(void)state;
	for (int i = 0; i < 4000; i++)
		values[i] = 100000;
	assert_false(summary_of(values, STATISTICS_RUNS - 1).stable);
	assert_true(summary_of(values, STATISTICS_RUNS).stable);
	for (int i = 0; i < 4000; i++)
		values[i] = 100000 + i % 100 * 10; /* ±0.5 % */
	assert_true(summary_of(values, 4000).stable);
	for (int i = 0; i < 4000; i++)
		values[i] = i < 2000 ? 100000 : 103000;
	assert_false(summary_of(values, 4000).stable);
	for (int i = 0; i < 4000; i++)
		values[i] = i % 2 ? 100000 : 150000; /* two ways of running: the median may be either */
	assert_false(summary_of(values, 4000).stable);
}

static void test_too_large(void **state)
{
	struct samples samples;

	(void)state;
	assert_int_equal(samples_create(&samples, SIZE_MAX / 4), -EOVERFLOW);
	samples_finish(&samples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
