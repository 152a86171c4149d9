/* SPDX-License-Identifier: MIT */
#include "recorder/writer.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "recorder/names.h"
#include "recorder/room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RETRY_INTERVAL NS_PER_S	      /* of writing, after it failed */
#define LOOK_INTERVAL (NS_PER_S / 2)  /* between two looks whether the files are still there */
#define KEEP_INTERVAL (60 * NS_PER_S) /* between two checks of --keep */

/* Recording begins with so many free bytes; after a full disk it needs more to go on. */
#define ROOM_TO_BEGIN (UINT64_C(2) << 20)
#define ROOM_TO_GO_ON (UINT64_C(8) << 20)

void writer_init(struct segment_writer *w, const struct recorder_options *options)
{
	bool keeps = options->keep.time || options->keep.bytes;

	*w = (struct segment_writer){.options = options, .name_number = 1, .keep_at = keeps ? 0 : INT64_MAX};
	retention_init(&w->retention, options->pattern, &options->keep, options->source);
	int status = options->sync ? file_syncer_create(options->sync, &w->syncer) : 0;
	if (status)
		log_warning("files are synced to the disk at their end only: %s", strerror(-status));
}

uint64_t writer_bytes(const struct segment_writer *w)
{
	return w->report.bytes + (w->segment ? segment_size(w->segment) : 0);
}

static bool is_full(int code)
{
	return code == -ENOSPC || code == -EDQUOT;
}

bool writer_is_broken(const struct segment_writer *w)
{
	return w->failure && !is_full(w->failure);
}

/* Counts what is on the disk of the segment that ends now. */
static void count_segment(struct segment_writer *w)
{
	enum segment_loss loss = segment_loss(w->segment);
	const char *path = segment_path(w->segment);

	if (loss == LOST_VIDEO) {
		log_error("%s was deleted while it was recorded; its %llu frames are lost", path,
			(unsigned long long)segment_frames(w->segment));
		w->report.frames -= segment_frames(w->segment);
		w->report.labelled -= segment_labelled(w->segment);
		w->report.dropped[DROPPED_BY_RECORDER] += segment_frames(w->segment);
		w->unsafe = -ENOENT;
	} else if (loss == LOST_LOG) {
		log_error("the log of %s was deleted while it was recorded", path);
		w->report.labelled -= segment_labelled(w->segment);
		w->unsafe = -ENOENT;
	}
	if (loss != LOST_VIDEO)
		w->report.bytes += segment_size(w->segment);
	if (loss == LOST_VIDEO || !segment_frames(w->segment))
		w->report.segments--;
}

static void close_segment(struct segment_writer *w, const char *why)
{
	struct error e = {0};

	if (!w->segment)
		return;
	if (w->syncer) {
		int failure = file_syncer_end(w->syncer);
		w->unsafe = failure ? failure : w->unsafe;
	}
	count_segment(w);
	int status = segment_close(w->segment, why, &e);
	if (status) {
		log_error("%s", e.text);
		w->unsafe = status;
	}
	w->segment = NULL;
	retention_closed(&w->retention, clock_now());
}

static void give_up(struct segment_writer *w, const struct error *e)
{
	bool full = is_full(e->code);

	if (!w->failure && w->flushing)
		log_error("%s; the remaining frames are lost", e->text);
	else if (!w->failure)
		log_error("%s; recording goes on when %s", e->text,
			full ? "there is room" : "writing works again");
	w->failure = e->code ? e->code : -EIO;
	w->retry_at = clock_now() + RETRY_INTERVAL;
	writer_event(w, full ? "disk_full" : "write_failed", e->text);
	close_segment(w, full ? "the disk is full" : "it cannot be written");
}

static void keep_within_limits(struct segment_writer *w)
{
	int64_t now = clock_now();

	w->keep_at = now + KEEP_INTERVAL;
	w->report.deleted += retention_apply(&w->retention, time(NULL), now);
}

void writer_tick(struct segment_writer *w)
{
	if (clock_now() >= w->keep_at)
		keep_within_limits(w);
}

/* Deletes recordings, if --keep allows that, until so many bytes are free. */
static bool make_room(struct segment_writer *w, uint64_t needed)
{
	char folder[PATH_MAX];

	names_folder(w->options->pattern, folder, sizeof(folder));
	while (room_in(folder) < needed) {
		if (!retention_delete_oldest(&w->retention, time(NULL)))
			return false;
		w->report.deleted++;
	}
	return true;
}

