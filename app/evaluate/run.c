/* SPDX-License-Identifier: MIT */
#include "evaluate/run.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/interruption.h"
#include "image/picture.h"
#include "nn/classify.h"
#include "pipeline/classifier.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Number of unreadable pictures that are reported one by one. */
#define REPORTED_MAXIMUM 10
#define PROGRESS_NANOSECONDS 200000000L

struct evaluation_job {
	const struct network *network;
	const struct dataset *dataset;
	struct evaluation *result;
	int pictures;
	bool progress;
	atomic_int next; /* the picture to take next */
	atomic_int reported;
	atomic_bool failed; /* a worker failed, so that all stop */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	int done, right, running;
	enum failure where;
	struct error error;
};

struct evaluation_worker {
	struct evaluation_job *job;
	struct classifier *classifier;
	pthread_t thread;
	bool started;
};

/* Reports a picture that cannot be read, at most REPORTED_MAXIMUM times, after erasing the progress. */
static void report(struct evaluation_job *job, const struct error *e)
{
	int reported = atomic_fetch_add(&job->reported, 1);

	if (reported > REPORTED_MAXIMUM)
		return;
	if (job->progress)
		fputs("\r\033[K", stderr);
	if (reported < REPORTED_MAXIMUM)
		log_error("%s", e->text);
	else
		log_error("more pictures cannot be read; they are counted only");
}

static void store_outcome(struct evaluation_job *job, int index, const struct classification *found)
{
	struct outcome *outcome = &job->result->outcomes[index];
	int label = dataset_label(job->dataset, index);

	outcome->predicted = found->top[0].index;
	outcome->rank = TOP_MAXIMUM;
	for (int i = found->count - 1; i >= 0; i--)
		if (found->top[i].index == label)
			outcome->rank = i;
	outcome->scored = true;
}

static int score_picture(struct evaluation_worker *w, int index, struct picture *picture, struct error *e)
{
	struct evaluation_job *job = w->job;
	struct classification found;
	size_t classes = (size_t)job->network->class_count;

	int error = dataset_read(job->dataset, index, picture, e);
	if (error) {
		report(job, e);
		pthread_mutex_lock(&job->lock);
		if (failure_exit_code(FAILURE_SOURCE, error) == failure_exit_code(FAILURE_SOURCE, -EBADMSG))
			job->result->broken++;
		else
			job->result->missing++;
		pthread_mutex_unlock(&job->lock);
		return 0;
	}
	error = classifier_run(w->classifier, VIEW_FROM_DATASET, picture, &found, e);
	if (error)
		return error;
	store_outcome(job, index, &found);
	if (job->result->scores)
		memcpy(job->result->scores + classes * (size_t)index, classifier_scores(w->classifier),
			classes * sizeof(int32_t));
	pthread_mutex_lock(&job->lock);
	job->right += job->result->outcomes[index].rank == 0;
	job->done++;
	pthread_mutex_unlock(&job->lock);
	return 0;
}

static void *work(void *argument)
{
	struct evaluation_worker *w = argument;
	struct evaluation_job *job = w->job;
	struct picture picture = {0};
	struct error e;

	while (!interruption_came() && !atomic_load(&job->failed)) {
		int index = atomic_fetch_add(&job->next, 1);
		if (index >= job->pictures)
			break;
		if (!score_picture(w, index, &picture, &e))
			continue;
		pthread_mutex_lock(&job->lock);
		job->where = FAILURE_PL;
		job->error = e;
		pthread_mutex_unlock(&job->lock);
		atomic_store(&job->failed, true);
	}
	picture_finish(&picture);
	pthread_mutex_lock(&job->lock);
	job->running--;
	pthread_cond_signal(&job->changed);
	pthread_mutex_unlock(&job->lock);
	return NULL;
}

/* "4120 of 10000   41.9 % right   312 pictures/s   0:19 left". The caller holds the lock. */
static void show_progress(const struct evaluation_job *job, int64_t begun)
{
	double seconds = (double)(clock_now() - begun) / 1e9;
	int tried = job->done + job->result->broken + job->result->missing;

	if (!job->progress || !tried)
		return;
	int left = (int)(seconds / tried * (job->pictures - tried) + 0.5);
	fprintf(stderr, "\r\033[K%d of %d   %.1f %% right   %.0f pictures/s   %d:%02d left", tried,
		job->pictures, job->done ? 100.0 * job->right / job->done : 0.0, tried / seconds, left / 60,
		left % 60);
	fflush(stderr);
}

static void wait_for_workers(struct evaluation_job *job, int64_t begun)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&job->lock);
	while (job->running) {
		if (!job->progress) {
			pthread_cond_wait(&job->changed, &job->lock);
			continue;
		}
		until.tv_nsec += PROGRESS_NANOSECONDS;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		while (job->running && pthread_cond_timedwait(&job->changed, &job->lock, &until) != ETIMEDOUT)
			;
		show_progress(job, begun);
	}
	if (job->progress)
		fputs("\r\033[K", stderr);
	pthread_mutex_unlock(&job->lock);
}

