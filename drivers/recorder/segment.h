/* SPDX-License-Identifier: MIT */
/* A segment that is being written: a video, its text, its log. One thread uses it. */
#ifndef RECORDER_SEGMENT_H
#define RECORDER_SEGMENT_H

#include "nn/labeller.h"
#include "recorder/frame_ring.h"
#include "recorder/recorder.h"

struct segment;

/* number: of this run's segments, from 1; name_number: names_next's. */
struct segment_place {
	unsigned number;
	unsigned *name_number;
};

/* Creates both files of a segment that begins with this frame. */
int segment_open(const struct recorder_options *options, const struct segment_place *place,
	const struct ring_frame *first, struct segment **out, struct error *e);

/*
 * Adds a judged frame, and its log line if it is labelled. dropped: counts since the last line; a line sets
 * them to 0. past: of the labels before this frame. *written: whether the frame is in the file, also after a
 * failure. After a failure the segment can only be closed.
 */
int segment_frame(struct segment *segment, const struct ring_frame *frame, const struct label_past *past,
	uint64_t dropped[DROPPED_COUNT], bool *written, struct error *e);

int segment_event(struct segment *segment, const char *name, const char *text, struct error *e);

/* Whether the next frame needs a new segment: a limit is reached, or the picture's size differs. */
bool segment_is_full(const struct segment *segment, const struct ring_frame *next);

/* Bytes that the file system has left; bytes that one more frame and a clean end need. */
uint64_t segment_room(const struct segment *segment);
uint64_t segment_reserve(const struct segment *segment, size_t next);

/* Which of a segment's files were deleted by someone else. */
enum segment_loss { LOST_NOTHING, LOST_LOG, LOST_VIDEO };

enum segment_loss segment_loss(const struct segment *segment);

/* The video's path; with log_only the one that it would have. */
const char *segment_path(const struct segment *segment);
void segment_log_path(const struct segment *segment, char out[PATH_MAX]);

/* What the user is told: the video's path, or the log's where it is all. name: room for it. */
const char *segment_name(const struct segment *segment, char name[PATH_MAX]);

uint64_t segment_labelled(const struct segment *segment);
uint64_t segment_frames(const struct segment *segment);
uint64_t segment_size(const struct segment *segment);

/* Closes both files and logs what was recorded. why: for the log's last line. Takes NULL. */
int segment_close(struct segment *segment, const char *why, struct error *e);

#endif
