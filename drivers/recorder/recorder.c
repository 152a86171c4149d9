/* SPDX-License-Identifier: MIT */
#include "recorder/recorder.h"

#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "recorder/names.h"
#include "recorder/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

/* A label is waited for so long, ns, and no longer than until those that wait take so much of the tape. */
#define LABEL_PATIENCE (5 * SECOND)
#define CROWDED 0.5

#define EVENTS_MAXIMUM 64 /* that wait for the writer */

/* Frames on the tape: those of the pre-roll at 60 a second, and some seconds; no more than fit, if one takes
 * so many bytes. */
#define SLOTS_LEAST 512
#define SLOT_BYTES 16384

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
	struct tape *tape;
	uint64_t next_number, labelled_up_to; /* frames before these were received, are done with */
	bool started, cut, closing;
	bool crowded;	/* the source waits for room */
	size_t waiting; /* bytes of frames that are not judged */
	struct event events[EVENTS_MAXIMUM];
	int first_event, event_count;
	uint64_t late;

	/* the writing thread's */
	struct writer writer;
	int judged;		    /* frames at the tape's front that are */
	int64_t now;		    /* STAMP_CAPTURED of the newest judged frame */
	int64_t until;		    /* record frames up to this time */
	struct smoothing smoothing; /* up to the newest judged frame */
	struct smoothing past;	    /* up to the frame that left the tape last */
	double *shares;		    /* [class_count] */
	char condition[120];	    /* that held last */
};

int recorder_check(const struct recorder_options *options, struct error *e)
{
	char folder[PATH_MAX], probe[PATH_MAX + 32];

	int status = names_check(options->pattern, e);
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
	size_t frames = SLOTS_LEAST + (size_t)(options->pre_roll / SECOND) * 60;
	size_t most = options->memory / SLOT_BYTES;

	if (frames > most)
		frames = most > SLOTS_LEAST ? most : SLOTS_LEAST;
	return frames < INT_MAX ? (int)frames : INT_MAX;
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
	if (status) {
		pthread_mutex_destroy(&r->lock);
		free(r);
		return error_set(e, status, "out of memory for the recorder");
	}
	pthread_cond_init(&r->room, NULL);
	r->shares = calloc((size_t)classes, sizeof(*r->shares));
	r->until = options->when_count ? INT64_MIN : INT64_MAX;
	r->now = INT64_MIN;
	status = r->shares ? tape_create(options->memory, slots_for(options), classes, &r->tape) : -ENOMEM;
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
	*out = r;
	return 0;
}

/* --- what other threads call --- */

