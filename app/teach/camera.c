/* SPDX-License-Identifier: MIT */
#include "teach/camera.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/interruption.h"
#include "display/display.h"
#include "flow/caption.h"
#include "flow/frame.h"
#include "image/decode.h"
#include "source/source.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTHING (-1)
#define BACKGROUND (-2)

/* What was taken is fitted once no key has come for so long, ns. */
#define PAUSE (300 * NS_PER_MS)

/* The longest time that counts as one burst of pictures, ns. */
#define BURST_MOST (3 * NS_PER_S)

/* Characters that the line of counts has room for, and that a label has in the list of keys. */
#define COUNTS_LENGTH 56
#define LABEL_LENGTH 40

/* Of the picture in the place of one from a camera that is gone. */
#define ABSENT_GREY 40

/* Frames: the one in work, and what a display keeps. */
#define FRAMES 4

struct session {
	struct lesson *lesson;
	struct source *source;
	struct display *display;
	const struct teach_camera_options *options;
	struct frame_pool *pool;
	struct caption_drawer *drawer;
	uint8_t *codes;
	float *outputs; /* [class_count] of the fit */

	struct ridge ridge; /* weights NULL: nothing was fitted yet */
	bool fitted_all;    /* no picture came since */
	int fitted_classes;
	int take;	 /* the class of the next picture, NOTHING or BACKGROUND */
	int burst_class; /* of the pictures that come one right after the other; NOTHING: none came */
	int64_t burst_begun, burst_last;
	int64_t last_key;
	bool help, quit;
	struct face_track track;
	int earlier;	   /* examples that there were before */
	int width, height; /* of the last picture */
	char counts[FRAME_TEXT_BYTES], keys[2560];
};

static bool begins_character(char byte)
{
	return ((unsigned char)byte & 0xC0) != 0x80;
}

static int characters(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += begins_character(*text);
	return count;
}

/* Bytes of the first `most` characters. */
static int bytes_of(const char *text, int most)
{
	int at = 0;

	for (int count = 0; text[at]; at++) {
		count += begins_character(text[at]);
		if (count > most)
			break;
	}
	return at;
}

/* "1  cup\n2  keys\nb  background …" */
static void list_keys(struct session *s)
{
	size_t used = 0;

	for (int i = 0; i < s->lesson->class_count && i < 9; i++) {
		const char *label = s->lesson->labels[i];
		int bytes = bytes_of(label, LABEL_LENGTH);
		used += (size_t)snprintf(s->keys + used, sizeof(s->keys) - used, "%d  %.*s%s\n", i + 1, bytes,
			label, label[bytes] ? "…" : "");
	}
	snprintf(s->keys + used, sizeof(s->keys) - used,
		"b  background: none of these\nu  drop the last picture\nq  save and quit\n?  this help");
}

/* "cup 12 · keys 8", or "1: 12 · 2: 8" where the labels are too long for a line. */
static void list_counts(struct session *s)
{
	const struct lesson *lesson = s->lesson;
	size_t used = 0;
	int length = 0;

	s->counts[0] = 0;
	for (int i = 0; i < lesson->class_count; i++)
		length += characters(lesson->labels[i]) + 6;
	for (int i = 0; i < lesson->class_count && used < sizeof(s->counts); i++) {
		const char *dot = i ? " · " : "", *label = lesson->labels[i];
		int count = lesson_examples_of(lesson, i);
		char *to = s->counts + used;
		size_t room = sizeof(s->counts) - used;

		if (length <= COUNTS_LENGTH)
			used += (size_t)snprintf(to, room, "%s%s %d", dot, label, count);
		else if (strcmp(label, LABEL_BACKGROUND) == 0)
			used += (size_t)snprintf(to, room, "%sb: %d", dot, count);
		else
			used += (size_t)snprintf(to, room, "%s%d: %d", dot, i + 1, count);
	}
}

static void drop_last(struct session *s)
{
	lesson_drop(s->lesson);
	s->burst_class = NOTHING;
}

