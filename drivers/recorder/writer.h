/* SPDX-License-Identifier: MIT */
/*
 * Writes frames to the disk, one after the other: opens and closes segments, deletes what --keep does not
 * allow, waits for room on a full disk. One thread uses it.
 */
#ifndef RECORDER_WRITER_H
#define RECORDER_WRITER_H

#include "recorder/retention.h"
#include "recorder/segment.h"
#include "recorder/sync.h"

struct segment_writer {
	const struct recorder_options *options;
	struct segment *segment; /* NULL: none is open */
	unsigned segment_number, name_number;
	const char *reason;		 /* why the next segment begins; NULL: the caller's reason */
	uint64_t dropped[DROPPED_COUNT]; /* since the last line of the log */
	int failure;			 /* why writing fails, a negative errno value; 0: it works */
	int64_t retry_at, keep_at;	 /* clock_now() of the next try, of the next writer_tick */
	int64_t look_at;		 /* clock_now() of the next look whether the files are still there */
	int unsafe; /* why something that was written may not be on the disk; a negative errno value, or 0 */
	struct file_syncer *syncer; /* NULL: files are synced at their end only */
	bool flushing;
	struct retention retention;
	struct recorder_report report;
};

void writer_init(struct segment_writer *w, const struct recorder_options *options);

/* Closes the segment and applies --keep once more. Only w->report can be used after it. */
void writer_finish(struct segment_writer *w);

/* Whether writing fails for another reason than a full disk. */
bool writer_is_broken(const struct segment_writer *w);

/* In files, with the open one. */
uint64_t writer_bytes(const struct segment_writer *w);

/* Applies --keep when that is due. Call it again from w->keep_at on, also without frames. */
void writer_tick(struct segment_writer *w);

/* The recording ends soon: tries once more to write what failed, with the room that is left. */
void writer_flush(struct segment_writer *w);

/*
 * Writes a judged frame with data. reason: why a segment begins, if one begins with this frame. past: of
 * the labels before the frame. False: writing fails now; try again from w->retry_at on.
 */
bool writer_frame(struct segment_writer *w, const struct ring_frame *frame, const struct label_past *past,
	const char *reason);

/* Counts a frame that should be recorded and is lost: it is broken, or there is no room for it. */
void writer_lose(struct segment_writer *w, const struct ring_frame *frame);

/* Both close the segment, if one is open. After a pause the log does not count the frames in between. */
void writer_pause(struct segment_writer *w, const char *why);
void writer_rotate(struct segment_writer *w, const char *why);

/* Adds a line to the log of the open segment, if one is open. */
void writer_event(struct segment_writer *w, const char *name, const char *text);

#endif
