/* SPDX-License-Identifier: MIT */
/*
 * The last frames of a source in memory of fixed size, with their bytes and what the network made of them: a
 * ring. Frames go in at the one end and leave at the other, in the order of their numbers, none left out.
 * Without a lock of its own.
 */
#ifndef RECORDER_TAPE_H
#define RECORDER_TAPE_H

#include "flow/frame.h"

struct tape_frame {
	uint64_t number; /* one more than that of the frame before */
	uint64_t sequence;
	int64_t wall;	     /* CLOCK_REALTIME of the capture, ns */
	uint32_t lost;	     /* just before it, by the camera */
	uint32_t broken;     /* just before it, received but no picture */
	bool wanted;	     /* a recording was on */
	int width, height;   /* pixels; 0: not known */
	bool damaged;	     /* wanted, but no picture */
	const uint8_t *data; /* NULL: not kept */
	size_t size;
	int64_t stamps[STAMP_COUNT]; /* STAMP_CAPTURED always; the others once it is labelled */
	bool labelled, cpu_fallback;
	int32_t *scores; /* [class_count], when labelled; the tape's */

	/* the writer's: what it made of it */
	bool judged;
	struct classification own, smoothed;
};

struct tape;

/* bytes: for all frames' data; slots: for how many frames. -ENOMEM, -EINVAL, -EOVERFLOW. */
int tape_create(size_t bytes, int slots, int class_count, struct tape **out);
void tape_destroy(struct tape *tape); /* takes NULL */

/* Whether a frame of that size could be put on an empty tape. */
bool tape_could_take(const struct tape *tape, size_t size);

/* Copies the frame and its data to the end; false: there is no room now. The number must be the next one. */
bool tape_put(struct tape *tape, const struct tape_frame *frame);

int tape_count(const struct tape *tape);
/* Place 0 is the oldest. The pointer is good until the frame is dropped. */
struct tape_frame *tape_at(struct tape *tape, int place);
/* The frame of that number; NULL: it is not on the tape. */
struct tape_frame *tape_find(struct tape *tape, uint64_t number);

/* Removes the oldest frame. */
void tape_drop(struct tape *tape);

#endif
