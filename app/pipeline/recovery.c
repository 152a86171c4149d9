/* SPDX-License-Identifier: MIT */
/*
 * Carries out what health.h decides. A hardware PL is also self-tested at start-up and periodically, since no
 * status bit shows a corrupted weight. While the PL is disabled, software computes the same layers.
 */
#include "pipeline/recovery.h"

#include "base/clock.h"
#include "pipeline/stages.h"

#include "base/log.h"
#include "nn/engine.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A software PL is late only if the machine is slow, and a reset does not help. */
#define SOFTWARE_SHORTEST (10000 * NS_PER_MS)

#define CALIBRATION_CALLS 5

/* A stop or a signal waits at most this long for a self-test. */
#define ATTENTION (100 * NS_PER_MS)

static double milliseconds(int64_t time)
{
	return (double)time / (double)NS_PER_MS;
}

/* Resets the PL or programs it; if a reset fails, the PL is programmed. */
static void recover(struct pipeline *pipeline, enum recovery_action action)
{
	struct health_monitor *m = &pipeline->recovery.health;
	struct error e = {0};

	for (;;) {
		/* Some designs cannot be reset while they run; programming stops every design. */
		int status = pl_reset(pipeline->config.pl);
		if (action == RECOVERY_PROGRAM)
			status = pl_program(pipeline->config.pl, &e);
		if (!status)
			return;
		log_debug("the PL cannot be %s: %s", action == RECOVERY_RESET ? "reset" : "programmed",
			e.text[0] ? e.text : strerror(-status));
		bool last = action == RECOVERY_PROGRAM;
		action = health_action_failed(m, action);
		if (last)
			return;
	}
}

/* Lets other threads read the state. */
static void publish(struct recovery *recovery)
{
	atomic_store(&recovery->alarm, recovery->health.alarm);
	atomic_store(&recovery->disabled, recovery->health.disabled);
}

static void plan_test(struct pipeline *pipeline)
{
	const struct health_monitor *m = &pipeline->recovery.health;

	atomic_store(&pipeline->recovery.test_due,
		clock_now() + (m->disabled ? m->pause : pipeline->config.pl_check));
}

const char *recovery_warning(const struct recovery *recovery)
{
	return atomic_load(&recovery->disabled) ? "PL disabled: CPU fallback"
	       : atomic_load(&recovery->alarm)	? "PL alarm"
						: NULL;
}

/* Logs each change for the worse; while the alarm is on, single failures are only counted. */
static void fail_call(
	struct pipeline *pipeline, enum pl_fault fault, const char *what, struct recovery_outcome *outcome)
{
	struct health_monitor *m = &pipeline->recovery.health;
	bool log_failure = !m->alarm;

	recover(pipeline, health_failure(m, fault, clock_now()));
	outcome->failed = true;
	outcome->fault = fault;
	outcome->events = health_take_events(m);
	if (log_failure)
		log_warning("%s the PL %s; it is %s, and such frames are counted", what, pl_fault_text(fault),
			outcome->events & HEALTH_RECONFIGURED ? "programmed again" : "reset");
	if (outcome->events & HEALTH_ALARM_RAISED)
		log_warning("alarm: the PL fails again and again (%llu late, %llu failed, %llu wrong)",
			(unsigned long long)m->faults[PL_FAULT_LATE],
			(unsigned long long)m->faults[PL_FAULT_FAILED],
			(unsigned long long)m->faults[PL_FAULT_WRONG]);
	if (outcome->events & HEALTH_DISABLED)
		log_warning(
			"the PL is disabled: software computes until it has passed its self-test %d times",
			m->options.passes_to_return);
	if (m->disabled)
		plan_test(pipeline);
	publish(&pipeline->recovery);
}

static void pass_call(struct pipeline *pipeline, int64_t elapsed, struct recovery_outcome *outcome)
{
	struct health_monitor *m = &pipeline->recovery.health;

	health_success(m, elapsed, clock_now());
	outcome->events = health_take_events(m);
	if (outcome->events & HEALTH_ENABLED)
		log_info("the PL has passed its self-test %d times and computes again",
			m->options.passes_to_return);
	if (outcome->events & HEALTH_FIRST_SLOW)
		log_warning("the PL took %.2f ms instead of %.2f ms; it may take %.0f ms",
			milliseconds(elapsed), milliseconds(m->calibrated), milliseconds(m->hard));
	publish(&pipeline->recovery);
}

