/* SPDX-License-Identifier: MIT */
#include "pipeline/stages.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/caption.h"
#include "image/caption.h"
#include "nn/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void count_jobs(struct pipeline *pipeline, int track)
{
	if (pipeline->config.trace)
		trace_count(pipeline->config.trace, track, COUNTER_PL, clock_now(),
			(uint64_t)pl_jobs_waiting(&pipeline->jobs));
}

static void note_event(struct pipeline *pipeline, const char *name, const char *text)
{
	struct recorder *recorder = atomic_load(&pipeline->recorder);

	if (recorder)
		recorder_event(recorder, name, text);
	sinks_event(pipeline->config.sinks, name, text);
}

/*
 * Records a received frame, or the event that the camera is lost or back, and gives it to the sinks. *broken:
 * broken frames since the last whole one. *absent: the frame before was absent.
 */
static void record(struct pipeline *pipeline, struct frame *frame, uint32_t *broken, bool *absent)
{
	struct recorder *recorder = atomic_load(&pipeline->recorder);

	if (frame->absent != *absent)
		note_event(pipeline, frame->absent ? "camera_lost" : "camera_back", frame->absent_reason);
	*absent = frame->absent;
	if (recorder && !frame->absent)
		recorder_frame(recorder, frame, *broken);
	sinks_frame(pipeline->config.sinks, frame, *broken);
	if (!frame->absent)
		*broken = 0;
}

void *source_stage(void *argument)
{
	struct pipeline *pipeline = argument;
	const struct pipeline_config *o = &pipeline->config;
	uint64_t number = 0;
	uint32_t broken = 0;
	bool absent = false;
	int status = 0;

	while (!atomic_load(&pipeline->stopping) && (!o->frames || number < o->frames)) {
		struct frame *frame = frame_acquire(pipeline->pool);
		if (!frame)
			break;
		int64_t begun = clock_now();
		status = source_next(o->source, frame, &pipeline->error);
		int64_t now = clock_now();
		if (!pipeline->report
				.begun) /* also with a frame without a picture: --duration counts from it */
			pipeline->report.begun = now;
		bool late = o->duration && now - pipeline->report.begun > o->duration;
		if (status || late) {
			frame_release(&frame);
			if (status != -EBADMSG || late)
				break;
			broken++;
			if (!pipeline->report.broken++)
				log_warning("%s; such frames are skipped and counted", pipeline->error.text);
			continue;
		}
		frame->stamps[STAMP_RECEIVED] = now;
		frame->raw.rotation = o->rotation;
		if (!frame->absent) {
			frame->number = number++;
			pipeline->report.received++;
			pipeline->report.dropped_by_camera += frame->lost;
		}
		record(pipeline, frame, &broken, &absent);
		trace_span(o->trace, STAGE_SOURCE, STAGE_SOURCE, begun, now, frame->number);
		if (!stage_put(pipeline, STAGE_SOURCE, QUEUE_RAW, frame))
			break;
	}
	if (status == 0 || status == -ENODATA || status == -ECANCELED || status == -EBADMSG)
		pipeline->error.code = 0;
	pipeline->complete = !atomic_load(&pipeline->stopping);
	queue_close(pipeline->queues[QUEUE_RAW]);
	return NULL;
}

/* Computes the frame's first layer into the job's buffer and submits the job. */
static void run_conv0(struct pipeline *pipeline, struct frame *frame, struct pl_job *job)
{
	int64_t begun = frame->stamps[STAMP_CONV0_BEGUN] = clock_now();

	job->frame = frame;
	engine_run(pipeline->conv0, frame->input, pl_input(pipeline->config.pl, job->buffer));
	frame->stamps[STAMP_CONV0] = clock_now();
	stage_note_time(
		pipeline, STAGE_CONV0, STAGE_CONV0, TIME_CONV0, frame, begun, frame->stamps[STAMP_CONV0]);
	recovery_submit(pipeline, job);
}

static void put_job(struct pipeline *pipeline)
{
	pl_jobs_put(&pipeline->jobs);
	count_jobs(pipeline, STAGE_CONV0);
}

void *conv0_stage(void *argument)
{
	struct pipeline *pipeline = argument;
	struct frame *frame;

	while ((frame = stage_get(pipeline, STAGE_CONV0, QUEUE_INPUT))) {
		if (frame->show_raw && !stage_decode(pipeline, frame, STAGE_CONV0)) {
			frame_release(&frame);
			continue;
		}
		struct pl_job *job = pl_jobs_begin(&pipeline->jobs);
		if (job && recovery_self_test(pipeline, job)) {
			put_job(pipeline);
			job = pl_jobs_begin(&pipeline->jobs);
		}
		if (!job) {
			frame_release(&frame);
			break;
		}
		run_conv0(pipeline, frame, job);
		put_job(pipeline);
	}
	pipeline->report.dropped_before_inference = queue_dropped(pipeline->queues[QUEUE_INPUT]);
	pl_jobs_close(&pipeline->jobs);
	return NULL;
}

