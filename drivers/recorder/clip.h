/* SPDX-License-Identifier: MIT */
/* A segment that is being written: a video, its words, its log. The writer's thread only. */
#ifndef RECORDER_CLIP_H
#define RECORDER_CLIP_H

#include "nn/smoothing.h"
#include "recorder/frame_ring.h"
#include "recorder/recorder.h"

struct clip;

/* number: of this run's segments, from 1; name_number: names_next's. */
struct clip_place {
	unsigned number;
	unsigned *name_number;
};

/* Makes both files for a clip that begins with this frame. */
int clip_open(const struct recorder_options *options, const struct clip_place *place,
	const struct ring_frame *first, struct clip **out, struct error *e);

/*
 * Adds a judged frame, and its line if it is labelled. dropped: [DROPPED_COUNT] since the line before; zeroed
 * when there is a line. past: the smoothing before this frame. When it fails with *written false, the frame
 * is not in the file. After a failure the clip can only be closed.
 */
int clip_frame(struct clip *clip, const struct ring_frame *frame, const struct smoothing *past,
	uint64_t dropped[DROPPED_COUNT], bool *written, struct error *e);

int clip_event(struct clip *clip, const char *name, const char *text, struct error *e);

/* Whether the next frame belongs into a new segment, by the limits or by its size. */
bool clip_is_full(const struct clip *clip, const struct ring_frame *next);

/* Bytes that its file system has left, and bytes that it needs to end cleanly after one more frame. */
uint64_t clip_room(const struct clip *clip);
uint64_t clip_reserve(const struct clip *clip, size_t next);

const char *clip_path(const struct clip *clip);
uint64_t clip_frames(const struct clip *clip);
uint64_t clip_size(const struct clip *clip);

/* Ends both files; why: for the log's last line. Says in one line what was recorded. Takes NULL. */
int clip_close(struct clip *clip, const char *why, struct error *e);

#endif
