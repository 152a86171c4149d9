/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "pipeline/health.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct health_monitor begun(int64_t calibrated)
{
	struct health_monitor m;

	health_init(&m, &health_defaults);
	health_calibrate(&m, calibrated);
	return m;
}

static void good(struct health_monitor *m, int calls, int64_t elapsed)
{
	for (int i = 0; i < calls; i++)
		health_success(m, elapsed, 0);
}

static void limits_follow_the_calibration(void **state)
{
	(void)state;
	struct health_monitor m = begun(10 * NS_PER_MS);
	assert_int_equal(m.soft, 40 * NS_PER_MS);
	assert_int_equal(m.hard, 160 * NS_PER_MS);
	m = begun(NS_PER_MS / 2); /* a short call is given time for the system's own hiccups */
	assert_int_equal(m.hard, 20 * NS_PER_MS);
	assert_int_equal(m.soft, 5 * NS_PER_MS);
}

static void a_given_limit_is_kept(void **state)
{
	(void)state;
	struct health_options options = health_defaults;
	struct health_monitor m;

	options.limit = 7 * NS_PER_MS;
	health_init(&m, &options);
	assert_int_equal(m.hard, 7 * NS_PER_MS);
	health_calibrate(&m, 50 * NS_PER_MS);
	good(&m, 1000, 6 * NS_PER_MS);
	assert_int_equal(m.hard, 7 * NS_PER_MS);
	assert_true(m.soft <= m.hard);
}

/* Slower without being wrong: it counts as slow for a while, then it is the usual; never past the hard limit.
 */
static void slowness_becomes_usual(void **state)
{
	(void)state;
	struct health_monitor m = begun(10 * NS_PER_MS);
	good(&m, 100, 60 * NS_PER_MS);
	assert_true(m.slow > 0 && m.slow < 20);
	assert_true(m.expected > 55 * NS_PER_MS && m.expected <= 60 * NS_PER_MS);
	assert_int_equal(m.soft, m.hard);
	assert_int_equal(m.hard, 160 * NS_PER_MS);
	assert_false(m.alarm);
	good(&m, 200, 10 * NS_PER_MS);
	assert_true(m.soft < 45 * NS_PER_MS);
}

static void actions_escalate(void **state)
{
	(void)state;
	struct health_monitor m = begun(NS_PER_MS);
	assert_int_equal(health_failure(&m, PL_FAULT_LATE, 0), RECOVERY_RESET);
	assert_int_equal(health_failure(&m, PL_FAULT_LATE, 0), RECOVERY_PROGRAM);
	good(&m, 1, NS_PER_MS);
	assert_int_equal(health_failure(&m, PL_FAULT_FAILED, 0), RECOVERY_RESET);
	good(&m, 1, NS_PER_MS);
	assert_int_equal(health_failure(&m, PL_FAULT_WRONG, 0), RECOVERY_PROGRAM);
	assert_int_equal(m.resets, 2);
	assert_int_equal(m.reconfigurations, 2);
	assert_int_equal(m.faults[PL_FAULT_LATE], 2);
	assert_int_equal(m.faults[PL_FAULT_FAILED], 1);
	assert_int_equal(m.faults[PL_FAULT_WRONG], 1);
}

static void faults_have_names(void **state)
{
	(void)state;
	assert_string_equal(pl_fault_text(pl_fault_of(-ETIMEDOUT)), "did not finish in time");
	assert_string_equal(pl_fault_text(pl_fault_of(-EBADMSG)), "gave a wrong answer");
	assert_string_equal(pl_fault_text(pl_fault_of(-EIO)), "reported an error");
}

static void alarm_then_disabled_then_return(void **state)
{
	(void)state;
	struct health_monitor m = begun(NS_PER_MS);
	for (int i = 1; i <= 6; i++) {
		health_failure(&m, PL_FAULT_LATE, 0);
		assert_int_equal(m.alarm, i >= 3);
		assert_int_equal(m.disabled, i >= 6);
	}
	good(&m, 2, NS_PER_MS);
	health_failure(&m, PL_FAULT_WRONG, 0); /* a self-test that fails: from the beginning */
	good(&m, 2, NS_PER_MS);
	assert_true(m.disabled);
	good(&m, 1, NS_PER_MS);
	assert_false(m.disabled);
	assert_false(m.alarm);
	assert_int_equal(m.times_disabled, 1);
	assert_int_equal(m.alarms, 1);
	health_failure(&m, PL_FAULT_LATE, 0); /* on probation */
	assert_true(m.alarm);
	assert_false(m.disabled);
	assert_int_equal(m.alarms, 2);
}

static void a_disabled_pl_is_tested_ever_more_rarely(void **state)
{
	static const int seconds[] = {1, 2, 4, 8, 16, 32, 60, 60};
	struct health_monitor m = begun(NS_PER_MS);

	(void)state;
	for (int i = 0; i < 6; i++)
		health_failure(&m, PL_FAULT_LATE, 0);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		assert_int_equal(m.pause, seconds[i] * NS_PER_S);
		health_failure(&m, PL_FAULT_LATE, 0);
	}
	good(&m, 1, NS_PER_MS);
	assert_true(m.disabled);
	assert_int_equal(m.pause, NS_PER_S);
	health_failure(&m, PL_FAULT_LATE, 0);
	assert_int_equal(m.pause, 2 * NS_PER_S);
	good(&m, 3, NS_PER_MS);
	for (int i = 0; i < 6; i++)
		health_failure(&m, PL_FAULT_LATE, 0);
	assert_true(m.disabled); /* the next time it begins anew */
	assert_int_equal(m.pause, 4 * NS_PER_S);
}

