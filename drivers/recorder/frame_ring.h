/* SPDX-License-Identifier: MIT */
/*
 * The last frames of a source in memory of fixed size, with their bytes and what the network made of them: a
 * ring. Frames go in at the one end and leave at the other, in the order of their numbers, none left out.
 * Without a lock of its own.
 */
#ifndef RECORDER_FRAME_RING_H
#define RECORDER_FRAME_RING_H

#include "flow/frame.h"

struct ring_frame {
	uint64_t number; /* one more than that of the frame before */
	uint64_t sequence;
	int64_t wall;	     /* CLOCK_REALTIME of the capture, ns */
	uint32_t lost;	     /* just before it, by the camera */
	uint32_t broken;     /* just before it, received but no picture */
	bool recording;	     /* a recording was on */
	int width, height;   /* pixels; 0: not known */
	bool damaged;	     /* a recording was on, but it is no picture */
	const uint8_t *data; /* NULL: not kept */
	size_t size;
	int64_t stamps[STAMP_COUNT]; /* STAMP_CAPTURED always; the others once it is labelled */
	bool labelled, cpu_fallback;
	int32_t *scores; /* [class_count], when labelled; the ring's */

	/* the writer's: what it made of it */
	bool judged;
	struct classification own, smoothed;
};

struct frame_ring;

/* bytes: for all frames' data; slots: for how many frames. -ENOMEM, -EINVAL, -EOVERFLOW. */
int frame_ring_create(size_t bytes, int slots, int class_count, struct frame_ring **out);
void frame_ring_destroy(struct frame_ring *ring); /* takes NULL */

/* Whether a frame of that size could be put into an empty ring. */
bool frame_ring_could_hold(const struct frame_ring *ring, size_t size);

/* Copies the frame and its data to the end; false: there is no room now. The number must be the next one. */
bool frame_ring_push(struct frame_ring *ring, const struct ring_frame *frame);

int frame_ring_count(const struct frame_ring *ring);
/* Place 0 is the oldest. The pointer is good until the frame is dropped. */
struct ring_frame *frame_ring_at(struct frame_ring *ring, int place);
/* The frame of that number; NULL: it is not in the ring. */
struct ring_frame *frame_ring_find(struct frame_ring *ring, uint64_t number);

/* Removes the oldest frame. */
void frame_ring_pop(struct frame_ring *ring);

#endif
