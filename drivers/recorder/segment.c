/* SPDX-License-Identifier: MIT */
#include "recorder/segment.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "flow/caption.h"
#include "image/decode.h"
#include "recorder/container.h"
#include "recorder/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The text is renewed at this interval, ns, though it may change with each frame. Players show it until the
 * next. */
#define TEXT_PERIOD INT64_C(250000000)

/* A file's index lies in memory until the file ends, 40 bytes a frame; this is 10 hours at 30 Hz. */
#define FRAMES_MAXIMUM (UINT64_C(1) << 20)

/* A file's end needs this: the index, a frame's overhead, the log's lines. */
#define RESERVE_BYTES (UINT64_C(512) * 1024)
#define RESERVE_FRAME UINT64_C(32)

struct segment {
	const struct recorder_options *options;
	const struct container_writer *writer;
	struct container *container;
	struct label_log *log;
	char path[PATH_MAX]; /* of the video; log_only: that it would have */
	int width, height;
	uint64_t frames, labelled; /* labelled: those with a line */
	int64_t begun, last;	   /* STAMP_CAPTURED of the first and the last frame */
	int64_t text_until;

	/* for captions in the picture */
	struct caption_drawer *drawer;
	struct picture picture;
	struct raw_picture jpeg;
	struct classification latest;
	bool known;
};

#pragma weak container_matroska
const struct module_part recorder_part = {"matroska", "container_matroska", &container_matroska};

/* Whether six digits tell the number from all others: 0.66, and not 0.660000026. */
static bool short_enough(float number)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", (double)number);
	return strtof(text, NULL) == number;
}

/* The log's first line: its own members, then those of options->about. */
static void about_print(const struct segment *segment, unsigned number, const struct ring_frame *first,
	struct text_builder *t)
{
	const struct recorder_options *o = segment->options;

	text_add(t, LABEL_LOG_HEAD "%d,\"video\":", LABEL_LOG_VERSION);
	text_add_json(t, path_last(segment->path));
	text_add(t, ",\"segment\":%u,\"monotonic\":%lld,\"wall\":\"", number,
		(long long)first->stamps[STAMP_CAPTURED]);
	text_add_time(t, first->wall);
	text_add(t, "\"%s", o->log_only ? ",\"log_only\":true" : "");
	text_add(t, ",\"width\":%d,\"height\":%d,\"burn_in\":%s,\"top_k\":%d,\"smoothing\":", first->width,
		first->height, o->burn_in ? "true" : "false", o->top_k);
	text_add_number(t, o->smoothing);
	text_add(t, ",\"threshold\":");
	text_add(t, short_enough(o->threshold) ? "%.6g" : "%.9g", (double)o->threshold);
	if (first->reduction > 1)
		text_add(t, ",\"decode\":\"1/%d\"", first->reduction);
	else
		text_add(t, ",\"decode\":\"whole\"");
	text_add(t, ",\"network\":");
	text_add_json(t, o->network->name);
	text_add(t, ",\"pl\":");
	text_add_json(t, o->pl);
	char *about = json_object_size(o->about) ? json_dumps(o->about, JSON_COMPACT) : NULL;
	if (about)
		text_add(t, ",%.*s", (int)strlen(about) - 2, about + 1);
	free(about);
	text_add(t, "}");
}

static int files_make(
	struct segment *segment, unsigned number, const struct ring_frame *first, struct error *e)
{
	const struct recorder_options *o = segment->options;
	struct container_options settings = {
		.width = segment->width, .height = segment->height, .wall = first->wall};
	char log[PATH_MAX];

	struct text_builder about = {0};
	const void *part = &container_none;
	int status = o->log_only ? 0 : module_load(&recorder_part, &part, e);
	segment->writer = part;
	if (!status)
		status = segment->writer->open(segment->path, &settings, &segment->container, e);
	if (!status) {
		names_log(segment->path, label_log_suffix(o->log), log, sizeof(log));
		about_print(segment, number, first, &about);
		status = about.failed ? error_set(e, -ENOMEM, "%s: out of memory", log)
				      : label_log_open(log, o->log, o->top_k, about.data, &segment->log, e);
		if (status && !o->log_only)
			unlink(segment->path);
	}
	text_finish(&about);
	return status;
}

