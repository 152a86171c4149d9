/* SPDX-License-Identifier: MIT */
/*
 * What goes to the disk, frame after frame: begins and ends segments, keeps within limits, waits for room on
 * a full disk. One thread's.
 */
#ifndef RECORDER_WRITER_H
#define RECORDER_WRITER_H

#include "recorder/retention.h"
#include "recorder/segment.h"

struct segment_writer {
	const struct recorder_options *options;
	struct segment *segment; /* NULL: none is open */
	unsigned segment_number, name_number;
	const char *reason;		 /* why the next segment begins */
	uint64_t dropped[DROPPED_COUNT]; /* since the last line of the log */
	int failure;			 /* why nothing can be written, a negative errno value; 0: it can */
	int64_t retry_at, keep_at;	 /* clock_now() times; keep_at: of writer_tick */
	bool flushing;
	struct retention retention;
	struct recorder_report report;
};

void writer_begin(struct segment_writer *w, const struct recorder_options *options);

/* Ends the segment, and takes the limits into account once more. writer_tick may not follow. */
void writer_end(struct segment_writer *w);
void writer_finish(struct segment_writer *w);

/* Does what is due, whether frames come or not; again from w->keep_at on. */
void writer_tick(struct segment_writer *w);

/* The end is near: what could not be written is tried once more, with what room there is. */
void writer_flush(struct segment_writer *w);

/*
 * Writes a judged frame with data. reason: why a segment begins with it, if one does. past: the smoothing
 * before it. False: it cannot be written now; try again from w->retry_at on.
 */
bool writer_frame(struct segment_writer *w, const struct ring_frame *frame, const struct smoothing *past,
	const char *reason);

/* Counts a frame that was to be recorded and is not: a broken one, or one without room. */
void writer_lose(struct segment_writer *w, const struct ring_frame *frame);

/* Ends the segment, if one is open; the frames that come next were not wanted, or begin a new one. */
void writer_pause(struct segment_writer *w, const char *why);
void writer_rotate(struct segment_writer *w, const char *why);

/* Into the log of the segment that is open, if one is. */
void writer_event(struct segment_writer *w, const char *name, const char *text);

#endif
