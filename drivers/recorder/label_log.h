/* SPDX-License-Identifier: MIT */
/* The log of labels beside a recording: one line for each labelled frame (docs/formats.md). */
#ifndef RECORDER_LABEL_LOG_H
#define RECORDER_LABEL_LOG_H

#include "flow/frame.h"
#include "nn/labeller.h"
#include "recorder/text.h"

struct error;

#define LABEL_LOG_VERSION 2

/* The begin of the first line; version and "video" follow. */
#define LABEL_LOG_HEAD "{\"format\":\"twobit-labels\",\"version\":"

enum label_log_kind { LABEL_LOG_JSON, LABEL_LOG_CSV };

/* ".jsonl", ".csv" */
const char *label_log_suffix(enum label_log_kind kind);

struct verdict_item {
	const char *label; /* NULL: there is none */
	int index;
	double confidence;
};

/* What a network finds in a frame: in the frame alone, and smoothed over the frames before. */
struct verdict {
	int count;
	struct verdict_item top[TOP_MAXIMUM]; /* best first */
	struct verdict_item group;	      /* no index */
	struct verdict_item smoothed, smoothed_group;
	bool has_shown;		   /* logs of version 1 do not say what is shown */
	struct verdict_item shown; /* the headline; no index */
};

/* Pointers into the network. top_k: at most so many. Nothing is set of what is shown. */
void verdict_make(struct verdict *verdict, const struct network *network, int top_k,
	const struct classification *own, const struct classification *smoothed);

void verdict_set_shown(struct verdict *verdict, const struct network *network, const struct headline *shown);

/* The verdict as in a line of JSON; `replay` compares this text. */
void verdict_print(struct text_builder *text, const struct verdict *verdict);

enum dropped_by {
	DROPPED_BY_CAMERA,
	DROPPED_BROKEN,
	DROPPED_BY_PIPELINE,
	DROPPED_BY_RECORDER,
	DROPPED_COUNT
};

struct label_line {
	uint64_t frame; /* in the file, from 0 */
	uint64_t sequence;
	int64_t wall;			 /* ns */
	uint64_t dropped[DROPPED_COUNT]; /* since the line before */
	const int64_t *stamps;		 /* [STAMP_COUNT] */
	const char *by;			 /* the name of what computed the later layers */
	bool looks_for_faces;
	struct picture_area face; /* where the network looked; width 0: no face */
	struct verdict verdict;
};

struct label_event {
	const char *name; /* "camera_lost"; docs/formats.md has them all */
	uint64_t frame;	  /* the file's next frame */
	int64_t monotonic, wall;
	const char *text;	       /* a message; NULL: none */
	const struct label_past *past; /* of the event "smoothing"; else NULL */
};

struct label_log;

/*
 * Creates the file, which must not exist, and writes `about`, a JSON object without line ends, as its first
 * line. Each line is written at once: the whole line, or nothing if that fails.
 */
int label_log_open(const char *path, enum label_log_kind kind, int top_k, const char *about,
	struct label_log **out, struct error *e);

/* Whether the file has no name any more. */
bool label_log_is_deleted(const struct label_log *log);

/* Bytes of its whole lines. */
uint64_t label_log_size(const struct label_log *log);

int label_log_frame(struct label_log *log, const struct label_line *line, struct error *e);
int label_log_event(struct label_log *log, const struct label_event *event, struct error *e);

/*
 * Whether a file is a log of twobit about the video of that name (without folder), by its first line. A file
 * that is empty or begins with a zero byte counts as one: a power cut leaves such files.
 */
bool label_log_is_of(const char *path, enum label_log_kind kind, const char *video);

/* Syncs it to the disk and closes it. Takes NULL. */
int label_log_close(struct label_log *log, struct error *e);

#endif