static void segment_destroy(struct segment *segment)
{
	if (segment->container)
		segment->writer->close(segment->container, NULL);
	label_log_close(segment->log, NULL);
	caption_destroy(segment->drawer);
	picture_finish(&segment->picture);
	raw_picture_finish(&segment->jpeg);
	free(segment);
}

int segment_open(const struct recorder_options *options, const struct segment_place *place,
	const struct ring_frame *first, struct segment **out, struct error *e)
{
	struct segment *segment = calloc(1, sizeof(*segment));

	*out = NULL;
	if (!segment)
		return error_set(e, -ENOMEM, "out of memory for a recording");
	segment->options = options;
	segment->width = first->width;
	segment->height = first->height;
	segment->begun = segment->last = first->stamps[STAMP_CAPTURED];
	int status = options->burn_in && caption_create(&segment->drawer)
			     ? error_set(e, -ENOMEM, "out of memory for captions")
			     : 0;
	/* Another program may take the name before the file is created; then try the next name. */
	for (int tries = 0; !status && tries < 10; tries++) {
		status = names_next(options->pattern, (time_t)(first->wall / NS_PER_S), place->name_number,
			segment->path);
		if (status)
			error_set(e, status, "%s: no name is free", options->pattern);
		else
			status = files_make(segment, place->number, first, e);
		if (status != -EEXIST || segment->container)
			break;
		status = 0;
	}
	if (!status && !segment->container)
		status = error_set(e, -EEXIST, "%s: no name is free", options->pattern);
	if (status) {
		segment_destroy(segment);
		return status;
	}
	*out = segment;
	return 0;
}

static void text_write(struct segment *segment, const struct ring_frame *frame)
{
	int64_t time = frame->stamps[STAMP_CAPTURED];
	char text[FRAME_TEXT_BYTES];

	if (!segment->known || time < segment->text_until)
		return;
	struct caption caption =
		caption_of(segment->options->network, &segment->latest, segment->options->threshold);
	caption_text(&caption, text, sizeof(text));
	/* Texts follow each other without a gap, unless the frames have one. */
	int64_t from = time - segment->text_until < TEXT_PERIOD ? segment->text_until : time;
	segment->text_until = from + TEXT_PERIOD;
	if (text[0])
		segment->writer->text(segment->container, text, from, TEXT_PERIOD);
}

/* The frame's bytes with the caption in the picture, or its own bytes if that fails. */
static void caption_burn(
	struct segment *segment, const struct ring_frame *frame, const uint8_t **data, size_t *size)
{
	const struct raw_picture raw = {
		.format = PIXEL_JPEG, .data = (uint8_t *)frame->data, .size = frame->size};
	struct error e;

	if (picture_decode(&raw, 1, &segment->picture, &e))
		return; /* nothing can be drawn on a damaged picture */
	struct caption caption = {0};
	if (segment->known)
		caption =
			caption_of(segment->options->network, &segment->latest, segment->options->threshold);
	caption_draw(segment->drawer, &segment->picture, &caption);
	if (picture_encode_jpeg(&segment->picture, segment->options->quality, &segment->jpeg, &e))
		return;
	*data = segment->jpeg.data;
	*size = segment->jpeg.size;
}

static int line_write(struct segment *segment, const struct ring_frame *frame, const struct label_past *past,
	uint64_t dropped[DROPPED_COUNT], struct error *e)
{
	const struct recorder_options *o = segment->options;
	struct label_line line = {.frame = segment->frames - 1,
		.sequence = frame->sequence,
		.wall = frame->wall,
		.stamps = frame->stamps,
		.by = frame->cpu_fallback ? "software" : o->pl,
		.looks_for_faces = o->network->view.kind == VIEW_FACE,
		.face = frame->faceless ? (struct picture_area){0} : frame->area};
	int status = 0;

	if (!segment->labelled && past->smoothing.begun) {
		struct label_event event = {
			"smoothing", line.frame, frame->stamps[STAMP_CAPTURED], frame->wall, NULL, past};
		status = label_log_event(segment->log, &event, e);
	}
	if (status)
		return status;
	segment->labelled++;
	memcpy(line.dropped, dropped, sizeof(line.dropped));
	verdict_make(&line.verdict, o->network, o->top_k, &frame->own, &frame->smoothed);
	verdict_set_shown(&line.verdict, o->network, &frame->state.shown);
	status = label_log_frame(segment->log, &line, e);
	if (!status)
		memset(dropped, 0, sizeof(line.dropped));
	return status;
}

