/* SPDX-License-Identifier: MIT */
/*
 * Times of the whole pipeline, as `live` runs it, with and without overlap. Short runs of both alternate, so
 * that other programs affect both alike.
 */
#include "base/clock.h"
#include "base/error.h"
#include "cli/interruption.h"
#include "machine/energy.h"
#include "measure/measure.h"
#include "measure/stages_alone.h"
#include "pipeline/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The share of the time limit, the length of a run in ns, and its pictures. The first RUN_FILLING pictures
 * only fill the pipeline and are not counted. */
#define PIPELINES_SHARE 0.35
#define RUN INT64_C(60000000)
#define RUN_FEWEST 24
#define RUN_MOST 5000
#define RUN_FILLING 12
#define RUNS 200
#define LATENCIES 100000
#define SAMPLE_EVERY INT64_C(100000000)

/* The pictures of a traced run, and the capacity for its events: a picture makes three per stage. */
#define TRACED_PICTURES 64
#define TRACED_EVENTS 512

struct runs {
	const struct measure_options *options;
	struct measurement *out;
	struct stages_alone *alone;
	uint64_t pictures; /* per run */
	double joules;
	uint64_t powered; /* the pictures that took this energy */
};

/* The results of one run. */
struct run {
	int64_t first, last; /* the times when the first counted picture and the last got their labels */
	uint64_t counted;    /* pictures */
	int64_t sampled;     /* the time when the meter was last read */
	double joules;	     /* the meter at the first picture */
};

static void take_energy(const struct runs *r, struct run *run)
{
	if (!r->options->energy)
		return;
	energy_sample(r->options->energy);
	run->sampled = run->last;
}

static void count_picture(
	const struct runs *r, struct run *run, struct measured_pipeline *out, const struct frame *frame)
{
	const int64_t *stamps = frame->stamps;

	if (frame->number < RUN_FILLING)
		return;
	samples_add(&out->latencies, stamps[STAMP_LABELLED] - stamps[STAMP_CONV0_BEGUN]);
	run->last = stamps[STAMP_LABELLED];
	if (!run->counted++) {
		run->first = run->last;
		take_energy(r, run);
		run->joules = r->options->energy ? energy_joules(r->options->energy) : 0;
	} else if (run->last - run->sampled > SAMPLE_EVERY) {
		take_energy(r, run);
	}
}

static void count_run(struct runs *r, struct run *run, struct measured_pipeline *out)
{
	if (run->counted < 2)
		return;
	samples_add(&out->intervals, (run->last - run->first) / (int64_t)(run->counted - 1));
	out->pictures += run->counted;
	if (!r->options->energy || out != &r->out->pipelines[PIPELINE_OVERLAPPED])
		return;
	take_energy(r, run);
	r->joules += energy_joules(r->options->energy) - run->joules;
	r->powered += run->counted - 1;
}

/* The kinds of pipeline that run: the first ones of the enum. */
static int kinds(const struct runs *r)
{
	return r->options->pool && !r->out->hardware ? PIPELINES : PIPELINE_KINDS;
}

static int start(const struct runs *r, int kind, struct pipeline_config *o, struct pipeline **pipeline,
	enum failure *where, struct error *e)
{
	const struct measure_options *options = r->options;

	*o = (struct pipeline_config){.network = r->out->network,
		.kernels = options->kernels,
		.lossless = true,
		.overlap = kind != PIPELINE_IN_TURN,
		.pool = kind == PIPELINE_SHARED ? options->pool : NULL,
		.always_shared = true,
		.frames = r->pictures + RUN_FILLING,
		.trace = o->trace};
	*where = options->source ? FAILURE_SOURCE : FAILURE_OURS;
	int status = measure_source_open(o->network, options, &o->source, e);
	if (status)
		return status;
	*where = FAILURE_PL;
	status = pl_open(options->pl, options->kernels, &o->pl, e);
	return status ? status : pipeline_start(o, pipeline, e);
}

/* One run. With a trace, its times are not counted. */
static int run_pipeline(struct runs *r, int kind, struct trace *trace, enum failure *where, struct error *e)
{
	struct pipeline_config o = {.trace = trace};
	struct measured_pipeline *out = &r->out->pipelines[kind];
	struct run run = {0};
	struct pipeline *pipeline = NULL;
	struct frame *frame;
	int status = start(r, kind, &o, &pipeline, where, e);

	while (!status && (frame = pipeline_dequeue(pipeline, INT64_MAX))) {
		if (!trace)
			count_picture(r, &run, out, frame);
		pipeline_release(pipeline, &frame, true);
	}
	if (!status)
		status = pipeline_join(pipeline, e);
	if (!status && pipeline_report(pipeline)->pl_failures)
		status = error_set(
			e, -EIO, "the PL (%s) failed on pictures of %s", r->out->pl, o.network->name);
	if (!status)
		count_run(r, &run, out);
	pipeline_destroy(pipeline);
	pl_close(o.pl);
	source_close(o.source);
	return status;
}

