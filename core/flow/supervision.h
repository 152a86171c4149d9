/* SPDX-License-Identifier: MIT */
/*
 * Judges a PL's calls: how long one may take, what to do about one that went wrong, whom to trust. It keeps
 * the books and decides; the caller takes the times, carries the remedies out, and reports here. One thread.
 *
 * A call is slow after `soft`, which follows the usual time, and stopped after `hard`, which does not: a PL
 * that turns slower without being wrong is waited for, within bounds. Anomalies in a row lead from a reset to
 * a new programming. Anomalies add up to an alarm and then to retirement: software computes until the PL has
 * passed its self-test some times, which is tried ever more rarely. Calls that go well make up for anomalies
 * again.
 */
#ifndef FLOW_SUPERVISION_H
#define FLOW_SUPERVISION_H

#include "flow/histogram.h"

#include <stdbool.h>

enum anomaly {
	ANOMALY_LATE,	/* stopped at its hard limit */
	ANOMALY_FAILED, /* the PL reported an error, or refused the call */
	ANOMALY_WRONG,	/* it answered, and a known answer is another, or the answer is another call's */
	ANOMALY_COUNT
};

enum remedy {
	REMEDY_RESET,	/* stop it and go on */
	REMEDY_PROGRAM, /* as REMEDY_RESET, then load its design and weights again */
};

struct supervision_options {
	int64_t limit;		/* hard limit, ns; 0: by the calibration */
	int64_t patience;	/* hard limit as long as there is none by calibration, ns */
	int64_t shortest;	/* no limit by calibration is below this, ns */
	int alarm_strikes;	/* anomalies, less what good calls made up for, that raise the alarm */
	int retirement_strikes; /* … that retire the PL */
	int passes_to_return;	/* self-tests in a row that a retired PL must pass */
};

/* For reading; only the functions below write. */
struct supervision {
	struct supervision_options options;
	int64_t calibrated, expected; /* ns a call takes: at the start, and of late */
	int64_t soft, hard;	      /* ns */
	bool alarm, retired;
	uint64_t good, slow; /* calls; slow ones are good too */
	uint64_t anomalies[ANOMALY_COUNT];
	uint64_t resets, programmings, alarms, retirements;
	struct histogram recovery; /* ns from an anomaly to the next good call */

	int in_a_row;	      /* anomalies since the last good call */
	int strikes, made_up; /* made_up: good calls since the last strike or its taking back */
	int passes;
	int64_t trouble_since; /* 0: none */
	int64_t pause;	       /* while retired: to the next self-test, ns */
};

/* Sensible for a PL in hardware: 10 s, then at least 20 ms; alarm at 3, retirement at 6, return after 3. */
extern const struct supervision_options supervision_defaults;

void supervision_begin(struct supervision *s, const struct supervision_options *options);

/* What one call took when nothing else was going on, ns (the median of some). Sets the limits. */
void supervision_calibrate(struct supervision *s, int64_t elapsed);

/* A call that was answered well after `elapsed`, at the time `now`; also a passed self-test. */
void supervision_good(struct supervision *s, int64_t elapsed, int64_t now);

/* A call that was not, also a failed self-test; what to do now. */
enum remedy supervision_bad(struct supervision *s, enum anomaly anomaly, int64_t now);

/* The remedy did not work: a reset is to be followed by programming, else the PL is retired at once. */
enum remedy supervision_remedy_failed(struct supervision *s, enum remedy remedy);

#endif
