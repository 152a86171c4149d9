/* SPDX-License-Identifier: MIT */
#include "flow/supervision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static struct supervision begun(int64_t calibrated)
{
	struct supervision s;

	supervision_begin(&s, &supervision_defaults);
	supervision_calibrate(&s, calibrated);
	return s;
}

static void good(struct supervision *s, int calls, int64_t elapsed)
{
	for (int i = 0; i < calls; i++)
		supervision_good(s, elapsed, 0);
}

static void limits_follow_the_calibration(void **state)
{
	(void)state;
	struct supervision s = begun(10 * MS);
	assert_int_equal(s.soft, 40 * MS);
	assert_int_equal(s.hard, 160 * MS);
	s = begun(MS / 2); /* a short call is given time for the system's own hiccups */
	assert_int_equal(s.hard, 20 * MS);
	assert_int_equal(s.soft, 5 * MS);
}

static void a_given_limit_is_kept(void **state)
{
	(void)state;
	struct supervision_options options = supervision_defaults;
	struct supervision s;

	options.limit = 7 * MS;
	supervision_begin(&s, &options);
	assert_int_equal(s.hard, 7 * MS);
	supervision_calibrate(&s, 50 * MS);
	good(&s, 1000, 6 * MS);
	assert_int_equal(s.hard, 7 * MS);
	assert_true(s.soft <= s.hard);
}

/* Slower without being wrong: it counts as slow for a while, then it is the usual; never past the hard limit.
 */
static void slowness_becomes_usual(void **state)
{
	(void)state;
	struct supervision s = begun(10 * MS);
	good(&s, 100, 60 * MS);
	assert_true(s.slow > 0 && s.slow < 20);
	assert_true(s.expected > 55 * MS && s.expected <= 60 * MS);
	assert_int_equal(s.soft, s.hard);
	assert_int_equal(s.hard, 160 * MS);
	assert_false(s.alarm);
	good(&s, 200, 10 * MS);
	assert_true(s.soft < 45 * MS);
}

static void remedies_escalate(void **state)
{
	(void)state;
	struct supervision s = begun(MS);
	assert_int_equal(supervision_bad(&s, ANOMALY_LATE, 0), REMEDY_RESET);
	assert_int_equal(supervision_bad(&s, ANOMALY_LATE, 0), REMEDY_PROGRAM);
	good(&s, 1, MS);
	assert_int_equal(supervision_bad(&s, ANOMALY_FAILED, 0), REMEDY_RESET);
	good(&s, 1, MS);
	assert_int_equal(supervision_bad(&s, ANOMALY_WRONG, 0), REMEDY_PROGRAM);
	assert_int_equal(s.resets, 2);
	assert_int_equal(s.programmings, 2);
	assert_int_equal(s.anomalies[ANOMALY_LATE], 2);
	assert_int_equal(s.anomalies[ANOMALY_FAILED], 1);
	assert_int_equal(s.anomalies[ANOMALY_WRONG], 1);
}

static void alarm_then_retirement_then_return(void **state)
{
	(void)state;
	struct supervision s = begun(MS);
	for (int i = 1; i <= 6; i++) {
		supervision_bad(&s, ANOMALY_LATE, 0);
		assert_int_equal(s.alarm, i >= 3);
		assert_int_equal(s.retired, i >= 6);
	}
	good(&s, 2, MS);
	supervision_bad(&s, ANOMALY_WRONG, 0); /* a self-test that fails: from the beginning */
	good(&s, 2, MS);
	assert_true(s.retired);
	good(&s, 1, MS);
	assert_false(s.retired);
	assert_false(s.alarm);
	assert_int_equal(s.retirements, 1);
	assert_int_equal(s.alarms, 1);
	supervision_bad(&s, ANOMALY_LATE, 0); /* on probation */
	assert_true(s.alarm);
	assert_false(s.retired);
	assert_int_equal(s.alarms, 2);
}

static void a_retired_pl_is_tested_ever_more_rarely(void **state)
{
	static const int seconds[] = {1, 2, 4, 8, 16, 32, 60, 60};
	struct supervision s = begun(MS);

	(void)state;
	for (int i = 0; i < 6; i++)
		supervision_bad(&s, ANOMALY_LATE, 0);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		assert_int_equal(s.pause, seconds[i] * 1000 * MS);
		supervision_bad(&s, ANOMALY_LATE, 0);
	}
	good(&s, 1, MS);
	assert_true(s.retired);
	assert_int_equal(s.pause, 1000 * MS);
	supervision_bad(&s, ANOMALY_LATE, 0);
	assert_int_equal(s.pause, 2000 * MS);
	good(&s, 3, MS);
	for (int i = 0; i < 6; i++)
		supervision_bad(&s, ANOMALY_LATE, 0);
	assert_true(s.retired); /* the next time it begins anew */
	assert_int_equal(s.pause, 4000 * MS);
}

static void without_a_calibration_there_is_patience(void **state)
{
	struct supervision_options options = supervision_defaults;
	struct supervision s;

	(void)state;
	options.patience = 5000 * MS;
	supervision_begin(&s, &options);
	assert_int_equal(s.hard, 5000 * MS);
	for (int i = 0; i < 6; i++)
		supervision_bad(&s, ANOMALY_LATE, 0);
	assert_int_equal(s.hard, 5000 * MS);
	supervision_calibrate(&s, 10 * MS);
	assert_int_equal(s.hard, 160 * MS);
}

static void good_calls_make_up_for_anomalies(void **state)
{
	(void)state;
	struct supervision s = begun(MS);
	for (int i = 0; i < 50; i++) {
		supervision_bad(&s, ANOMALY_LATE, 0);
		good(&s, 100, MS);
	}
	assert_false(s.alarm);
	for (int i = 0; i < 3; i++) {
		supervision_bad(&s, ANOMALY_LATE, 0);
		good(&s, 99, MS);
	}
	assert_true(s.alarm);
	good(&s, 100, MS);
	assert_false(s.alarm);
}

static void recovery_is_timed_to_the_next_good_call(void **state)
{
	(void)state;
	struct supervision s = begun(MS);
	supervision_bad(&s, ANOMALY_LATE, 100 * MS);
	supervision_bad(&s, ANOMALY_LATE, 120 * MS);
	supervision_good(&s, MS, 150 * MS);
	supervision_good(&s, MS, 151 * MS);
	assert_int_equal(s.recovery.count, 1);
	assert_int_equal(s.recovery.maximum, 50 * MS);
}

static void remedies_that_fail(void **state)
{
	(void)state;
	struct supervision s = begun(MS);
	enum remedy remedy = supervision_bad(&s, ANOMALY_LATE, 0);
	remedy = supervision_remedy_failed(&s, remedy);
	assert_int_equal(remedy, REMEDY_PROGRAM);
	assert_false(s.retired);
	supervision_remedy_failed(&s, remedy);
	assert_true(s.retired);
	assert_true(s.alarm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_follow_the_calibration),
		cmocka_unit_test(a_given_limit_is_kept),
		cmocka_unit_test(slowness_becomes_usual),
		cmocka_unit_test(remedies_escalate),
		cmocka_unit_test(alarm_then_retirement_then_return),
		cmocka_unit_test(a_retired_pl_is_tested_ever_more_rarely),
		cmocka_unit_test(without_a_calibration_there_is_patience),
		cmocka_unit_test(good_calls_make_up_for_anomalies),
		cmocka_unit_test(recovery_is_timed_to_the_next_good_call),
		cmocka_unit_test(remedies_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