/* What a job did to the PL's health, for a recording's log. */
static void note_outcome(struct pipeline *pipeline, const struct recovery_outcome *outcome)
{
	static const struct {
		enum health_event event;
		const char *name;
	} changes[] = {
		{HEALTH_ALARM_RAISED, "pl_alarm"},
		{HEALTH_ALARM_CLEARED, "pl_alarm_over"},
		{HEALTH_DISABLED, "pl_retired"},
		{HEALTH_ENABLED, "pl_returned"},
	};
	char text[120];

	if (outcome->failed) {
		snprintf(text, sizeof(text), "the PL %s; it was %s", pl_fault_text(outcome->fault),
			outcome->events & HEALTH_RECONFIGURED ? "programmed again" : "reset");
		note_event(pipeline, "pl_failed", text);
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (outcome->events & changes[i].event)
			note_event(pipeline, changes[i].name, NULL);
}

static struct pl_job *take_job(struct pipeline *pipeline)
{
	struct pl_job *job = pl_jobs_take(&pipeline->jobs);

	if (job)
		count_jobs(pipeline, STAGE_PL);
	return job;
}

void *pl_stage(void *argument)
{
	struct pipeline *pipeline = argument;
	struct pl_job *job;
	int64_t pl_free = 0;

	while ((job = take_job(pipeline))) {
		if (job->begun < pl_free)
			job->begun = pl_free;
		struct recovery_outcome outcome;
		int status = recovery_collect(pipeline, job, &outcome);
		note_outcome(pipeline, &outcome);
		int64_t now = clock_now();
		/* While software computes a frame, the PL may begin the next job: a self-test. */
		if (!outcome.cpu_fallback)
			pl_free = now;
		else if (outcome.pl_free)
			pl_free = outcome.pl_free;
		struct frame *frame = job->frame;
		int64_t begun = job->begun;
		pl_jobs_end(&pipeline->jobs);
		if (status || !frame) {
			frame_release(&frame);
			continue;
		}
		frame->cpu_fallback = outcome.cpu_fallback;
		frame->stamps[STAMP_PL_BEGUN] = begun;
		frame->stamps[STAMP_PL] = now;
		stage_note_time(pipeline, STAGE_PL, STAGE_PL, TIME_PL, frame, begun, now);
		if (!stage_put(pipeline, STAGE_PL, QUEUE_LABEL, frame))
			break;
	}
	pipeline->report.pl = pipeline->recovery.health;
	queue_close(pipeline->queues[QUEUE_LABEL]);
	return NULL;
}

static struct latest latest_of(const struct frame *frame, int64_t labelled)
{
	struct latest latest = {.known = true,
		.result = frame->result,
		.faceless = frame->faceless,
		.latency = labelled - frame->stamps[STAMP_CAPTURED]};

	if (!frame->faceless)
		latest.view = caption_view_of_face(frame->pixels.width, frame->pixels.height, &frame->area);
	return latest;
}

static void tell_sinks(struct pipeline *pipeline, const struct frame *frame, struct recorder *recorder)
{
	struct queue **queues = pipeline->queues;

	if (!pipeline->config.sinks)
		return;
	const uint64_t dropped[SINK_PLACES] = {
		[SINK_AT_DECODE] = queue_dropped(queues[QUEUE_RAW]),
		[SINK_AT_INFERENCE] = queue_dropped(queues[QUEUE_INPUT]),
		[SINK_AT_DISPLAY] = queue_dropped(queues[QUEUE_PICTURE]) + queue_dropped(queues[QUEUE_SHOW]),
	};
	sinks_result(pipeline->config.sinks, frame, dropped, recorder && recorder_is_recording(recorder));
}

void *label_stage(void *argument)
{
	struct pipeline *pipeline = argument;
	struct frame *frame;

	while ((frame = stage_get(pipeline, STAGE_LABEL, QUEUE_LABEL))) {
		int64_t begun = clock_now();
		labeller_add(&pipeline->labeller, frame->faceless ? NULL : frame->scores,
			frame->stamps[STAMP_CAPTURED]);
		frame->result = pipeline->labeller.shown;
		int64_t now = clock_now();
		frame->stamps[STAMP_LABELLED] = now;
		pipeline->report.classified++;
		stage_note_time(pipeline, STAGE_LABEL, STAGE_LABEL, TIME_LABEL, frame, begun, now);
		histogram_add(&pipeline->report.times[TIME_TO_LABEL], now - frame->stamps[STAMP_CAPTURED]);
		struct recorder *recorder = atomic_load(&pipeline->recorder);
		if (recorder)
			recorder_label(recorder, frame);
		tell_sinks(pipeline, frame, recorder);
		if (pipeline->config.labelled)
			pipeline->config.labelled(pipeline->config.labelled_context, frame);
		pthread_mutex_lock(&pipeline->lock);
		pipeline->latest = latest_of(frame, now);
		pthread_mutex_unlock(&pipeline->lock);
		if (!pipeline->config.lossless)
			frame_release(&frame);
		else if (!stage_put(pipeline, STAGE_LABEL, QUEUE_PICTURE, frame))
			break;
	}
	if (pipeline->config.lossless)
		queue_close(pipeline->queues[QUEUE_PICTURE]);
	return NULL;
}

/* What inference sees of the frame, or of the latest one, where it looked for a face. */
static struct caption_view view_for(
	const struct pipeline *pipeline, const struct frame *frame, const struct latest *latest)
{
	int width = frame->show_raw ? frame->raw.width : frame->picture.width;
	int height = frame->show_raw ? frame->raw.height : frame->picture.height;

	if (pipeline->config.network->view.kind != VIEW_FACE)
		return caption_view_of(pipeline->config.network, width, height);
	return latest->known ? latest->view : (struct caption_view){0};
}

static struct caption caption_for(struct pipeline *pipeline, const struct pipeline_caption *wanted,
	const struct latest *latest, double rate)
{
	struct recorder *recorder = atomic_load(&pipeline->recorder);
	struct caption caption = {0};

	if (wanted->visible && latest->known) {
		caption = caption_of(pipeline->config.names, &latest->result, pipeline->config.threshold);
		caption_add_bars(&caption, pipeline->config.names, &latest->result, pipeline->config.bars);
	}
	caption.notice = wanted->notice;
	if (clock_now() < wanted->note_until)
		memcpy(caption.note, wanted->note, sizeof(caption.note));
	caption.status = recovery_warning(&pipeline->recovery);
	if (!caption.status && wanted->visible && latest->known && latest->faceless)
		caption.status = "no face";
	caption.recording = recorder && recorder_is_recording(recorder);
	if (wanted->statistics) {
		caption.statistics = true;
		caption.frames_per_second = rate;
		caption.latency_ms = (double)latest->latency / 1e6;
	}
	return caption;
}

/* Draws a reason such as "no camera: X was unplugged; waiting" on the dark picture, each part on a line. */
static void draw_absent(struct pipeline *pipeline, struct frame *frame)
{
	char notice[FRAME_TEXT_BYTES];
	size_t used = 0;

	for (const char *from = frame->absent_reason; *from; from++) {
		bool parts = (from[0] == ':' || from[0] == ';') && from[1] == ' ';
		notice[used++] = parts ? '\n' : *from;
		from += parts;
	}
	notice[used] = '\0';
	memcpy(frame->text, frame->absent_reason, sizeof(frame->text));
	caption_draw(pipeline->drawer, &frame->picture, &(struct caption){.notice = notice});
}

/* Sets the caption as data and as text, and draws it on the picture unless the display does. */
static void caption_frame(struct pipeline *pipeline, struct frame *frame, double rate)
{
	pthread_mutex_lock(&pipeline->lock);
	struct latest latest = pipeline->latest;
	struct pipeline_caption wanted = pipeline->caption;
	pthread_mutex_unlock(&pipeline->lock);
	if (frame->absent) {
		draw_absent(pipeline, frame);
		return;
	}
	if (pipeline->config.lossless)
		latest = latest_of(frame, frame->stamps[STAMP_LABELLED]);
	frame->caption = caption_for(pipeline, &wanted, &latest, rate);
	if (wanted.visible)
		frame->caption.view = view_for(pipeline, frame, &latest);
	caption_text(&frame->caption, frame->text, sizeof(frame->text));
	if (frame->show_raw)
		return;
	struct caption shown = frame->caption;
	if (pipeline->config.mirror) {
		picture_mirror(&frame->picture);
		shown = caption_mirrored(&frame->caption);
	}
	caption_draw(pipeline->drawer, &frame->picture, &shown);
}

void *caption_stage(void *argument)
{
	struct pipeline *pipeline = argument;
	struct frame *frame;
	double interval = 0; /* ns between frames, smoothed */
	int64_t before = 0;

	while ((frame = stage_get(pipeline, STAGE_CAPTION, QUEUE_PICTURE))) {
		int64_t begun = clock_now();
		if (before)
			interval = interval > 0 ? 0.95 * interval + 0.05 * (double)(begun - before)
						: (double)(begun - before);
		before = begun;
		caption_frame(pipeline, frame, interval > 0 ? 1e9 / interval : 0);
		frame->stamps[STAMP_CAPTIONED] = clock_now();
		stage_note_time(pipeline, STAGE_CAPTION, STAGE_CAPTION, TIME_CAPTION, frame, begun,
			frame->stamps[STAMP_CAPTIONED]);
		if (!stage_put(pipeline, STAGE_CAPTION, QUEUE_SHOW, frame))
			break;
	}
	pipeline->report.dropped_before_display =
		queue_dropped(pipeline->queues[QUEUE_PICTURE]) + queue_dropped(pipeline->queues[QUEUE_SHOW]);
	queue_close(pipeline->queues[QUEUE_SHOW]);
	return NULL;
}
