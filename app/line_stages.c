/* SPDX-License-Identifier: MIT */
#include "line_stages.h"

#include "base/log.h"
#include "flow/caption.h"
#include "image/caption.h"
#include "image/decode.h"
#include "image/view.h"
#include "nn/engine.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* How dark the picture is that says that there is none. */
#define ABSENT_GREY 28

static void count_waiting(struct line *line, int track, int queue)
{
	if (line->options.trace)
		trace_count(line->options.trace, track, queue, clock_now(),
			(uint64_t)queue_length(line->queues[queue]));
}

/* As queue_put and queue_take, by the thread of a track, which the trace shall know. */
static bool line_put(struct line *line, int track, int queue, struct frame *frame)
{
	bool put = queue_put(line->queues[queue], frame);

	count_waiting(line, track, queue);
	return put;
}

static struct frame *line_get(struct line *line, int track, int queue)
{
	struct frame *frame = queue_take(line->queues[queue]);

	if (frame)
		count_waiting(line, track, queue);
	return frame;
}

/* What a stage did on a frame, for the report and the trace. */
static void note_time(struct line *line, int track, int work, enum line_time time, const struct frame *frame,
	int64_t begun, int64_t ended)
{
	histogram_add(&line->report.times[time], ended - begun);
	trace_span(line->options.trace, track, work, begun, ended, frame->number);
}

static void note_event(struct line *line, const char *name, const char *text)
{
	struct recorder *recorder = atomic_load(&line->recorder);

	if (recorder)
		recorder_event(recorder, name, text);
}

/* A frame that is received, or says why there is none. *broken: frames without a picture since the last. */
static void record(struct line *line, struct frame *frame, uint32_t *broken, bool *absent)
{
	struct recorder *recorder = atomic_load(&line->recorder);

	if (frame->absent != *absent)
		note_event(line, frame->absent ? "camera_lost" : "camera_back", frame->words);
	*absent = frame->absent;
	if (frame->absent || !recorder)
		return;
	recorder_frame(recorder, frame, *broken);
	*broken = 0;
}

void *source_stage(void *argument)
{
	struct line *line = argument;
	const struct line_options *o = &line->options;
	uint64_t number = 0;
	uint32_t broken = 0;
	bool absent = false;
	int status = 0;

	while (!atomic_load(&line->stopping) && (!o->frames || number < o->frames)) {
		struct frame *frame = frame_acquire(line->pool);
		if (!frame)
			break;
		int64_t begun = clock_now();
		status = camera_next(o->camera, frame, &line->error);
		int64_t now = clock_now();
		if (!number)
			line->report.begun = now;
		bool late = o->duration && now - line->report.begun > o->duration;
		if (status || late) {
			frame_release(&frame);
			if (status != -EBADMSG || late)
				break;
			broken++;
			if (!line->report.broken++)
				log_warning("%s; such frames are skipped and counted", line->error.text);
			continue;
		}
		frame->stamps[STAMP_RECEIVED] = now;
		if (!frame->absent) {
			frame->number = number++;
			line->report.received++;
			line->report.dropped_by_camera += frame->lost;
		}
		record(line, frame, &broken, &absent);
		trace_span(o->trace, STAGE_SOURCE, STAGE_SOURCE, begun, now, frame->number);
		if (!line_put(line, STAGE_SOURCE, QUEUE_RAW, frame))
			break;
	}
	if (status == 0 || status == -ENODATA || status == -ECANCELED || status == -EBADMSG)
		line->error.code = 0;
	queue_close(line->queues[QUEUE_RAW]);
	return NULL;
}

/*
 * The smallest scale at which neither the display nor the network has less to see than at full size. What the
 * network sees of a recorded frame can be seen again, by anybody: the whole.
 */
static double scale_for(const struct line *line, const struct frame *frame, struct display_wants wants)
{
	const struct raw_picture *raw = &frame->raw;

	if (line->options.lossless || frame->recorded || raw->width < 1 || raw->height < 1 || !wants.width ||
		!wants.height)
		return 1;
	double width = raw->width, height = raw->height;
	double screen = fmin(wants.width / width, wants.height / height);
	double network = view_scale(
		&line->options.network->view, raw->width, raw->height, line->input.width, line->input.height);
	return fmin(1, fmax(screen, network));
}

