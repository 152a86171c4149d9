/* SPDX-License-Identifier: MIT */
/*
 * The watch over the PL: carries out what core/flow/supervision.h decides. A PL in hardware also computes
 * something known at the start and every now and then, since no status bit shows a weight that was corrupted;
 * while it cannot be trusted, the same layers run in software.
 */
#include "line_stages.h"

#include "base/log.h"
#include "nn/engine.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)

/* Software is late only when the machine is; resetting it helps nobody. */
#define SOFTWARE_SHORTEST (10000 * MILLISECOND)

#define CALIBRATION_CALLS 5

/* How long who wants to end may wait for a self-test. */
#define ATTENTION (100 * MILLISECOND)

static double milliseconds(int64_t time)
{
	return (double)time / (double)MILLISECOND;
}

static enum anomaly anomaly_of(int status)
{
	return status == -ETIMEDOUT ? ANOMALY_LATE : status == -EBADMSG ? ANOMALY_WRONG : ANOMALY_FAILED;
}

/* Resets the PL, or programs it, as far as that is needed and possible. */
static void mend(struct line *line, enum remedy remedy)
{
	struct supervision *s = &line->watch.supervision;
	struct error e = {0};

	for (;;) {
		/* Some designs cannot be reset while they run; programming ends what runs in any. */
		int status = pl_reset(line->options.pl);
		if (remedy == REMEDY_PROGRAM)
			status = pl_program(line->options.pl, &e);
		if (!status)
			return;
		log_debug("the PL cannot be %s: %s", remedy == REMEDY_RESET ? "reset" : "programmed",
			e.text[0] ? e.text : strerror(-status));
		bool last = remedy == REMEDY_PROGRAM;
		remedy = supervision_remedy_failed(s, remedy);
		if (last)
			return;
	}
}

/* For the other stages. */
static void publish(struct watch *watch)
{
	atomic_store(&watch->alarm, watch->supervision.alarm);
	atomic_store(&watch->retired, watch->supervision.retired);
}

static void plan_test(struct line *line)
{
	const struct supervision *s = &line->watch.supervision;

	atomic_store(&line->watch.test_due, clock_now() + (s->retired ? s->pause : line->options.pl_check));
}

const char *watch_trouble(const struct watch *watch)
{
	return atomic_load(&watch->retired) ? "PL retired: by software"
	       : atomic_load(&watch->alarm) ? "PL alarm"
					    : NULL;
}

/* One line for each change for the worse; while the alarm is on, single failures are only counted. */
static void fail_call(struct line *line, enum anomaly anomaly, const char *what)
{
	struct supervision *s = &line->watch.supervision;
	bool alarm = s->alarm, retired = s->retired;
	uint64_t programmings = s->programmings;

	mend(line, supervision_bad(s, anomaly, clock_now()));
	if (!alarm)
		log_warning("%s the PL %s; it is %s, and such frames are counted", what,
			anomaly == ANOMALY_LATE	   ? "did not finish in time"
			: anomaly == ANOMALY_WRONG ? "gave a wrong answer"
						   : "reported an error",
			s->programmings == programmings ? "reset" : "programmed again");
	if (s->alarm && !alarm)
		log_warning("alarm: the PL fails again and again (%llu late, %llu failed, %llu wrong)",
			(unsigned long long)s->anomalies[ANOMALY_LATE],
			(unsigned long long)s->anomalies[ANOMALY_FAILED],
			(unsigned long long)s->anomalies[ANOMALY_WRONG]);
	if (s->retired && !retired)
		log_warning("the PL is retired: software computes until it has passed its self-test %d times",
			s->options.passes_to_return);
	if (s->retired)
		plan_test(line);
	publish(&line->watch);
}

static void pass_call(struct line *line, int64_t elapsed)
{
	struct supervision *s = &line->watch.supervision;
	bool retired = s->retired;
	uint64_t slow = s->slow;

	supervision_good(s, elapsed, clock_now());
	if (retired && !s->retired)
		log_info("the PL has passed its self-test %d times and computes again",
			s->options.passes_to_return);
	if (!slow && s->slow)
		log_warning("the PL took %.2f ms instead of %.2f ms; it may take %.0f ms",
			milliseconds(elapsed), milliseconds(s->calibrated), milliseconds(s->hard));
	publish(&line->watch);
}

/* Waits for a self-test, unless `over` says that nobody wants its result any more: -EINTR. */
static int await_test(struct line *line, int buffer, int64_t deadline, bool (*over)(struct line *))
{
	for (;;) {
		int64_t slice = clock_now() + ATTENTION;
		int status = pl_wait(line->options.pl, buffer, slice < deadline ? slice : deadline);
		if (status != -ETIMEDOUT || slice >= deadline)
			return status;
		if (over(line)) {
			pl_reset(line->options.pl); /* or it would have the buffer still */
			return -EINTR;
		}
	}
}

static bool stopping(struct line *line)
{
	return atomic_load(&line->stopping);
}

static bool interrupted(struct line *line)
{
	return line->options.interrupted && line->options.interrupted();
}

static void set_usual(struct line *line, int64_t elapsed)
{
	struct supervision *s = &line->watch.supervision;

	supervision_calibrate(s, elapsed);
	log_info("the PL takes %.2f ms a frame; it is stopped after %.0f ms", milliseconds(s->calibrated),
		milliseconds(s->hard));
}