static int run_workers(struct evaluation_job *job, struct evaluation_worker *workers, int count)
{
	int64_t begun = clock_now();
	int started = 0;

	/* The lock keeps workers that end early from counting before job->running is set. */
	pthread_mutex_lock(&job->lock);
	for (int i = 0; i < count; i++) {
		workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
		started += workers[i].started;
	}
	job->running = started;
	pthread_mutex_unlock(&job->lock);
	wait_for_workers(job, begun);
	for (int i = 0; i < count; i++)
		if (workers[i].started)
			pthread_join(workers[i].thread, NULL);
	job->result->seconds = (double)(clock_now() - begun) / 1e9;
	job->where = started ? job->where : FAILURE_OURS;
	return started ? job->error.code : error_set(&job->error, -EAGAIN, "cannot start a thread");
}

static void count_outcomes(struct evaluation_job *job)
{
	struct evaluation *r = job->result;
	int next = atomic_load(&job->next);

	r->attempted = next < job->pictures ? next : job->pictures;
	for (int i = 0; i < r->attempted; i++) {
		r->pictures += r->outcomes[i].scored;
		r->top1 += r->outcomes[i].scored && r->outcomes[i].rank == 0;
		r->top5 += r->outcomes[i].scored && r->outcomes[i].rank < 5;
	}
}

static int create_and_run(struct evaluation_job *job, const struct evaluation_options *options,
	struct evaluation_worker *workers)
{
	int error = 0;

	for (int i = 0; i < options->workers && !error; i++) {
		workers[i].job = job;
		error = classifier_create(job->network, options->pl, options->kernels, &workers[i].classifier,
			&job->where, &job->error);
	}
	if (!error)
		error = run_workers(job, workers, options->workers);
	for (int i = 0; i < options->workers; i++)
		classifier_destroy(workers[i].classifier);
	return error;
}

int evaluation_run(const struct network *network, const struct dataset *dataset,
	const struct evaluation_options *options, struct evaluation *out, enum failure *where,
	struct error *e)
{
	struct evaluation_job job = {.network = network,
		.dataset = dataset,
		.result = out,
		.pictures = options->pictures,
		.progress = options->progress,
		.where = FAILURE_OURS,
		.lock = PTHREAD_MUTEX_INITIALIZER};
	struct evaluation_worker *workers = calloc((size_t)options->workers, sizeof(*workers));
	pthread_condattr_t monotonic;
	int error;

	out->outcomes = calloc((size_t)options->pictures, sizeof(*out->outcomes));
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&job.changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	interruption_catch();
	log_debug("scoring %d pictures with %d threads", options->pictures, options->workers);
	if (workers && out->outcomes)
		error = create_and_run(&job, options, workers);
	else
		error = error_set(&job.error, -ENOMEM, "out of memory for the results of %d pictures",
			options->pictures);
	free(workers);
	pthread_cond_destroy(&job.changed);
	pthread_mutex_destroy(&job.lock);
	count_outcomes(&job);
	*where = job.where;
	*e = job.error;
	return error;
}

void evaluation_finish(struct evaluation *evaluation)
{
	free(evaluation->outcomes);
	free(evaluation->scores);
}

/* Sorts equal pairs together. */
static int by_pair(const void *a, const void *b)
{
	const struct confusion *x = a, *y = b;

	if (x->label != y->label)
		return x->label < y->label ? -1 : 1;
	return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

/* Sorts frequent pairs first, equally frequent ones by class. */
static int by_count(const void *a, const void *b)
{
	const struct confusion *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return by_pair(a, b);
}

int evaluation_confusions(
	const struct evaluation *evaluation, const struct dataset *dataset, struct confusion *out, int limit)
{
	int wrong = 0, pairs = 0;
	struct confusion *all = malloc(sizeof(*all) * (size_t)(evaluation->attempted + 1));

	if (!all)
		return -ENOMEM;
	for (int i = 0; i < evaluation->attempted; i++) {
		const struct outcome *o = &evaluation->outcomes[i];
		if (o->scored && o->rank)
			all[wrong++] = (struct confusion){dataset_label(dataset, i), o->predicted, 1};
	}
	qsort(all, (size_t)wrong, sizeof(*all), by_pair);
	for (int i = 0; i < wrong; i++) {
		if (pairs && by_pair(&all[pairs - 1], &all[i]) == 0)
			all[pairs - 1].count++;
		else
			all[pairs++] = all[i];
	}
	qsort(all, (size_t)pairs, sizeof(*all), by_count);
	pairs = pairs < limit ? pairs : limit;
	memcpy(out, all, sizeof(*all) * (size_t)pairs);
	free(all);
	return pairs;
}
