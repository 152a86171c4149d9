/* SPDX-License-Identifier: MIT */
/* The inside of a pipeline: pipeline.c builds and ends it, stages.c runs it, recovery.c uses it. */
#ifndef APP_PIPELINE_STAGES_H
#define APP_PIPELINE_STAGES_H

#include "pipeline/pipeline.h"
#include "pipeline/recovery.h"

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

struct pipeline {
	struct pipeline_config config;
	struct shape input;
	struct engine *conv0;
	struct frame_pool *pool;
	struct queue *queues[QUEUE_COUNT];
	struct caption_drawer *drawer;
	struct labeller labeller; /* label stage */
	pthread_t threads[STAGE_COUNT];
	int started;
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

#endif
