/* SPDX-License-Identifier: MIT */
/*
 * The decode stage. A pipeline as fast as it goes has several of its threads: each decodes a frame of its
 * own, and they take turns, by the order of frames, for all that follows.
 */
#include "pipeline/stages.h"

#include "base/clock.h"
#include "base/log.h"
#include "image/decode.h"
#include "image/view.h"

#include <math.h>
#include <string.h>

/* The grey of the picture that is shown while the camera is away. */
#define ABSENT_GREY 28

/*
 * The smallest scale at which neither the network nor a display that gets the picture loses anything. That of
 * a recorded frame is the recorder's, which notes it, so that a replay can see what the network saw.
 */
static double scale_for(
	const struct pipeline *pipeline, const struct frame *frame, struct display_capabilities capabilities)
{
	const struct raw_picture *raw = &frame->raw;
	bool lies = raw->rotation == 90 || raw->rotation == 270;
	int width = lies ? raw->height : raw->width, height = lies ? raw->width : raw->height;

	if (frame->recorded)
		return frame->scale;
	if (pipeline->config.lossless || width < 1 || height < 1)
		return 1;
	double scale = view_scale(&pipeline->config.network->view, width, height, pipeline->input.width,
		pipeline->input.height);
	if (!frame->show_raw) {
		if (!capabilities.width || !capabilities.height)
			return 1;
		scale = fmax(scale,
			fmin((double)capabilities.width / width, (double)capabilities.height / height));
	}
	return fmin(1, scale);
}

/*
 * Decides once for a frame what the display gets and which stage decodes: the decode stage, for the display
 * and inference, or the conv0 stage for inference alone, and only the frames that inference takes.
 */
static void plan_decode(struct pipeline *pipeline, struct frame *frame)
{
	pthread_mutex_lock(&pipeline->lock);
	struct display_capabilities capabilities = pipeline->capabilities;
	pthread_mutex_unlock(&pipeline->lock);
	/* A display that takes the source's format cannot take the recorder's, and turns nothing. */
	bool as_it_came = !frame->recorded && !frame->raw.rotation && !pipeline->config.mirror;
	frame->show_raw = !pipeline->config.lossless &&
			  (pipeline->config.discard_output || (capabilities.raw && as_it_came));
	frame->scale = scale_for(pipeline, frame, capabilities);
}

/* Makes the network's input. */
static void look(struct pipeline *pipeline, struct frame *frame)
{
	const struct view *view = &pipeline->config.network->view;
	const struct shape in = pipeline->input;

	/* A display that is plugged in changes which of two threads decodes. */
	pthread_mutex_lock(&pipeline->lock);
	struct face_track track = pipeline->track;
	pthread_mutex_unlock(&pipeline->lock);
	frame->faceless = !view_look_at(view, VIEW_FROM_CAMERA, &frame->pixels, &track,
		frame->stamps[STAMP_CAPTURED], in.width, in.height, &frame->area);
	pthread_mutex_lock(&pipeline->lock);
	pipeline->track = track;
	pthread_mutex_unlock(&pipeline->lock);
	view_input_of(view, VIEW_FROM_CAMERA, &frame->pixels, &frame->area, frame->input, in.width, in.height,
		in.channels, pipeline->config.network->layers[0].input_bits);
}

/* Makes the picture where somebody needs it: the display, who gets labelled frames, or else the network. */
static int decode(const struct pipeline *pipeline, struct frame *frame, struct error *e)
{
	bool in_raw = raw_picture_has_pixels(&frame->raw);
	int status = 0;

	if (!in_raw || !frame->show_raw || pipeline->config.labelled)
		status = picture_decode(&frame->raw, frame->scale, &frame->picture, e);
	if (!status && in_raw)
		return raw_picture_pixels(&frame->raw, &frame->pixels, e);
	frame->pixels = picture_pixels(&frame->picture);
	return status;
}

static bool decode_picture(struct pipeline *pipeline, struct frame *frame)
{
	struct error e;

	int rc = decode(pipeline, frame, &e);
	if (!rc)
		return true;
	pthread_mutex_lock(&pipeline->lock);
	if (error_is_of_machine(rc))
		pipeline->decode_failure = rc;
	bool first = !pipeline->undecodable++;
	pthread_mutex_unlock(&pipeline->lock);
	if (first)
		log_warning("frame %llu: %s; such frames are skipped and counted",
			(unsigned long long)frame->number, e.text);
	return false;
}

/* took: ns. */
static void note_decoded(struct pipeline *pipeline, struct frame *frame, int stage, int64_t took)
{
	frame->stamps[STAMP_DECODED] = clock_now();
	frame->stamps[STAMP_DECODE_BEGUN] = frame->stamps[STAMP_DECODED] - took;
	stage_note_time(pipeline, stage, STAGE_DECODE, TIME_DECODE, frame, frame->stamps[STAMP_DECODE_BEGUN],
		frame->stamps[STAMP_DECODED]);
}

