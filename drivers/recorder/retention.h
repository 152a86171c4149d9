/* SPDX-License-Identifier: MIT */
/*
 * Deletes the oldest recordings of a pattern, each with its log, until what is left is within limits. A
 * recording is a regular file in the pattern's folder that names_match and beside which a log of ours lies
 * (label_log_is_of), or such a log whose video is gone. Nothing else is ever touched, nor are files that
 * somebody holds an flock on, as recorders do while they write, nor the file that is being recorded from.
 *
 * This run's own recordings are the newest, in the order in which they were begun, and as old as clock_now()
 * says. Others go by the time of their last change; where that lies in the future, the clock was set back,
 * and they are older than all others. One thread's.
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
	size_t count, capacity; /* no more than there are files */
	bool folder_reported;
};

/* Nothing set in `keep`: never deletes anything. source: what is recorded from; NULL, or no file: none. */
void retention_init(struct retention *r, const char *pattern, const struct amount *keep, const char *source);
void retention_finish(struct retention *r);

/* A recording of this run begins, and ends at clock_now(). */
void retention_opened(struct retention *r, const char *path);
void retention_closed(struct retention *r, int64_t now);

/*
 * keep.bytes: all together, of which this run's newest stays in any case; keep.time: each one's age. wall:
 * time(); now: clock_now(). What cannot be deleted is reported, once, and passed over. Returns how many
 * recordings were deleted.
 */
unsigned retention_apply(struct retention *r, time_t wall, int64_t now);

/* Deletes the oldest one, whatever the limits. false: there is none but the one being written. */
bool retention_delete_oldest(struct retention *r, time_t wall);

#endif
