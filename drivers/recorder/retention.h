/* SPDX-License-Identifier: MIT */
/*
 * Deletes the oldest recordings of a pattern, each with its log, until the others are within limits. A
 * recording is a regular file in the pattern's folder that names_match accepts and that has a log beside it
 * (label_log_is_of), or such a log whose video is gone. It deletes nothing else: no file that a process holds
 * an flock on, as recorders do while they write, and not the source of this recording.
 *
 * This run's own recordings are the newest, in the order in which they begin; clock_now() gives their age.
 * The age of others is that of their last change. If that lies in the future, the clock was set back, and
 * they are older than all others. One thread uses it.
 */
#ifndef RECORDER_RETENTION_H
#define RECORDER_RETENTION_H

#include "recorder/amount.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct known;

struct retention {
	const char *pattern;
	struct amount keep;
	dev_t source_device;
	ino_t source_file; /* 0: none */
	struct known *known;
	size_t count, capacity; /* count: at most the number of files */
	bool folder_reported;
};

/* An empty `keep` deletes nothing. source: the recording's source; NULL or no file: none to spare. */
void retention_init(struct retention *r, const char *pattern, const struct amount *keep, const char *source);
void retention_finish(struct retention *r);

/* Reports that a recording of this run was opened, and that it was closed at `now`. */
void retention_opened(struct retention *r, const char *path);
void retention_closed(struct retention *r, int64_t now);

/*
 * Applies `keep`: bytes limits all recordings together, but keeps this run's newest; time limits each one's
 * age. wall: time(); now: clock_now(). A file that cannot be deleted is reported once and skipped. Returns
 * how many recordings were deleted.
 */
unsigned retention_apply(struct retention *r, time_t wall, int64_t now);

/* Deletes the oldest recording without regard to limits. False: only the one being written is left. */
bool retention_delete_oldest(struct retention *r, time_t wall);

#endif
