/* SPDX-License-Identifier: MIT */
#include "recorder/recorder.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "image/decode.h"
#include "recorder/names.h"
#include "recorder/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A label is waited for so long, ns, and no longer than until those that wait take so much of the ring. */
#define LABEL_TIMEOUT (5 * NS_PER_S)
#define CROWDED 0.5

#define EVENTS_MAXIMUM 64 /* that wait for the writer */

/* Frames in the ring: those of the pre-roll at the highest rate, and some seconds; no more than fit, if one
 * takes so many bytes. */
#define SLOTS_LEAST 512
#define SLOTS_RATE 120
#define SLOT_BYTES 16384

#define MEGABYTE 1e6

struct event {
	char name[24], text[200];
	uint64_t after; /* goes into the log behind the frames up to here */
};

struct recorder {
	struct recorder_options options;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock;
	pthread_cond_t work, room;
	/* guarded by the lock, to the blank line */
	struct frame_ring *ring;
	uint64_t next_number, labelled_up_to; /* frames before these were received, are done with */
	uint64_t news;			      /* of all that may be work for the writer */
	bool started, rotate, closing, flushing;
	bool stuck;	/* the source waits for room on the disk */
	bool done;	/* the writer has ended */
	bool crowded;	/* the source waits for room */
	size_t waiting; /* bytes of frames that are not judged */
	struct event events[EVENTS_MAXIMUM];
	int first_event, event_count;
	uint64_t late;

	/* the source's thread's: what was reported */
	bool damage_reported, size_reported;

	/* the writing thread's */
	bool shortage_reported;
	struct segment_writer writer;
	int judged;		    /* frames at the ring's front that are */
	int64_t now;		    /* STAMP_CAPTURED of the newest judged frame */
	int64_t until;		    /* record frames up to this time */
	struct smoothing smoothing; /* up to the newest judged frame */
	struct smoothing past;	    /* up to the frame that left the ring last */
	double *shares;		    /* [class_count] */
	char condition[120];	    /* that held last */
};

int recorder_check(const struct recorder_options *options, struct error *e)
{
	char folder[PATH_MAX], probe[PATH_MAX + 32];

	int status = build_check_video(e);
	if (!status)
		status = names_check(options->pattern, e);
	if (status)
		return status;
	names_folder(options->pattern, folder, sizeof(folder));
	int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		snprintf(probe, sizeof(probe), "%s/.twobit-%ld", folder, (long)getpid());
		fd = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			unlink(probe);
	}
	if (fd < 0)
		return error_set(e, -errno, "%s: no file can be made there: %s", folder, strerror(errno));
	close(fd);
	return 0;
}

static void *write_loop(void *argument);

static int slots_for(const struct recorder_options *options)
{
	size_t frames = SLOTS_LEAST + (size_t)(options->pre_roll / NS_PER_S) * SLOTS_RATE;
	size_t most = options->memory / SLOT_BYTES;

	if (frames > most)
		frames = most > SLOTS_LEAST ? most : SLOTS_LEAST;
	return frames < INT_MAX ? (int)frames : INT_MAX;
}

/* Nothing ends a file then, and none is deleted while it is written. */
static void warn_of_limits(const struct recorder_options *o)
{
	if (o->keep.bytes && !o->segment.time && !o->segment.bytes && !o->when_count)
		log_warning(
			"--keep without --segment: this recording is one file, which may grow beyond "
			"%.1f MB; begin new ones with --segment",
			(double)o->keep.bytes / MEGABYTE);
}

int recorder_open(const struct recorder_options *options, struct recorder **out, struct error *e)
{
	int classes = options->network->class_count;
	struct recorder *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (!r)
		return error_set(e, -ENOMEM, "out of memory for the recorder");
	r->options = *options;
	writer_begin(&r->writer, &r->options);
	pthread_mutex_init(&r->lock, NULL);
	int status = condition_init(&r->work);
	if (!status && (status = condition_init(&r->room)))
		pthread_cond_destroy(&r->work);
	if (status) {
		pthread_mutex_destroy(&r->lock);
		free(r);
		return error_set(e, status, "out of memory for the recorder");
	}
	r->shares = calloc((size_t)classes, sizeof(*r->shares));
	r->until = options->when_count ? INT64_MIN : INT64_MAX;
	r->now = INT64_MIN;
	status = r->shares ? frame_ring_create(options->memory, slots_for(options), classes, &r->ring)
			   : -ENOMEM;
	if (!status)
		status = smoothing_init(&r->smoothing, options->smoothing, classes);
	if (!status)
		status = smoothing_init(&r->past, options->smoothing, classes);
	if (!status)
		status = thread_start(&r->thread, "recorder", write_loop, r);
	r->running = !status;
	if (status) {
		recorder_close(r);
		return error_set(e, status, "the recorder cannot start: %s", strerror(-status));
	}
	warn_of_limits(options);
	*out = r;
	return 0;
}

