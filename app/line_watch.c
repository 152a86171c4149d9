/* SPDX-License-Identifier: MIT */
/*
 * The watch over the PL: carries out what core/flow/supervision.h decides. A PL in hardware also computes
 * something known at the start and every now and then, since no status bit shows a weight that was corrupted;
 * while it cannot be trusted, the same layers run in software.
 */
#include "line_stages.h"

#include "base/log.h"
#include "flow/thread.h"
#include "nn/engine.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)

/* Software is late only when the machine is; resetting it helps nobody. */
#define SOFTWARE_SHORTEST (10000 * MILLISECOND)

#define CALIBRATION_CALLS 5
#define CALIBRATION_LIMIT (10000 * MILLISECOND) /* for one call, before it is known how long it takes */
#define RETIRED_CHECK (1000 * MILLISECOND)	/* between self-tests of a retired PL */

static double milliseconds(int64_t time)
{
	return (double)time / (double)MILLISECOND;
}

/* Codes that use every value, the same at every start (xorshift, G. Marsaglia 2003). */
static void fill_test(struct watch *watch, int bits)
{
	uint32_t state = 2463534242U;

	for (size_t i = 0; i < watch->test_size; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		watch->test_input[i] = (uint8_t)(state >> 16 & ((1U << bits) - 1));
	}
}

static int make_test(struct line *line, struct error *e)
{
	const struct network *network = line->options.network;
	struct watch *watch = &line->watch;
	int split = network_split(network);
	int status =
		engine_create(network, split, network->layer_count, line->options.kernels, &watch->spare, e);

	if (status)
		return status;
	watch->test_size = shape_size(network->layers[split].in);
	watch->test_input = buffer_create(watch->test_size);
	watch->test_scores = buffer_create((size_t)network->class_count * sizeof(*watch->test_scores));
	if (!watch->test_input || !watch->test_scores)
		return error_set(e, -ENOMEM, "out of memory for the PL's self-test");
	fill_test(watch, network->layers[split].input_bits);
	engine_run(watch->spare, watch->test_input, watch->test_scores);
	return 0;
}

static bool test_passed(const struct line *line, int buffer)
{
	return !memcmp(pl_output(line->options.pl, buffer), line->watch.test_scores,
		(size_t)line->options.network->class_count * sizeof(int32_t));
}

static int submit_test(const struct line *line, int buffer)
{
	memcpy(pl_input(line->options.pl, buffer), line->watch.test_input, line->watch.test_size);
	return pl_submit(line->options.pl, buffer);
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

/* The median of some calls; a PL that gives no right answer is treated like one that stops to. */
static void calibrate(struct line *line)
{
	struct supervision *s = &line->watch.supervision;
	int64_t times[CALIBRATION_CALLS];
	int count = 0;

	for (int tries = 0; count < CALIBRATION_CALLS && tries < 2 * CALIBRATION_CALLS; tries++) {
		int64_t begun = clock_now();
		int status = submit_test(line, 0);
		if (!status)
			status = pl_wait(line->options.pl, 0, begun + CALIBRATION_LIMIT);
		int64_t elapsed = clock_now() - begun;
		if (status || !test_passed(line, 0)) {
			fail_call(
				line, status ? anomaly_of(status) : ANOMALY_WRONG, "at its first self-test");
			if (s->retired)
				return;
			continue;
		}
		int place = count++;
		for (; place && times[place - 1] > elapsed; place--)
			times[place] = times[place - 1];
		times[place] = elapsed;
	}
	if (count < CALIBRATION_CALLS)
		return;
	supervision_calibrate(s, times[CALIBRATION_CALLS / 2]);
	log_info("the PL takes %.2f ms a frame; it is stopped after %.0f ms", milliseconds(s->calibrated),
		milliseconds(s->hard));
}

int watch_begin(struct line *line, struct error *e)
{
	struct supervision_options options = supervision_defaults;
	bool hardware = pl_is_hardware(line->options.pl);

	options.limit = line->options.pl_limit;
	if (!hardware) {
		options.shortest = SOFTWARE_SHORTEST;
		options.retirement_strikes = INT_MAX;
	}
	supervision_begin(&line->watch.supervision, &options);
	if (!hardware)
		return 0;
	int status = make_test(line, e);
	if (status)
		return status;
	calibrate(line);
	line->watch.test_due = clock_now() + line->options.pl_check;
	return 0;
}

void watch_finish(struct watch *watch)
{
	engine_destroy(watch->spare);
	free(watch->test_input);
	free(watch->test_scores);
}

void watch_submit(struct line *line, struct frame *frame, int buffer)
{
	frame->pl_status = atomic_load(&line->watch.retired) ? -ENODEV : pl_submit(line->options.pl, buffer);
}

/* A PL that is to come back is tested more often, unless the tests are denser already. */
static int64_t check_interval(int64_t wanted, bool retired)
{
	return retired && (!wanted || wanted > RETIRED_CHECK) ? RETIRED_CHECK : wanted;
}

struct frame *watch_self_test(struct line *line, int buffer)
{
	struct watch *watch = &line->watch;
	bool retired = atomic_load(&watch->retired);
	int64_t now = clock_now();

	if (!watch->spare || (!retired && !line->options.pl_check) || now < watch->test_due)
		return NULL;
	struct frame *frame = frame_try_acquire(line->pool);
	if (!frame)
		return NULL; /* at the next frame, then */
	watch->test_due = now + check_interval(line->options.pl_check, retired);
	frame->self_test = true;
	frame->stamps[STAMP_CONV0] = now;
	frame->pl_status = submit_test(line, buffer);
	return frame;
}

/* Waits for what was submitted; a buffer that a reset has forgotten is submitted again. */
static int await(struct line *line, struct frame *frame, int buffer)
{
	struct pl *pl = line->options.pl;
	int64_t hard = line->watch.supervision.hard;
	int status = frame->pl_status;

	if (!status)
		status = pl_wait(pl, buffer, frame->stamps[STAMP_PL_BEGUN] + hard);
	if (status != -ECANCELED)
		return status;
	frame->stamps[STAMP_PL_BEGUN] = clock_now();
	status = pl_submit(pl, buffer);
	return status ? status : pl_wait(pl, buffer, frame->stamps[STAMP_PL_BEGUN] + hard);
}

static int compute(struct line *line, struct frame *frame, int buffer)
{
	engine_run(line->watch.spare, pl_input(line->options.pl, buffer), frame->scores);
	line->report.by_software++;
	return 0;
}

static void collect_test(struct line *line, struct frame *frame, int buffer)
{
	int status = await(line, frame, buffer);

	if (!status && test_passed(line, buffer))
		pass_call(line, clock_now() - frame->stamps[STAMP_PL_BEGUN]);
	else
		fail_call(line, status ? anomaly_of(status) : ANOMALY_WRONG, "at its self-test");
}

int watch_collect(struct line *line, struct frame *frame, int buffer)
{
	char what[40];

	if (frame->self_test) {
		collect_test(line, frame, buffer);
		return 0;
	}
	if (frame->pl_status == -ENODEV)
		return compute(line, frame, buffer);
	int status = await(line, frame, buffer);
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
	return line->watch.spare && line->options.lossless ? compute(line, frame, buffer) : status;
}
