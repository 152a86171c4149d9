/* SPDX-License-Identifier: MIT */
#include "nn/smoothing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

/* A time that a clock may show; the first picture has no past, whenever it comes. */
#define BEGIN (INT64_C(3600) * 1000 * MS)

static void is_near(double value, double expected, double by)
{
	if (!(fabs(value - expected) <= by))
		fail_msg("%.9f is not %.9f", value, expected);
}

/* What is left of a score of a million after one second of zeros at this rate. */
static double left_after_a_second(int rate, double seconds)
{
	struct smoothing s;
	const int32_t first = 1000000, later = 0;
	const int32_t *smoothed = NULL;

	assert_int_equal(smoothing_init(&s, seconds, 1), 0);
	smoothing_add(&s, &first, BEGIN);
	for (int i = 1; i <= rate; i++)
		smoothed = smoothing_add(&s, &later, BEGIN + i * 1000 * MS / rate);
	double left = *smoothed / 1e6;
	smoothing_finish(&s);
	return left;
}

static void every_rate_fades_alike(void **state)
{
	static const int rates[] = {1, 2, 5, 15, 30, 60, 120};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		is_near(left_after_a_second(rates[i], 0.5), exp(-2), 2e-5);
		is_near(left_after_a_second(rates[i], 2), exp(-0.5), 2e-5);
	}
}

static void times_may_be_uneven(void **state)
{
	struct smoothing s;
	const int32_t first = 1000000, later = 0;

	(void)state;
	assert_int_equal(smoothing_init(&s, 0.5, 1), 0);
	assert_int_equal(smoothing_add(&s, &first, BEGIN)[0], 1000000); /* nothing before it */
	smoothing_add(&s, &later, BEGIN + 10 * MS);
	smoothing_add(&s, &later, BEGIN + 310 * MS);
	is_near(smoothing_add(&s, &later, BEGIN + 500 * MS)[0] / 1e6, exp(-1), 2e-6);
	/* No time has passed, or the clock went back: the new picture counts for nothing. */
	const int32_t other = 1000000000;
	is_near(smoothing_add(&s, &other, BEGIN + 500 * MS)[0] / 1e6, exp(-1), 2e-6);
	is_near(smoothing_add(&s, &other, BEGIN)[0] / 1e6, exp(-1), 2e-6);
	/* After a long pause the past is forgotten. */
	assert_int_equal(smoothing_add(&s, &other, BEGIN + 100000 * MS)[0], other);
	smoothing_finish(&s);
}

static void scores_are_rounded_and_the_past_is_not(void **state)
{
	struct smoothing s;
	const int32_t first[2] = {1000, -7}, second[2] = {0, 8};

	(void)state;
	assert_int_equal(smoothing_init(&s, 0, 2), 0);
	s.weight = 0.75; /* as in logs of version 1: whatever the times */
	smoothing_add(&s, first, BEGIN);
	const int32_t *mean = smoothing_add(&s, second, BEGIN);
	assert_int_equal(mean[0], 750);
	assert_int_equal(mean[1], -3); /* −3.25 */
	assert_true(s.past[1] == -3.25);
	smoothing_finish(&s);
}

static void none_gives_the_scores_themselves(void **state)
{
	struct smoothing s;
	const int32_t first[2] = {1000, -7};

	(void)state;
	assert_int_equal(smoothing_init(&s, 0, 2), 0);
	assert_ptr_equal(smoothing_add(&s, first, BEGIN), first);
	assert_false(s.begun);
	smoothing_finish(&s);
	smoothing_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rate_fades_alike),
		cmocka_unit_test(times_may_be_uneven),
		cmocka_unit_test(scores_are_rounded_and_the_past_is_not),
		cmocka_unit_test(none_gives_the_scores_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
