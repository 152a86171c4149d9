/* SPDX-License-Identifier: MIT */
/*
 * The health monitor of a PL: how long a call may take, how a fault is recovered, whether the PL is used. It
 * counts and decides; the caller measures the times, carries out the actions and reports the results. It is
 * for one thread.
 *
 * A call is slow after `soft`, which follows the usual time, and is stopped after `hard`, which is fixed: a
 * PL may become slower, within bounds. The first fault in a row leads to a reset, the next to a
 * reconfiguration. Several faults raise the alarm; more faults disable the PL. Software then computes until
 * the PL has passed its self-test several times; after each failed test, the pause is longer. Good calls
 * cancel faults.
 */
#ifndef APP_PIPELINE_HEALTH_H
#define APP_PIPELINE_HEALTH_H

#include "flow/histogram.h"

#include <stdbool.h>

enum pl_fault {
	PL_FAULT_LATE,	 /* stopped at its hard limit */
	PL_FAULT_FAILED, /* the PL reported an error or refused the call */
	PL_FAULT_WRONG,	 /* the result differs from the known one, or is another call's */
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
	RECOVERY_RESET,	  /* stop the PL and go on */
	RECOVERY_PROGRAM, /* as RECOVERY_RESET, then load the design and the weights again */
};

struct health_options {
	int64_t limit;	      /* hard limit, ns; 0: from the calibration */
	int64_t timeout;      /* hard limit before the calibration, ns */
	int64_t shortest;     /* the least hard limit from the calibration, ns */
	int alarm_failures;   /* faults, less those that good calls cancelled, that raise the alarm */
	int disable_failures; /* … that disable the PL */
	int passes_to_return; /* self-tests in a row that a disabled PL must pass */
};

/* Read-only for callers. */
struct health_monitor {
	struct health_options options;
	int64_t calibrated, expected; /* ns that a call takes: at the start; recently */
	int64_t soft, hard;	      /* ns */
	bool alarm, disabled;
	uint64_t good, slow; /* calls; a slow call is good too */
	uint64_t faults[PL_FAULT_COUNT];
	uint64_t resets, reconfigurations, alarms, times_disabled;
	struct histogram recovery_time; /* ns from a fault to the next good call */

	int in_a_row;	       /* faults since the last good call */
	int failures, made_up; /* made_up: good calls since a failure was last counted or cancelled */
	int passes;
	int64_t fault_since; /* 0: none */
	int64_t pause;	     /* while disabled: from a self-test to the next, ns */
	unsigned events;     /* enum health_event, since the last health_take_events */
};

/* For a hardware PL: 10 s, then at least 20 ms; alarm at 3 faults, disabled at 6, enabled after 3 passes. */
extern const struct health_options health_defaults;

void health_init(struct health_monitor *m, const struct health_options *options);

/* Sets the limits. elapsed: the median time of some calls on an idle machine, ns. */
void health_calibrate(struct health_monitor *m, int64_t elapsed);

/* A call or a self-test succeeded after `elapsed`, at the time `now`. */
void health_success(struct health_monitor *m, int64_t elapsed, int64_t now);

/* A call or a self-test failed. Returns the recovery action. */
enum recovery_action health_failure(struct health_monitor *m, enum pl_fault fault, int64_t now);

/* The action failed. After a reset, a reconfiguration follows; after a reconfiguration, the PL is disabled.
 */
enum recovery_action health_action_failed(struct health_monitor *m, enum recovery_action action);

/* What changed since the last call of this function: a set of enum health_event. */
unsigned health_take_events(struct health_monitor *m);

#endif
