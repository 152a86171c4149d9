/* SPDX-License-Identifier: MIT */
/* The inside of a pipeline: pipeline.c builds and ends it; stages.c, decode.c and whole.c run it. */
#ifndef APP_PIPELINE_STAGES_H
#define APP_PIPELINE_STAGES_H

#include "pipeline/pipeline.h"
#include "pipeline/recovery.h"
#include "pipeline/whole.h"

#include "base/error.h"
#include "flow/queue.h"
#include "nn/labeller.h"

#include <pthread.h>
#include <stdatomic.h>

/* The queues of frames; the trace counts the jobs for the PL like one more. */
enum {
	QUEUE_RAW,
	QUEUE_INPUT,
	QUEUE_LABEL,
	QUEUE_PICTURE,
	QUEUE_SHOW,
	QUEUE_COUNT,
	COUNTER_PL = QUEUE_COUNT
};

/* Each stage has a thread; TRACK_SHOW is the consumer's track. */
enum {
	STAGE_SOURCE,
	STAGE_DECODE,
	STAGE_CONV0,
	STAGE_PL,
	STAGE_LABEL,
	STAGE_CAPTION,
	STAGE_COUNT,
	TRACK_SHOW = STAGE_COUNT
};

/* The latest label that is shown, for the caption. */
struct latest {
	bool known;
	struct classification result;
	struct caption_view view; /* of the face */
	bool faceless;		  /* the network looked for one and found none */
	int64_t latency;	  /* ns from capture to label */
};

/* The most threads that decode. */
#define DECODERS_MOST 8

/* How the threads of the decode stage take turns. */
struct decode_turns {
	pthread_mutex_t taking; /* guards what follows: frames taken */
	uint64_t taken;

	pthread_mutex_t lock; /* guards what follows: the frame whose turn it is */
	pthread_cond_t changed;
	uint64_t turn;

	atomic_int left;   /* threads that have not ended */
	int width, height; /* of the last picture; only the thread whose turn it is uses them */
};

struct pipeline {
	struct pipeline_config config;
	struct shape input;
	struct engine *conv0; /* NULL: `whole` has all layers */
	struct whole whole;
	struct frame_pool *pool;
	struct queue *queues[QUEUE_COUNT];
	struct caption_drawer *drawer;
	struct labeller labeller; /* label stage */
	struct decode_turns turns;
	pthread_t threads[STAGE_COUNT + DECODERS_MOST - 1];
	int started;
	bool running;	     /* all were started */
	struct pl_jobs jobs; /* from the conv0 stage to the PL stage */
	struct recovery recovery;
	_Atomic(struct recorder *) recorder;
	atomic_bool stopping;
	bool ended;	  /* only the consumer uses it */
	int64_t dequeued; /* only the consumer uses it: when it got its last frame */

	pthread_mutex_t lock; /* guards what follows, to the blank line */
	struct latest latest;
	struct pipeline_caption caption;
	struct display_capabilities capabilities;
	bool exports; /* the source was asked to export its buffers */
	uint64_t undecodable;
	int decode_failure;	 /* the machine's latest, for which a frame counts as undecodable; else 0 */
	struct face_track track; /* of the pictures that were decoded */

	struct error error; /* source stage, read after joining */
	bool complete;	    /* as `error`: the source ended by itself, or gave all that was wanted */
	struct pipeline_report report; /* each field has one writer, the stage that it is about */
};

/* The threads; the argument is the pipeline. A stage ends when its input is closed and empty, and then closes
 * its output. */
void *source_stage(void *argument);
void *decode_stage(void *argument);
void *conv0_stage(void *argument);
void *pl_stage(void *argument);
void *label_stage(void *argument);
void *caption_stage(void *argument);

/* As queue_put and queue_take; the trace records the length of the queue on the thread's track. */
bool stage_put(struct pipeline *pipeline, int track, int queue, struct frame *frame);
struct frame *stage_get(struct pipeline *pipeline, int track, int queue);

/* The next frame if one waits, else NULL. */
struct frame *stage_get_waiting(struct pipeline *pipeline, int track, int queue);

/* Reports and traces what a stage did with a frame. */
void stage_note_time(struct pipeline *pipeline, int track, int work, enum pipeline_time time,
	const struct frame *frame, int64_t begun, int64_t ended);

/*
 * Decodes in the stage that decode_stage chose for the frame, and makes the network's input. False: there is
 * no whole picture, and the frame is counted.
 */
bool stage_decode(struct pipeline *pipeline, struct frame *frame, int stage);

#endif
