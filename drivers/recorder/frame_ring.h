/* SPDX-License-Identifier: MIT */
/*
 * A ring of a source's last frames, with their bytes and what the network found, in memory of fixed size.
 * Frames go in at one end and leave at the other, in the order of their numbers. The caller locks.
 */
#ifndef RECORDER_FRAME_RING_H
#define RECORDER_FRAME_RING_H

#include "flow/frame.h"
#include "nn/labeller.h"

struct ring_frame {
	uint64_t number; /* greater than that of the frame before */
	uint64_t sequence;
	int64_t wall;	     /* CLOCK_REALTIME of the capture, ns */
	uint32_t lost;	     /* frames that the camera lost just before it */
	uint32_t broken;     /* frames just before it that were no pictures */
	uint32_t missed;     /* frames just before it that found no room in the ring */
	bool recording;	     /* a recording was on */
	int width, height;   /* pixels; 0: not known */
	bool damaged;	     /* a recording was on, but it is no picture */
	const uint8_t *data; /* NULL: not kept */
	size_t size;
	int64_t stamps[STAMP_COUNT]; /* STAMP_CAPTURED always; the others once it is labelled */
	bool labelled, cpu_fallback;
	int reduction;		  /* by which it is decoded: 1, 2, 4, 8 */
	bool faceless;		  /* when labelled: the frame's */
	struct picture_area area; /* the same */
	int32_t *scores;	  /* [class_count], when labelled; the ring's */

	/* the recorder's thread's */
	bool judged;
	struct classification own, smoothed, shown;
	struct label_state state; /* behind this frame */
};

struct frame_ring;

/* bytes: for the data of all frames; slots: the most frames. -ENOMEM, -EINVAL, -EOVERFLOW. */
int frame_ring_create(size_t bytes, int slots, int class_count, struct frame_ring **out);
void frame_ring_destroy(struct frame_ring *ring); /* takes NULL */

/* Whether an empty ring has room for a frame of that size. */
bool frame_ring_could_hold(const struct frame_ring *ring, size_t size);

/* Appends a copy of the frame and its data. False: there is no room now. */
bool frame_ring_push(struct frame_ring *ring, const struct ring_frame *frame);

int frame_ring_count(const struct frame_ring *ring);
/* Place 0 is the oldest. The pointer is valid until frame_ring_pop removes the frame. */
struct ring_frame *frame_ring_at(struct frame_ring *ring, int place);
/* The frame with that number; NULL: it is not in the ring. */
struct ring_frame *frame_ring_find(struct frame_ring *ring, uint64_t number);

/* Removes the oldest frame. */
void frame_ring_pop(struct frame_ring *ring);

#endif
