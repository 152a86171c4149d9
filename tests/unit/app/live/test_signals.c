/* SPDX-License-Identifier: MIT */
#include "live/signals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool kills(int number)
{
	sigset_t blocked;

	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	return !sigismember(&blocked, number);
}

/* Whoever asks only whether to end takes no other signal away. */
static void an_end_is_reported_once(void **state)
{
	(void)state;
	signals_block();
	raise(SIGUSR1);
	assert_false(signals_end());
	raise(SIGTERM);
	assert_false(kills(SIGTERM));
	assert_true(signals_end());
	assert_false(signals_end());
	assert_true(kills(SIGTERM));
	assert_int_equal(signals_next(), REQUEST_RECORD);
	assert_int_equal(signals_next(), REQUEST_NONE);
}

static void requests_come_one_by_one(void **state)
{
	(void)state;
	signals_block();
	raise(SIGHUP);
	raise(SIGINT);
	assert_int_equal(signals_next() + signals_next(), REQUEST_ROTATE + REQUEST_END);
	assert_int_equal(signals_next(), REQUEST_NONE);
	assert_true(kills(SIGINT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_is_reported_once),
		cmocka_unit_test(requests_come_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
