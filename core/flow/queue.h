/* SPDX-License-Identifier: MIT */
/* A bounded queue of frames between two stages: one lock, two conditions, no polling. */
#ifndef FLOW_QUEUE_H
#define FLOW_QUEUE_H

#include "flow/frame.h"

#include <stdbool.h>

enum queue_policy {
	QUEUE_LOSSLESS,	   /* put waits while the queue is full */
	QUEUE_NEWEST_WINS, /* put never waits: the oldest frame is released and counted as dropped */
};

struct queue;

int queue_create(int capacity, enum queue_policy policy, struct queue **out);

/* Releases what is left in it. Takes NULL. */
void queue_destroy(struct queue *queue);

/* Always takes over the caller's reference. False: the queue is closed, and the frame was released. */
bool queue_put(struct queue *queue, struct frame *frame) __attribute__((warn_unused_result));

/* Waits for a frame; its reference goes to the caller. NULL: closed and empty. */
struct frame *queue_take(struct queue *queue);

/* As queue_take, until clock_now() passes deadline (ns). 0, -ETIMEDOUT, or -EPIPE: closed and empty; *out is
 * NULL then. */
int queue_take_until(struct queue *queue, int64_t deadline, struct frame **out);

/*
 * From now on each put and the closing write to the eventfd `descriptor`, for a consumer that waits for other
 * things as well (poll), and then takes what is there with a deadline of 0. It does not block. −1: none.
 */
void queue_watch(struct queue *queue, int descriptor);

/* Later puts fail; frames in the queue can still be taken. */
void queue_close(struct queue *queue);

/* Frames that QUEUE_NEWEST_WINS dropped so far. */
uint64_t queue_dropped(struct queue *queue);

/* Frames in it now. */
int queue_length(struct queue *queue);

#endif