/* Waits for a self-test. -EINTR: `over` returned true, so the result is no longer needed. */
static int await_test(
	struct pipeline *pipeline, int buffer, int64_t deadline, bool (*over)(struct pipeline *))
{
	for (;;) {
		int64_t slice = clock_now() + ATTENTION;
		int status = pl_wait(pipeline->config.pl, buffer, slice < deadline ? slice : deadline);
		if (status != -ETIMEDOUT || slice >= deadline)
			return status;
		if (over(pipeline)) {
			pl_reset(pipeline->config.pl); /* else it would still use the buffer */
			return -EINTR;
		}
	}
}

static bool stopping(struct pipeline *pipeline)
{
	return atomic_load(&pipeline->stopping);
}

static bool interrupted(struct pipeline *pipeline)
{
	return pipeline->config.interrupted && pipeline->config.interrupted();
}

static void set_usual(struct pipeline *pipeline, int64_t elapsed)
{
	struct health_monitor *m = &pipeline->recovery.health;

	health_calibrate(m, elapsed);
	log_info("the PL takes %.2f ms a frame; it is stopped after %.0f ms", milliseconds(m->calibrated),
		milliseconds(m->hard));
}

/* A PL that fails from the start is treated like one that fails later. */
static int calibration_call(struct pipeline *pipeline, int64_t *elapsed)
{
	struct recovery *recovery = &pipeline->recovery;
	struct pl *pl = pipeline->config.pl;
	struct recovery_outcome outcome = {0};
	int status = self_test_submit(&recovery->test, pl, 0);
	int64_t begun = clock_now();

	if (!status)
		status = await_test(pipeline, 0, begun + recovery->health.hard, interrupted);
	*elapsed = clock_now() - begun;
	if (!status && !self_test_passed(&recovery->test, pl, 0))
		status = -EBADMSG;
	if (status && status != -EINTR)
		fail_call(pipeline, pl_fault_of(status), "at its first self-test", &outcome);
	return status;
}

/* Takes the median of some calls. If the PL is disabled first, its first passed self-test calibrates it. */
static int calibrate(struct pipeline *pipeline)
{
	int64_t times[CALIBRATION_CALLS], elapsed;
	int count = 0;

	while (count < CALIBRATION_CALLS && !pipeline->recovery.health.disabled) {
		int status = interrupted(pipeline) ? -EINTR : calibration_call(pipeline, &elapsed);
		if (status == -EINTR)
			return status;
		if (status)
			continue;
		int place = count++;
		for (; place && times[place - 1] > elapsed; place--)
			times[place] = times[place - 1];
		times[place] = elapsed;
	}
	if (count == CALIBRATION_CALLS)
		set_usual(pipeline, times[CALIBRATION_CALLS / 2]);
	return 0;
}

int recovery_init(struct pipeline *pipeline, struct error *e)
{
	struct health_options options = health_defaults;
	bool hardware = pl_is_hardware(pipeline->config.pl);

	options.limit = pipeline->config.pl_limit;
	if (hardware) {
		options.timeout = self_test_timeout(pipeline->config.pl);
	} else {
		options.shortest = SOFTWARE_SHORTEST;
		options.disable_failures = INT_MAX;
	}
	health_init(&pipeline->recovery.health, &options);
	if (!hardware)
		return 0;
	int status = self_test_create(
		pipeline->config.network, pipeline->config.kernels, &pipeline->recovery.test, e);
	if (status)
		return status;
	status = calibrate(pipeline);
	if (status)
		return error_set(e, status, "stopped by a signal before the first frame");
	plan_test(pipeline);
	return 0;
}

void recovery_finish(struct recovery *recovery)
{
	self_test_finish(&recovery->test);
}

void recovery_submit(struct pipeline *pipeline, struct pl_job *job)
{
	job->status = atomic_load(&pipeline->recovery.disabled) ? -ENODEV
								: pl_submit(pipeline->config.pl, job->buffer);
	/* The clock is read after the submission: time that this thread loses is no fault of the PL. */
	job->begun = clock_now();
}