/* A PL that gives no right answer is treated like one that stops to. */
static int calibration_call(struct line *line, int64_t *elapsed)
{
	struct watch *watch = &line->watch;
	struct pl *pl = line->options.pl;
	int status = self_test_submit(&watch->test, pl, 0);
	int64_t begun = clock_now();

	if (!status)
		status = await_test(line, 0, begun + watch->supervision.hard, interrupted);
	*elapsed = clock_now() - begun;
	if (!status && !self_test_passed(&watch->test, pl, 0))
		status = -EBADMSG;
	if (status && status != -EINTR)
		fail_call(line, anomaly_of(status), "at its first self-test");
	return status;
}

/* The median of some calls; without it, the first self-test that a retired PL passes must do. */
static int calibrate(struct line *line)
{
	int64_t times[CALIBRATION_CALLS], elapsed;
	int count = 0;

	while (count < CALIBRATION_CALLS && !line->watch.supervision.retired) {
		int status = interrupted(line) ? -EINTR : calibration_call(line, &elapsed);
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
		set_usual(line, times[CALIBRATION_CALLS / 2]);
	return 0;
}

int watch_begin(struct line *line, struct error *e)
{
	struct supervision_options options = supervision_defaults;
	bool hardware = pl_is_hardware(line->options.pl);

	options.limit = line->options.pl_limit;
	if (hardware) {
		options.patience = self_test_patience(line->options.pl);
	} else {
		options.shortest = SOFTWARE_SHORTEST;
		options.retirement_strikes = INT_MAX;
	}
	supervision_begin(&line->watch.supervision, &options);
	if (!hardware)
		return 0;
	int status = self_test_create(line->options.network, line->options.kernels, &line->watch.test, e);
	if (status)
		return status;
	status = calibrate(line);
	if (status)
		return error_set(e, status, "stopped by a signal before the first frame");
	plan_test(line);
	return 0;
}

void watch_finish(struct watch *watch)
{
	self_test_finish(&watch->test);
}

void watch_submit(struct line *line, struct frame *frame, int buffer)
{
	frame->pl_status = atomic_load(&line->watch.retired) ? -ENODEV : pl_submit(line->options.pl, buffer);
	/* Not before: what this thread loses is no fault of the PL's. */
	frame->stamps[STAMP_PL_BEGUN] = clock_now();
}

struct frame *watch_self_test(struct line *line, int buffer)
{
	struct watch *watch = &line->watch;

	if (!watch->test.spare || (!atomic_load(&watch->retired) && !line->options.pl_check) ||
		clock_now() < atomic_load(&watch->test_due) || stopping(line))
		return NULL;
	struct frame *frame = frame_try_acquire(line->pool);
	if (!frame)
		return NULL; /* at the next frame, then */
	atomic_store(&watch->test_due, INT64_MAX);
	frame->self_test = true;
	frame->pl_status = self_test_submit(&watch->test, line->options.pl, buffer);
	frame->stamps[STAMP_PL_BEGUN] = clock_now();
	return frame;
}

static int await_once(struct line *line, const struct frame *frame, int buffer)
{
	int64_t deadline = frame->stamps[STAMP_PL_BEGUN] + line->watch.supervision.hard;

	return frame->self_test ? await_test(line, buffer, deadline, stopping)
				: pl_wait(line->options.pl, buffer, deadline);
}

/*
 * Waits for what was submitted; a buffer that a reset has forgotten is submitted again, but a picture not to
 * a PL that is retired meanwhile: -ECANCELED.
 */
static int await(struct line *line, struct frame *frame, int buffer)
{
	int status = frame->pl_status ? frame->pl_status : await_once(line, frame, buffer);

	if (status != -ECANCELED || (line->watch.supervision.retired && !frame->self_test))
		return status;
	status = pl_submit(line->options.pl, buffer);
	frame->stamps[STAMP_PL_BEGUN] = clock_now();
	return status ? status : await_once(line, frame, buffer);
}

static int compute(struct line *line, struct frame *frame, int buffer)
{
	engine_run(line->watch.test.spare, pl_input(line->options.pl, buffer), frame->scores);
	line->report.by_software++;
	return 0;
}

static void collect_test(struct line *line, struct frame *frame, int buffer)
{
	int status = await(line, frame, buffer);
	int64_t elapsed = clock_now() - frame->stamps[STAMP_PL_BEGUN];

	if (!status && !self_test_passed(&line->watch.test, line->options.pl, buffer))
		status = -EBADMSG;
	if (!status && !line->watch.supervision.calibrated)
		set_usual(line, elapsed);
	if (!status)
		pass_call(line, elapsed);
	else if (status != -EINTR)
		fail_call(line, anomaly_of(status), "at its self-test");
	plan_test(line);
}

int watch_collect(struct line *line, struct frame *frame, int buffer)
{
	char what[40];

	if (frame->self_test) {
		collect_test(line, frame, buffer);
		return 0;
	}
	bool refused = frame->pl_status == -ENODEV;
	int status = refused ? -ECANCELED : await(line, frame, buffer);
	if (refused || (status == -ECANCELED && line->watch.supervision.retired))
		return compute(line, frame, buffer);
	if (!status) {
		memcpy(frame->scores, pl_output(line->options.pl, buffer),
			(size_t)line->options.network->class_count * sizeof(*frame->scores));
		pass_call(line, clock_now() - frame->stamps[STAMP_PL_BEGUN]);
		return 0;
	}
	snprintf(what, sizeof(what), "at frame %llu", (unsigned long long)frame->number);
	fail_call(line, anomaly_of(status), what);
	line->report.pl_failures++;
	/* Nothing is dropped where nothing may be: the buffer's input is whole, whatever the PL did. */
	return line->watch.test.spare && line->options.lossless ? compute(line, frame, buffer) : status;
}
