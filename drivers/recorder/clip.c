/* SPDX-License-Identifier: MIT */
#include "recorder/clip.h"

#include "base/error.h"
#include "base/log.h"
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

/* Words are renewed so often, ns: they change with each frame, and players show them until the next. */
#define WORDS_PERIOD INT64_C(250000000)

/* A file's index lies in memory until it ends, 40 bytes a frame: 10 hours at 30 frames a second. */
#define FRAMES_MAXIMUM (UINT64_C(1) << 20)

/* To end a file: its index, a frame's overhead, the log's lines. */
#define RESERVE_BYTES (UINT64_C(512) * 1024)
#define RESERVE_FRAME UINT64_C(32)

struct clip {
	const struct recorder_options *options;
	struct container *container;
	struct label_log *log;
	char path[PATH_MAX];
	int width, height;
	uint64_t frames;
	int64_t begun, last; /* STAMP_CAPTURED of the first and the last frame */
	int64_t words_until;
	bool labelled; /* a line was written */

	/* for captions in the picture */
	struct caption_drawer *drawer;
	struct picture picture;
	struct raw_picture jpeg;
	struct classification latest;
	bool known;
};

/* The log's first line: our members, then those of options->about. */
static void about_print(
	const struct clip *clip, unsigned number, const struct ring_frame *first, struct text *t)
{
	const struct recorder_options *o = clip->options;
	const char *slash = strrchr(clip->path, '/');

	text_add(t, LABEL_LOG_HEAD "%d,\"video\":", LABEL_LOG_VERSION);
	text_add_json(t, slash ? slash + 1 : clip->path);
	text_add(t, ",\"segment\":%u,\"monotonic\":%lld,\"wall\":\"", number,
		(long long)first->stamps[STAMP_CAPTURED]);
	text_add_time(t, first->wall);
	text_add(t, "\",\"width\":%d,\"height\":%d,\"burn_in\":%s,\"top_k\":%d,\"smoothing\":", first->width,
		first->height, o->burn_in ? "true" : "false", o->top_k);
	text_add_number(t, o->smoothing);
	text_add(t, ",\"threshold\":");
	text_add(t, "%.6g", (double)o->threshold);
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

static int files_make(struct clip *clip, unsigned number, const struct ring_frame *first, struct error *e)
{
	const struct recorder_options *o = clip->options;
	struct container_options wanted = {.width = clip->width, .height = clip->height, .wall = first->wall};
	char log[PATH_MAX];

	struct text about = {0};
	int status = container_open(clip->path, &wanted, &clip->container, e);
	if (!status) {
		names_log(clip->path, label_log_ending(o->log), log, sizeof(log));
		about_print(clip, number, first, &about);
		status = about.failed ? error_set(e, -ENOMEM, "%s: out of memory", log)
				      : label_log_open(log, o->log, o->top_k, about.data, &clip->log, e);
		if (status)
			unlink(clip->path);
	}
	text_finish(&about);
	return status;
}

static void clip_free(struct clip *clip)
{
	container_close(clip->container, NULL);
	label_log_close(clip->log, NULL);
	caption_destroy(clip->drawer);
	picture_finish(&clip->picture);
	raw_picture_finish(&clip->jpeg);
	free(clip);
}

int clip_open(const struct recorder_options *options, const struct clip_place *place,
	const struct ring_frame *first, struct clip **out, struct error *e)
{
	struct clip *clip = calloc(1, sizeof(*clip));

	*out = NULL;
	if (!clip)
		return error_set(e, -ENOMEM, "out of memory for a recording");
	clip->options = options;
	clip->width = first->width;
	clip->height = first->height;
	clip->begun = clip->last = first->stamps[STAMP_CAPTURED];
	int status = options->burn_in && caption_create(&clip->drawer)
			     ? error_set(e, -ENOMEM, "out of memory for captions")
			     : 0;
	/* Another program may take the name between our look and our making it: then the next one. */
	for (int tries = 0; !status && tries < 10; tries++) {
		status = names_next(
			options->pattern, (time_t)(first->wall / 1000000000), place->name_number, clip->path);
		if (status)
			error_set(e, status, "%s: no name is free", options->pattern);
		else
			status = files_make(clip, place->number, first, e);
		if (status != -EEXIST || clip->container)
			break;
		status = 0;
	}
	if (!status && !clip->container)
		status = error_set(e, -EEXIST, "%s: no name is free", options->pattern);
	if (status) {
		clip_free(clip);
		return status;
	}
	*out = clip;
	return 0;
}

static void words_write(struct clip *clip, const struct ring_frame *frame)
{
	int64_t time = frame->stamps[STAMP_CAPTURED];
	char words[FRAME_WORDS];

	if (!clip->known || time < clip->words_until)
		return;
	struct caption caption = caption_of(clip->options->network, &clip->latest, clip->options->threshold);
	caption_words(&caption, words, sizeof(words));
	/* In steps, so that words follow words without a gap; anew after a gap in the frames. */
	int64_t from = time - clip->words_until < WORDS_PERIOD ? clip->words_until : time;
	clip->words_until = from + WORDS_PERIOD;
	if (words[0])
		container_words(clip->container, words, from, WORDS_PERIOD);
}

/* The frame's bytes with the caption in the picture; the frame's own where that cannot be done. */
static void caption_burn(
	struct clip *clip, const struct ring_frame *frame, const uint8_t **data, size_t *size)
{
	const struct raw_picture raw = {
		.format = PIXEL_JPEG, .data = (uint8_t *)frame->data, .size = frame->size};
	struct error e;

	if (picture_decode(&raw, 1, &clip->picture, &e))
		return; /* a picture that nobody can decode has nothing to be drawn on */
	struct caption caption = {0};
	if (clip->known)
		caption = caption_of(clip->options->network, &clip->latest, clip->options->threshold);
	caption_draw(clip->drawer, &clip->picture, &caption);
	if (picture_encode_jpeg(&clip->picture, clip->options->quality, &clip->jpeg, &e))
		return;
	*data = clip->jpeg.data;
	*size = clip->jpeg.size;
}

static int line_write(struct clip *clip, const struct ring_frame *frame, const struct smoothing *past,
	uint64_t dropped[DROPPED_COUNT], struct error *e)
{
	const struct recorder_options *o = clip->options;
	struct label_line line = {.frame = clip->frames - 1,
		.sequence = frame->sequence,
		.wall = frame->wall,
		.stamps = frame->stamps,
		.by = frame->cpu_fallback ? "software" : o->pl};
	int status = 0;

	if (!clip->labelled && past->begun) {
		struct label_event event = {"smoothing", line.frame, frame->stamps[STAMP_CAPTURED],
			frame->wall, NULL, past->past, past->class_count};
		status = label_log_event(clip->log, &event, e);
	}
	if (status)
		return status;
	clip->labelled = true;
	memcpy(line.dropped, dropped, sizeof(line.dropped));
	verdict_make(&line.verdict, o->network, o->top_k, &frame->own, &frame->smoothed);
	status = label_log_frame(clip->log, &line, e);
	if (!status)
		memset(dropped, 0, sizeof(line.dropped));
	return status;
}

int clip_frame(struct clip *clip, const struct ring_frame *frame, const struct smoothing *past,
	uint64_t dropped[DROPPED_COUNT], bool *written, struct error *e)
{
	const uint8_t *data = frame->data;
	size_t size = frame->size;

	if (frame->labelled) {
		clip->latest = frame->smoothed;
		clip->known = true;
	}
	words_write(clip, frame);
	if (clip->drawer)
		caption_burn(clip, frame, &data, &size);
	int status = container_frame(clip->container, data, size, frame->stamps[STAMP_CAPTURED], e);
	*written = !status;
	if (status)
		return status;
	if (!clip->frames++)
		log_info("recording to %s", clip->path);
	clip->last = frame->stamps[STAMP_CAPTURED];
	if (frame->labelled)
		return line_write(clip, frame, past, dropped, e);
	return 0;
}

int clip_event(struct clip *clip, const char *name, const char *text, struct error *e)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	struct label_event event = {name, clip->frames, clock_now(),
		(int64_t)now.tv_sec * 1000000000 + now.tv_nsec, text, NULL, 0};
	return label_log_event(clip->log, &event, e);
}

