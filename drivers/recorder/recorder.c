/* SPDX-License-Identifier: MIT */
#include "recorder/recorder_internal.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "recorder/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The ring has a place for each frame of the pre-roll at the highest rate, and for some seconds more, but not
 * more places than frames fit into the memory. */
#define SLOTS_LEAST 512
#define SLOTS_RATE 120

int recorder_check(const struct recorder_options *options, struct error *e)
{
	char folder[PATH_MAX], probe[PATH_MAX + 32];

	int status = options->log_only ? 0 : build_check_video(e);
	const void *part;
	if (!status)
		status = names_check(options->pattern, e);
	if (!status && !options->log_only)
		status = module_load(&recorder_part, &part, e);
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

static int slots_for(const struct recorder_options *options)
{
	size_t frames = SLOTS_LEAST + (size_t)(options->pre_roll / NS_PER_S) * SLOTS_RATE;
	size_t most = options->memory / RECORDER_FRAME_BYTES;

	if (frames > most)
		frames = most > SLOTS_LEAST ? most : SLOTS_LEAST;
	return frames < INT_MAX ? (int)frames : INT_MAX;
}

/* --keep deletes no file that is being written, and without --segment there is only that one. */
static void warn_of_limits(const struct recorder_options *o)
{
	if (o->keep.bytes && !o->segment.time && !o->segment.bytes && !o->when_count)
		log_warning(
			"--keep without --segment: this recording is one file, which may grow beyond "
			"%.1f MB; begin new ones with --segment",
			(double)o->keep.bytes / RECORDER_MEGABYTE);
}

int recorder_create(const struct recorder_options *options, struct recorder **out, struct error *e)
{
	int classes = options->network->class_count;
	struct recorder *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (!r)
		return error_set(e, -ENOMEM, "out of memory for the recorder");
	r->options = *options;
	r->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
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
	r->flush_until = INT64_MAX;
	r->now = INT64_MIN;
	r->slots = slots_for(options);
	status = r->shares ? frame_ring_create(options->memory, r->slots, classes, &r->ring) : -ENOMEM;
	if (!status)
		status =
			labeller_init(&r->labeller, options->network, options->smoothing, options->threshold);
	if (!status)
		status = smoothing_init(&r->past.smoothing, options->smoothing, classes);
	if (!status)
		status = thread_start(&r->thread, "recorder", recorder_thread, r);
	r->running = !status;
	if (status) {
		recorder_destroy(r);
		return error_set(e, status, "the recorder cannot start: %s", strerror(-status));
	}
	warn_of_limits(options);
	*out = r;
	return 0;
}

static void set_recording(struct recorder *r, bool recording)
{
	pthread_mutex_lock(&r->lock);
	r->recording = recording;
	recorder_wake(r);
	pthread_mutex_unlock(&r->lock);
}

void recorder_begin(struct recorder *r)
{
	set_recording(r, true);
}

void recorder_end(struct recorder *r)
{
	set_recording(r, false);
}

bool recorder_is_recording(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	bool recording = r->recording;
	pthread_mutex_unlock(&r->lock);
	return recording;
}

void recorder_rotate(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	r->rotate = true;
	recorder_wake(r);
	pthread_mutex_unlock(&r->lock);
}

void recorder_flush(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	if (!r->flushing && r->options.flush_time)
		r->flush_until = clock_now() + r->options.flush_time;
	r->flushing = true;
	recorder_wake(r);
	pthread_cond_broadcast(&r->room);
	pthread_mutex_unlock(&r->lock);
}

bool recorder_gives_up(const struct recorder *r)
{
	return r->flushing && clock_now() >= r->flush_until;
}

bool recorder_waits(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	bool stuck = r->stuck;
	pthread_mutex_unlock(&r->lock);
	return stuck;
}

void recorder_progress(struct recorder *r, struct recorder_progress *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->progress;
	pthread_mutex_unlock(&r->lock);
}

bool recorder_drain(struct recorder *r, int64_t deadline)
{
	pthread_mutex_lock(&r->lock);
	if (!r->closing) {
		r->closing = true;
		recorder_wake(r);
	}
	while (!r->done && !recorder_gives_up(r) && clock_now() < deadline)
		condition_wait(&r->room, &r->lock, deadline < r->flush_until ? deadline : r->flush_until);
	bool drained = r->done || recorder_gives_up(r);
	pthread_mutex_unlock(&r->lock);
	return drained;
}

bool recorder_failed_all(const struct recorder_report *report)
{
	return !report->frames && report->dropped[DROPPED_BROKEN] + report->dropped[DROPPED_BY_RECORDER] > 0;
}

/* Counts what is still in the ring, and what found no room in it, as lost. Under the lock. */
static void count_lost(struct recorder *r, struct recorder_report *report)
{
	report->dropped[DROPPED_BY_CAMERA] += r->missed.lost;
	report->dropped[DROPPED_BROKEN] += r->missed.broken;
	report->dropped[DROPPED_BY_RECORDER] += r->missed.frames;
	for (int i = 0; i < frame_ring_count(r->ring); i++)
		report->dropped[DROPPED_BY_RECORDER] += frame_ring_at(r->ring, i)->data != NULL;
	report->late = r->late;
}

bool recorder_join(struct recorder *r, struct recorder_report *report)
{
	struct recorder_report counted;

	recorder_flush(r);
	recorder_drain(r, INT64_MAX);
	pthread_mutex_lock(&r->lock);
	bool done = r->done;
	counted = r->report;
	count_lost(r, &counted);
	if (!done)
		counted.failed = -ETIMEDOUT;
	pthread_mutex_unlock(&r->lock);
	if (done && r->running) {
		pthread_join(r->thread, NULL);
		r->running = false;
	}
	if (!done)
		log_error(
			"%s: the disk has not answered for %.1f s; what it has not taken is lost, and the "
			"file has no index",
			counted.last[0] ? counted.last : r->options.pattern,
			(double)r->options.flush_time / NS_PER_S);
	if (report)
		*report = counted;
	return done;
}

void recorder_destroy(struct recorder *r)
{
	if (!r)
		return;
	if (r->running) {
		recorder_join(r, NULL);
		pthread_join(r->thread, NULL);
	}
	frame_ring_destroy(r->ring);
	labeller_finish(&r->labeller);
	smoothing_finish(&r->past.smoothing);
	free(r->shares);
	pthread_cond_destroy(&r->room);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
