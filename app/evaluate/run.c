/* SPDX-License-Identifier: MIT */
#include "evaluate/run.h"

#include "base/error.h"
#include "base/log.h"
#include "evaluate/pictures.h"
#include "evaluate/truth.h"
#include "evaluate/workers.h"
#include "image/picture.h"
#include "nn/classify.h"
#include "nn/pool.h"
#include "pipeline/classifier.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the threads share. */
struct evaluation_job {
	const struct network *network;
	const struct evaluation_options *options;
	struct evaluation *result;
	struct pictures pictures;
	int batch;
	atomic_int done, right; /* scored, and those of them whose right class is the best */
};

/* What a thread has for itself. */
struct evaluation_worker {
	struct classifier *classifier;
	struct pool *pool; /* NULL: of one thread */
	struct picture picture;
	int *indices; /* [batch], of the pictures that the classifier has taken */
};

static void worker_destroy(void *own)
{
	struct evaluation_worker *w = own;

	if (!w)
		return;
	classifier_destroy(w->classifier);
	pool_destroy(w->pool);
	free(w->indices);
	picture_finish(&w->picture);
	free(w);
}

static int worker_create(void *shared, void **own, enum failure *where, struct error *e)
{
	struct evaluation_job *job = shared;
	const struct evaluation_options *o = job->options;
	struct evaluation_worker *w = calloc(1, sizeof(*w));

	*own = w;
	*where = FAILURE_OURS;
	if (w)
		w->indices = calloc((size_t)job->batch, sizeof(*w->indices));
	if (!w || !w->indices)
		return error_set(e, -ENOMEM, "out of memory");
	int status = o->threads > 1 ? pool_create(o->threads, &w->pool) : 0;
	if (status)
		return error_set(e, status, "cannot start %d threads: %s", o->threads, strerror(-status));
	const struct classifier_options wanted = {
		.pl = o->pl, .kernels = o->kernels, .pool = w->pool, .batch = job->batch};
	return classifier_create(job->network, &wanted, &w->classifier, where, e);
}

static void store_outcome(struct evaluation_job *job, int index, const struct classification *found)
{
	struct outcome *outcome = &job->result->outcomes[index];
	int label = dataset_label(job->pictures.dataset, index);

	outcome->predicted = found->top[0].index;
	outcome->rank = TOP_MAXIMUM;
	for (int i = found->count - 1; i >= 0; i--)
		if (truth_holds(job->network, label, found->top[i].index))
			outcome->rank = i;
	outcome->scored = true;
	atomic_fetch_add(&job->right, outcome->rank == 0);
	atomic_fetch_add(&job->done, 1);
}

/* Whether the classifier has taken the picture; else it is counted. */
static bool take_picture(struct evaluation_job *job, struct evaluation_worker *w, int index)
{
	if (!pictures_read(&job->pictures, index, &w->picture))
		return false;
	if (classifier_look(w->classifier, VIEW_FROM_DATASET, &w->picture, NULL))
		return true;
	pictures_refuse(&job->pictures, index, NO_FACE);
	return false;
}

static void store_picture(struct evaluation_job *job, struct evaluation_worker *w, int place)
{
	size_t classes = (size_t)job->network->class_count, index = (size_t)w->indices[place];
	struct classification found;

	classifier_result(w->classifier, place, &found);
	memcpy(job->result->scores + classes * index, classifier_scores(w->classifier, place),
		classes * sizeof(int32_t));
	store_outcome(job, w->indices[place], &found);
}

static int score_pictures(void *shared, void *own, int first, int count, struct error *e)
{
	struct evaluation_job *job = shared;
	struct evaluation_worker *w = own;
	int taken = 0;

	for (int i = first; i < first + count; i++)
		if (take_picture(job, w, i))
			w->indices[taken++] = i;
	int status = taken ? classifier_compute(w->classifier, e) : 0;
	for (int i = 0; i < taken && !status; i++)
		store_picture(job, w, i);
	return status;
}

static void describe(void *shared, char *text, size_t size)
{
	struct evaluation_job *job = shared;
	int done = atomic_load(&job->done);

	if (dataset_label(job->pictures.dataset, 0) >= 0)
		snprintf(
			text, size, "   %.1f %% right", done ? 100.0 * atomic_load(&job->right) / done : 0.0);
}

static void count_outcomes(struct evaluation_job *job)
{
	struct evaluation *r = job->result;

	for (int i = 0; i < r->attempted; i++) {
		r->pictures += r->outcomes[i].scored;
		r->top1 += r->outcomes[i].scored && r->outcomes[i].rank == 0;
		r->top5 += r->outcomes[i].scored && r->outcomes[i].rank < 5;
	}
	r->missing = atomic_load(&job->pictures.missing);
	r->broken = atomic_load(&job->pictures.broken);
	r->failure = atomic_load(&job->pictures.failure);
}

/* Of all pictures at once: what comes later needs the scores of all. */
static int allocate(const struct evaluation_job *job, struct error *e)
{
	size_t pictures = (size_t)job->options->pictures, count;
	struct evaluation *r = job->result;

	r->outcomes = calloc(pictures, sizeof(*r->outcomes));
	if (!__builtin_mul_overflow(pictures, (size_t)job->network->class_count, &count))
		r->scores = calloc(count, sizeof(*r->scores));
	if (r->outcomes && r->scores)
		return 0;
	return error_set(e, -ENOMEM, "out of memory for the scores of %d pictures", job->options->pictures);
}

/* Of few pictures, each thread still gets some. */
static int choose_batch(const struct network *network, const struct evaluation_options *options)
{
	int batch = classifier_batch(network), fair = options->pictures / (options->workers * 4);

	return fair < 1 ? 1 : fair < batch ? fair : batch;
}

int evaluation_run(const struct network *network, const struct dataset *dataset,
	const struct evaluation_options *options, struct evaluation *out, enum failure *where,
	struct error *e)
{
	struct evaluation_job job = {.network = network,
		.options = options,
		.result = out,
		.pictures = {.dataset = dataset, .progress = options->progress},
		.batch = choose_batch(network, options)};
	const struct workers workers = {.tasks = options->pictures,
		.step = job.batch,
		.threads = options->workers,
		.progress = options->progress,
		.shared = &job,
		.create = worker_create,
		.destroy = worker_destroy,
		.run = score_pictures,
		.describe = describe};

	*where = FAILURE_OURS;
	int status = allocate(&job, e);
	if (status)
		return status;
	log_debug("scoring %d pictures with %d threads", options->pictures, options->workers);
	status = workers_run(&workers, &out->attempted, &out->seconds, where, e);
	count_outcomes(&job);
	return status;
}

void evaluation_finish(struct evaluation *evaluation)
{
	free(evaluation->outcomes);
	free(evaluation->scores);
}