static int summarise(struct measured_pipeline *pipeline, struct error *e)
{
	if (samples_summarise(&pipeline->intervals, &pipeline->interval) ||
		samples_summarise(&pipeline->latencies, &pipeline->latency))
		return error_set(e, -ENOMEM, "out of memory for statistics");
	return 0;
}

static int run_pairs(struct runs *r, enum failure *where, struct error *e)
{
	int64_t begun = clock_now(), limit = (int64_t)(PIPELINES_SHARE * (double)r->options->time_limit);
	struct measured_pipeline *pipelines = r->out->pipelines;
	bool stable = false;
	int status = 0;

	for (int pair = 0; pair < RUNS && !status && !stable; pair++) {
		int64_t gone = clock_now() - begun;
		if (pair && (gone > limit || interruption_came()))
			break;
		measure_progress(r->options, r->out->network->name, "pipeline", (double)gone / (double)limit);
		for (int i = 0; i < kinds(r) && !status; i++)
			status = run_pipeline(r, (i + pair) % kinds(r), NULL, where, e);
		if (!status)
			status = stages_alone_run(r->alone, e);
		stable = true;
		for (int i = 0; i < kinds(r) && !status; i++) {
			status = summarise(&pipelines[i], e);
			stable &= pipelines[i].interval.stable;
		}
	}
	return status;
}

/* Where the pipeline does not run: with an ideal overlap, only the slowest stage would count. */
static void find_slowest(struct measurement *m)
{
	const int64_t times[ALONE_STAGES] = {m->times[MEASURED_SOURCE].p50, m->times[MEASURED_DECODE].p50,
		m->times[MEASURED_CONV0].p50, m->pl_alone,
		m->times[MEASURED_LABEL].p50, [ALONE_HAND_OVERS] = 0};

	for (int i = 0; i < ALONE_STAGES; i++) {
		if (times[i] <= m->ideal)
			continue;
		m->ideal = times[i];
		m->slowest_stage = alone_keys[i];
	}
}

static int run_traced(struct runs *r, enum failure *where, struct error *e)
{
	static const char *const names[PIPELINES] = {
		"with overlap", "without overlap", "with threads for each layer"};
	const char *network = r->out->network->name;
	int status = 0;

	r->pictures = TRACED_PICTURES;
	for (int i = 0; i < kinds(r) && !status; i++) {
		struct measured_pipeline *pipeline = &r->out->pipelines[i];
		char name[300];
		snprintf(name, sizeof(name), "%s, %s", network, names[i]);
		*where = FAILURE_OURS;
		if (pipeline_trace_create(name, TRACED_EVENTS, &pipeline->trace))
			return error_set(e, -ENOMEM, "out of memory for the trace of %s", network);
		status = run_pipeline(r, i, pipeline->trace, where, e);
	}
	return status;
}

/* Whether the pipeline can run; if not, m->no_pipeline gets the reason. */
static bool can_run(const struct measure_options *options, struct measurement *m)
{
	int64_t picture = m->times[MEASURED_ALL].p50;
	double least = 1.0 * PIPELINE_KINDS * (RUN_FEWEST + RUN_FILLING) * (double)picture;

	if (m->network->class_count < 1)
		snprintf(m->no_pipeline, sizeof(m->no_pipeline),
			"the network ends in codes; the pipeline labels pictures by scores");
	else if (m->simulated)
		snprintf(m->no_pipeline, sizeof(m->no_pipeline),
			"the PL is simulated; the times of its pipeline would mean nothing");
	else if (interruption_came())
		snprintf(m->no_pipeline, sizeof(m->no_pipeline), "the run was stopped early");
	else if (least > (double)options->time_limit)
		snprintf(m->no_pipeline, sizeof(m->no_pipeline),
			"a picture takes %.3g s; --time-limit %.0fs is long enough", (double)picture / 1e9,
			least / 1e9 / PIPELINES_SHARE + 1);
	return !m->no_pipeline[0];
}

int measure_pipelines(
	const struct measure_options *options, struct measurement *m, enum failure *where, struct error *e)
{
	struct runs r = {.options = options, .out = m};
	int64_t picture = m->times[MEASURED_ALL].p50;

	find_slowest(m);
	if (!can_run(options, m))
		return 0;
	*where = FAILURE_OURS;
	for (int i = 0; i < kinds(&r); i++)
		if (samples_create(&m->pipelines[i].intervals, RUNS) ||
			samples_create(&m->pipelines[i].latencies, LATENCIES))
			return error_set(e, -ENOMEM, "out of memory for the times of %s", m->network->name);
	int64_t pictures = picture > 0 ? RUN / picture : RUN_MOST;
	r.pictures = (uint64_t)(pictures < RUN_FEWEST ? RUN_FEWEST
				: pictures > RUN_MOST ? RUN_MOST
						      : pictures);
	int status = stages_alone_create(m, options, &r.alone, e);
	if (!status)
		status = run_pairs(&r, where, e);
	if (!status)
		status = stages_alone_summarise(r.alone, m, e);
	stages_alone_destroy(r.alone);
	if (!status && options->timeline)
		status = run_traced(&r, where, e);
	if (r.powered && r.joules > 0)
		m->joules = r.joules / (double)r.powered;
	return status;
}