bool stage_decode(struct pipeline *pipeline, struct frame *frame, int stage)
{
	int64_t begun = clock_now();

	if (!decode_picture(pipeline, frame))
		return false;
	look(pipeline, frame);
	note_decoded(pipeline, frame, stage, clock_now() - begun);
	return true;
}

/* An absent frame goes to the display alone, and the latest label is dropped. */
static void pass_absent(struct pipeline *pipeline, struct frame *frame, int width, int height)
{
	pthread_mutex_lock(&pipeline->lock);
	pipeline->latest.known = false;
	pthread_mutex_unlock(&pipeline->lock);
	if (picture_resize(&frame->picture, width, height)) {
		frame_release(&frame);
		return;
	}
	memset(frame->picture.data, ABSENT_GREY, (size_t)width * (size_t)height * 4);
	if (!stage_put(pipeline, STAGE_DECODE, QUEUE_PICTURE, frame))
		log_debug("the caption stage is gone");
}

/* The next frame and its turn. */
static struct frame *take_frame(struct pipeline *pipeline, uint64_t *turn)
{
	struct decode_turns *turns = &pipeline->turns;

	pthread_mutex_lock(&turns->taking);
	struct frame *frame = stage_get(pipeline, STAGE_DECODE, QUEUE_RAW);
	*turn = turns->taken;
	turns->taken += frame != NULL;
	pthread_mutex_unlock(&turns->taking);
	return frame;
}

static void await_turn(struct decode_turns *turns, uint64_t turn)
{
	pthread_mutex_lock(&turns->lock);
	while (turns->turn != turn)
		pthread_cond_wait(&turns->changed, &turns->lock);
	pthread_mutex_unlock(&turns->lock);
}

static void end_turn(struct decode_turns *turns)
{
	pthread_mutex_lock(&turns->lock);
	turns->turn++;
	pthread_cond_broadcast(&turns->changed);
	pthread_mutex_unlock(&turns->lock);
}

/* Hands a frame of this turn on, or releases it. False: the next stage is gone. */
static bool pass_on(struct pipeline *pipeline, struct frame *frame)
{
	struct decode_turns *turns = &pipeline->turns;

	turns->width = frame->show_raw ? frame->raw.width : frame->picture.width;
	turns->height = frame->show_raw ? frame->raw.height : frame->picture.height;
	if (!pipeline->config.lossless &&
		!stage_put(pipeline, STAGE_DECODE, QUEUE_PICTURE, frame_reference(frame)))
		log_debug("the caption stage is gone");
	return stage_put(pipeline, STAGE_DECODE, QUEUE_INPUT, frame);
}

/* Decodes the frame at once, and does the rest in its turn: where a face is depends on the frames before. */
static bool decode_in_turn(struct pipeline *pipeline, struct frame *frame, uint64_t turn)
{
	struct decode_turns *turns = &pipeline->turns;
	bool tracks = pipeline->config.network->view.kind == VIEW_FACE, whole = true, going = true;
	int64_t at = clock_now(), took;

	if (!frame->absent)
		plan_decode(pipeline, frame);
	bool decodes = !frame->absent && !frame->show_raw;
	if (decodes)
		whole = decode_picture(pipeline, frame);
	if (decodes && whole && !tracks)
		look(pipeline, frame);
	took = clock_now() - at;
	await_turn(turns, turn);
	at = clock_now();
	if (decodes && whole && tracks)
		look(pipeline, frame);
	if (decodes && whole)
		note_decoded(pipeline, frame, STAGE_DECODE, took + clock_now() - at);
	if (frame->absent)
		pass_absent(pipeline, frame, turns->width, turns->height);
	else if (whole)
		going = pass_on(pipeline, frame);
	else
		frame_release(&frame);
	end_turn(turns);
	return going;
}

void *decode_stage(void *argument)
{
	struct pipeline *pipeline = argument;
	struct frame *frame;
	uint64_t turn;

	while ((frame = take_frame(pipeline, &turn)) && decode_in_turn(pipeline, frame, turn))
		;
	if (atomic_fetch_sub(&pipeline->turns.left, 1) > 1)
		return NULL; /* the last of these threads ends the stage */
	pipeline->report.dropped_before_decode = queue_dropped(pipeline->queues[QUEUE_RAW]);
	queue_close(pipeline->queues[QUEUE_INPUT]);
	if (!pipeline->config.lossless)
		queue_close(pipeline->queues[QUEUE_PICTURE]);
	return NULL;
}
