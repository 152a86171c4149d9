/* SPDX-License-Identifier: MIT */
/* The video stream: the host's waiting transfers are filled with the payloads of the frames, each frame in
 * its time. */
#ifndef VM_STREAM_H
#define VM_STREAM_H

#include "usbip.h"
#include "video.h"

/* Times are in nanoseconds of CLOCK_MONOTONIC. */
struct stream {
	struct video *video;
	struct usb_request *waiting, **waiting_end;
	bool under_way;	 /* a frame is being sent */
	size_t position; /* in it */
	bool toggle;	 /* changes with each frame */
	bool spoiled;	 /* the frame under way lost a packet */
	int64_t due;	 /* when the next frame begins */
	int64_t stalled_until, frozen_until;
	double rate; /* frames a second; 0: as negotiated */
	unsigned sent_whole, sent_spoiled;
};

int64_t stream_now(void);
void stream_begin(struct stream *stream, struct video *video);
void stream_take(struct stream *stream, struct usb_request *request); /* owns it then */
bool stream_take_back(struct stream *stream, uint32_t sequence);      /* false: it is not waiting */
/* Forgets the waiting transfers and the frame under way. */
void stream_reset(struct stream *stream);

/* Answers what can be answered now. -ECONNRESET, -ENOMEM */
int stream_serve(struct stream *stream, int socket, const struct uvc_control *control);
/* When stream_serve has something to do again; INT64_MAX: only after another transfer. */
int64_t stream_next(const struct stream *stream, const struct uvc_control *control);

#endif
