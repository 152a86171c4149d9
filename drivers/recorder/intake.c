/* SPDX-License-Identifier: MIT */
/* What the pipeline's threads hand in: frames, labels, events. */
#include "recorder/recorder_internal.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "image/decode.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void recorder_event(struct recorder *r, const char *name, const char *text)
{
	pthread_mutex_lock(&r->lock);
	if (r->event_count < RECORDER_EVENTS_MAXIMUM) {
		int place = (r->first_event + r->event_count++) % RECORDER_EVENTS_MAXIMUM;
		struct recorder_event *event = &r->events[place];
		snprintf(event->name, sizeof(event->name), "%s", name);
		snprintf(event->text, sizeof(event->text), "%s", text ? text : "");
		event->after = r->next_number;
	}
	recorder_wake(r);
	pthread_mutex_unlock(&r->lock);
}

/* Makes the frame's raw picture an upright JPEG, unless it is one. -EBADMSG: it is damaged; -ENOMEM. */
static int make_jpeg(struct recorder *r, struct frame *frame, int *width, int *height)
{
	struct error e = {.text = "it is a damaged JPEG"};
	int rc = -EBADMSG;

	if (frame->raw.format == PIXEL_JPEG && !frame->raw.rotation) {
		if (!picture_jpeg_size(frame->raw.data, frame->raw.size, width, height))
			return 0;
	} else if (!(rc = picture_decode(&frame->raw, 1, &frame->picture, &e)) &&
		   !(rc = picture_encode_jpeg(&frame->picture, r->options.quality, &frame->raw, &e))) {
		*width = frame->raw.width;
		*height = frame->raw.height;
		return 0;
	}
	if (!r->damage_reported)
		log_warning(
			"frame %llu (%zu bytes) cannot be recorded: %s; such frames are left out, and "
			"counted%s",
			(unsigned long long)frame->number, frame->raw.size, e.text,
			rc == -ENOMEM ? "" : " as broken");
	r->damage_reported = true;
	return rc == -ENOMEM ? rc : -EBADMSG;
}

/* Stands for the bytes of a frame that is not kept: its log line is. */
static const uint8_t no_bytes[1];

/* How large an upright picture of it is. */
static bool measure(const struct frame *frame, int *width, int *height)
{
	const struct raw_picture *raw = &frame->raw;
	bool lies = raw->rotation % 180 != 0;
	int sides[2] = {raw->width, raw->height};

	if (raw->format == PIXEL_JPEG && picture_jpeg_size(raw->data, raw->size, &sides[0], &sides[1]))
		return false;
	*width = sides[lies];
	*height = sides[!lies];
	return true;
}

/* By what the network's picture of the frame is smaller. */
static int reduction_of(const struct recorder *r, const struct frame *frame, int width, int height)
{
	const struct network *network = r->options.network;
	const struct shape in = network->layers[0].in;

	if (!r->options.reduced || frame->raw.format != PIXEL_JPEG || network->view.kind == VIEW_FACE)
		return 1;
	return picture_jpeg_reduction(view_scale(&network->view, width, height, in.width, in.height));
}

static bool has_room_for(struct recorder *r, const struct frame *frame)
{
	size_t size = frame->raw.size;

	if (frame_ring_could_hold(r->ring, size))
		return true;
	if (!r->size_reported)
		log_warning(
			"frame %llu takes %.1f MB, and the memory for frames is %.1f MB: such frames "
			"cannot be recorded; give more with --memory, such as %.0fMB",
			(unsigned long long)frame->number, (double)size / RECORDER_MEGABYTE,
			(double)r->options.memory / RECORDER_MEGABYTE,
			ceil(8 * (double)size / RECORDER_MEGABYTE));
	r->size_reported = true;
	return false;
}

static void report_slowness(struct recorder *r)
{
	if (!r->slowness_reported)
		log_warning(
			"the disk is too slow: frames for which the memory (%.1f MB) has no room are not "
			"recorded, and counted; give more with --memory",
			(double)r->options.memory / RECORDER_MEGABYTE);
	r->slowness_reported = true;
}

/* Puts the frame into the ring. False: there is no room, nothing is waited for, and the frame is counted as
 * missed. Under the lock. */
static bool ring_enter(struct recorder *r, struct ring_frame *entry)
{
	entry->missed = r->missed.frames;
	entry->lost += r->missed.lost;
	entry->broken += r->missed.broken;
	while (!frame_ring_push(r->ring, entry)) {
		r->crowded = true;
		recorder_wake(r);
		if (r->options.never_waits || recorder_gives_up(r)) {
			r->missed.frames = entry->missed + (entry->recording && !entry->damaged);
			r->missed.lost = entry->lost;
			r->missed.broken = entry->broken + entry->damaged;
			return false;
		}
		condition_wait(&r->room, &r->lock, r->flush_until);
	}
	memset(&r->missed, 0, sizeof(r->missed));
	r->waiting += entry->size;
	return true;
}

void recorder_frame(struct recorder *r, struct frame *frame, uint32_t broken)
{
	struct ring_frame entry = {.number = frame->number,
		.sequence = frame->sequence,
		.wall = clock_wall(frame->stamps[STAMP_CAPTURED]),
		.lost = frame->lost,
		.broken = broken,
		.recording = recorder_is_recording(r)};

	entry.stamps[STAMP_CAPTURED] = frame->stamps[STAMP_CAPTURED];
	entry.stamps[STAMP_RECEIVED] = clock_now();
	bool log_only = r->options.log_only;
	int made = 0;
	if (entry.recording && log_only)
		made = measure(frame, &entry.width, &entry.height) ? 0 : -EBADMSG;
	else if (entry.recording)
		made = make_jpeg(r, frame, &entry.width, &entry.height);
	entry.damaged = made == -EBADMSG;
	if (entry.recording && made == 0 && log_only) {
		entry.data = no_bytes;
		entry.size = sizeof(no_bytes);
	} else if (entry.recording && made == 0 && has_room_for(r, frame)) {
		entry.data = frame->raw.data;
		entry.size = frame->raw.size;
	}
	entry.reduction = entry.data ? reduction_of(r, frame, entry.width, entry.height) : 1;
	frame->scale = 1.0 / entry.reduction;
	pthread_mutex_lock(&r->lock);
	bool taken = ring_enter(r, &entry);
	r->next_number = frame->number + 1;
	recorder_wake(r);
	pthread_mutex_unlock(&r->lock);
	frame->recorded = taken && entry.data;
	if (!taken && entry.data)
		report_slowness(r);
}

void recorder_label(struct recorder *r, const struct frame *frame)
{
	pthread_mutex_lock(&r->lock);
	struct ring_frame *entry = frame_ring_find(r->ring, frame->number);
	if (entry && !entry->judged) {
		int64_t captured = entry->stamps[STAMP_CAPTURED];
		memcpy(entry->stamps, frame->stamps, sizeof(entry->stamps));
		entry->stamps[STAMP_CAPTURED] = captured;
		memcpy(entry->scores, frame->scores,
			(size_t)r->options.network->class_count * sizeof(*entry->scores));
		entry->cpu_fallback = frame->cpu_fallback;
		entry->faceless = frame->faceless;
		entry->area = frame->area;
		entry->labelled = true;
	} else if (frame->recorded) {
		r->late++;
	}
	r->labelled_up_to = frame->number + 1;
	recorder_wake(r);
	pthread_mutex_unlock(&r->lock);
}