static void heed_key(struct session *s, enum display_key key)
{
	int class = (int)key - KEY_1;

	if (key >= KEY_1 && key <= KEY_9 && class < s->lesson->class_count)
		s->take = class;
	else if (key == KEY_BACKGROUND)
		s->take = BACKGROUND;
	else if (key == KEY_UNDO && s->lesson->count > s->earlier) /* what was saved before stays */
		drop_last(s);
	else if (key == KEY_HELP)
		s->help = !s->help;
	else if (key == KEY_QUIT)
		s->quit = true;
	else
		return;
	if (key != KEY_HELP && key != KEY_QUIT) {
		s->help = s->fitted_all = false;
		s->last_key = clock_now();
	}
}

/* Fits again when the user pauses, if every class has a picture. */
static void fit(struct session *s)
{
	struct ridge ridge;
	struct error e;

	if (s->fitted_all || clock_now() - s->last_key < PAUSE)
		return;
	s->fitted_all = true;
	if (lesson_fit(s->lesson, &ridge, &e))
		return; /* a class has no picture yet */
	float *outputs = realloc(s->outputs, (size_t)s->lesson->class_count * sizeof(*outputs));
	if (!outputs) {
		ridge_finish(&ridge);
		return;
	}
	s->outputs = outputs;
	s->fitted_classes = s->lesson->class_count;
	ridge_finish(&s->ridge);
	s->ridge = ridge;
}

/* The best class and its confidence; −1: nothing was fitted. */
static int guess(struct session *s, float *confidence)
{
	size_t size = s->lesson->size;
	int best = 0;
	double total = 0;

	if (!s->ridge.weights)
		return -1;
	for (int c = 0; c < s->fitted_classes; c++) {
		double output = s->ridge.bias[c];
		for (size_t i = 0; i < size; i++)
			output += (double)s->ridge.weights[(size_t)c * size + i] *
				  (s->codes[i] - s->ridge.mean[i]);
		s->outputs[c] = (float)(output * s->ridge.scale);
		if (s->outputs[c] > s->outputs[best])
			best = c;
	}
	for (int c = 0; c < s->fitted_classes; c++)
		total += exp((double)(s->outputs[c] - s->outputs[best]));
	*confidence = (float)(1 / total);
	return best;
}

/* Pictures within a second are nearly the same; a key that is held for long makes several bursts. */
static bool continues_burst(struct session *s, int class)
{
	int64_t now = clock_now();
	bool again = class == s->burst_class && now - s->burst_last < NS_PER_S &&
		     now - s->burst_begun < BURST_MOST;

	if (!again)
		s->burst_begun = now;
	s->burst_last = now;
	s->burst_class = class;
	return again;
}

static int take_picture(struct session *s, struct error *e)
{
	int class = s->take, rc = 0;

	s->take = NOTHING;
	if (class == BACKGROUND)
		rc = lesson_class(s->lesson, LABEL_BACKGROUND, &class, e);
	if (class == NOTHING || rc)
		return rc;
	return lesson_add(s->lesson, s->codes, class, continues_burst(s, class), e);
}

/* Looks at the frame's picture, learns it if a key says so, and draws what it shows. */
static int look(struct session *s, struct frame *frame, struct error *e)
{
	struct picture_area area;
	int rc = picture_decode(&frame->raw, 1, &frame->picture, e);

	if (rc)
		return rc == -EBADMSG ? 0 : rc;
	bool seen = lesson_look(s->lesson, VIEW_FROM_CAMERA, &frame->picture, &s->track,
		frame->stamps[STAMP_CAPTURED], &area);
	lesson_features(s->lesson, VIEW_FROM_CAMERA, &frame->picture, &area, s->codes);
	if (!seen)
		s->take = NOTHING;
	s->width = frame->picture.width;
	s->height = frame->picture.height;
	rc = take_picture(s, e);
	fit(s);
	list_counts(s);
	struct caption caption = {.status = s->counts, .notice = s->help ? s->keys : NULL};
	int best = seen ? guess(s, &caption.confidence) : -1;
	caption.headline =
		best < 0 || s->help ? NULL : s->lesson->labels[best]; /* which would be below the help */
	caption.view = caption_view_of(s->lesson->network, frame->picture.width, frame->picture.height);
	if (s->lesson->network->view.kind == VIEW_FACE)
		caption.view = seen ? caption_view_of_face(frame->picture.width, frame->picture.height, &area)
				    : (struct caption_view){0};
	if (!seen)
		snprintf(caption.note, sizeof(caption.note), "no face");
	frame->caption = caption;
	caption_text(&caption, frame->text, sizeof(frame->text));
	caption_draw(s->drawer, &frame->picture, &caption);
	return rc;
}

