/* SPDX-License-Identifier: MIT */
/*
 * The jobs between the conv0 stage and the PL stage, in order. A job is a frame or a self-test, and owns one
 * buffer of the PL: the conv0 stage begins it when a buffer is free, fills the buffer and puts the job; the
 * PL stage takes it and ends it. One thread begins and puts, one thread takes and ends.
 */
#ifndef APP_PIPELINE_PL_JOBS_H
#define APP_PIPELINE_PL_JOBS_H

#include "pl/pl.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct frame;

struct pl_job {
	struct frame *frame; /* NULL: a self-test */
	int buffer;	     /* of the PL; holds the job's input */
	int status;	     /* what pl_submit returned; -ENODEV: software is to compute */
	int64_t begun;	     /* clock_now(): submitted, and the PL done with the job before */
};

struct pl_jobs {
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t changed;
	int limit;   /* jobs that may exist at the same time */
	int first;   /* the oldest job, a place in `ring` and the PL's buffer */
	int used;    /* jobs that were begun and did not end */
	int waiting; /* … that were put and not taken */
	bool closed;
	struct pl_job ring[PL_BUFFERS];
};

/* limit: 1 … PL_BUFFERS. */
void pl_jobs_init(struct pl_jobs *jobs, int limit);

/* Releases the frames of jobs that nobody took. */
void pl_jobs_finish(struct pl_jobs *jobs);

/* Waits for a free buffer. The job is empty but for its buffer. NULL: closed. */
struct pl_job *pl_jobs_begin(struct pl_jobs *jobs);

/* The job that was begun last is complete. */
void pl_jobs_put(struct pl_jobs *jobs);

/* Waits for the oldest job. NULL: closed, and all were taken. */
struct pl_job *pl_jobs_take(struct pl_jobs *jobs);

/* The job that was taken last is done; its buffer is free, its frame stays the caller's. */
void pl_jobs_end(struct pl_jobs *jobs);

/* No more jobs begin; those that were put can still be taken. */
void pl_jobs_close(struct pl_jobs *jobs);

/* Jobs that were put and not taken. */
int pl_jobs_waiting(struct pl_jobs *jobs);

#endif
