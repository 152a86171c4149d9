/* SPDX-License-Identifier: MIT */
#include "stream.h"
#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define HEADER 2 /* bytes of a payload's header */
enum { BIT_TOGGLE = 1, BIT_END = 2, BIT_ERROR = 0x40, BIT_HEADER_ENDS = 0x80 };

int64_t stream_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

void stream_begin(struct stream *stream, struct video *video)
{
	*stream = (struct stream){.video = video};
	stream->waiting_end = &stream->waiting;
}

void stream_take(struct stream *stream, struct usb_request *request)
{
	request->next = NULL;
	*stream->waiting_end = request;
	stream->waiting_end = &request->next;
}

bool stream_take_back(struct stream *stream, uint32_t sequence)
{
	for (struct usb_request **p = &stream->waiting; *p; p = &(*p)->next) {
		struct usb_request *request = *p;
		if (request->sequence != sequence)
			continue;
		*p = request->next;
		if (!*p)
			stream->waiting_end = p;
		usbip_request_free(request);
		return true;
	}
	return false;
}

void stream_reset(struct stream *stream)
{
	while (stream->waiting)
		stream_take_back(stream, stream->waiting->sequence);
	stream->under_way = false;
}

static int begin_frame(struct stream *stream, const struct uvc_control *control, int64_t now)
{
	int64_t interval = control->choice.interval * 100LL;

	if (stream->rate > 0)
		interval = (int64_t)(NS_PER_S / stream->rate);
	/* A camera that was held up goes on from now: it does not make up for lost time. */
	stream->due = stream->due + 2 * interval < now ? now + interval : stream->due + interval;
	stream->under_way = true;
	stream->position = 0;
	stream->spoiled = false;
	stream->toggle = !stream->toggle;
	return video_next(stream->video, &control->choice, now < stream->frozen_until);
}

/* One payload of at most `room` bytes at `out`; its size. */
static uint32_t put_payload(struct stream *stream, uint8_t *out, uint32_t room)
{
	const struct video *video = stream->video;
	size_t left = video->size - stream->position, size = room > HEADER ? room - HEADER : 0;

	if (size >= left)
		size = left;
	out[0] = HEADER;
	out[1] = BIT_HEADER_ENDS | (stream->toggle ? BIT_TOGGLE : 0) | (size == left ? BIT_END : 0) |
		 (video->error ? BIT_ERROR : 0);
	if (size)
		memcpy(out + HEADER, video->data + stream->position, size);
	stream->position += size;
	if (size == left) {
		stream->under_way = false;
		if (video->spoiled || stream->spoiled)
			stream->sent_spoiled++;
		else
			stream->sent_whole++;
	}
	return (uint32_t)(HEADER + size);
}

static uint32_t fill_packets(struct stream *stream, struct usb_request *request, uint8_t *out)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < request->packet_count; i++) {
		struct usb_packet *packet = request->packets + i;
		unsigned *lost = stream->video->faults + FAULT_LOST_PACKETS;
		if (!stream->under_way || packet->length <= HEADER ||
			used + packet->length > USBIP_LENGTH_MAXIMUM)
			continue;
		if (*lost) {
			--*lost;
			stream->spoiled = true;
			packet->status = -EXDEV;
			put_payload(stream, out + used, packet->length);
			continue;
		}
		packet->actual = put_payload(stream, out + used, packet->length);
		used += packet->actual;
	}
	return used;
}

int stream_serve(struct stream *stream, int socket, const struct uvc_control *control)
{
	static uint8_t out[USBIP_LENGTH_MAXIMUM];
	int failed = 0;

	while (!failed && stream->waiting && stream_next(stream, control) <= stream_now()) {
		struct usb_request *request = stream->waiting;
		uint32_t size;
		if (!stream->under_way)
			failed = begin_frame(stream, control, stream_now());
		if (failed)
			break;
		if (request->packet_count)
			size = fill_packets(stream, request, out);
		else
			size = put_payload(stream, out,
				request->length < UVC_BULK_PAYLOAD ? request->length : UVC_BULK_PAYLOAD);
		failed = usbip_answer(socket, request, 0, out, size);
		stream_take_back(stream, request->sequence);
	}
	return failed;
}

int64_t stream_next(const struct stream *stream, const struct uvc_control *control)
{
	if (!control->streaming || !stream->waiting)
		return INT64_MAX;
	if (stream->under_way)
		return 0;
	return stream->due > stream->stalled_until ? stream->due : stream->stalled_until;
}
