/* SPDX-License-Identifier: MIT */
/* The driver of QNN-MO-PYNQ's design when the design hangs, errs, or cannot be programmed. */
#include "base/clock.h"
#include "support/qnn_mo_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Both inputs are filled, and the call that comes `calls` from now goes wrong. */
static struct qnn_mo_fixture with_fault(enum jam_fault fault, int calls)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	jam_fault(fault, calls);
	qnn_mo_fixture_fill(&fixture, 0);
	qnn_mo_fixture_fill(&fixture, 1);
	return fixture;
}

/* Buffer 0 hangs at a call in the third of five stages; nothing but programming helps. */
static void hang_in_a_layer(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	(void)state;
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	qnn_mo_fixture_run(&fixture, 0);
	jam_fault(JAM_HANGS, 8);
	qnn_mo_fixture_fill(&fixture, 0);
	qnn_mo_fixture_fill(&fixture, 1);
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	assert_int_equal(pl_submit(fixture.pl, 1), 0);
	qnn_mo_fixture_await(QNN_MO_SMALL_CALLS + 8);
	assert_int_equal(pl_wait(fixture.pl, 0, clock_now() + 5 * NS_PER_MS), -ETIMEDOUT);
	assert_int_equal(pl_wait(fixture.pl, 1, 0), -ETIMEDOUT);
	assert_int_equal(pl_submit(fixture.pl, 0), -EBUSY);
	assert_int_equal(pl_reset(fixture.pl), -ENOTRECOVERABLE);
	assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), -ECANCELED);
	assert_int_equal(pl_wait(fixture.pl, 1, INT64_MAX), -ECANCELED);
	assert_int_equal(jam_calls(), QNN_MO_SMALL_CALLS + 8);
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), -ECANCELED);
	assert_int_equal(pl_reset(fixture.pl), -ENOTRECOVERABLE);
	assert_int_equal(jam_calls(), QNN_MO_SMALL_CALLS + 8);
	assert_int_equal(pl_program(fixture.pl, &fixture.e), 0);
	qnn_mo_fixture_run(&fixture, 0);
	qnn_mo_fixture_run(&fixture, 1);
	assert_int_equal(pl_reset(fixture.pl), 0);
	assert_int_equal(jam.reconfigurations, 2);
	qnn_mo_fixture_end(&fixture);
}

static struct qnn_mo_fixture *programmed; /* by the test below */

static void submit_meanwhile(void)
{
	assert_int_equal(pl_submit(programmed->pl, 1), 0);
	nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
	assert_int_equal(pl_wait(programmed->pl, 1, 0), -ETIMEDOUT);
}

/* Conv0's thread submits the next picture while another thread recovers the PL: it waits, and is computed. */
static void submitted_while_programmed(void **state)
{
	struct qnn_mo_fixture fixture = with_fault(JAM_IS_GONE, 1);

	(void)state;
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), -EIO);
	programmed = &fixture;
	jam.while_programmed = submit_meanwhile;
	assert_int_equal(pl_program(fixture.pl, &fixture.e), 0);
	assert_int_equal(pl_wait(fixture.pl, 1, INT64_MAX), 0);
	qnn_mo_fixture_compare(&fixture, 1);
	qnn_mo_fixture_end(&fixture);
}

/* The pictures behind one that failed do not fail for it: they are to be submitted again. */
static void queued_behind_a_failure(void **state)
{
	struct qnn_mo_fixture fixture = with_fault(JAM_FORGETS, 1);

	(void)state;
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	assert_int_equal(pl_submit(fixture.pl, 1), 0);
	assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), -EIO);
	assert_int_equal(pl_wait(fixture.pl, 1, INT64_MAX), -ECANCELED);
	assert_int_equal(pl_program(fixture.pl, &fixture.e), 0);
	assert_int_equal(pl_submit(fixture.pl, 1), 0);
	assert_int_equal(pl_wait(fixture.pl, 1, INT64_MAX), 0);
	qnn_mo_fixture_compare(&fixture, 1);
	qnn_mo_fixture_end(&fixture);
}

/* Resets while the third call takes its time. False: that ended before, which busy machines let happen. */
static bool given_up_in_time(void)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	jam_begin();
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	jam.slow = 30 * NS_PER_MS;
	jam_fault(JAM_IS_SLOW, 3);
	qnn_mo_fixture_fill(&fixture, 1);
	assert_int_equal(pl_submit(fixture.pl, 1), 0);
	qnn_mo_fixture_await(3);
	assert_int_equal(pl_reset(fixture.pl), 0);
	bool in_time = jam_calls() == 3;
	if (in_time)
		assert_int_equal(pl_wait(fixture.pl, 1, 0), -ECANCELED);
	qnn_mo_fixture_run(&fixture, 0);
	assert_int_equal(jam.reconfigurations, 1);
	qnn_mo_fixture_end(&fixture);
	return in_time;
}