/* --- what other threads call --- */

static void wake(struct recorder *r)
{
	r->news++;
	pthread_cond_signal(&r->work);
}

static void switch_to(struct recorder *r, bool started)
{
	pthread_mutex_lock(&r->lock);
	r->started = started;
	wake(r);
	pthread_mutex_unlock(&r->lock);
}

void recorder_start(struct recorder *r)
{
	switch_to(r, true);
}

void recorder_stop(struct recorder *r)
{
	switch_to(r, false);
}

bool recorder_started(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	bool started = r->started;
	pthread_mutex_unlock(&r->lock);
	return started;
}

void recorder_rotate(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	r->rotate = true;
	wake(r);
	pthread_mutex_unlock(&r->lock);
}

void recorder_flush(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	r->flushing = true;
	wake(r);
	pthread_mutex_unlock(&r->lock);
}

bool recorder_waits(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	bool stuck = r->stuck;
	pthread_mutex_unlock(&r->lock);
	return stuck;
}

void recorder_event(struct recorder *r, const char *name, const char *text)
{
	pthread_mutex_lock(&r->lock);
	if (r->event_count < EVENTS_MAXIMUM) {
		struct event *event = &r->events[(r->first_event + r->event_count++) % EVENTS_MAXIMUM];
		snprintf(event->name, sizeof(event->name), "%s", name);
		snprintf(event->text, sizeof(event->text), "%s", text ? text : "");
		event->after = r->next_number;
	}
	wake(r);
	pthread_mutex_unlock(&r->lock);
}

/* The frame's raw picture as a JPEG, which it may be already. */
static bool make_jpeg(struct recorder *r, struct frame *frame, int *width, int *height)
{
	struct error e = {.text = "it is a damaged JPEG"};

	if (frame->raw.format == PIXEL_JPEG) {
		if (!picture_jpeg_size(frame->raw.data, frame->raw.size, width, height))
			return true;
	} else if (!picture_decode(&frame->raw, 1, &frame->picture, &e) &&
		   !picture_encode_jpeg(&frame->picture, r->options.quality, &frame->raw, &e)) {
		*width = frame->raw.width;
		*height = frame->raw.height;
		return true;
	}
	if (!r->damage_reported)
		log_warning(
			"frame %llu (%zu bytes) cannot be recorded: %s; such frames are left out, and "
			"counted as broken",
			(unsigned long long)frame->number, frame->raw.size, e.text);
	r->damage_reported = true;
	return false;
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
			(unsigned long long)frame->number, (double)size / MEGABYTE,
			(double)r->options.memory / MEGABYTE, ceil(8 * (double)size / MEGABYTE));
	r->size_reported = true;
	return false;
}

static int64_t wall_of(int64_t captured)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * NS_PER_S + wall.tv_nsec - (clock_now() - captured);
}

void recorder_frame(struct recorder *r, struct frame *frame, uint32_t broken)
{
	struct ring_frame entry = {.number = frame->number,
		.sequence = frame->sequence,
		.wall = wall_of(frame->stamps[STAMP_CAPTURED]),
		.lost = frame->lost,
		.broken = broken,
		.wanted = recorder_started(r)};

	entry.stamps[STAMP_CAPTURED] = frame->stamps[STAMP_CAPTURED];
	entry.stamps[STAMP_RECEIVED] = clock_now();
	entry.damaged = entry.wanted && !make_jpeg(r, frame, &entry.width, &entry.height);
	if (entry.wanted && !entry.damaged && has_room_for(r, frame)) {
		entry.data = frame->raw.data;
		entry.size = frame->raw.size;
		frame->recorded = true;
	}
	pthread_mutex_lock(&r->lock);
	while (!frame_ring_push(r->ring, &entry)) {
		r->crowded = true;
		wake(r);
		pthread_cond_wait(&r->room, &r->lock);
	}
	r->waiting += entry.size;
	r->next_number = frame->number + 1;
	wake(r);
	pthread_mutex_unlock(&r->lock);
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
		entry->labelled = true;
	} else if (frame->recorded) {
		r->late++;
	}
	r->labelled_up_to = frame->number + 1;
	wake(r);
	pthread_mutex_unlock(&r->lock);
}