static bool open_segment(struct segment_writer *w, const struct ring_frame *first, const char *reason)
{
	struct segment_place place = {w->segment_number + 1, &w->name_number};
	struct error e = {0};
	char text[200], name[PATH_MAX];

	if (!make_room(w, w->failure && !w->flushing ? ROOM_TO_GO_ON : ROOM_TO_BEGIN)) {
		error_set(&e, -ENOSPC, "%s: the disk is full", w->options->pattern);
		give_up(w, &e);
		return false;
	}
	if (segment_open(w->options, &place, first, &w->segment, &e)) {
		give_up(w, &e);
		return false;
	}
	w->report.segments++;
	w->segment_number++;
	w->name_number++; /* no name is used twice, even if its file is deleted */
	snprintf(w->report.last, sizeof(w->report.last), "%s", segment_name(w->segment, name));
	snprintf(text, sizeof(text), "%s%s", w->failure ? "after a disk failure; " : "",
		w->reason ? w->reason : reason);
	writer_event(w, "opened", text);
	w->reason = NULL;
	retention_opened(&w->retention, segment_path(w->segment));
	if (w->syncer) {
		char log[PATH_MAX];
		segment_log_path(w->segment, log);
		file_syncer_begin(w->syncer, segment_path(w->segment), log);
	}
	if (w->keep_at != INT64_MAX)
		keep_within_limits(w); /* the last segment may be deleted now */
	return w->segment;
}

/* Whether there is room for the frame and the file's end behind it. */
static bool room_left(struct segment_writer *w, const struct ring_frame *frame)
{
	uint64_t needed = segment_reserve(w->segment, frame->size);
	struct error e = {0};

	if (segment_room(w->segment) >= needed || make_room(w, needed))
		return true;
	error_set(&e, -ENOSPC, "%s: the disk is full", segment_path(w->segment));
	give_up(w, &e);
	return false;
}

/* Counts a frame that is in the file, even if its line in the log failed. */
static void count(struct segment_writer *w, const struct ring_frame *frame)
{
	w->report.frames++;
	w->report.labelled += frame->labelled;
	w->report.dropped[DROPPED_BY_PIPELINE] += !frame->labelled;
	w->dropped[DROPPED_BY_PIPELINE] += !frame->labelled;
	if (w->failure)
		log_info("recording goes on");
	w->failure = 0;
}

static void count_before(struct segment_writer *w, const struct ring_frame *frame)
{
	w->dropped[DROPPED_BY_CAMERA] += frame->lost;
	w->dropped[DROPPED_BROKEN] += frame->broken;
	w->dropped[DROPPED_BY_RECORDER] += frame->missed;
	w->report.dropped[DROPPED_BY_CAMERA] += frame->lost;
	w->report.dropped[DROPPED_BROKEN] += frame->broken;
	w->report.dropped[DROPPED_BY_RECORDER] += frame->missed;
}

/* Begins a new segment if someone has deleted a file of this one. */
static void look_for_files(struct segment_writer *w)
{
	int64_t now = clock_now();

	if (!w->segment || now < w->look_at)
		return;
	w->look_at = now + LOOK_INTERVAL;
	if (segment_loss(w->segment) != LOST_NOTHING)
		writer_rotate(w, "a file of the segment before was deleted");
}

bool writer_frame(struct segment_writer *w, const struct ring_frame *frame, const struct label_past *past,
	const char *reason)
{
	struct error e = {0};

	if (w->failure && clock_now() < w->retry_at)
		return false;
	if (w->segment && segment_is_full(w->segment, frame))
		writer_rotate(w, "the next segment begins");
	look_for_files(w);
	writer_tick(w);
	/* Twice: after a file that may not grow further (FAT: 4 GB) comes another. */
	for (int tries = 0; tries < 2; tries++) {
		bool written = false;
		if ((!w->segment && !open_segment(w, frame, reason)) || !room_left(w, frame))
			return false;
		if (!tries)
			count_before(w, frame);
		int status = segment_frame(w->segment, frame, past, w->dropped, &written, &e);
		if (written)
			count(w, frame);
		if (!status)
			return true;
		if (status != -EFBIG || segment_frames(w->segment) < 2)
			give_up(w, &e);
		else
			writer_rotate(w, "its file system lets no file grow further");
		if (written)
			return true;
		if (w->failure)
			return false;
	}
	return false;
}

void writer_lose(struct segment_writer *w, const struct ring_frame *frame)
{
	enum dropped_by by = frame->damaged ? DROPPED_BROKEN : DROPPED_BY_RECORDER;

	count_before(w, frame);
	w->dropped[by]++;
	w->report.dropped[by]++;
}

void writer_flush(struct segment_writer *w)
{
	w->flushing = true;
	w->retry_at = 0;
}

void writer_pause(struct segment_writer *w, const char *why)
{
	close_segment(w, why);
	w->reason = NULL;
	memset(w->dropped, 0, sizeof(w->dropped));
}

void writer_rotate(struct segment_writer *w, const char *why)
{
	close_segment(w, why);
	w->reason = why;
}

void writer_finish(struct segment_writer *w)
{
	writer_pause(w, "the recording ended");
	if (w->keep_at != INT64_MAX)
		keep_within_limits(w);
	retention_finish(&w->retention);
	file_syncer_destroy(w->syncer);
	w->syncer = NULL;
	w->report.failed = w->failure ? w->failure : w->unsafe;
}

void writer_event(struct segment_writer *w, const char *name, const char *text)
{
	struct error e = {0};

	/* A failure is reported when the next frame's line fails. */
	if (w->segment && segment_event(w->segment, name, text, &e))
		log_debug("%s", e.text);
}
