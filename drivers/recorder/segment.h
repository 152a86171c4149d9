/* SPDX-License-Identifier: MIT */
/* A segment that is being written: a video, its text, its log. The writer's thread only. */
#ifndef RECORDER_SEGMENT_H
#define RECORDER_SEGMENT_H

#include "nn/smoothing.h"
#include "recorder/frame_ring.h"
#include "recorder/recorder.h"

struct segment;

/* number: of this run's segments, from 1; name_number: names_next's. */
struct segment_place {
	unsigned number;
	unsigned *name_number;
};

/* Makes both files for a segment that begins with this frame. */
int segment_open(const struct recorder_options *options, const struct segment_place *place,
	const struct ring_frame *first, struct segment **out, struct error *e);

/*
 * Adds a judged frame, and its line if it is labelled. dropped: [DROPPED_COUNT] since the line before; zeroed
 * when there is a line. past: the smoothing before this frame. When it fails with *written false, the frame
 * is not in the file. After a failure the segment can only be closed.
 */
int segment_frame(struct segment *segment, const struct ring_frame *frame, const struct smoothing *past,
	uint64_t dropped[DROPPED_COUNT], bool *written, struct error *e);

int segment_event(struct segment *segment, const char *name, const char *text, struct error *e);

/* Whether the next frame belongs into a new segment, by the limits or by its size. */
bool segment_is_full(const struct segment *segment, const struct ring_frame *next);

/* Bytes that its file system has left, and bytes that it needs to end cleanly after one more frame. */
uint64_t segment_room(const struct segment *segment);
uint64_t segment_reserve(const struct segment *segment, size_t next);

const char *segment_path(const struct segment *segment);
uint64_t segment_frames(const struct segment *segment);
uint64_t segment_size(const struct segment *segment);

/* Ends both files; why: for the log's last line. Says in one line what was recorded. Takes NULL. */
int segment_close(struct segment *segment, const char *why, struct error *e);

#endif