/* --- the writer; the lock is held but where a function says otherwise --- */

/* Whether nothing more will be known of the frame, or nothing is waited for. */
static bool is_settled(const struct recorder *r, const struct ring_frame *frame)
{
	if (frame->labelled || frame->number < r->labelled_up_to || r->closing)
		return true;
	if (r->crowded && !r->judged) /* nothing else could make room */
		return true;
	if (r->options.lossless)
		return false;
	if ((double)r->waiting > CROWDED * (double)r->options.memory ||
		frame_ring_count(r->ring) - r->judged > CROWDED * slots_for(&r->options))
		return true;
	return clock_now() > frame->stamps[STAMP_RECEIVED] + LABEL_TIMEOUT;
}

static bool any_holds(struct recorder *r)
{
	for (int i = 0; i < r->options.when_count; i++) {
		if (!when_holds(&r->options.when[i], r->options.network, r->shares))
			continue;
		snprintf(r->condition, sizeof(r->condition), "%s", r->options.when[i].text);
		return true;
	}
	return false;
}

/* What the network made of the frame, and whether that is worth recording. */
static bool judge(struct recorder *r, struct ring_frame *frame)
{
	const struct network *network = r->options.network;

	frame->judged = true;
	r->judged++;
	r->waiting -= frame->size;
	r->now = frame->stamps[STAMP_CAPTURED];
	if (!frame->labelled)
		return false;
	classify_scores(network, frame->scores, r->shares, &frame->own);
	const int32_t *smoothed = smoothing_add(&r->smoothing, frame->scores);
	if (smoothed == frame->scores)
		frame->smoothed = frame->own;
	else
		classify_scores(network, smoothed, r->shares, &frame->smoothed);
	return any_holds(r);
}

/* The oldest frame leaves the ring. */
static void drop(struct recorder *r)
{
	const struct ring_frame *frame = frame_ring_at(r->ring, 0);

	if (frame->labelled)
		smoothing_add(&r->past, frame->scores);
	frame_ring_pop(r->ring);
	r->judged--;
	r->crowded = false;
	pthread_cond_signal(&r->room);
}

/* Writes the oldest frame. False: that is not possible now, and the frame may stay. */
static bool write_first(struct recorder *r, bool for_room)
{
	const struct ring_frame *frame = frame_ring_at(r->ring, 0);
	const char *reason = r->options.when_count ? r->condition : "the recording begins";

	if ((r->flushing || (r->closing && !r->options.waits_for_room)) && !r->writer.flushing)
		writer_flush(&r->writer);
	pthread_mutex_unlock(&r->lock);
	bool done = frame->data && writer_frame(&r->writer, frame, &r->past, reason);
	pthread_mutex_lock(&r->lock);
	if (!done && frame->data && !for_room)
		return false;
	if (!done)
		writer_lose(&r->writer, frame);
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

/* What memory cannot hold of the pre-roll is let go. Says so, once, and what would be needed. */
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
	/* Frames that wait for their labels need room as well, and what is left at the memory's end is lost.
	 */
	double times = (double)(r->options.pre_roll + last - r->now) / (double)(last - first);
	double needed = 1.25 * times * fmax(bytes, (double)count * SLOT_BYTES);
	double kept = (double)(r->now - first) / NS_PER_S;
	pthread_mutex_unlock(&r->lock);
	log_warning(
		"the memory for frames (%.1f MB) holds %.1f s of the %.1f s of --pre-roll, and no more are "
		"recorded; the whole needs about --memory %.0fMB",
		(double)r->options.memory / MEGABYTE, kept, (double)r->options.pre_roll / NS_PER_S,
		ceil(needed / MEGABYTE));
	pthread_mutex_lock(&r->lock);
}

/* Whether frames that the disk has no room for hold the source up, instead of being lost. */
static bool waits_for_room(const struct recorder *r)
{
	return r->options.waits_for_room && !r->flushing;
}