static void without_a_calibration_the_timeout_holds(void **state)
{
	struct health_options options = health_defaults;
	struct health_monitor m;

	(void)state;
	options.timeout = 5 * NS_PER_S;
	health_init(&m, &options);
	assert_int_equal(m.hard, 5 * NS_PER_S);
	for (int i = 0; i < 6; i++)
		health_failure(&m, PL_FAULT_LATE, 0);
	assert_int_equal(m.hard, 5 * NS_PER_S);
	health_calibrate(&m, 10 * NS_PER_MS);
	assert_int_equal(m.hard, 160 * NS_PER_MS);
}

static void good_calls_make_up_for_faults(void **state)
{
	(void)state;
	struct health_monitor m = begun(NS_PER_MS);
	for (int i = 0; i < 50; i++) {
		health_failure(&m, PL_FAULT_LATE, 0);
		good(&m, 100, NS_PER_MS);
	}
	assert_false(m.alarm);
	for (int i = 0; i < 3; i++) {
		health_failure(&m, PL_FAULT_LATE, 0);
		good(&m, 99, NS_PER_MS);
	}
	assert_true(m.alarm);
	good(&m, 100, NS_PER_MS);
	assert_false(m.alarm);
}

static void recovery_is_timed_to_the_next_good_call(void **state)
{
	(void)state;
	struct health_monitor m = begun(NS_PER_MS);
	health_failure(&m, PL_FAULT_LATE, 100 * NS_PER_MS);
	health_failure(&m, PL_FAULT_LATE, 120 * NS_PER_MS);
	health_success(&m, NS_PER_MS, 150 * NS_PER_MS);
	health_success(&m, NS_PER_MS, 151 * NS_PER_MS);
	assert_int_equal(m.recovery_time.count, 1);
	assert_int_equal(m.recovery_time.maximum, 50 * NS_PER_MS);
}

static void actions_that_fail(void **state)
{
	(void)state;
	struct health_monitor m = begun(NS_PER_MS);
	enum recovery_action action = health_failure(&m, PL_FAULT_LATE, 0);
	action = health_action_failed(&m, action);
	assert_int_equal(action, RECOVERY_PROGRAM);
	assert_false(m.disabled);
	health_action_failed(&m, action);
	assert_true(m.disabled);
	assert_true(m.alarm);
}

/* Each change is reported once, by the call that made it. */
static void changes_are_reported_once(void **state)
{
	(void)state;
	struct health_monitor m = begun(10 * NS_PER_MS);
	assert_int_equal(health_take_events(&m), 0);
	good(&m, 1, 10 * NS_PER_MS);
	assert_int_equal(health_take_events(&m), 0);
	good(&m, 1, 41 * NS_PER_MS);
	assert_int_equal(health_take_events(&m), HEALTH_FIRST_SLOW);
	good(&m, 1, 60 * NS_PER_MS);
	assert_int_equal(health_take_events(&m), 0);
	health_failure(&m, PL_FAULT_LATE, 0);
	assert_int_equal(health_take_events(&m), 0);
	health_failure(&m, PL_FAULT_LATE, 0);
	assert_int_equal(health_take_events(&m), HEALTH_RECONFIGURED);
	health_failure(&m, PL_FAULT_LATE, 0);
	assert_int_equal(health_take_events(&m), HEALTH_RECONFIGURED | HEALTH_ALARM_RAISED);
	good(&m, 100, 10 * NS_PER_MS);
	assert_int_equal(health_take_events(&m), HEALTH_ALARM_CLEARED);
	enum recovery_action action = health_failure(&m, PL_FAULT_LATE, 0);
	assert_int_equal(health_take_events(&m), HEALTH_ALARM_RAISED);
	action = health_action_failed(&m, action);
	assert_int_equal(health_take_events(&m), HEALTH_RECONFIGURED);
	health_action_failed(&m, action);
	assert_int_equal(health_take_events(&m), HEALTH_DISABLED);
	good(&m, 3, 10 * NS_PER_MS);
	assert_int_equal(health_take_events(&m), HEALTH_ENABLED | HEALTH_ALARM_CLEARED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_follow_the_calibration),
		cmocka_unit_test(a_given_limit_is_kept),
		cmocka_unit_test(slowness_becomes_usual),
		cmocka_unit_test(actions_escalate),
		cmocka_unit_test(faults_have_names),
		cmocka_unit_test(alarm_then_disabled_then_return),
		cmocka_unit_test(a_disabled_pl_is_tested_ever_more_rarely),
		cmocka_unit_test(without_a_calibration_the_timeout_holds),
		cmocka_unit_test(good_calls_make_up_for_faults),
		cmocka_unit_test(recovery_is_timed_to_the_next_good_call),
		cmocka_unit_test(actions_that_fail),
		cmocka_unit_test(changes_are_reported_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