/* The camera is gone, or not there yet: the display says so, and q goes on to work. */
static int look_absent(struct session *s, struct frame *frame)
{
	s->take = NOTHING; /* there is no picture to take, and later is too late */
	if (!s->display)
		return 0;
	int rc = picture_resize(&frame->picture, s->width, s->height);
	if (rc)
		return rc;
	memset(frame->picture.data, ABSENT_GREY, (size_t)s->width * (size_t)s->height * 4);
	frame->caption = (struct caption){0};
	snprintf(frame->text, sizeof(frame->text), "%s", frame->absent_reason);
	caption_draw(s->drawer, &frame->picture, &(struct caption){.notice = frame->absent_reason});
	return 0;
}

static int show(struct session *s, struct frame *frame, struct error *e)
{
	struct display_options wanted = {.width = frame->picture.width,
		.height = frame->picture.height,
		.format = frame->raw.format,
		.title = "twobit teach",
		.drm_device = s->options->drm_device,
		.connector = s->options->connector};
	int rc = s->display ? 0 : display_open(s->options->display, &wanted, &s->display, e);

	if (!rc)
		rc = display_show(s->display, frame, e);
	for (enum display_key key; s->display && (key = display_poll_key(s->display)) != KEY_NONE;)
		heed_key(s, key);
	return rc == -EAGAIN ? 0 : rc;
}

/* One frame. -ENODATA: the source has ended. */
static int step(struct session *s, struct frame *frame, enum failure *where, struct error *e)
{
	*where = FAILURE_SOURCE;
	int rc = source_next(s->source, frame, e);
	if (rc)
		return rc == -EBADMSG ? 0 : rc;
	*where = FAILURE_OURS;
	rc = frame->absent ? look_absent(s, frame) : look(s, frame, e);
	if (rc)
		return rc;
	*where = FAILURE_DISPLAY;
	return frame->picture.data && (s->display || !frame->absent) ? show(s, frame, e) : 0;
}

static int run(struct session *s, enum failure *where, struct error *e)
{
	int rc = 0;

	while (!rc && !s->quit && !interruption_came()) {
		struct frame *frame = frame_acquire(s->pool);
		rc = step(s, frame, where, e);
		frame_release(&frame);
	}
	return rc == -ENODATA ? 0 : rc;
}

static int begin(struct session *s, enum failure *where, struct error *e)
{
	*where = FAILURE_OURS;
	s->codes = malloc(s->lesson->size);
	if (!s->codes || frame_pool_create(FRAMES, 1, 1, &s->pool) || caption_create(&s->drawer))
		return error_set(e, -ENOMEM, "not enough memory to teach from a camera");
	*where = FAILURE_SOURCE;
	return source_open(s->options->source, s->options->source_options, &s->source, e);
}

int teach_camera(struct lesson *lesson, const struct teach_camera_options *options, enum failure *where,
	struct error *e)
{
	struct session s = {.lesson = lesson,
		.options = options,
		.take = NOTHING,
		.burst_class = NOTHING,
		.help = true,
		.earlier = lesson->count,
		.fitted_all = !lesson->count};

	list_keys(&s);
	int rc = begin(&s, where, e);
	if (!rc) {
		log_info("%s", source_description(s.source));
		rc = run(&s, where, e);
	}
	display_close(s.display);
	source_close(s.source);
	caption_destroy(s.drawer);
	frame_pool_destroy(s.pool);
	ridge_finish(&s.ridge);
	free(s.codes);
	free(s.outputs);
	return rc;
}
