/* SPDX-License-Identifier: MIT */
/* The frames of the simulated camera, whole or spoiled on purpose. */
#ifndef VM_VIDEO_H
#define VM_VIDEO_H

#include "pattern.h"
#include "uvc.h"

/* What can be done to the next frames. */
enum fault {
	FAULT_CORRUPT,	    /* some bits of a JPEG's middle are turned */
	FAULT_TRUNCATE,	    /* only the first half */
	FAULT_GARBAGE,	    /* random bytes */
	FAULT_NO_END,	    /* a JPEG without its end marker */
	FAULT_EMPTY,	    /* no bytes */
	FAULT_ERROR,	    /* the error bit of the payload headers */
	FAULT_SHORT,	    /* the last sixteenth is missing */
	FAULT_LOST_PACKETS, /* not frames, but packets that get lost on the bus */
	FAULTS
};
extern const char *const fault_names[FAULTS];

#define VIDEO_SIZES 3

struct video {
	const char *folder; /* WIDTHxHEIGHT.mjpeg in it: JPEG frames, one after another; read when needed */
	struct jpeg_frames {
		uint8_t *data;
		size_t size, *ends; /* bytes; where each frame ends */
		int count;
	} mjpeg[VIDEO_SIZES]; /* as the sizes of UVC_MJPEG */
	struct uvc_stream_choice choice;
	struct canvas canvas; /* of choice, unless that is MJPEG */
	uint8_t *still;	      /* what the canvas is over */

	uint8_t *data; /* the frame, of size bytes */
	size_t size, capacity;
	bool spoiled;	 /* by a fault */
	bool error;	 /* to be sent with the error bit */
	unsigned number; /* of the frame */
	unsigned begun;	 /* frames made */
	unsigned faults[FAULTS];
	uint32_t chance;
};

void video_begin(struct video *video, const char *folder); /* folder stays the caller's */
void video_finish(struct video *video);

/* The next frame; again: the last one's bytes once more. -ENOMEM, or what the file is */
int video_next(struct video *video, const struct uvc_stream_choice *choice, bool again);

#endif
