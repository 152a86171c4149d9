/* SPDX-License-Identifier: MIT */
/* The inside of a line, shared by line.c, which builds and ends it, and line_stages.c, which runs it. */
#ifndef APP_LINE_STAGES_H
#define APP_LINE_STAGES_H

#include "line.h"
#include "self_test.h"

#include "base/error.h"
#include "flow/queue.h"
#include "nn/smoothing.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { QUEUE_RAW, QUEUE_INPUT, QUEUE_PL, QUEUE_LABEL, QUEUE_PICTURE, QUEUE_SHOW, QUEUE_COUNT };

/* A thread each; TRACK_SHOW is for who takes the frames. */
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

/* What the caption says. */
struct latest {
	bool known;
	struct classification result;
	int64_t latency; /* ns from capture to label */
};

/* What watches over the PL. */
struct watch {
	struct supervision supervision; /* the PL stage's */
	struct self_test test;		/* of a PL in hardware */
	_Atomic int64_t test_due;	/* INT64_MAX while one is under way */
	atomic_bool alarm, retired;
};

struct line {
	struct line_options options;
	struct shape input;
	struct engine *conv0;
	struct frame_pool *pool;
	struct queue *queues[QUEUE_COUNT];
	struct caption_drawer *drawer;
	double *work;		    /* label stage: [classes], for classify_scores */
	struct smoothing smoothing; /* label stage */
	pthread_t threads[STAGE_COUNT];
	int started;
	sem_t free_buffers; /* PL buffers that Conv0 may fill */
	struct watch watch;
	_Atomic(struct recorder *) recorder;
	atomic_bool stopping;
	bool ended;    /* the taker's */
	int64_t taken; /* the taker's: when it got its last frame */

	pthread_mutex_t lock; /* guards what follows, to the blank line */
	struct latest latest;
	struct line_caption caption;
	struct display_wants wants;
	bool lent; /* the source was asked to lend */
	uint64_t undecodable;

	struct error error;	   /* source stage, read after joining */
	struct line_report report; /* each field has one writer, the stage that it counts for */
};

/* Makes what watches over the loaded PL, and tests and times one in hardware. -EINTR: options.interrupted. */
int watch_begin(struct line *line, struct error *e);
void watch_finish(struct watch *watch);

/* What the picture is to say of the PL; NULL while all is well. Any thread. */
const char *watch_trouble(const struct watch *watch);

/* Conv0's side: hands a filled buffer to the PL, whose time begins then, unless software is to compute it. */
void watch_submit(struct line *line, struct frame *frame, int buffer);
/* A frame for the self-test when one is due, its buffer filled and submitted; else NULL. */
struct frame *watch_self_test(struct line *line, int buffer);

/* The PL's side: the frame's scores, from the PL or from software; mends a PL that fails. */
int watch_collect(struct line *line, struct frame *frame, int buffer);

/* One thread each; the argument is the line. Each closes the queue that it fills when its own is empty and
 * closed. */
void *source_stage(void *argument);
void *decode_stage(void *argument);
void *conv0_stage(void *argument);
void *pl_stage(void *argument);
void *label_stage(void *argument);
void *caption_stage(void *argument);

#endif
