/* SPDX-License-Identifier: MIT */
/*
 * The pipeline that frames travel: source ─▶ decode ─▶ conv0 ─▶ PL ─▶ label ─▶ caption ─▶ the consumer. A
 * thread a stage; bounded queues between them; a fixed pool of frames.
 *
 * Live: the picture goes from decode straight to caption, with the latest label; inference takes the newest
 * frame whenever it is free. A display that takes frames raw gets them before they are decoded, and only what
 * inference takes is. Lossless: every frame goes the whole way and carries its own label, found on the
 * picture at its full size.
 */
#ifndef APP_PIPELINE_PIPELINE_H
#define APP_PIPELINE_PIPELINE_H

#include "display/display.h"
#include "flow/histogram.h"
#include "flow/trace.h"
#include "pipeline/health.h"
#include "pl/pl.h"
#include "recorder/recorder.h"
#include "source/source.h"

#include <stdbool.h>

struct pipeline;

struct pipeline_config {
	struct recorder *recorder;     /* gets all frames and labels until pipeline_join; NULL: none */
	const struct network *network; /* at least two layers and class scores; must outlive the pipeline */
	struct source *source;	       /* both stay the caller's; the PL has no network loaded yet */
	struct pl *pl;
	const char *kernels; /* as engine_create */
	bool lossless;
	bool discard_output; /* nobody looks: frames come out undecoded, where they need not be */
	bool overlap;	     /* Conv0 of the next frame while the PL runs */
	uint64_t frames;     /* stop after so many; 0: no limit */
	int64_t duration;    /* stop so many ns after the first frame; 0: no limit */
	float threshold;     /* a label below this confidence is not shown, 0 … 1 */
	double smoothing;    /* weight of the past in the shown scores, 0 … < 1 */
	int64_t pl_limit;    /* ns that a frame may take in the PL; 0: by how long it took at the start */
	int64_t pl_check;    /* ns between self-tests of a PL in hardware; 0: none */
	bool (*interrupted)(void); /* true, once: pipeline_start gives up what takes long; NULL: never */
	struct trace *
		trace; /* of pipeline_trace_create, written by the pipeline until pipeline_join; NULL: none */
};

enum pipeline_time {
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

/* Complete once pipeline_join has returned. */
struct pipeline_report {
	uint64_t received, classified, shown;
	uint64_t broken, undecodable; /* skipped: by the source; received, but no whole picture */
	uint64_t dropped_by_camera;   /* made, but not delivered */
	uint64_t dropped_before_decode, dropped_before_inference, dropped_before_display;
	uint64_t not_shown;	/* released without being shown */
	uint64_t pl_failures;	/* frames that the PL did not answer in time, or wrongly */
	uint64_t cpu_fallbacks; /* of a PL in hardware, frames that software computed instead */
	struct health_monitor pl;
	bool counts_cycles; /* the PL does */
	struct pl_cycles cycles;
	int64_t begun, ended; /* clock_now() at the first frame and after the last */
	struct histogram times[TIME_COUNT];
};

/* A track for each stage and for who shows, a counter for each queue; as trace_create. */
int pipeline_trace_create(const char *name, size_t events, struct trace **out);

/* Tests the PL, starts all threads. On failure nothing runs, the message says why. -EINTR: interrupted. */
int pipeline_start(const struct pipeline_config *config, struct pipeline **out, struct error *e);

/*
 * The next captioned frame, for the caller to show and then to give back by pipeline_release. NULL: the
 * pipeline has ended, or `deadline` (clock_now() time) has passed: pipeline_ended says which.
 */
struct frame *pipeline_dequeue(struct pipeline *pipeline, int64_t deadline);

/* shown: the display showed the frame; the times until then are counted. Clears *frame. */
void pipeline_release(struct pipeline *pipeline, struct frame **frame, bool shown);
bool pipeline_ended(struct pipeline *pipeline);

/* What is drawn on the frames from the next one on; `notice` must outlive the pipeline or the next call. */
struct pipeline_caption {
	bool visible;	 /* label, confidence */
	bool statistics; /* frames a second, latency */
	const char *notice;
};
void pipeline_set_caption(struct pipeline *pipeline, const struct pipeline_caption *caption);

/* What the display can use of the frames from the next one on; without a call: whole pictures, captioned. */
void pipeline_set_display(struct pipeline *pipeline, const struct display_capabilities *capabilities);

/* From the next frame on, for a pipeline that has none. Any thread. */
void pipeline_set_recorder(struct pipeline *pipeline, struct recorder *recorder);

/* Asks the source to end; what is under way still comes out. Any thread. */
void pipeline_stop(struct pipeline *pipeline);

/* Stops, takes what is left, waits for the threads. Returns 0, or the error that ended the source. */
int pipeline_join(struct pipeline *pipeline, struct error *e);

const struct pipeline_report *pipeline_report(const struct pipeline *pipeline);

/* Takes NULL. */
void pipeline_destroy(struct pipeline *pipeline);

#endif