int segment_frame(struct segment *segment, const struct ring_frame *frame, const struct label_past *past,
	uint64_t dropped[DROPPED_COUNT], bool *written, struct error *e)
{
	const uint8_t *data = frame->data;
	size_t size = frame->size;
	char name[PATH_MAX];

	if (frame->labelled) {
		segment->latest = frame->shown;
		segment->known = true;
	}
	text_write(segment, frame);
	if (segment->drawer)
		caption_burn(segment, frame, &data, &size);
	int status = segment->writer->frame(segment->container, data, size, frame->stamps[STAMP_CAPTURED], e);
	*written = !status;
	if (status)
		return status;
	if (!segment->frames++)
		log_info("recording to %s", segment_name(segment, name));
	segment->last = frame->stamps[STAMP_CAPTURED];
	if (frame->labelled)
		return line_write(segment, frame, past, dropped, e);
	return 0;
}

int segment_event(struct segment *segment, const char *name, const char *text, struct error *e)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	struct label_event event = {
		name, segment->frames, clock_now(), (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec, text, NULL};
	return label_log_event(segment->log, &event, e);
}

bool segment_is_full(const struct segment *segment, const struct ring_frame *next)
{
	const struct amount *limit = &segment->options->segment;

	return next->width != segment->width || next->height != segment->height ||
	       segment->frames >= FRAMES_MAXIMUM ||
	       (limit->time && next->stamps[STAMP_CAPTURED] - segment->begun >= limit->time) ||
	       (limit->bytes && segment->frames && segment_size(segment) + next->size > limit->bytes);
}

uint64_t segment_room(const struct segment *segment)
{
	return segment->writer->room(segment->container);
}

uint64_t segment_reserve(const struct segment *segment, size_t next)
{
	return RESERVE_BYTES + RESERVE_FRAME * segment->frames + next;
}

enum segment_loss segment_loss(const struct segment *segment)
{
	if (segment->writer->is_deleted(segment->container))
		return LOST_VIDEO;
	return label_log_is_deleted(segment->log) ? LOST_LOG : LOST_NOTHING;
}

const char *segment_path(const struct segment *segment)
{
	return segment->path;
}

void segment_log_path(const struct segment *segment, char out[PATH_MAX])
{
	names_log(segment->path, label_log_suffix(segment->options->log), out, PATH_MAX);
}

const char *segment_name(const struct segment *segment, char name[PATH_MAX])
{
	if (!segment->options->log_only)
		return segment->path;
	segment_log_path(segment, name);
	return name;
}

uint64_t segment_labelled(const struct segment *segment)
{
	return segment->labelled;
}

uint64_t segment_frames(const struct segment *segment)
{
	return segment->frames;
}

uint64_t segment_size(const struct segment *segment)
{
	return segment->writer->size(segment->container) +
	       (segment->options->log_only ? label_log_size(segment->log) : 0);
}

/* For a segment without a frame. */
static void files_delete(const struct segment *segment)
{
	char log[PATH_MAX];

	segment_log_path(segment, log);
	if (!segment->options->log_only)
		unlink(segment->path);
	unlink(log);
}

int segment_close(struct segment *segment, const char *why, struct error *e)
{
	char text[160], folder[PATH_MAX], name[PATH_MAX];

	if (!segment)
		return 0;
	double seconds = (double)(segment->last - segment->begun) / 1e9;
	snprintf(text, sizeof(text), "%s; %llu frames, %.1f s", why, (unsigned long long)segment->frames,
		seconds);
	int status = segment_event(segment, "closed", text, e);
	int finished = segment->writer->close(segment->container, status ? NULL : e);
	segment->container = NULL;
	int logged = label_log_close(segment->log, status || finished ? NULL : e);
	segment->log = NULL;
	if (segment->frames)
		log_info("%s: %s", segment_name(segment, name), text);
	else
		files_delete(segment);
	names_folder(segment->path, folder, sizeof(folder));
	file_sync_folder(AT_FDCWD, folder); /* some file systems cannot sync one */
	segment_destroy(segment);
	return status ? status : finished ? finished : logged;
}
