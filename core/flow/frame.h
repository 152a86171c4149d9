/* SPDX-License-Identifier: MIT */
/*
 * A frame and the fixed pool of frames. Memory is allocated when the pool is created and when the first
 * frames find their sizes; the steady state allocates nothing.
 */
#ifndef FLOW_FRAME_H
#define FLOW_FRAME_H

#include "image/caption.h"
#include "image/pixels.h"
#include "nn/classify.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct frame_pool;

/* Points at which a frame's time is taken: CLOCK_MONOTONIC, ns, at the end of each stage. */
enum stamp {
	STAMP_CAPTURED, /* the camera's own time, or the time when the source made the frame */
	STAMP_RECEIVED,
	STAMP_DECODE_BEGUN,
	STAMP_DECODED,
	STAMP_CONV0_BEGUN,
	STAMP_CONV0,
	STAMP_PL_BEGUN, /* submitted, and the PL done with what came before */
	STAMP_PL,
	STAMP_LABELLED,
	STAMP_CAPTIONED,
	STAMP_SHOWN,
	STAMP_COUNT
};

/* Bytes of a text for people, with its end. */
#define FRAME_TEXT_BYTES 192

/*
 * The source's buffer with the raw picture, for a display that shows it without a copy. The frame's last
 * reference releases it. The source has few buffers, so a display keeps only the frame on the screen.
 */
struct borrowed_buffer {
	int dmabuf;    /* the owner's file descriptor; constant for a buffer while it streams */
	size_t stride; /* bytes from row to row */
	int index;     /* the owner's number of the buffer */
	void *owner;
	void (*release)(void *owner, int index); /* NULL: nothing is borrowed. Called from any thread */
};

struct frame {
	uint64_t number;   /* counts from 0 in the source's order */
	uint64_t sequence; /* the source's own count; undelivered frames leave gaps */
	uint32_t lost;	   /* frames just before this one that the source could not deliver */
	bool absent;	   /* there is no picture now */
	char absent_reason[FRAME_TEXT_BYTES]; /* … why not */
	bool show_raw; /* the display gets the raw picture and the caption, inference alone the picture */
	double scale;  /* at which the picture is decoded, 0 < scale <= 1 */
	int64_t stamps[STAMP_COUNT];
	bool recorded; /* its raw bytes are recorded: inference sees them at the scale that the log tells */
	struct raw_picture raw;
	struct borrowed_buffer borrowed;
	struct picture picture;	  /* not made where the display and the network take the raw picture */
	struct pixels pixels;	  /* what the network looks at: the raw picture's, or the picture's */
	bool faceless;		  /* the network looks for a face and finds none: the scores mean nothing */
	struct picture_area area; /* where the network looks at the pixels */
	uint8_t *input;		  /* the network's input, [height][width][channels]; input_size bytes */
	size_t input_size;
	bool cpu_fallback;	      /* software computed the scores in the place of a PL in hardware */
	int32_t *scores;	      /* [class_count] */
	struct classification result; /* as it is shown: smoothed and steady; count 0: nothing is */
	struct caption caption;	      /* its strings outlive the frame, or are in `text` */
	char text[FRAME_TEXT_BYTES];  /* the caption, or absent_reason, for a display that draws no pixels */
	const char *name; /* the source's name for it, such as a file's; NULL: none. Owned by the source */

	/* private to frame.c */
	atomic_int references;
	struct frame_pool *pool;
};

int frame_pool_create(int frames, size_t input_size, int class_count, struct frame_pool **out);

/* Every frame must be back. Takes NULL. */
void frame_pool_destroy(struct frame_pool *pool);

/* Waits for a free frame and returns it with one reference, or NULL after frame_pool_stop. */
struct frame *frame_acquire(struct frame_pool *pool);

/* As frame_acquire, but NULL at once when none is free. */
struct frame *frame_try_acquire(struct frame_pool *pool);

/* Wakes the threads that wait; frame_acquire returns NULL from now on. */
void frame_pool_stop(struct frame_pool *pool);

struct frame *frame_reference(struct frame *frame);

/* Drops one reference and sets *frame to NULL. Takes a pointer to NULL. */
void frame_release(struct frame **frame);

#endif
