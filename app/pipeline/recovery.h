/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a PL that does not answer, or wrongly: it is reset, programmed again, or replaced by
 * software, as its health demands. Called by the stages of Conv0 and of the PL.
 */
#ifndef APP_PIPELINE_RECOVERY_H
#define APP_PIPELINE_RECOVERY_H

#include "pipeline/self_test.h"

#include "pipeline/health.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct error;
struct frame;
struct pipeline;

/* What the recovery of the PL needs. */
struct recovery {
	struct health_monitor health; /* the PL stage's */
	struct self_test test;	      /* of a PL in hardware */
	_Atomic int64_t test_due;     /* INT64_MAX while one is under way */
	atomic_bool alarm, disabled;
};

/* Prepares the recovery of the loaded PL, and tests and times one in hardware. -EINTR: config.interrupted. */
int recovery_init(struct pipeline *pipeline, struct error *e);
void recovery_finish(struct recovery *recovery);

/* What the picture is to say of the PL; NULL while all is well. Any thread. */
const char *recovery_warning(const struct recovery *recovery);

/* Conv0's side: hands a filled buffer to the PL, whose time begins then, unless software is to compute it. */
void recovery_submit(struct pipeline *pipeline, struct frame *frame, int buffer);

/* A frame for the self-test when one is due, its buffer filled and submitted; else NULL. */
struct frame *recovery_self_test(struct pipeline *pipeline, int buffer);

/* The PL's side: the frame's scores, from the PL or from software; recovers a PL that fails. */
int recovery_collect(struct pipeline *pipeline, struct frame *frame, int buffer);

#endif
