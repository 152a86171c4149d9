/* SPDX-License-Identifier: MIT */
#include "evaluate/workers.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/interruption.h"
#include "flow/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PROGRESS_NANOSECONDS 200000000L

struct workers_state {
	const struct workers *workers;
	int64_t begun;
	atomic_int next;    /* the task to take next */
	atomic_bool failed; /* a task failed, so that all stop */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	int done, running;
	struct error error;
};

struct work_thread {
	struct workers_state *state;
	void *own;
	pthread_t thread;
	bool started;
};

static void end_tasks(struct workers_state *s, int count, int status, const struct error *e)
{
	pthread_mutex_lock(&s->lock);
	s->done += count;
	if (status)
		s->error = *e;
	pthread_mutex_unlock(&s->lock);
	if (status)
		atomic_store(&s->failed, true);
}

static void *work(void *argument)
{
	struct work_thread *w = argument;
	struct workers_state *s = w->state;
	const struct workers *all = s->workers;
	struct error e;

	while (!interruption_came() && !atomic_load(&s->failed)) {
		int first = atomic_load(&s->next);
		int count = all->step < all->tasks - first ? all->step : all->tasks - first;
		if (count < 1)
			break;
		if (atomic_compare_exchange_weak(&s->next, &first, first + count))
			end_tasks(s, count, all->run(all->shared, w->own, first, count, &e), &e);
	}
	pthread_mutex_lock(&s->lock);
	s->running--;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* "4120 of 10000   41.9 % right   312 pictures/s   0:19 left". The caller holds the lock. */
static void show_progress(const struct workers_state *s)
{
	const struct workers *w = s->workers;
	double seconds = (double)(clock_now() - s->begun) / 1e9;
	char text[64] = "";

	if (!s->done)
		return;
	if (w->describe)
		w->describe(w->shared, text, sizeof(text));
	int left = (int)(seconds / s->done * (w->tasks - s->done) + 0.5);
	log_progress("%d of %d%s   %.0f pictures/s   %d:%02d left", s->done, w->tasks, text,
		s->done / seconds, left / 60, left % 60);
}

static void wait_for_workers(struct workers_state *s)
{
	bool progress = s->workers->progress;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&s->lock);
	while (s->running) {
		if (!progress) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		until.tv_nsec += PROGRESS_NANOSECONDS;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		while (s->running && pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
			;
		show_progress(s);
	}
	log_progress_end();
	pthread_mutex_unlock(&s->lock);
}

static int run_threads(struct workers_state *s, struct work_thread *all, enum failure *where)
{
	int count = s->workers->threads, started = 0;

	/* The lock keeps workers that end early from counting before s->running is set. */
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < count; i++) {
		all[i].started = pthread_create(&all[i].thread, NULL, work, &all[i]) == 0;
		started += all[i].started;
	}
	s->running = started;
	pthread_mutex_unlock(&s->lock);
	wait_for_workers(s);
	for (int i = 0; i < count; i++)
		if (all[i].started)
			pthread_join(all[i].thread, NULL);
	*where = started ? FAILURE_PL : FAILURE_OURS;
	return started ? s->error.code : error_set(&s->error, -EAGAIN, "cannot start a thread");
}

static int create_and_run(struct workers_state *s, struct work_thread *all, enum failure *where)
{
	const struct workers *w = s->workers;
	int status = 0;

	for (int i = 0; i < w->threads && !status; i++) {
		all[i].state = s;
		status = w->create(w->shared, &all[i].own, where, &s->error);
	}
	s->begun = clock_now();
	if (!status)
		status = run_threads(s, all, where);
	for (int i = 0; i < w->threads; i++)
		w->destroy(all[i].own);
	return status;
}

int workers_run(
	const struct workers *workers, int *attempted, double *seconds, enum failure *where, struct error *e)
{
	struct workers_state s = {.workers = workers, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct work_thread *all = calloc((size_t)workers->threads, sizeof(*all));

	*where = FAILURE_OURS;
	if (!all)
		return error_set(e, -ENOMEM, "out of memory for %d threads", workers->threads);
	int status = condition_init(&s.changed);
	if (status) {
		free(all);
		return error_set(e, status, "out of memory for %d threads", workers->threads);
	}
	interruption_catch();
	status = create_and_run(&s, all, where);
	pthread_cond_destroy(&s.changed);
	pthread_mutex_destroy(&s.lock);
	free(all);
	*attempted = atomic_load(&s.next);
	*seconds = (double)(clock_now() - s.begun) / 1e9;
	*e = s.error;
	return status;
}
