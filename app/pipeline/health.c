/* SPDX-License-Identifier: MIT */
#include "pipeline/health.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>

/* Multiples of the usual and of the calibrated time. */
#define SOFT_FACTOR 4
#define HARD_FACTOR 16

/* The usual time moves by this share of the difference with each call. */
#define EXPECTED_SHARE 16

/* Good calls that cancel one fault. */
#define GOOD_FOR_FAILURE 100

/* Between self-tests of a disabled PL: one second, doubled after each failure, at most one minute. */
#define PAUSE_SHORTEST NS_PER_S
#define PAUSE_LONGEST INT64_C(60000000000)

const struct health_options health_defaults = {
	.timeout = 10000000000,
	.shortest = 20000000,
	.alarm_failures = 3,
	.disable_failures = 6,
	.passes_to_return = 3,
};

enum pl_fault pl_fault_of(int status)
{
	return status == -ETIMEDOUT ? PL_FAULT_LATE : status == -EBADMSG ? PL_FAULT_WRONG : PL_FAULT_FAILED;
}

const char *pl_fault_text(enum pl_fault fault)
{
	return fault == PL_FAULT_LATE	 ? "did not finish in time"
	       : fault == PL_FAULT_WRONG ? "gave a wrong answer"
					 : "reported an error";
}

static int64_t at_least(int64_t time, int64_t shortest)
{
	return time > shortest ? time : shortest;
}

static void set_limits(struct health_monitor *m)
{
	const struct health_options *o = &m->options;
	int64_t usual = m->calibrated ? HARD_FACTOR * m->calibrated : o->timeout;

	m->hard = o->limit ? o->limit : at_least(usual, o->shortest);
	m->soft = at_least(SOFT_FACTOR * m->expected, o->limit ? 0 : o->shortest / SOFT_FACTOR);
	if (!m->calibrated || m->soft > m->hard)
		m->soft = m->hard;
}

void health_init(struct health_monitor *m, const struct health_options *options)
{
	memset(m, 0, sizeof(*m));
	m->options = *options;
	set_limits(m);
}

void health_calibrate(struct health_monitor *m, int64_t elapsed)
{
	m->calibrated = m->expected = elapsed;
	set_limits(m);
}

static void raise_alarm(struct health_monitor *m)
{
	if (m->alarm)
		return;
	m->alarm = true;
	m->alarms++;
	m->events |= HEALTH_ALARM_RAISED;
}

static void clear_alarm(struct health_monitor *m)
{
	if (m->alarm)
		m->events |= HEALTH_ALARM_CLEARED;
	m->alarm = false;
}

static void make_up(struct health_monitor *m)
{
	if (!m->failures || ++m->made_up < GOOD_FOR_FAILURE)
		return;
	m->made_up = 0;
	m->failures--;
	if (m->failures < m->options.alarm_failures)
		clear_alarm(m);
}

static void come_back(struct health_monitor *m)
{
	if (++m->passes < m->options.passes_to_return)
		return;
	m->disabled = false;
	m->events |= HEALTH_ENABLED;
	clear_alarm(m);
	m->passes = m->made_up = 0;
	/* On probation: the next fault raises the alarm again. */
	m->failures = m->options.alarm_failures - 1;
}

void health_success(struct health_monitor *m, int64_t elapsed, int64_t now)
{
	m->good++;
	if (elapsed > m->soft && !m->slow++)
		m->events |= HEALTH_FIRST_SLOW;
	m->expected += (elapsed - m->expected) / EXPECTED_SHARE;
	set_limits(m);
	m->in_a_row = 0;
	m->pause = PAUSE_SHORTEST;
	if (m->fault_since && !m->disabled)
		histogram_add(&m->recovery_time, now - m->fault_since);
	if (!m->disabled)
		m->fault_since = 0;
	if (m->disabled)
		come_back(m);
	else
		make_up(m);
}

static enum recovery_action action_for(const struct health_monitor *m, enum pl_fault fault)
{
	/* A wrong result may come from corrupted weights, which a reset does not repair. */
	return fault == PL_FAULT_WRONG || m->in_a_row > 1 ? RECOVERY_PROGRAM : RECOVERY_RESET;
}

static void disable(struct health_monitor *m)
{
	if (!m->disabled) {
		m->pause = PAUSE_SHORTEST;
		m->disabled = true;
		m->times_disabled++;
		m->events |= HEALTH_DISABLED;
	}
	raise_alarm(m);
	m->passes = 0;
}

static void reconfigure(struct health_monitor *m)
{
	m->reconfigurations++;
	m->events |= HEALTH_RECONFIGURED;
}

enum recovery_action health_failure(struct health_monitor *m, enum pl_fault fault, int64_t now)
{
	m->faults[fault]++;
	m->in_a_row++;
	m->made_up = m->passes = 0;
	if (m->disabled)
		m->pause = 2 * m->pause < PAUSE_LONGEST ? 2 * m->pause : PAUSE_LONGEST;
	if (!m->fault_since)
		m->fault_since = now;
	if (m->failures < m->options.disable_failures)
		m->failures++;
	if (m->failures >= m->options.alarm_failures)
		raise_alarm(m);
	if (m->failures >= m->options.disable_failures)
		disable(m);
	enum recovery_action action = action_for(m, fault);
	if (action == RECOVERY_RESET)
		m->resets++;
	else
		reconfigure(m);
	return action;
}

enum recovery_action health_action_failed(struct health_monitor *m, enum recovery_action action)
{
	if (action == RECOVERY_RESET)
		reconfigure(m);
	else
		disable(m);
	return RECOVERY_PROGRAM;
}

unsigned health_take_events(struct health_monitor *m)
{
	unsigned events = m->events;

	m->events = 0;
	return events;
}
