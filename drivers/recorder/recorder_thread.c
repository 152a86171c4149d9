/* SPDX-License-Identifier: MIT */
/*
 * The thread that writes. It judges frames in their order, writes those that are to be recorded, drops the
 * others, and puts events between them. Each function has the lock when it begins and when it returns.
 */
#include "recorder/recorder_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/thread.h"

#include <math.h>

/* Removes the oldest frame from the ring. */
static void drop(struct recorder *r)
{
	const struct ring_frame *frame = frame_ring_at(r->ring, 0);

	if (frame->labelled) {
		if (!frame->faceless)
			smoothing_add(&r->past.smoothing, frame->scores, frame->stamps[STAMP_CAPTURED]);
		else
			r->past.smoothing.begun = false;
		r->past.state = frame->state;
	}
	frame_ring_pop(r->ring);
	r->judged--;
	r->crowded = false;
	pthread_cond_broadcast(&r->room);
}

/* Writes the oldest frame, or loses it for_room. False: writing fails now, and the frame stays. */
static bool write_first(struct recorder *r, bool for_room)
{
	const struct ring_frame *frame = frame_ring_at(r->ring, 0);
	const char *reason = r->options.when_count ? r->condition : "the recording begins";

	if ((r->flushing || (r->closing && !recorder_may_wait(r))) && !r->writer.flushing)
		writer_flush(&r->writer);
	pthread_mutex_unlock(&r->lock);
	bool done = frame->data && writer_frame(&r->writer, frame, &r->past, reason);
	pthread_mutex_lock(&r->lock);
	if (!done && frame->data && !for_room)
		return false;
	if (!done)
		writer_lose(&r->writer, frame);
	r->report = r->writer.report;
	drop(r);
	return true;
}

static void skip_first(struct recorder *r, const char *why)
{
	pthread_mutex_unlock(&r->lock);
	writer_pause(&r->writer, why);
	pthread_mutex_lock(&r->lock);
	drop(r);
}

/* Warns once that the memory does not hold the whole pre-roll, and prints how much would. */
static void report_shortage(struct recorder *r)
{
	int count = frame_ring_count(r->ring);
	int64_t first = frame_ring_at(r->ring, 0)->stamps[STAMP_CAPTURED];
	int64_t last = frame_ring_at(r->ring, count - 1)->stamps[STAMP_CAPTURED];
	double bytes = 0;

	if (r->shortage_reported || r->closing || last <= first)
		return;
	r->shortage_reported = true;
	for (int i = 0; i < count; i++)
		bytes += (double)frame_ring_at(r->ring, i)->size;
	/* Frames that wait for their labels need room as well, and a gap at the memory's end is lost. */
	double times = (double)(r->options.pre_roll + last - r->now) / (double)(last - first);
	double needed = 1.25 * times * fmax(bytes, (double)count * RECORDER_FRAME_BYTES);
	double kept = (double)(r->now - first) / NS_PER_S;
	pthread_mutex_unlock(&r->lock);
	log_warning(
		"the memory for frames (%.1f MB) holds %.1f s of the %.1f s of --pre-roll, and no more are "
		"recorded; the whole needs about --memory %.0fMB",
		(double)r->options.memory / RECORDER_MEGABYTE, kept, (double)r->options.pre_roll / NS_PER_S,
		ceil(needed / RECORDER_MEGABYTE));
	pthread_mutex_lock(&r->lock);
}

/* Writes or drops all judged frames whose case is decided. last: no other frame can be judged now, so that
 * only these can make room. */
static void drain(struct recorder *r, bool last)
{
	while (r->judged) {
		bool for_room = last && (r->crowded || r->closing);
		const struct ring_frame *first = frame_ring_at(r->ring, 0);
		int64_t time = first->stamps[STAMP_CAPTURED];
		if (!first->recording)
			skip_first(r, "the recording was stopped");
		else if (time <= r->until) {
			if (!write_first(r, for_room && !recorder_may_wait(r)))
				return;
		} else if (time < r->now - r->options.pre_roll) {
			skip_first(r, "its reason is over");
		} else if (for_room) {
			report_shortage(r);
			skip_first(r, "its reason is over");
		} else {
			return;
		}
	}
}

static void select_frames(struct recorder *r)
{
	while (selection_is_settled(r)) {
		bool holds = selection_judge(r);
		drain(r, false); /* drops first what is too old for a pre-roll that begins now */
		if (holds) {
			r->until = r->now + r->options.post_roll;
			drain(r, false);
		}
	}
	drain(r, true);
}

static void pass_events(struct recorder *r)
{
	while (r->event_count) {
		struct recorder_event event = r->events[r->first_event];
		if (frame_ring_count(r->ring) && frame_ring_at(r->ring, 0)->number < event.after)
			return;
		r->first_event = (r->first_event + 1) % RECORDER_EVENTS_MAXIMUM;
		r->event_count--;
		pthread_mutex_unlock(&r->lock);
		writer_event(&r->writer, event.name, event.text);
		pthread_mutex_lock(&r->lock);
	}
}

/* clock_now() at which there is work, if nothing happens before. */
static int64_t next_deadline(struct recorder *r)
{
	int64_t deadline = r->writer.keep_at, label = selection_deadline(r);

	if (r->judged && r->writer.failure && frame_ring_at(r->ring, 0)->stamps[STAMP_CAPTURED] <= r->until)
		deadline = r->writer.retry_at < deadline ? r->writer.retry_at : deadline;
	return label < deadline ? label : deadline;
}

/* Rotates where that was requested, and applies --keep. */
static void do_requests(struct recorder *r)
{
	bool rotate = r->rotate;

	r->rotate = false;
	pthread_mutex_unlock(&r->lock);
	if (rotate)
		writer_rotate(&r->writer, "a new segment was asked for");
	writer_tick(&r->writer);
	pthread_mutex_lock(&r->lock);
}

void *recorder_thread(void *argument)
{
	struct recorder *r = argument;

	writer_init(&r->writer, &r->options);
	pthread_mutex_lock(&r->lock);
	for (;;) {
		uint64_t known = r->news;
		select_frames(r);
		pass_events(r);
		do_requests(r);
		r->progress.frames = r->writer.report.frames;
		r->progress.bytes = writer_bytes(&r->writer);
		if (r->closing && !frame_ring_count(r->ring))
			break;
		r->stuck = r->crowded && r->judged && r->writer.failure && recorder_may_wait(r);
		if (r->news == known) /* else work came while the thread was without the lock */
			condition_wait(&r->work, &r->lock, next_deadline(r));
	}
	pthread_mutex_unlock(&r->lock);
	writer_finish(&r->writer);
	pthread_mutex_lock(&r->lock);
	r->report = r->writer.report;
	r->done = true;
	pthread_cond_broadcast(&r->room);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}
