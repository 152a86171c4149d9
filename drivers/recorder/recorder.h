/* SPDX-License-Identifier: MIT */
/*
 * The recorder writes every frame of a source into a Matroska file, and what the network finds into a log
 * beside it. Frames wait in the pre-roll ring, in memory of fixed size, until the network is done with them
 * or has skipped them, so that file, labels and log have one order. The recorder's own thread writes. A file
 * and its log are a segment.
 *
 *     source ── recorder_frame ─▶ ring ─▶ writer ─▶ NAME.mkv, NAME.jsonl
 *     label ─── recorder_label ───▲
 */
#ifndef RECORDER_RECORDER_H
#define RECORDER_RECORDER_H

#include "base/module.h"
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
	const char *source;  /* `keep` does not delete a file of this name; NULL: none */
	enum label_log_kind log;
	struct amount segment;	     /* at most in one file; then the next begins */
	struct amount keep;	     /* at most in all files of the pattern; nothing set: all are kept */
	const struct when *when;     /* record only while one of them holds */
	int when_count;		     /* 0: always */
	int64_t pre_roll, post_roll; /* ns before and after, with when */
	size_t memory;		     /* bytes of frames in memory */
	int quality;		     /* of JPEGs that the recorder makes, 1 … 100 */
	bool burn_in;		     /* draw the caption into the pictures */
	/*
	 * The network gets JPEGs decoded as small as it loses nothing by, but whole where it looks for faces.
	 * The log says so, and a replay does the same.
	 */
	bool reduced;
	bool log_only;	     /* no video: the log alone; then nothing is drawn or encoded */
	bool lossless;	     /* frames wait for their labels without limit, as in a lossless pipeline */
	bool waits_for_room; /* frames wait while the disk is full, until recorder_flush; not while it fails
			      */
	bool never_waits;    /* a frame for which the memory has no room is lost, and the source goes on */
	int64_t sync;	     /* ns between two syncs to the disk; 0: only at a file's end */
	int64_t flush_time;  /* ns that a slow disk gets after recorder_flush; 0: no limit */
	float threshold;     /* labels below this confidence get no text */
	int top_k;	     /* labels in a line of the log, 1 … TOP_MAXIMUM */
	double smoothing;    /* as the pipeline's, s */
	const struct network *network;
	const char *pl;	     /* the name of what computes the later layers */
	const json_t *about; /* more members for the log's first line; NULL: none */
};

/* What writes files, in a module. */
extern const struct module_part recorder_part;

/*
 * Checks that the build has video, unless log_only (else -ENOSYS), that the pattern is valid (else -EINVAL),
 * that files can be created in its folder, and loads the module, if there is a video.
 */
int recorder_check(const struct recorder_options *options, struct error *e);

/* All pointers must outlive the recorder. It records nothing before recorder_begin. */
int recorder_create(const struct recorder_options *options, struct recorder **out, struct error *e);
/* Takes NULL. Calls recorder_join, and waits until the thread has ended. */
void recorder_destroy(struct recorder *r);

/* Recording begins, and ends, with the next frame. Any thread. */
void recorder_begin(struct recorder *r);
void recorder_end(struct recorder *r);
bool recorder_is_recording(struct recorder *r);

/* The next frame begins a new segment. Any thread. */
void recorder_rotate(struct recorder *r);

/*
 * The source's thread calls this for each frame; their numbers ascend. broken: how many frames since the last
 * one were no pictures. While recording is on, it makes the frame's raw picture a JPEG, unless it is one,
 * keeps a copy and sets frame->recorded, and the frame's scale. While the memory is full and the disk is slow
 * it waits, or loses the frame if it never_waits or the time after recorder_flush is over.
 */
void recorder_frame(struct recorder *r, struct frame *frame, uint32_t broken);

/*
 * Ends all waiting for room on the disk: frames in memory are tried once more, then lost. What is not on the
 * disk flush_time after the first call is lost too. Any thread.
 */
void recorder_flush(struct recorder *r);

/* Whether the source waits for room on the disk; that no frame comes then is no fault. Any thread. */
bool recorder_waits(struct recorder *r);

/* The label's thread calls this with scores, stamps and cpu_fallback. Numbers ascend, with gaps. */
void recorder_label(struct recorder *r, const struct frame *frame);

/* Adds an event to the log: a name of docs/formats.md, and a message or NULL. Any thread. */
void recorder_event(struct recorder *r, const char *name, const char *text);

struct recorder_report {
	uint64_t frames, labelled, bytes, segments, deleted; /* deleted: recordings, by --keep */
	uint64_t dropped[DROPPED_COUNT];
	uint64_t late;	     /* labels that came after their frame was written */
	char last[PATH_MAX]; /* the newest file; "": none */
	int failed;	     /* why not all is on the disk that should be: a negative errno value; or 0 */
};

/* How far it is. */
struct recorder_progress {
	uint64_t frames, bytes;	      /* in files */
	struct classification newest; /* what is shown with the newest frame with labels, recorded or not */
	bool labelled;		      /* something is */
};
void recorder_progress(struct recorder *r, struct recorder_progress *out); /* any thread */

/* Whether there were frames to record, and not one is in a file. */
bool recorder_failed_all(const struct recorder_report *report);

/*
 * Waits until all frames are written and the file is closed, or the time after recorder_flush is over, but
 * not longer than until clock_now() is `deadline`; then it returns false, and is to be called again. No
 * frame, label or event may come after it.
 */
bool recorder_drain(struct recorder *r, int64_t deadline);

/*
 * Calls recorder_flush, waits as recorder_drain does, ends the thread. No frame, label or event may come
 * after it. Call it once. report: NULL, or what was recorded. False, after a message: the disk does not
 * answer, and the thread hangs in the kernel. Then the recorder and all that it uses must stay until the
 * program ends.
 */
bool recorder_join(struct recorder *r, struct recorder_report *report);

#endif