/* Decodes, and makes the network's input; false, with the frame counted, when there is no whole picture. */
static bool decode(struct line *line, struct frame *frame, struct display_wants wants)
{
	int64_t begun = clock_now();
	double scale = scale_for(line, frame, wants);
	struct error e;

	if (picture_decode(&frame->raw, scale, &frame->picture, &e)) {
		pthread_mutex_lock(&line->lock);
		bool first = !line->undecodable++;
		pthread_mutex_unlock(&line->lock);
		if (first)
			log_warning("frame %llu: %s; such frames are skipped and counted",
				(unsigned long long)frame->number, e.text);
		return false;
	}
	view_input(&line->options.network->view, VIEW_FROM_CAMERA, &frame->picture, frame->input,
		line->input.width, line->input.height, line->input.channels,
		line->options.network->layers[0].input_bits);
	frame->stamps[STAMP_DECODE_BEGUN] = begun;
	frame->stamps[STAMP_DECODED] = clock_now();
	note_time(line, frame->show_raw ? STAGE_CONV0 : STAGE_DECODE, STAGE_DECODE, TIME_DECODE, frame, begun,
		frame->stamps[STAMP_DECODED]);
	return true;
}

/* A frame that says why there is none: it goes to the display alone, and what was seen before is forgotten.
 */
static void pass_absent(struct line *line, struct frame *frame, int width, int height)
{
	pthread_mutex_lock(&line->lock);
	line->latest.known = false;
	pthread_mutex_unlock(&line->lock);
	if (picture_resize(&frame->picture, width, height)) {
		frame_release(&frame);
		return;
	}
	memset(frame->picture.data, ABSENT_GREY, (size_t)width * (size_t)height * 4);
	if (!line_put(line, STAGE_DECODE, QUEUE_PICTURE, frame))
		log_debug("the caption stage is gone");
}

void *decode_stage(void *argument)
{
	struct line *line = argument;
	struct frame *frame;
	int width = 640, height = 480; /* of the last picture */

	while ((frame = line_get(line, STAGE_DECODE, QUEUE_RAW))) {
		pthread_mutex_lock(&line->lock);
		struct display_wants wants = line->wants;
		pthread_mutex_unlock(&line->lock);
		if (frame->absent) {
			pass_absent(line, frame, width, height);
			continue;
		}
		/* A display that takes the source's format cannot take the recorder's. */
		frame->show_raw =
			!line->options.lossless && (line->options.blind || (wants.raw && !frame->recorded));
		if (!frame->show_raw && !decode(line, frame, wants)) {
			frame_release(&frame);
			continue;
		}
		width = frame->show_raw ? frame->raw.width : frame->picture.width;
		height = frame->show_raw ? frame->raw.height : frame->picture.height;
		if (!line->options.lossless &&
			!line_put(line, STAGE_DECODE, QUEUE_PICTURE, frame_reference(frame)))
			log_debug("the caption stage is gone");
		if (!line_put(line, STAGE_DECODE, QUEUE_INPUT, frame))
			break;
	}
	line->report.dropped_before_decode = queue_dropped(line->queues[QUEUE_RAW]);
	queue_close(line->queues[QUEUE_INPUT]);
	if (!line->options.lossless)
		queue_close(line->queues[QUEUE_PICTURE]);
	return NULL;
}

/* Fills the PL's buffers in turn; the PL stage empties them in the same turn. */
void *conv0_stage(void *argument)
{
	struct line *line = argument;
	struct pl *pl = line->options.pl;
	struct frame *frame;
	int buffer = 0;

	while ((frame = line_get(line, STAGE_CONV0, QUEUE_INPUT))) {
		/* Shown undecoded, and so decoded only here, where it is sure that inference takes it. */
		if (frame->show_raw && !decode(line, frame, (struct display_wants){1, 1, true})) {
			frame_release(&frame);
			continue;
		}
		while (sem_wait(&line->free_buffers))
			;
		struct frame *test = watch_self_test(line, buffer);
		if (test) {
			buffer = (buffer + 1) % PL_BUFFERS;
			if (!line_put(line, STAGE_CONV0, QUEUE_PL, test))
				log_debug("the PL stage is gone");
			while (sem_wait(&line->free_buffers))
				;
		}
		frame->stamps[STAMP_CONV0_BEGUN] = clock_now();
		engine_run(line->conv0, frame->input, pl_input(pl, buffer));
		frame->stamps[STAMP_CONV0] = clock_now();
		note_time(line, STAGE_CONV0, STAGE_CONV0, TIME_CONV0, frame, frame->stamps[STAMP_CONV0_BEGUN],
			frame->stamps[STAMP_CONV0]);
		watch_submit(line, frame, buffer);
		buffer = (buffer + 1) % PL_BUFFERS;
		if (!line_put(line, STAGE_CONV0, QUEUE_PL, frame))
			break;
	}
	line->report.dropped_before_inference = queue_dropped(line->queues[QUEUE_INPUT]);
	queue_close(line->queues[QUEUE_PL]);
	return NULL;
}

