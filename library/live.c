/* SPDX-License-Identifier: MIT */
/*
 * The pipeline for callers who take its results one by one. What is found goes through one place, where the
 * label stage puts it: the newest wins, or with `every_frame` the stage waits until the place is free. Behind
 * that stage pictures have captions. They are copied, so that a slow caller keeps no frame. A thread is the
 * pipeline's consumer, which only sees when there is no picture.
 */
#include "base/clock.h"
#include "base/error.h"
#include "flow/thread.h"
#include "internal.h"
#include "nn/pool.h"
#include "pipeline/pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A result and what it points to. */
struct place {
	struct twobit_result result;
	struct picture picture;
	char absent[FRAME_TEXT_BYTES];
};

struct twobit_live {
	const struct network *network;
	bool every_frame;
	struct source *source;
	struct pl *pl;
	struct pool *pool;
	struct pipeline *pipeline;
	double *work; /* [class_count] for the thread that puts results */
	pthread_t consumer;
	bool consumed; /* there is a consumer to join */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct place next;  /* … if `full` */
	struct place taken; /* the caller's */
	bool full, ended, stopping;
	int status; /* of the source, once `ended` */
	struct error error;
};

static bool copy_picture(const struct picture *from, struct picture *to)
{
	if (picture_resize(to, from->width, from->height))
		return false;
	memcpy(to->data, from->data, (size_t)from->width * (size_t)from->height * 4);
	return true;
}

/* Under the lock. False: no memory for the picture. */
static bool fill(struct twobit_live *live, struct place *place, const struct frame *frame)
{
	struct twobit_result *r = &place->result;

	*r = (struct twobit_result){
		.frame = frame->number, .time = (double)frame->stamps[STAMP_CAPTURED] / NS_PER_S};
	if (frame->absent) {
		snprintf(place->absent, sizeof(place->absent), "%s", frame->absent_reason);
		r->absent = place->absent;
		return true;
	}
	if (!copy_picture(&frame->picture, &place->picture))
		return false;
	r->picture = (struct twobit_picture){.width = place->picture.width,
		.height = place->picture.height,
		.format = TWOBIT_BGRX,
		.origin = TWOBIT_FROM_CAMERA,
		.pixels = place->picture.data};
	r->latency = (double)(frame->stamps[STAMP_LABELLED] - frame->stamps[STAMP_CAPTURED]) / NS_PER_S;
	if (frame->faceless)
		return true;
	library_answer(live->network, frame->scores, live->work, &r->answer);
	r->answer.area =
		(struct twobit_area){frame->area.x, frame->area.y, frame->area.width, frame->area.height};
	return true;
}

static void put(struct twobit_live *live, const struct frame *frame)
{
	pthread_mutex_lock(&live->lock);
	while (live->every_frame && live->full && !live->stopping)
		pthread_cond_wait(&live->changed, &live->lock);
	if (!live->stopping && fill(live, &live->next, frame)) {
		live->full = true;
		pthread_cond_broadcast(&live->changed);
	}
	pthread_mutex_unlock(&live->lock);
}

static void labelled(void *context, const struct frame *frame)
{
	put(context, frame);
}

static void *consume(void *context)
{
	struct twobit_live *live = context;
	struct error e = {0};

	while (!pipeline_ended(live->pipeline)) {
		struct frame *frame = pipeline_dequeue(live->pipeline, INT64_MAX);
		if (!frame)
			continue;
		if (frame->absent)
			put(live, frame);
		pipeline_release(live->pipeline, &frame, true);
	}
	int status = pipeline_join(live->pipeline, &e);
	pthread_mutex_lock(&live->lock);
	live->status = status;
	live->error = e;
	live->ended = true;
	pthread_cond_broadcast(&live->changed);
	pthread_mutex_unlock(&live->lock);
	return NULL;
}

static int check(
	const struct network *network, const struct twobit_live_options *options, struct twobit_error *error)
{
	if (options->size < sizeof(*options))
		return library_refuse(error, -EINVAL,
			"the options' size is %zu, not sizeof(struct twobit_live_options)", options->size);
	if (!network->class_count || network->layer_count < 2)
		return library_refuse(error, -EINVAL, "%s does not name classes of pictures", network->name);
	if (options->threads < 0 || options->threads > POOL_MOST)
		return library_refuse(error, -EINVAL, "a pipeline has 1 to %d threads, not %d", POOL_MOST,
			options->threads);
	return 0;
}

static int open_parts(struct twobit_live *live, const char *source, const struct twobit_live_options *options,
	struct error *e)
{
	const struct source_options wanted = {.width = options->width,
		.height = options->height,
		.rate = options->rate,
		.paced = !options->every_frame,
		.once = true};
	int status = source_open(source, &wanted, &live->source, e);

