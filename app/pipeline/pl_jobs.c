/* SPDX-License-Identifier: MIT */
#include "pipeline/pl_jobs.h"

#include "flow/frame.h"

void pl_jobs_init(struct pl_jobs *jobs, int limit)
{
	*jobs = (struct pl_jobs){.limit = limit};
	jobs->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	jobs->changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
}

void pl_jobs_finish(struct pl_jobs *jobs)
{
	for (; jobs->waiting; jobs->waiting--) {
		frame_release(&jobs->ring[jobs->first].frame);
		jobs->first = (jobs->first + 1) % PL_BUFFERS;
	}
	pthread_cond_destroy(&jobs->changed);
	pthread_mutex_destroy(&jobs->lock);
}

struct pl_job *pl_jobs_begin(struct pl_jobs *jobs)
{
	struct pl_job *job = NULL;

	pthread_mutex_lock(&jobs->lock);
	while (jobs->used == jobs->limit && !jobs->closed)
		pthread_cond_wait(&jobs->changed, &jobs->lock);
	if (!jobs->closed) {
		int buffer = (jobs->first + jobs->used++) % PL_BUFFERS;
		job = &jobs->ring[buffer];
		*job = (struct pl_job){.buffer = buffer};
	}
	pthread_mutex_unlock(&jobs->lock);
	return job;
}

void pl_jobs_put(struct pl_jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->waiting++;
	pthread_cond_broadcast(&jobs->changed);
	pthread_mutex_unlock(&jobs->lock);
}

struct pl_job *pl_jobs_take(struct pl_jobs *jobs)
{
	struct pl_job *job = NULL;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->waiting && !jobs->closed)
		pthread_cond_wait(&jobs->changed, &jobs->lock);
	if (jobs->waiting) {
		jobs->waiting--;
		job = &jobs->ring[jobs->first];
	}
	pthread_mutex_unlock(&jobs->lock);
	return job;
}

void pl_jobs_end(struct pl_jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->first = (jobs->first + 1) % PL_BUFFERS;
	jobs->used--;
	pthread_cond_broadcast(&jobs->changed);
	pthread_mutex_unlock(&jobs->lock);
}

void pl_jobs_close(struct pl_jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->closed = true;
	pthread_cond_broadcast(&jobs->changed);
	pthread_mutex_unlock(&jobs->lock);
}

int pl_jobs_waiting(struct pl_jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	int waiting = jobs->waiting;
	pthread_mutex_unlock(&jobs->lock);
	return waiting;
}
