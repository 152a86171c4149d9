/* SPDX-License-Identifier: MIT */
/* The inside of a line, shared by line.c, which builds and ends it, and line_stages.c, which runs it. */
#ifndef APP_LINE_STAGES_H
#define APP_LINE_STAGES_H

#include "line.h"

#include "base/error.h"
#include "flow/queue.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { QUEUE_RAW, QUEUE_INPUT, QUEUE_PL, QUEUE_LABEL, QUEUE_PICTURE, QUEUE_SHOW, QUEUE_COUNT };

enum { STAGE_SOURCE, STAGE_DECODE, STAGE_CONV0, STAGE_PL, STAGE_LABEL, STAGE_CAPTION, STAGE_COUNT };

/* What the caption says. */
struct latest {
	bool known;
	struct classification result;
	int64_t latency; /* ns from capture to label */
};

struct line {
	struct line_options options;
	struct shape input;
	struct engine *conv0;
	struct frame_pool *pool;
	struct queue *queues[QUEUE_COUNT];
	struct caption_drawer *drawer;
	double *work;		/* label stage: [classes], for classify_scores */
	double *smoothed;	/* label stage: [classes], scores */
	int32_t *smooth_scores; /* label stage: [classes], `smoothed` rounded */
	pthread_t threads[STAGE_COUNT];
	int started;
	sem_t free_buffers; /* PL buffers that Conv0 may fill */
	atomic_bool stopping;
	bool ended; /* the taker's */

	pthread_mutex_t lock; /* guards what follows, to the blank line */
	struct latest latest;
	struct line_caption caption;
	struct display_wants wants;
	bool lent; /* the source was asked to lend */
	uint64_t undecodable;

	struct error error;	   /* source stage, read after joining */
	struct line_report report; /* each field has one writer, the stage that it counts for */
};

/* One thread each; the argument is the line. Each closes the queue that it fills when its own is empty and
 * closed. */
void *source_stage(void *argument);
void *decode_stage(void *argument);
void *conv0_stage(void *argument);
void *pl_stage(void *argument);
void *label_stage(void *argument);
void *caption_stage(void *argument);

#endif
