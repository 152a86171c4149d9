/* SPDX-License-Identifier: MIT */
#include "live/loop.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/options.h"
#include "flow/caption.h"
#include "image/decode.h"
#include "image/picture_write.h"
#include "live/attention.h"
#include "live/confinement.h"
#include "live/signals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

/* How long what a viewer of the sinks asks for waits at most, ns: each frame ends a wait. */
#define VIEWERS_WAIT NS_PER_S

/* Captioned frames that may be in the pipeline when a key is pressed. */
#define FRAMES_ON_THEIR_WAY 3

/* How long a note stays on the picture, ns. */
#define NOTE_TIME (5 * NS_PER_S / 2)

/* Names that are tried for a snapshot. */
#define SNAPSHOTS_A_SECOND 1000

static const char help_notice[] =
	"q  quit\nSpace  pause\nf  full screen\ni  statistics\ns  snapshot\nr  record\no  caption\nh  this "
	"help";

/* The frame's picture anew, as the pipeline makes it. */
static int redraw(const struct live_loop *loop, struct frame *frame, struct error *e)
{
	struct caption_drawer *drawer;
	int status = picture_decode(&frame->raw, frame->scale, &frame->picture, e);

	if (status)
		return status;
	struct caption shown = loop->mirror ? caption_mirrored(&frame->caption) : frame->caption;
	if (loop->mirror)
		picture_mirror(&frame->picture);
	if (caption_create(&drawer))
		return -ENOMEM;
	caption_draw(drawer, &frame->picture, &shown);
	caption_destroy(drawer);
	return 0;
}

/* Nothing new is shown while paused: the picture that stays gets the note, until the pause ends. */
static void note_in_pause(struct live_loop *loop)
{
	struct frame *frame = loop->held;
	struct error e;

	if (!frame || frame->absent || !loop->display)
		return;
	memcpy(frame->caption.note, loop->caption.note, sizeof(frame->caption.note));
	caption_text(&frame->caption, frame->text, sizeof(frame->text));
	if (frame->show_raw || !redraw(loop, frame, &e))
		(void)display_show(loop->display, frame, &e); /* the next picture reports an error */
}

/* Tells on the picture what a key or a signal has done. */
static void note(struct live_loop *loop, const char *what, const char *detail)
{
	snprintf(loop->caption.note, sizeof(loop->caption.note), "%s%.120s", what, detail);
	loop->caption.note_until = clock_now() + NOTE_TIME;
	pipeline_set_caption(loop->pipeline, &loop->caption);
	if (loop->paused)
		note_in_pause(loop);
}

/*
 * The frame at full size with its caption, but without what is only for who looks at the display. The shown
 * picture may be smaller, or have the caption on a plane.
 */
static int picture_whole(const struct frame *frame, struct picture *out, struct error *e)
{
	struct caption caption = frame->caption;
	struct caption_drawer *drawer;
	int status = picture_decode(&frame->raw, 1, out, e);

	if (status)
		return status;
	if (caption_create(&drawer))
		return error_set(e, -ENOMEM, "out of memory for a snapshot");
	caption.notice = NULL;
	caption.note[0] = '\0';
	caption.recording = false;
	caption_draw(drawer, out, &caption);
	caption_destroy(drawer);
	return 0;
}

/* Writes a picture under a name of its own: two of one second get different ones. */
static int write_named(const struct picture *picture, char *name, size_t size, struct error *e)
{
	time_t now = time(NULL);
	char when[32];
	struct tm local;
	int status = -EEXIST;

	localtime_r(&now, &local);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &local);
	snprintf(name, size, "twobit-%s.png", when);
	for (int i = 2; status == -EEXIST && i <= SNAPSHOTS_A_SECOND; i++) {
		status = picture_write_new(name, picture, e);
		if (status == -EEXIST)
			snprintf(name, size, "twobit-%s-%d.png", when, i);
	}
	return status;
}

/* Saves the last picture shown under the path, or under a new name. Returns an exit code. */
static int snapshot(struct live_loop *loop, const char *path)
{
	const struct frame *frame = loop->held;
	struct picture whole = {0};
	struct error e = {0};
	char name[64] = "";
	int code = EX_OK;

	if (!frame)
		return EX_OK;
	if (!frame->absent && picture_whole(frame, &whole, &e)) {
		code = fail(FAILURE_OURS, &e);
	} else {
		const struct picture *picture = frame->absent ? &frame->picture : &whole;
		if (path ? picture_write(path, picture, &e) : write_named(picture, name, sizeof(name), &e))
			code = fail(FAILURE_CREATE, &e);
		else
			log_info("saved %s", path ? path : name);
	}
	picture_finish(&whole);
	if (code)
		note(loop, "not saved: ", e.text);
	else
		note(loop, "saved ", path ? path : name);
	return code;
}

/* Starts or stops recording; the first start opens the recorder. */
static void record(struct live_loop *loop)
{
	struct error e = {0};

	if (!loop->recorder) {
		if (recorder_check(loop->recording, &e) ||
			recorder_create(loop->recording, &loop->recorder, &e)) {
			log_warning("%s; nothing is recorded", e.text);
			note(loop, "nothing is recorded: ", e.text);
			return;
		}
		pipeline_set_recorder(loop->pipeline, loop->recorder);
	}
	bool ends = recorder_is_recording(loop->recorder);
	if (ends)
		recorder_end(loop->recorder);
	else
		recorder_begin(loop->recorder);
	note(loop, ends ? "the recording ended" : "recording", "");
}

