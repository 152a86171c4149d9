/* SPDX-License-Identifier: MIT */
/*
 * Judges a PL's calls: how long one may take, what to do about one that went wrong, whom to trust. It keeps
 * the books and decides; the caller takes the times, carries the actions out, and reports here. One thread.
 *
 * A call is slow after `soft`, which follows the usual time, and stopped after `hard`, which does not: a PL
 * that turns slower without being wrong is waited for, within bounds. Faults in a row lead from a reset to
 * a reconfiguration. Faults add up to an alarm; more of them disable the PL: software computes until it has
 * passed its self-test some times, which is tried ever more rarely. Calls that go well make up for faults
 * again.
 */
#ifndef APP_PIPELINE_HEALTH_H
#define APP_PIPELINE_HEALTH_H

#include "flow/histogram.h"

#include <stdbool.h>

enum pl_fault {
	PL_FAULT_LATE,	 /* stopped at its hard limit */
	PL_FAULT_FAILED, /* the PL reported an error, or refused the call */
	PL_FAULT_WRONG,	 /* it answered, and a known answer is another, or the answer is another call's */
	PL_FAULT_COUNT
};

/* The fault that a negative status of pl_submit or pl_wait stands for; -EBADMSG: a wrong result. */
enum pl_fault pl_fault_of(int status);

/* What a PL with that fault did, as in "the PL reported an error". */
const char *pl_fault_text(enum pl_fault fault);

/* What a call changed, as bits of a set. */
enum health_event {
	HEALTH_ALARM_RAISED = 1 << 0,
	HEALTH_ALARM_CLEARED = 1 << 1,
	HEALTH_DISABLED = 1 << 2,
	HEALTH_ENABLED = 1 << 3,
	HEALTH_RECONFIGURED = 1 << 4, /* the action is RECOVERY_PROGRAM, not a reset */
	HEALTH_FIRST_SLOW = 1 << 5,   /* the first slow call of all */
};

enum recovery_action {
	RECOVERY_RESET,	  /* stop it and go on */
	RECOVERY_PROGRAM, /* as RECOVERY_RESET, then load its design and weights again */
};

struct health_options {
	int64_t limit;	      /* hard limit, ns; 0: by the calibration */
	int64_t timeout;      /* hard limit before the calibration, ns */
	int64_t shortest;     /* no limit by calibration is below this, ns */
	int alarm_failures;   /* faults, less what good calls made up for, that raise the alarm */
	int disable_failures; /* … that disable the PL */
	int passes_to_return; /* self-tests in a row that a disabled PL must pass */
};

/* For reading; only the functions below write. */
struct health_monitor {
	struct health_options options;
	int64_t calibrated, expected; /* ns a call takes: at the start, and of late */
	int64_t soft, hard;	      /* ns */
	bool alarm, disabled;
	uint64_t good, slow; /* calls; slow ones are good too */
	uint64_t faults[PL_FAULT_COUNT];
	uint64_t resets, reconfigurations, alarms, times_disabled;
	struct histogram recovery_time; /* ns from a fault to the next good call */

	int in_a_row;	       /* faults since the last good call */
	int failures, made_up; /* made_up: good calls since a failure was last counted or taken back */
	int passes;
	int64_t fault_since; /* 0: none */
	int64_t pause;	     /* while disabled: to the next self-test, ns */
	unsigned events;     /* enum health_event, since the last health_take_events */
};

/* Sensible for a PL in hardware: 10 s, then at least 20 ms; alarm at 3, disabled at 6, return after 3. */
extern const struct health_options health_defaults;

void health_init(struct health_monitor *m, const struct health_options *options);

/* What one call took when nothing else was going on, ns (the median of some). Sets the limits. */
void health_calibrate(struct health_monitor *m, int64_t elapsed);

/* A call that was answered well after `elapsed`, at the time `now`; also a passed self-test. */
void health_success(struct health_monitor *m, int64_t elapsed, int64_t now);

/* A call that was not, also a failed self-test; what to do now. */
enum recovery_action health_failure(struct health_monitor *m, enum pl_fault fault, int64_t now);

/* The action did not work: a reset is to be followed by a reconfiguration, else the PL is disabled at once.
 */
enum recovery_action health_action_failed(struct health_monitor *m, enum recovery_action action);

/* What changed since the last call of this function: a set of enum health_event. */
unsigned health_take_events(struct health_monitor *m);

#endif
