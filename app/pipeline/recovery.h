/* SPDX-License-Identifier: MIT */
/*
 * Recovers a PL that is late, fails or gives wrong results: health.h decides whether it is reset, programmed
 * again or replaced by software. The conv0 stage and the PL stage call these functions.
 */
#ifndef APP_PIPELINE_RECOVERY_H
#define APP_PIPELINE_RECOVERY_H

#include "pipeline/health.h"
#include "pipeline/pl_jobs.h"
#include "pipeline/self_test.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct pipeline;

/* The state of the recovery. */
struct recovery {
	struct health_monitor health; /* only the PL stage uses it */
	struct self_test test;	      /* of a PL in hardware */
	_Atomic int64_t test_due;     /* INT64_MAX while a self-test runs */
	atomic_bool alarm, disabled;
};

/* What a job did to the PL's health. */
struct recovery_outcome {
	bool failed; /* the PL, with `fault` */
	enum pl_fault fault;
	unsigned events;   /* a set of enum health_event */
	bool cpu_fallback; /* software computed the frame */
	int64_t pl_free;   /* when the PL had ended the job, by clock_now; 0: it did not have it */
};

/* For a loaded PL; one in hardware is tested and timed. -EINTR: config.interrupted was true. */
int recovery_init(struct pipeline *pipeline, struct error *e);
void recovery_finish(struct recovery *recovery);

/* The warning about the PL for the caption; NULL while it is healthy. Any thread. */
const char *recovery_warning(const struct recovery *recovery);

/* The conv0 stage: submits a job whose buffer is filled, unless software is to compute it. */
void recovery_submit(struct pipeline *pipeline, struct pl_job *job);

/* The conv0 stage: makes an empty job a self-test and submits it, if one is due. False: none is. */
bool recovery_self_test(struct pipeline *pipeline, struct pl_job *job);

/*
 * The PL stage: waits for a job and recovers a PL that fails. 0: a frame has its scores, from the PL or from
 * software; else a frame has none. A self-test returns 0.
 */
int recovery_collect(struct pipeline *pipeline, struct pl_job *job, struct recovery_outcome *outcome);

#endif