	if (!status)
		status = pl_open(options->pl ? options->pl : "auto", options->kernels, &live->pl, e);
	if (!status && options->threads > 1 && pool_create(options->threads, &live->pool))
		status = error_set(e, -ENOMEM, "%d threads cannot be had", options->threads);
	live->work = malloc((size_t)live->network->class_count * sizeof(*live->work));
	if (!status && !live->work)
		status = error_set(e, -ENOMEM, "out of memory for scores");
	return status;
}

static int start(struct twobit_live *live, const struct twobit_live_options *options, struct error *e)
{
	const struct pipeline_config config = {.network = live->network,
		.source = live->source,
		.pl = live->pl,
		.kernels = options->kernels,
		.pool = live->pool,
		.lossless = live->every_frame,
		.discard_output = true,
		.overlap = true,
		.frames = options->frames,
		.labelled = labelled,
		.labelled_context = live};
	int status = pipeline_start(&config, &live->pipeline, e);

	if (status)
		return status;
	if (thread_start(&live->consumer, "consumer", consume, live))
		return error_set(e, -EAGAIN, "a thread cannot be started");
	live->consumed = true;
	return 0;
}

int twobit_live_open(const struct twobit_network *network, const char *source,
	const struct twobit_live_options *options, struct twobit_live **out, struct twobit_error *error)
{
	static const struct twobit_live_options defaults = {.size = sizeof(defaults)};
	struct error e = {0};

	*out = NULL;
	options = options ? options : &defaults;
	int status = check(network->network, options, error);
	if (status)
		return status;
	struct twobit_live *live = calloc(1, sizeof(*live));
	if (!live)
		return library_refuse(error, -ENOMEM, "no memory for a pipeline");
	live->network = network->network;
	live->every_frame = options->every_frame;
	pthread_mutex_init(&live->lock, NULL);
	if (condition_init(&live->changed)) {
		pthread_mutex_destroy(&live->lock);
		free(live);
		return library_refuse(error, -ENOMEM, "no memory for a pipeline");
	}
	status = open_parts(live, source, options, &e);
	if (!status)
		status = start(live, options, &e);
	if (status) {
		twobit_live_close(live);
		return library_error(status, &e, error);
	}
	*out = live;
	return 0;
}

/* Under the lock. Waits for a result or the end; deadline: clock_now() time. */
static void await(struct twobit_live *live, int64_t deadline)
{
	while (!live->full && !live->ended && !live->stopping && clock_now() < deadline)
		(void)condition_wait(&live->changed, &live->lock, deadline);
}

int twobit_live_next(struct twobit_live *live, double wait, struct twobit_result *out, size_t size,
	struct twobit_error *error)
{
	int64_t deadline = wait < 0 || wait > 1e9 ? INT64_MAX : clock_now() + (int64_t)(wait * NS_PER_S);
	int status = 0;

	memset(out, 0, size);
	pthread_mutex_lock(&live->lock);
	await(live, deadline);
	if (live->full && !live->stopping) {
		struct place taken = live->taken;
		live->taken = live->next;
		live->next = taken;
		live->full = false;
		if (live->taken.result.absent)
			live->taken.result.absent = live->taken.absent;
		memcpy(out, &live->taken.result, size < sizeof(*out) ? size : sizeof(*out));
		pthread_cond_broadcast(&live->changed);
		status = 1;
	} else if (live->stopping || (live->ended && !live->status)) {
		status = library_refuse(error, -ENODATA, "the source has ended");
	} else if (live->ended) {
		status = library_error(live->status, &live->error, error);
	}
	pthread_mutex_unlock(&live->lock);
	return status;
}

int twobit_live_run(
	struct twobit_live *live, twobit_result_function function, void *context, struct twobit_error *error)
{
	struct twobit_result result;
	int status;

	while ((status = twobit_live_next(live, -1, &result, sizeof(result), error)) == 1)
		if (function(context, &result))
			return 0;
	return status == -ENODATA ? 0 : status;
}

void twobit_live_stop(struct twobit_live *live)
{
	pthread_mutex_lock(&live->lock);
	live->stopping = true;
	pthread_cond_broadcast(&live->changed);
	pthread_mutex_unlock(&live->lock);
	pipeline_stop(live->pipeline);
}

void twobit_live_close(struct twobit_live *live)
{
	if (!live)
		return;
	if (live->consumed) {
		twobit_live_stop(live);
		pthread_join(live->consumer, NULL);
	}
	pipeline_destroy(live->pipeline);
	pl_close(live->pl);
	source_close(live->source);
	pool_destroy(live->pool);
	picture_finish(&live->next.picture);
	picture_finish(&live->taken.picture);
	pthread_cond_destroy(&live->changed);
	pthread_mutex_destroy(&live->lock);
	free(live->work);
	free(live);
}