/* All judged frames of which it is known now whether they are to be recorded. last: no more can be judged
 * now, so that room for others can only come from these. */
static void drain(struct recorder *r, bool last)
{
	while (r->judged) {
		bool for_room = last && (r->crowded || r->closing);
		const struct ring_frame *first = frame_ring_at(r->ring, 0);
		int64_t time = first->stamps[STAMP_CAPTURED];
		if (!first->wanted)
			skip_first(r, "the recording was stopped");
		else if (time <= r->until) {
			if (!write_first(r, for_room && !waits_for_room(r)))
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

static void judge_settled(struct recorder *r)
{
	while (r->judged < frame_ring_count(r->ring) && is_settled(r, frame_ring_at(r->ring, r->judged))) {
		bool holds = judge(r, frame_ring_at(r->ring, r->judged));
		drain(r, false); /* with what was known before: this frame's reason reaches back no further
			     than it may */
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
		struct event event = r->events[r->first_event];
		if (frame_ring_count(r->ring) && frame_ring_at(r->ring, 0)->number < event.after)
			return;
		r->first_event = (r->first_event + 1) % EVENTS_MAXIMUM;
		r->event_count--;
		pthread_mutex_unlock(&r->lock);
		writer_event(&r->writer, event.name, event.text);
		pthread_mutex_lock(&r->lock);
	}
}

/* Until when to sleep if nothing happens. */
static int64_t next_deadline(struct recorder *r)
{
	int64_t deadline = r->writer.keep_at;

	if (r->judged && r->writer.failure && frame_ring_at(r->ring, 0)->stamps[STAMP_CAPTURED] <= r->until)
		deadline = r->writer.retry_at < deadline ? r->writer.retry_at : deadline;
	if (r->judged < frame_ring_count(r->ring) && !r->options.lossless) {
		int64_t waited = frame_ring_at(r->ring, r->judged)->stamps[STAMP_RECEIVED] + LABEL_TIMEOUT;
		deadline = waited < deadline ? waited : deadline;
	}
	return deadline;
}

/* What the writer is to do besides frames. */
static void attend(struct recorder *r)
{
	bool rotate = r->rotate;

	r->rotate = false;
	pthread_mutex_unlock(&r->lock);
	if (rotate)
		writer_rotate(&r->writer, "a new segment was asked for");
	writer_tick(&r->writer);
	pthread_mutex_lock(&r->lock);
}

static void *write_loop(void *argument)
{
	struct recorder *r = argument;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		uint64_t known = r->news;
		judge_settled(r);
		pass_events(r);
		attend(r);
		if (r->closing && !frame_ring_count(r->ring))
			break;
		r->stuck = r->crowded && r->judged && r->writer.failure && waits_for_room(r);
		if (r->news == known) /* else there is work that came meanwhile, without the lock */
			condition_wait(&r->work, &r->lock, next_deadline(r));
	}
	pthread_mutex_unlock(&r->lock);
	writer_end(&r->writer);
	pthread_mutex_lock(&r->lock);
	r->done = true;
	pthread_cond_signal(&r->room);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

bool recorder_end(struct recorder *r, int64_t deadline)
{
	pthread_mutex_lock(&r->lock);
	if (waits_for_room(r) && !r->closing) {
		r->closing = true;
		wake(r);
	}
	while (waits_for_room(r) && !r->done && !condition_wait(&r->room, &r->lock, deadline))
		;
	bool ended = !waits_for_room(r) || r->done;
	pthread_mutex_unlock(&r->lock);
	return ended;
}

bool recorder_failed_all(const struct recorder_report *report)
{
	return !report->frames && report->dropped[DROPPED_BROKEN] + report->dropped[DROPPED_BY_RECORDER] > 0;
}

void recorder_finish(struct recorder *r, struct recorder_report *report)
{
	if (r->running) {
		pthread_mutex_lock(&r->lock);
		r->closing = r->flushing = true;
		wake(r);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
		r->running = false;
	}
	if (!report)
		return;
	*report = r->writer.report;
	report->late = r->late;
	report->failed = r->writer.failure;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	recorder_finish(r, NULL);
	writer_finish(&r->writer);
	frame_ring_destroy(r->ring);
	smoothing_finish(&r->smoothing);
	smoothing_finish(&r->past);
	free(r->shares);
	pthread_cond_destroy(&r->room);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
