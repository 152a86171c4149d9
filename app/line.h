/* SPDX-License-Identifier: MIT */
/*
 * The line that frames travel: source ─▶ decode ─▶ conv0 ─▶ PL ─▶ label ─▶ caption ─▶ whoever takes them. A
 * thread a stage; bounded queues between them; a fixed pool of frames.
 *
 * Live: the picture goes from decode straight to caption, with the latest label; inference takes the newest
 * frame whenever it is free. A display that takes frames raw gets them before they are decoded, and only what
 * inference takes is. Lossless: every frame goes the whole way and carries its own label, found on the
 * picture at its full size.
 */
#ifndef APP_LINE_H
#define APP_LINE_H

#include "camera/camera.h"
#include "display/display.h"
#include "flow/histogram.h"
#include "flow/supervision.h"
#include "flow/trace.h"
#include "pl/pl.h"
#include "recorder/recorder.h"

#include <stdbool.h>

struct line;

struct line_options {
	struct recorder *recorder;     /* gets all frames and labels until line_join; NULL: none */
	const struct network *network; /* at least two layers and class scores; must outlive the line */
	struct camera *camera;	       /* both stay the caller's; the PL has no network loaded yet */
	struct pl *pl;
	const char *kernels; /* as engine_create */
	bool lossless;
	bool blind;	  /* nobody looks: frames come out undecoded, where they need not be */
	bool overlap;	  /* Conv0 of the next frame while the PL runs */
	uint64_t frames;  /* stop after so many; 0: no limit */
	int64_t duration; /* stop so many ns after the first frame; 0: no limit */
	float threshold;  /* a label below this confidence is not shown, 0 … 1 */
	double smoothing; /* weight of the past in the shown scores, 0 … < 1 */
	int64_t pl_limit; /* ns that a frame may take in the PL; 0: by how long it took at the start */
	int64_t pl_check; /* ns between self-tests of a PL in hardware; 0: none */
	bool (*interrupted)(void); /* true, once: line_start gives up what takes long; NULL: never */
	struct trace *trace;	   /* of line_trace_create, written by the line until line_join; NULL: none */
};

enum line_time {
	TIME_DECODE,
	TIME_CONV0,
	TIME_PL,
	TIME_LABEL,
	TIME_CAPTION,
	TIME_SHOW,
	TIME_TO_LABEL,	/* from capture */
	TIME_TO_SCREEN, /* from capture */
	TIME_COUNT
};

/* Complete once line_join has returned. */
struct line_report {
	uint64_t received, classified, shown;
	uint64_t broken, undecodable; /* skipped: by the source; received, but no whole picture */
	uint64_t dropped_by_camera;   /* made, but not delivered */
	uint64_t dropped_before_decode, dropped_before_inference, dropped_before_display;
	uint64_t not_shown;   /* given back by line_skipped */
	uint64_t pl_failures; /* frames that the PL did not answer in time, or wrongly */
	uint64_t by_software; /* of a PL in hardware, frames that software computed instead */
	struct supervision pl;
	bool counts_cycles; /* the PL does */
	struct pl_cycles cycles;
	int64_t begun, ended; /* clock_now() at the first frame and after the last */
	struct histogram times[TIME_COUNT];
};

/* A track for each stage and for who shows, a counter for each queue; as trace_create. */
int line_trace_create(const char *name, size_t events, struct trace **out);

/* Tests the PL, starts all threads. On failure nothing runs, the sentence says why. -EINTR: interrupted. */
int line_start(const struct line_options *options, struct line **out, struct error *e);

/*
 * The next captioned frame, for the caller to show and then to give back by line_shown. NULL: the line has
 * ended, or `deadline` (clock_now() time) has passed: line_ended tells.
 */
struct frame *line_take(struct line *line, int64_t deadline);
void line_shown(struct line *line, struct frame **frame);

/* As line_shown, for a frame that the display did not show. */
void line_skipped(struct line *line, struct frame **frame);
bool line_ended(struct line *line);

/* What is drawn on the frames from the next one on; `notice` must outlive the line or the next call. */
struct line_caption {
	bool visible;	 /* label, confidence */
	bool statistics; /* frames a second, latency */
	const char *notice;
};
void line_set_caption(struct line *line, const struct line_caption *caption);

/* What the display can use of the frames from the next one on; without a call: whole pictures, captioned. */
void line_set_wants(struct line *line, const struct display_wants *wants);

/* From the next frame on, for a line that has none. Any thread. */
void line_set_recorder(struct line *line, struct recorder *recorder);

/* Asks the source to end; what is under way still comes out. Any thread. */
void line_stop(struct line *line);

/* Stops, takes what is left, waits for the threads. Returns 0, or the error that ended the source. */
int line_join(struct line *line, struct error *e);

const struct line_report *line_report(const struct line *line);

/* Takes NULL. */
void line_destroy(struct line *line);

#endif
