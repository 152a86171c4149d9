/* SPDX-License-Identifier: MIT */
/*
 * Syncs the files of a recording to the disk while they are being written, so that a power cut costs no more
 * than the last interval. A thread of its own does it: on a slow disk a sync takes seconds, and frames must
 * be written meanwhile.
 */
#ifndef RECORDER_SYNC_H
#define RECORDER_SYNC_H

#include <stdint.h>

struct error;
struct file_syncer;

/* interval: ns from the end of one sync to the next. -ENOMEM, -EAGAIN. */
int file_syncer_create(int64_t interval, struct file_syncer **out);

/* Takes NULL. Waits for a sync that is under way. */
void file_syncer_destroy(struct file_syncer *syncer);

/* From now on syncs these two files, and their folder once. Logs the first failure of each pair. Copies the
 * paths; does not wait. */
void file_syncer_begin(struct file_syncer *syncer, const char *video, const char *log);

/* Their writer syncs them now itself. Does not wait. 0, or a negative errno value: a sync has failed. */
int file_syncer_end(struct file_syncer *syncer);

#endif