/* What can change of a PL's health with a call. */
struct health {
	bool alarm, retired;
	uint64_t anomalies[ANOMALY_COUNT], programmings, by_software;
};

static struct health health_of(const struct line *line)
{
	const struct supervision *s = &line->watch.supervision;
	struct health health = {s->alarm, s->retired, {0}, s->programmings, line->report.by_software};

	memcpy(health.anomalies, s->anomalies, sizeof(health.anomalies));
	return health;
}

/* What the watch did about the PL on this frame, for a recording's log. */
static void note_health(struct line *line, const struct health *before)
{
	struct health now = health_of(line);
	char text[120];

	for (int i = 0; i < ANOMALY_COUNT; i++) {
		if (now.anomalies[i] == before->anomalies[i])
			continue;
		snprintf(text, sizeof(text), "the PL %s; it was %s",
			i == ANOMALY_LATE     ? "did not finish in time"
			: i == ANOMALY_FAILED ? "reported an error"
					      : "gave a wrong answer",
			now.programmings > before->programmings ? "programmed again" : "reset");
		note_event(line, "pl_failed", text);
	}
	if (now.alarm != before->alarm)
		note_event(line, now.alarm ? "pl_alarm" : "pl_alarm_over", NULL);
	if (now.retired != before->retired)
		note_event(line, now.retired ? "pl_retired" : "pl_returned", NULL);
}

void *pl_stage(void *argument)
{
	struct line *line = argument;
	struct frame *frame;
	int buffer = 0;
	int64_t idle_since = 0;

	while ((frame = line_get(line, STAGE_PL, QUEUE_PL))) {
		if (frame->stamps[STAMP_PL_BEGUN] < idle_since)
			frame->stamps[STAMP_PL_BEGUN] = idle_since;
		struct health before = health_of(line);
		int status = watch_collect(line, frame, buffer);
		frame->by_software = line->report.by_software > before.by_software;
		note_health(line, &before);
		int64_t now = clock_now();
		frame->stamps[STAMP_PL] = idle_since = now;
		buffer = (buffer + 1) % PL_BUFFERS;
		sem_post(&line->free_buffers);
		if (status || frame->self_test) {
			frame_release(&frame);
			continue;
		}
		note_time(line, STAGE_PL, STAGE_PL, TIME_PL, frame, frame->stamps[STAMP_PL_BEGUN], now);
		if (!line_put(line, STAGE_PL, QUEUE_LABEL, frame))
			break;
	}
	line->report.pl = line->watch.supervision;
	queue_close(line->queues[QUEUE_LABEL]);
	return NULL;
}

void *label_stage(void *argument)
{
	struct line *line = argument;
	struct frame *frame;

	while ((frame = line_get(line, STAGE_LABEL, QUEUE_LABEL))) {
		int64_t begun = clock_now();
		classify_scores(line->options.network, smoothing_add(&line->smoothing, frame->scores),
			line->work, &frame->result);
		int64_t now = clock_now();
		frame->stamps[STAMP_LABELLED] = now;
		line->report.classified++;
		note_time(line, STAGE_LABEL, STAGE_LABEL, TIME_LABEL, frame, begun, now);
		histogram_add(&line->report.times[TIME_TO_LABEL], now - frame->stamps[STAMP_CAPTURED]);
		struct recorder *recorder = atomic_load(&line->recorder);
		if (recorder)
			recorder_label(recorder, frame);
		pthread_mutex_lock(&line->lock);
		line->latest = (struct latest){true, frame->result, now - frame->stamps[STAMP_CAPTURED]};
		pthread_mutex_unlock(&line->lock);
		if (!line->options.lossless)
			frame_release(&frame);
		else if (!line_put(line, STAGE_LABEL, QUEUE_PICTURE, frame))
			break;
	}
	if (line->options.lossless)
		queue_close(line->queues[QUEUE_PICTURE]);
	return NULL;
}