/* What ends soon after it was given up needs no programming. */
static void late_is_not_stuck(void **state)
{
	int tries = 0;

	(void)state;
	while (!given_up_in_time())
		assert_true(++tries < 100);
}

static void failures_are_reported(void **state)
{
	static const enum jam_fault faults[] = {JAM_FORGETS, JAM_IS_GONE};

	(void)state;
	for (int i = 0; i < 2; i++) {
		jam_begin();
		struct qnn_mo_fixture fixture = with_fault(faults[i], 5);

		assert_int_equal(pl_submit(fixture.pl, 0), 0);
		assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), -EIO);
		assert_int_equal(pl_wait(fixture.pl, 0, 0), -EIO); /* until it is submitted again */
		assert_int_equal(pl_reset(fixture.pl), -ENOTRECOVERABLE);
		assert_int_equal(pl_program(fixture.pl, &fixture.e), 0);
		qnn_mo_fixture_run(&fixture, 0);
		qnn_mo_fixture_end(&fixture);
	}
}

/* Programming fails twice; then the design comes back with the network. Weights are written anew. */
static void programming_may_fail(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	(void)state;
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	jam_fault(JAM_IS_GONE, 1);
	jam.program_fails = 2;
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), -EIO);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pl_reset(fixture.pl), -ENOTRECOVERABLE);
		assert_int_equal(pl_program(fixture.pl, &fixture.e), -EIO);
		assert_string_equal(fixture.e.text, "the PL takes no design");
		assert_int_equal(pl_submit(fixture.pl, 0), 0);
		assert_int_equal(pl_wait(fixture.pl, 0, INT64_MAX), -ECANCELED);
	}
	memset(jam.blocks[0].data, 0x5a, jam.blocks[0].size);
	memset(jam.blocks[0].dram, 0x5a, jam.blocks[0].size);
	assert_int_equal(pl_program(fixture.pl, &fixture.e), 0);
	qnn_mo_fixture_run(&fixture, 0);
	qnn_mo_fixture_end(&fixture);
}

static void opening_may_fail(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	(void)state;
	jam.open_fails = ENODEV;
	assert_int_equal(pl_open("qnn-mo", NULL, &fixture.pl, &fixture.e), -ENODEV);
	jam.open_fails = 0;
	jam.program_fails = 1;
	assert_int_equal(qnn_mo_fixture_load(&fixture), -EIO);
	pl_close(fixture.pl);
	jam.control_after_program = 0xdeadbeef;
	assert_int_equal(qnn_mo_fixture_load(&fixture), -EIO);
	assert_non_null(strstr(fixture.e.text, "0xdeadbeef"));
	pl_close(fixture.pl);
	jam.control_after_program = 4;
	jam.address = 0x1ffff000;
	assert_int_equal(qnn_mo_fixture_load(&fixture), -ENOMEM);
	assert_non_null(strstr(fixture.e.text, "512 MiB"));
	qnn_mo_fixture_end(&fixture);
}

static void interrupts_help_and_are_not_needed(void **state)
{
	(void)state;
	for (enum jam_interrupt i = JAM_UNCONNECTED; i <= JAM_SENSELESS; i++) {
		struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

		jam_begin();
		jam.interrupt = i;
		assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
		qnn_mo_fixture_run(&fixture, 0);
		qnn_mo_fixture_run(&fixture, 1);
		if (i == JAM_CONNECTED)
			assert_true(jam.interrupts > 0);
		qnn_mo_fixture_end(&fixture);
	}
}

/* A block that hangs is programmed before its memory goes back. */
static void closing_while_it_hangs(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	(void)state;
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	jam_fault(JAM_HANGS, 2);
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	qnn_mo_fixture_await(2);
	qnn_mo_fixture_end(&fixture);
	assert_int_equal(jam.reconfigurations, 2);
}

/* Where reconfiguration fails, too, the driver never frees the memory. */
static void closing_what_cannot_be_programmed(void **state)
{
	struct qnn_mo_fixture fixture = {.network = qnn_mo_network_small()};

	(void)state;
	assert_int_equal(qnn_mo_fixture_load(&fixture), 0);
	jam_fault(JAM_HANGS, 2);
	assert_int_equal(pl_submit(fixture.pl, 0), 0);
	qnn_mo_fixture_await(2);
	jam.program_fails = 1;
	pl_close(fixture.pl);
	network_destroy(fixture.network);
	assert_non_null(strstr(jam.broken, "memory was not freed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		QNN_MO_TEST(hang_in_a_layer),
		QNN_MO_TEST(submitted_while_programmed),
		QNN_MO_TEST(queued_behind_a_failure),
		QNN_MO_TEST(late_is_not_stuck),
		QNN_MO_TEST(failures_are_reported),
		QNN_MO_TEST(programming_may_fail),
		QNN_MO_TEST(opening_may_fail),
		QNN_MO_TEST(interrupts_help_and_are_not_needed),
		QNN_MO_TEST(closing_while_it_hangs),
		QNN_MO_TEST(closing_what_cannot_be_programmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