bool recovery_self_test(struct pipeline *pipeline, struct pl_job *job)
{
	struct recovery *recovery = &pipeline->recovery;

	if (!recovery->test.cpu_fallback ||
		(!atomic_load(&recovery->disabled) && !pipeline->config.pl_check) ||
		clock_now() < atomic_load(&recovery->test_due) || stopping(pipeline))
		return false;
	atomic_store(&recovery->test_due, INT64_MAX);
	job->status = self_test_submit(&recovery->test, pipeline->config.pl, job->buffer);
	job->begun = clock_now();
	return true;
}

static int await_once(struct pipeline *pipeline, const struct pl_job *job)
{
	int64_t deadline = job->begun + pipeline->recovery.health.hard;

	return job->frame ? pl_wait(pipeline->config.pl, job->buffer, deadline)
			  : await_test(pipeline, job->buffer, deadline, stopping);
}

/*
 * Waits for what was submitted. A job that a reset cancelled is submitted again, but a frame is not submitted
 * to a PL that was disabled since: -ECANCELED.
 */
static int await(struct pipeline *pipeline, struct pl_job *job)
{
	int status = job->status ? job->status : await_once(pipeline, job);

	if (status != -ECANCELED || (pipeline->recovery.health.disabled && job->frame))
		return status;
	status = pl_submit(pipeline->config.pl, job->buffer);
	job->begun = clock_now();
	return status ? status : await_once(pipeline, job);
}

static int compute(struct pipeline *pipeline, const struct pl_job *job, struct recovery_outcome *outcome)
{
	engine_run(pipeline->recovery.test.cpu_fallback, pl_input(pipeline->config.pl, job->buffer),
		job->frame->scores);
	pipeline->report.cpu_fallbacks++;
	outcome->cpu_fallback = true;
	return 0;
}

static void collect_test(struct pipeline *pipeline, struct pl_job *job, struct recovery_outcome *outcome)
{
	int status = await(pipeline, job);

	outcome->pl_free = clock_now();
	int64_t elapsed = outcome->pl_free - job->begun;
	if (!status && !self_test_passed(&pipeline->recovery.test, pipeline->config.pl, job->buffer))
		status = -EBADMSG;
	if (!status && !pipeline->recovery.health.calibrated)
		set_usual(pipeline, elapsed);
	if (!status)
		pass_call(pipeline, elapsed, outcome);
	else if (status != -EINTR)
		fail_call(pipeline, pl_fault_of(status), "at its self-test", outcome);
	plan_test(pipeline);
}

static int collect_frame(struct pipeline *pipeline, struct pl_job *job, struct recovery_outcome *outcome)
{
	bool refused = job->status == -ENODEV;
	int status = refused ? -ECANCELED : await(pipeline, job);
	char what[40];

	if (refused || (status == -ECANCELED && pipeline->recovery.health.disabled)) {
		job->begun = clock_now(); /* the time of software alone */
		return compute(pipeline, job, outcome);
	}
	outcome->pl_free = clock_now();
	if (!status) {
		memcpy(job->frame->scores, pl_output(pipeline->config.pl, job->buffer),
			(size_t)pipeline->config.network->class_count * sizeof(*job->frame->scores));
		pass_call(pipeline, outcome->pl_free - job->begun, outcome);
		return 0;
	}
	snprintf(what, sizeof(what), "at frame %llu", (unsigned long long)job->frame->number);
	fail_call(pipeline, pl_fault_of(status), what, outcome);
	pipeline->report.pl_failures++;
	/* A lossless pipeline drops no frame: the buffer's input is whole, whatever the PL did. */
	return pipeline->recovery.test.cpu_fallback && pipeline->config.lossless
		       ? compute(pipeline, job, outcome)
		       : status;
}

int recovery_collect(struct pipeline *pipeline, struct pl_job *job, struct recovery_outcome *outcome)
{
	*outcome = (struct recovery_outcome){0};
	if (job->frame)
		return collect_frame(pipeline, job, outcome);
	collect_test(pipeline, job, outcome);
	return 0;
}