bool clip_is_full(const struct clip *clip, const struct ring_frame *next)
{
	const struct amount *limit = &clip->options->segment;

	return next->width != clip->width || next->height != clip->height || clip->frames >= FRAMES_MAXIMUM ||
	       (limit->time && next->stamps[STAMP_CAPTURED] - clip->begun >= limit->time) ||
	       (limit->bytes && clip->frames && container_size(clip->container) + next->size > limit->bytes);
}

uint64_t clip_room(const struct clip *clip)
{
	return container_room(clip->container);
}

uint64_t clip_reserve(const struct clip *clip, size_t next)
{
	return RESERVE_BYTES + RESERVE_FRAME * clip->frames + next;
}

const char *clip_path(const struct clip *clip)
{
	return clip->path;
}

uint64_t clip_frames(const struct clip *clip)
{
	return clip->frames;
}

uint64_t clip_size(const struct clip *clip)
{
	return container_size(clip->container);
}

/* The names themselves are on the disk only when their folder is. */
static void folder_sync(const char *path)
{
	char folder[PATH_MAX];

	names_folder(path, folder, sizeof(folder));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Of a clip without a frame. */
static void files_delete(const struct clip *clip)
{
	char log[PATH_MAX];

	names_log(clip->path, label_log_ending(clip->options->log), log, sizeof(log));
	unlink(clip->path);
	unlink(log);
}

int clip_close(struct clip *clip, const char *why, struct error *e)
{
	char text[160];

	if (!clip)
		return 0;
	double seconds = (double)(clip->last - clip->begun) / 1e9;
	snprintf(text, sizeof(text), "%s; %llu frames, %.1f s", why, (unsigned long long)clip->frames,
		seconds);
	int status = clip_event(clip, "closed", text, e);
	int finished = container_close(clip->container, status ? NULL : e);
	clip->container = NULL;
	int logged = label_log_close(clip->log, status || finished ? NULL : e);
	clip->log = NULL;
	if (clip->frames)
		log_info("%s: %s", clip->path, text);
	else
		files_delete(clip);
	folder_sync(clip->path);
	clip_free(clip);
	return status ? status : finished ? finished : logged;
}
