/* SPDX-License-Identifier: MIT */
/*
 * JPEGs for viewers. The pipeline's thread copies a frame only while somebody looks; another thread makes it
 * a JPEG, unless the camera did, once for all viewers. A viewer holds the shot that it is sending, so there
 * are at most as many as viewers, and three.
 */
#ifndef SINK_HTTP_SHOTS_H
#define SINK_HTTP_SHOTS_H

#include "flow/frame.h"

#include <pthread.h>

struct shot {
	struct raw_picture jpeg;
	int64_t captured, wall; /* ns */
	uint64_t number;	/* of the frame */

	/* private to shots.c */
	int references;
	struct shot *next; /* while it is free */
};

struct shots {
	pthread_mutex_t *lock; /* the server's; it guards what follows */
	struct shot *free, *waiting, *newest;
	uint64_t count;		/* of newest ones so far */
	struct picture picture; /* of the thread that calls shots_make */
	bool failed;		/* reported */
};

void shots_finish(struct shots *s);

/* The source's thread, without the lock: copies the frame. The one that waits is replaced. */
void shots_take(struct shots *s, const struct frame *frame);

/* Without the lock: makes what waits the newest one. False: nothing waits, or it is no picture. */
bool shots_make(struct shots *s);

/* Under the lock. hold: NULL if there is none yet. */
struct shot *shots_hold_newest(struct shots *s);
void shots_release(struct shots *s, struct shot **shot); /* takes a pointer to NULL */

/* Whether a browser can show a camera's JPEG as it is: some cameras leave the Huffman tables out. */
bool shot_is_complete(const uint8_t *jpeg, size_t size);

#endif
