/* SPDX-License-Identifier: MIT */
/*
 * The pipeline of frames: source ─▶ decode ─▶ conv0 ─▶ PL ─▶ label ─▶ caption ─▶ the consumer. Each stage has
 * a thread, bounded queues connect the stages, and all frames come from one fixed pool.
 *
 * A live pipeline sends each picture from decode straight to caption, which adds the latest label; inference
 * takes the newest frame whenever it is free. If the display takes raw frames, it gets them undecoded, and
 * only the frames that inference takes are decoded. A lossless pipeline sends every frame through all stages;
 * each carries its own label, which the network computed from the picture at full size.
 *
 * With a pool of threads and a PL in software, one stage may run the whole network (whole.h).
 */
#ifndef APP_PIPELINE_PIPELINE_H
#define APP_PIPELINE_PIPELINE_H

#include "display/display.h"
#include "flow/histogram.h"
#include "flow/trace.h"
#include "pipeline/health.h"
#include "pl/pl.h"
#include "recorder/recorder.h"
#include "sink/sink.h"
#include "source/source.h"

#include <stdbool.h>

struct pipeline;
struct pool;

/* What captions show; `notice` must outlive the pipeline or live until the next pipeline_set_caption. */
struct pipeline_caption {
	bool visible;	 /* label, confidence */
	bool statistics; /* frames per second, latency */
	const char *notice;
	char note[CAPTION_NOTE_BYTES]; /* what a key has done; "": none */
	int64_t note_until;	       /* clock_now() from which on it is not shown */
};

struct pipeline_config {
	struct recorder *recorder;     /* gets all frames and labels until pipeline_join; NULL: none */
	struct sinks *sinks;	       /* started; as the recorder. NULL: none */
	const struct network *network; /* at least two layers and class scores; must outlive the pipeline */
	const struct network *names;   /* the same with the names that captions show; NULL: its own */
	struct source *source;	       /* the caller owns source and PL; no network is loaded yet */
	struct pl *pl;
	const char *kernels; /* as engine_create */
	/*
	 * Shares the work inside layers, for one pipeline at a time; NULL: one thread. Behind a PL in
	 * hardware it is for Conv0. Where the PL is software, it runs the whole network in the place of
	 * Conv0 beside the later layers, if a trial at the start finds that faster, and `overlap` allows it.
	 */
	struct pool *pool;
	bool always_shared; /* … without a trial */
	/*
	 * Threads of the decode stage, where `lossless` and without `trace`; 0: one. Frames stay in order.
	 */
	int decoders;
	bool lossless;
	bool discard_output; /* no display: the consumer gets frames undecoded, unless lossless */
	bool overlap;	     /* Conv0 computes the next frame while the PL runs */
	uint64_t frames;     /* stop after this many; 0: no limit */
	int64_t duration;    /* stop this many ns after the first frame; 0: no limit */
	float threshold;     /* a label below this confidence is not shown, 0 … 1 */
	int bars;	     /* labels with a bar each in a caption, 0 … TOP_MAXIMUM */
	double smoothing;    /* time constant of what is shown (nn/smoothing.h), s; 0: none */
	int64_t pl_limit;    /* ns that a frame may take in the PL; 0: from the calibration */
	int64_t pl_check;    /* ns between self-tests of a PL in hardware; 0: none */
	int rotation;	     /* clockwise, of all pictures, for a camera that hangs so: 0, 90, 180, 270 */
	bool mirror;	     /* shown pictures are mirrored; the network and the recorder see them as
				they are */
	/* Of the first frame on; pipeline_set_caption changes it. */
	struct pipeline_caption caption;
	/*
	 * Called with each frame that is labelled, with its picture, scores and stamps; the frame is the
	 * pipeline's. The label stage's thread. NULL: nobody wants them.
	 */
	void (*labelled)(void *context, const struct frame *frame);
	void *labelled_context;
	bool (*interrupted)(void); /* once true, pipeline_start gives up; NULL: never */
	struct trace
		*trace; /* of pipeline_trace_create; the pipeline writes it until pipeline_join; NULL: none */
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
	uint64_t broken, undecodable; /* skipped: broken at the source; received, but not decodable */
	uint64_t dropped_by_camera;   /* captured, but not delivered */
	uint64_t dropped_before_decode, dropped_before_inference, dropped_before_display;
	uint64_t not_shown;	/* released without being shown */
	uint64_t pl_failures;	/* frames that the PL computed late, not at all or wrongly */
	uint64_t cpu_fallbacks; /* frames that software computed instead of a PL in hardware */
	struct health_monitor pl;
	bool counts_cycles; /* the PL counts its cycles: `cycles` holds them */
	struct pl_cycles cycles;
	int64_t begun, ended; /* clock_now() at the first frame and after the last */
	struct histogram times[TIME_COUNT];
};

/* A track for each stage and for the consumer, a counter for each queue; returns as trace_create. */
int pipeline_trace_create(const char *name, size_t events, struct trace **out);

/* Tests the PL and starts all threads. On failure *e has the reason and nothing runs. -EINTR: interrupted. */
int pipeline_start(const struct pipeline_config *config, struct pipeline **out, struct error *e);

/*
 * The next captioned frame; the caller shows it and calls pipeline_release. NULL: the pipeline has ended
 * (pipeline_ended), or `deadline` (clock_now() time) has passed.
 */
struct frame *pipeline_dequeue(struct pipeline *pipeline, int64_t deadline);

/*
 * Whenever pipeline_dequeue has something new, the pipeline writes to the eventfd `descriptor`. −1: no
 * longer. For the consumer, who then dequeues first, since frames may have come before.
 */
void pipeline_watch(struct pipeline *pipeline, int descriptor);

/* shown: the display showed the frame, and its times are counted. Sets *frame to NULL. */
void pipeline_release(struct pipeline *pipeline, struct frame **frame, bool shown);
bool pipeline_ended(struct pipeline *pipeline);

/* The caption of all later frames. */
void pipeline_set_caption(struct pipeline *pipeline, const struct pipeline_caption *caption);

/* What the display can take from the next frame on. Default: whole pictures with the caption drawn. */
void pipeline_set_display(struct pipeline *pipeline, const struct display_capabilities *capabilities);

/* Adds a recorder to a pipeline that has none, from the next frame on. Any thread. */
void pipeline_set_recorder(struct pipeline *pipeline, struct recorder *recorder);

/* Asks the source to end; frames in the stages still come out. Any thread. */
void pipeline_stop(struct pipeline *pipeline);

/* Stops, releases the frames that are left, joins the threads. 0, or the error that ended the source. */
int pipeline_join(struct pipeline *pipeline, struct error *e);

const struct pipeline_report *pipeline_report(const struct pipeline *pipeline);

/* Takes NULL. */
void pipeline_destroy(struct pipeline *pipeline);

#endif