/* Where people are to hold what the network shall see, if it does not look at the whole middle. */
static struct caption_guide guide_for(const struct line *line, const struct frame *frame)
{
	const struct view *view = &line->options.network->view;
	int width = frame->show_raw ? frame->raw.width : frame->picture.width;
	int height = frame->show_raw ? frame->raw.height : frame->picture.height;
	double box_width, box_height;

	if (view->kind == VIEW_CENTRE)
		return (struct caption_guide){0};
	view_box(view, width, height, line->input.width, line->input.height, &box_width, &box_height);
	return (struct caption_guide){box_width / width, box_height / height, (double)width / height};
}

static struct caption caption_for(
	struct line *line, const struct line_caption *wanted, const struct latest *latest, double rate)
{
	struct recorder *recorder = atomic_load(&line->recorder);
	struct caption caption = {0};

	if (wanted->visible && latest->known)
		caption = caption_of(line->options.network, &latest->result, line->options.threshold);
	caption.notice = wanted->notice;
	caption.trouble = watch_trouble(&line->watch);
	if (!caption.trouble && recorder && recorder_started(recorder))
		caption.trouble = "recording";
	if (wanted->statistics) {
		caption.statistics = true;
		caption.frames_per_second = rate;
		caption.latency_ms = (double)latest->latency / 1e6;
	}
	return caption;
}

/* "no camera: X was unplugged; waiting" in lines, a part each, in the middle of the dark picture. */
static void draw_absent(struct line *line, struct frame *frame)
{
	char notice[FRAME_WORDS];
	size_t used = 0;

	for (const char *from = frame->words; *from; from++) {
		bool parts = (from[0] == ':' || from[0] == ';') && from[1] == ' ';
		notice[used++] = parts ? '\n' : *from;
		from += parts;
	}
	notice[used] = '\0';
	caption_draw(line->drawer, &frame->picture, &(struct caption){.notice = notice});
}

/* The caption as data, in words, and, unless the display draws it, on the picture. */
static void caption_frame(struct line *line, struct frame *frame, double rate)
{
	pthread_mutex_lock(&line->lock);
	struct latest latest = line->latest;
	struct line_caption wanted = line->caption;
	pthread_mutex_unlock(&line->lock);
	if (frame->absent) {
		draw_absent(line, frame);
		return;
	}
	if (line->options.lossless) {
		latest.result = frame->result;
		latest.latency = frame->stamps[STAMP_LABELLED] - frame->stamps[STAMP_CAPTURED];
		latest.known = true;
	}
	frame->caption = caption_for(line, &wanted, &latest, rate);
	if (wanted.visible)
		frame->caption.guide = guide_for(line, frame);
	caption_words(&frame->caption, frame->words, sizeof(frame->words));
	if (!frame->show_raw &&
		(wanted.visible || wanted.statistics || wanted.notice || frame->caption.trouble))
		caption_draw(line->drawer, &frame->picture, &frame->caption);
}

void *caption_stage(void *argument)
{
	struct line *line = argument;
	struct frame *frame;
	double interval = 0; /* ns between frames, smoothed */
	int64_t before = 0;

	while ((frame = line_get(line, STAGE_CAPTION, QUEUE_PICTURE))) {
		int64_t begun = clock_now();
		if (before)
			interval = interval > 0 ? 0.95 * interval + 0.05 * (double)(begun - before)
						: (double)(begun - before);
		before = begun;
		caption_frame(line, frame, interval > 0 ? 1e9 / interval : 0);
		frame->stamps[STAMP_CAPTIONED] = clock_now();
		note_time(line, STAGE_CAPTION, STAGE_CAPTION, TIME_CAPTION, frame, begun,
			frame->stamps[STAMP_CAPTIONED]);
		if (!line_put(line, STAGE_CAPTION, QUEUE_SHOW, frame))
			break;
	}
	line->report.dropped_before_display =
		queue_dropped(line->queues[QUEUE_PICTURE]) + queue_dropped(line->queues[QUEUE_SHOW]);
	queue_close(line->queues[QUEUE_SHOW]);
	return NULL;
}