static void switch_to(struct recorder *r, bool started)
{
	pthread_mutex_lock(&r->lock);
	r->started = started;
	pthread_cond_signal(&r->work);
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

void recorder_cut(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	r->cut = true;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
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
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

/* The frame's raw picture as a JPEG, which it may be already. */
static bool make_jpeg(const struct recorder *r, struct frame *frame, int *width, int *height)
{
	struct error e;

	if (frame->raw.format == PIXEL_JPEG)
		return !picture_jpeg_size(frame->raw.data, frame->raw.size, width, height);
	if (picture_decode(&frame->raw, 1, &frame->picture, &e) ||
		picture_encode_jpeg(&frame->picture, r->options.quality, &frame->raw, &e)) {
		log_debug("frame %llu cannot be recorded: %s", (unsigned long long)frame->number, e.text);
		return false;
	}
	*width = frame->raw.width;
	*height = frame->raw.height;
	return true;
}

static int64_t wall_of(int64_t captured)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * SECOND + wall.tv_nsec - (clock_now() - captured);
}

void recorder_frame(struct recorder *r, struct frame *frame, uint32_t broken)
{
	struct tape_frame entry = {.number = frame->number,
		.sequence = frame->sequence,
		.wall = wall_of(frame->stamps[STAMP_CAPTURED]),
		.lost = frame->lost,
		.broken = broken,
		.wanted = recorder_started(r)};

	entry.stamps[STAMP_CAPTURED] = frame->stamps[STAMP_CAPTURED];
	entry.stamps[STAMP_RECEIVED] = clock_now();
	if (entry.wanted && make_jpeg(r, frame, &entry.width, &entry.height) &&
		tape_could_take(r->tape, frame->raw.size)) {
		entry.data = frame->raw.data;
		entry.size = frame->raw.size;
		frame->recorded = true;
	}
	pthread_mutex_lock(&r->lock);
	while (!tape_put(r->tape, &entry)) {
		r->crowded = true;
		pthread_cond_signal(&r->work);
		pthread_cond_wait(&r->room, &r->lock);
	}
	r->waiting += entry.size;
	r->next_number = frame->number + 1;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

void recorder_label(struct recorder *r, const struct frame *frame)
{
	pthread_mutex_lock(&r->lock);
	struct tape_frame *entry = tape_find(r->tape, frame->number);
	if (entry && !entry->judged) {
		int64_t captured = entry->stamps[STAMP_CAPTURED];
		memcpy(entry->stamps, frame->stamps, sizeof(entry->stamps));
		entry->stamps[STAMP_CAPTURED] = captured;
		memcpy(entry->scores, frame->scores,
			(size_t)r->options.network->class_count * sizeof(*entry->scores));
		entry->by_software = frame->by_software;
		entry->labelled = true;
	} else if (frame->recorded) {
		r->late++;
	}
	r->labelled_up_to = frame->number + 1;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

/* --- the writer; the lock is held but where a function says otherwise --- */

/* Whether nothing more will be said of the frame, or nothing is waited for. */
static bool is_settled(const struct recorder *r, const struct tape_frame *frame)
{
	if (frame->labelled || frame->number < r->labelled_up_to || r->closing)
		return true;
	if (r->crowded && !r->judged) /* nothing else could make room */
		return true;
	if (r->options.patient)
		return false;
	if ((double)r->waiting > CROWDED * (double)r->options.memory ||
		tape_count(r->tape) - r->judged > CROWDED * slots_for(&r->options))
		return true;
	return clock_now() > frame->stamps[STAMP_RECEIVED] + LABEL_PATIENCE;
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

/* What the network said of the frame, and whether that is worth recording. */
static bool judge(struct recorder *r, struct tape_frame *frame)
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

/* The oldest frame leaves the tape. */
static void drop(struct recorder *r)
{
	const struct tape_frame *frame = tape_at(r->tape, 0);

	if (frame->labelled)
		smoothing_add(&r->past, frame->scores);
	tape_drop(r->tape);
	r->judged--;
	r->crowded = false;
	pthread_cond_signal(&r->room);
}

/* Writes the oldest frame. False: that is not possible now, and the frame may stay. */
static bool write_first(struct recorder *r, bool for_room)
{
	const struct tape_frame *frame = tape_at(r->tape, 0);
	const char *reason = r->options.when_count ? r->condition : "the recording begins";

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

/* All judged frames of which it is known now whether they are to be recorded. last: no more can be judged
 * now, so that room for others can only come from these. */
static void drain(struct recorder *r, bool last)
{
	while (r->judged) {
		bool for_room = last && (r->crowded || r->closing);
		const struct tape_frame *first = tape_at(r->tape, 0);
		int64_t time = first->stamps[STAMP_CAPTURED];
		if (!first->wanted)
			skip_first(r, "the recording was stopped");
		else if (time <= r->until) {
			if (!write_first(r, for_room))
				return;
		} else if (time < r->now - r->options.pre_roll || for_room) {
			skip_first(r, "its reason is over");
		} else {
			return;
		}
	}
}

static void judge_settled(struct recorder *r)
{
	while (r->judged < tape_count(r->tape) && is_settled(r, tape_at(r->tape, r->judged))) {
		bool holds = judge(r, tape_at(r->tape, r->judged));
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
		if (tape_count(r->tape) && tape_at(r->tape, 0)->number < event.after)
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
	int64_t deadline = INT64_MAX;

	if (r->judged && r->writer.trouble && tape_at(r->tape, 0)->stamps[STAMP_CAPTURED] <= r->until)
		deadline = r->writer.retry_at;
	if (r->judged < tape_count(r->tape) && !r->options.patient) {
		int64_t waited = tape_at(r->tape, r->judged)->stamps[STAMP_RECEIVED] + LABEL_PATIENCE;
		deadline = waited < deadline ? waited : deadline;
	}
	return deadline;
}

static void *write_loop(void *argument)
{
	struct recorder *r = argument;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		int64_t deadline;
		judge_settled(r);
		pass_events(r);
		if (r->cut) {
			r->cut = false;
			pthread_mutex_unlock(&r->lock);
			writer_cut(&r->writer, "a new segment was asked for");
			pthread_mutex_lock(&r->lock);
			continue;
		}
		if (r->closing && !tape_count(r->tape))
			break;
		deadline = next_deadline(r);
		if (!r->crowded || !r->judged)
			condition_wait(&r->work, &r->lock, deadline);
	}
	pthread_mutex_unlock(&r->lock);
	writer_pause(&r->writer, "the recording ended");
	return NULL;
}

void recorder_finish(struct recorder *r, struct recorder_report *report)
{
	if (r->running) {
		pthread_mutex_lock(&r->lock);
		r->closing = true;
		pthread_cond_signal(&r->work);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
		r->running = false;
	}
	if (!report)
		return;
	*report = r->writer.report;
	report->late = r->late;
	report->failed = r->writer.trouble;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	recorder_finish(r, NULL);
	tape_destroy(r->tape);
	smoothing_finish(&r->smoothing);
	smoothing_finish(&r->past);
	free(r->shares);
	pthread_cond_destroy(&r->room);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
