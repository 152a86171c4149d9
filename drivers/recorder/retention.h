/* SPDX-License-Identifier: MIT */
/* Deletes the oldest recordings of a pattern, each with its log, until what is left is within limits. */
#ifndef RECORDER_RETENTION_H
#define RECORDER_RETENTION_H

#include "recorder/amount.h"

#include <time.h>

struct error;

/*
 * Regular files in the pattern's folder that names_match, and their logs; nothing else is ever touched. The
 * oldest (by the time of its last change, then by name) go first. `spared`, a path, counts but stays: the one
 * being written; NULL: none. keep.bytes: all together; keep.time: age at `now`. Returns how many recordings
 * were deleted, or a negative errno value with a sentence.
 */
int retention_apply(
	const char *pattern, const struct amount *keep, const char *spared, time_t now, struct error *e);

/* Deletes the oldest one, whatever the limits. As above: 1, 0 when there is none but `spared`, or an error.
 */
int retention_delete_oldest(const char *pattern, const char *spared, struct error *e);

#endif
