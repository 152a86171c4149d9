/* SPDX-License-Identifier: MIT */
/*
 * The recorder: every frame that a source gives into a Matroska file, and beside it a log of what the network
 * found. Frames wait in the pre-roll ring, in memory of fixed size, until the network is done with them or
 * has passed them by, so that file, labels and log have one order; a thread of its own writes. A file and its
 * log are a segment.
 *
 *     source ── recorder_frame ─▶ ring ─▶ writer ─▶ NAME.mkv, NAME.jsonl
 *     label ─── recorder_label ───▲
 */
#ifndef RECORDER_RECORDER_H
#define RECORDER_RECORDER_H

#include "flow/frame.h"
#include "recorder/amount.h"
#include "recorder/label_log.h"
#include "recorder/when.h"

#include <jansson.h>
#include <limits.h>

struct error;
struct recorder;

struct recorder_options {
	const char *pattern; /* names.h */
	const char *source;  /* a file of this name is not deleted by `keep`; NULL: none */
	enum label_log_kind log;
	struct amount segment;	     /* of a file, the next begins then */
	struct amount keep;	     /* of all of the pattern's files; nothing set: all are kept */
	const struct when *when;     /* record only while one of them holds */
	int when_count;		     /* 0: always */
	int64_t pre_roll, post_roll; /* ns before and after, with when */
	size_t memory;		     /* bytes of frames in memory */
	int quality;		     /* of JPEGs that are made here, 1 … 100 */
	bool burn_in;		     /* draw the caption into the pictures */
	bool lossless;	     /* frames wait for their labels without limit, as in a lossless pipeline */
	bool waits_for_room; /* the source and the end wait while the disk is full: recorder_flush */
	float threshold;     /* no text about a label below */
	int top_k;	     /* 1 … TOP_MAXIMUM, labels in a line of the log */
	double smoothing;    /* as the pipeline's */
	const struct network *network;
	const char *pl;	     /* what computes the later layers */
	const json_t *about; /* members for the log's first line, beside ours; NULL: none */
};

/* Before anything is opened: the build has video, the pattern is one, and files can be made in its folder.
 * -EINVAL for the pattern, else why not. */
int recorder_check(const struct recorder_options *options, struct error *e);

/* All pointers must outlive it. It records nothing before recorder_start. */
int recorder_open(const struct recorder_options *options, struct recorder **out, struct error *e);

/* From and to the next frame. Any thread. */
void recorder_start(struct recorder *r);
void recorder_stop(struct recorder *r);
bool recorder_started(struct recorder *r);

/* The next frame begins a new segment. Any thread. */
void recorder_rotate(struct recorder *r);

/*
 * The source's side, for each frame in turn, its numbers without a gap; `broken`: frames since the last that
 * were no pictures. Where a recording is on, it makes the frame's raw picture a JPEG, unless it is one, keeps
 * a copy of it and sets frame->recorded. Waits while the memory is full and the disk slow.
 */
void recorder_frame(struct recorder *r, struct frame *frame, uint32_t broken);

/*
 * No frame waits for room on the disk any longer: what is in memory is tried once more, then lost. Any
 * thread.
 */
void recorder_flush(struct recorder *r);

/* Whether the source waits for room on the disk: that nothing moves then is no fault. Any thread. */
bool recorder_waits(struct recorder *r);

/* The label's side: scores, stamps and cpu_fallback are filled. Numbers ascend; frames may be left out. */
void recorder_label(struct recorder *r, const struct frame *frame);

/* Something that belongs into the log: a name of docs/formats.md, a message. Any thread. */
void recorder_event(struct recorder *r, const char *name, const char *text);

struct recorder_report {
	uint64_t frames, labelled, bytes, segments, deleted; /* deleted: recordings, by --keep */
	uint64_t dropped[DROPPED_COUNT];
	uint64_t late;	     /* labels of frames that were written without */
	char last[PATH_MAX]; /* the newest file; "": none */
	int failed;	     /* what kept it from writing at the end, a negative errno value; 0: nothing */
};

/* No frame is in a file, though there were such as were wanted. */
bool recorder_failed_all(const struct recorder_report *report);

/*
 * No frame, label or event may come any more. With waits_for_room it waits until all is written or
 * recorder_flush was called, at most until clock_now() is `deadline`: false, then call it again.
 */
bool recorder_end(struct recorder *r, int64_t deadline);

/* Writes what is in the ring, ends the file. No frame, label or event may come any more. Once. */
void recorder_finish(struct recorder *r, struct recorder_report *report);
void recorder_close(struct recorder *r); /* takes NULL; finishes */

#endif
