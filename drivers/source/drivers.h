/* SPDX-License-Identifier: MIT */
/* What the kinds of sources share. */
#ifndef SOURCE_DRIVERS_H
#define SOURCE_DRIVERS_H

#include "source/source.h"

#include <pthread.h>

extern const struct source_driver source_test_pattern;
extern const struct source_driver source_pictures;
extern const struct source_driver source_v4l2;

/* The parts of the table's videos that the module "video" has: what opens them and what comes after that. */
extern const struct source_driver source_video_file, source_video_stream;

/*
 * Delivers frames at the source's own times, as a camera does. A late consumer does not get the missed frames
 * in a burst: the clock is set back. pacer_stop wakes a waiting call, and later calls do not wait.
 */
struct pacer {
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool paced, begun, stopped;
	int64_t offset; /* from the source's time to CLOCK_MONOTONIC, ns */
};

int pacer_init(struct pacer *pacer, bool paced); /* -ENOMEM */
void pacer_finish(struct pacer *pacer);
void pacer_stop(struct pacer *pacer);
bool pacer_stopped(struct pacer *pacer);

/* Waits for a time of the source, ns. Returns 0, or at once -ECANCELED after pacer_stop. */
int pacer_wait(struct pacer *pacer, int64_t time);

#endif