static void heed_signals(struct live_loop *loop)
{
	enum signal_request request;

	while ((request = signals_next()) != REQUEST_NONE) {
		if (request == REQUEST_RECORD)
			record(loop);
		else if (request == REQUEST_ROTATE && loop->recorder)
			recorder_rotate(loop->recorder);
		else
			loop->quit = true;
	}
}

/* What a viewer of the sinks asks for. */
static void heed_viewers(struct live_loop *loop)
{
	enum sink_request request = sinks_request(loop->sinks);
	bool is = loop->recorder && recorder_is_recording(loop->recorder);

	if (request == (is ? SINK_REQUEST_STOP_RECORDING : SINK_REQUEST_RECORD))
		record(loop);
}

static void obey(struct live_loop *loop, enum display_key key)
{
	switch (key) {
	case KEY_QUIT:
		loop->quit = true;
		return;
	case KEY_PAUSE:
		loop->paused = !loop->paused;
		loop->passing = FRAMES_ON_THEIR_WAY + 1;
		loop->caption.notice = loop->paused ? "paused" : NULL;
		break;
	case KEY_STATISTICS:
		loop->caption.statistics = !loop->caption.statistics;
		break;
	case KEY_CAPTION:
		loop->caption.visible = !loop->caption.visible;
		break;
	case KEY_HELP:
		loop->caption.notice = loop->caption.notice == help_notice ? NULL : help_notice;
		break;
	case KEY_SNAPSHOT:
		snapshot(loop, NULL);
		return;
	case KEY_RECORD:
		record(loop);
		return;
	case KEY_LOST: /* the next picture is shown, or would be: it finds that out */
		loop->paused = false;
		loop->caption.notice = NULL;
		break;
	default:
		return;
	}
	pipeline_set_caption(loop->pipeline, &loop->caption);
}

static int open_display(struct live_loop *loop, const struct frame *frame, struct error *e)
{
	struct display_options wanted = loop->display_options;
	char description[sizeof(loop->description)];

	wanted.width = frame->picture.width;
	wanted.height = frame->picture.height;
	wanted.format = frame->raw.format;
	int status = display_open(loop->display_name, &wanted, &loop->display, e);
	if (status)
		return status;
	bool chosen = strcmp(loop->display_name, "auto") == 0;
	display_describe(loop->display, description, sizeof(description));
	if (strcmp(display_name(loop->display), "none") != 0)
		log_info("showing on %s%s", description, chosen ? " (chosen automatically)" : "");
	else if (chosen)
		log_info("no display found; running without one");
	confinement_close(loop->confinement);
	return 0;
}

static void close_display(struct live_loop *loop)
{
	if (!loop->display)
		return;
	display_describe(loop->display, loop->description, sizeof(loop->description));
	display_close(loop->display);
	loop->display = NULL;
}

/* A display that is gone is replaced by none; the pipeline goes on. */
static int go_on_without(struct live_loop *loop, struct error *e)
{
	log_warning("%s; going on without a display", e->text);
	close_display(loop);
	return display_open("none", &loop->display_options, &loop->display, e);
}

/* Takes over the frame. During a pause the shown picture stays, and later frames are released. */
static int show(struct live_loop *loop, struct frame *frame, struct error *e)
{
	if (loop->paused && loop->passing-- <= 0) {
		loop->passing = 0;
		frame_release(&frame);
		return 0;
	}
	int status = loop->display ? 0 : open_display(loop, frame, e);
	if (!status)
		status = display_show(loop->display, frame, e);
	bool shown = !status;
	if (loop->display && status == -ENODEV)
		status = go_on_without(loop, e);
	if (loop->display && !status) {
		struct display_capabilities capabilities = display_capabilities(loop->display);
		pipeline_set_display(loop->pipeline, &capabilities);
	}
	frame_release(&loop->held);
	loop->held = frame_reference(frame);
	if (!frame->absent)
		memcpy(loop->text, frame->text, sizeof(loop->text));
	pipeline_release(loop->pipeline, &frame, shown);
	return status == -EAGAIN ? 0 : status;
}

int live_loop_run(struct live_loop *loop)
{
	struct error e = {0};
	struct attention attention;
	bool stopping = false;
	int status = 0;

	attention_begin(&attention, loop->pipeline);
	while (!status && !pipeline_ended(loop->pipeline)) {
		struct frame *frame = pipeline_dequeue(loop->pipeline, 0);
		if (frame)
			status = show(loop, frame, &e);
		else if (!pipeline_ended(loop->pipeline))
			attention_wait(&attention, loop->display,
				loop->sinks ? clock_now() + VIEWERS_WAIT : INT64_MAX);
		for (enum display_key key;
			loop->display && (key = display_poll_key(loop->display)) != KEY_NONE;)
			obey(loop, key);
		heed_signals(loop);
		heed_viewers(loop);
		if (!stopping && loop->quit) {
			stopping = true;
			pipeline_stop(loop->pipeline);
			if (loop->recorder)
				recorder_flush(loop->recorder);
		}
	}
	attention_end(&attention);
	int code = status ? fail_at(loop->invocation, FAILURE_DISPLAY, &e) : EX_OK;
	close_display(loop);
	if (loop->snapshot) {
		int saved = snapshot(loop, loop->snapshot);
		code = code ? code : saved;
	}
	return code;
}

void live_loop_finish(struct live_loop *loop)
{
	close_display(loop);
	frame_release(&loop->held);
}
