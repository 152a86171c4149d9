/* SPDX-License-Identifier: MIT */
#include "pipeline/whole.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "nn/engine.h"
#include "nn/pool.h"
#include "pipeline/stages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Frames that wait are few: the pool of frames holds their pictures. */
#define BATCH_MOST 8

/* A trial takes the least of so many runs, and ends after about this time, ns. */
#define TRIAL_RUNS 12
#define TRIAL_LENGTH (60 * NS_PER_MS)

static int create_engine(struct pipeline *pipeline, struct error *e)
{
	const struct pipeline_config *o = &pipeline->config;
	const struct network *network = o->network;
	struct whole *w = &pipeline->whole;
	size_t batch = (size_t)w->batch;

	int status =
		engine_create_batch(network, 0, network->layer_count, o->kernels, w->batch, &w->engine, e);
	if (status)
		return status;
	w->inputs = buffer_create(batch * shape_size(pipeline->input));
	w->scores = buffer_create(batch * (size_t)network->class_count * sizeof(*w->scores));
	if (!w->inputs || !w->scores)
		return error_set(e, -ENOMEM, "out of memory for %d pictures", w->batch);
	return 0;
}

static int64_t least(int64_t a, int64_t b)
{
	return b < a ? b : a;
}

/* The time of the slower side when Conv0 runs beside the later layers, ns; laps: [layers]. */
static int64_t run_beside(const struct whole *w, const struct network *network, int64_t *laps)
{
	int64_t sides[2] = {0, 0};

	engine_run_timed(w->engine, w->inputs, w->scores, laps);
	for (int i = 0; i < network->layer_count; i++)
		sides[i >= network_split(network)] += laps[i];
	return sides[0] > sides[1] ? sides[0] : sides[1];
}

/* Both in turns, so that other programs disturb both alike. 0 or -ENOMEM. */
static int find_faster(struct pipeline *pipeline, int64_t *beside, int64_t *shared)
{
	const struct network *network = pipeline->config.network;
	struct whole *w = &pipeline->whole;
	int64_t begun = clock_now(), *laps = calloc((size_t)network->layer_count, sizeof(*laps));
	int status = laps ? 0 : -ENOMEM;

	*beside = *shared = INT64_MAX;
	for (int i = 0; i < TRIAL_RUNS && !status && (!i || clock_now() < begun + TRIAL_LENGTH); i++) {
		engine_use_pool(w->engine, NULL);
		*beside = least(*beside, run_beside(w, network, laps));
		status = engine_use_pool(w->engine, pipeline->config.pool);
		int64_t at = clock_now();
		engine_run(w->engine, w->inputs, w->scores);
		*shared = least(*shared, clock_now() - at);
	}
	free(laps);
	return status;
}

int whole_init(struct pipeline *pipeline, struct error *e)
{
	const struct pipeline_config *o = &pipeline->config;
	struct whole *w = &pipeline->whole;
	int64_t beside = 0, shared = 0;

	if (!o->pool || !o->overlap || pl_is_hardware(o->pl))
		return 0;
	w->batch = o->lossless ? BATCH_MOST : 1;
	int status = create_engine(pipeline, e);
	if (status)
		return status;
	status = o->always_shared ? engine_use_pool(w->engine, o->pool)
				  : find_faster(pipeline, &beside, &shared);
	if (status)
		return error_set(e, status, "out of memory for the threads of %s", o->network->name);
	if (o->always_shared)
		return 0;
	bool faster = shared < beside;
	log_debug(
		"a frame takes %.3f ms with %d threads for each layer, %.3f ms with Conv0 beside the later "
		"layers: the pipeline takes %s",
		(double)shared / 1e6, pool_threads(o->pool), (double)beside / 1e6,
		faster ? "the first" : "the second");
	if (!faster)
		whole_finish(w);
	return 0;
}

void whole_finish(struct whole *whole)
{
	engine_destroy(whole->engine);
	free(whole->inputs);
	free(whole->scores);
	*whole = (struct whole){0};
}

/* Takes the next frame, and those that wait behind it. Returns their number; 0: there are no more. */
static int gather(struct pipeline *pipeline, struct frame *frames[BATCH_MOST])
{
	int count = 0;

	while (count < pipeline->whole.batch) {
		struct frame *frame = count ? stage_get_waiting(pipeline, STAGE_PL, QUEUE_INPUT)
					    : stage_get(pipeline, STAGE_PL, QUEUE_INPUT);
		if (!frame)
			break;
		if (frame->show_raw && !stage_decode(pipeline, frame, STAGE_PL))
			frame_release(&frame);
		else
			frames[count++] = frame;
	}
	return count;
}

static void compute(struct pipeline *pipeline, struct frame *const *frames, int count)
{
	struct whole *w = &pipeline->whole;
	size_t input = shape_size(pipeline->input), classes = (size_t)pipeline->config.network->class_count;

	if (count == 1) {
		engine_run(w->engine, frames[0]->input, frames[0]->scores);
		return;
	}
	for (int i = 0; i < count; i++)
		memcpy(w->inputs + (size_t)i * input, frames[i]->input, input);
	engine_run_batch(w->engine, w->inputs, w->scores, count);
	for (int i = 0; i < count; i++)
		memcpy(frames[i]->scores, w->scores + (size_t)i * classes, classes * sizeof(*w->scores));
}

/* False: the label stage is gone. */
static bool pass_on(struct pipeline *pipeline, struct frame *const *frames, int count, int64_t begun)
{
	int64_t now = clock_now();
	bool put = true;

	for (int i = 0; i < count; i++) {
		struct frame *frame = frames[i];
		int64_t *stamps = frame->stamps;
		stamps[STAMP_CONV0_BEGUN] = stamps[STAMP_CONV0] = stamps[STAMP_PL_BEGUN] = begun;
		stamps[STAMP_PL] = now;
		stage_note_time(pipeline, STAGE_PL, STAGE_PL, TIME_PL, frame, begun, now);
		put &= stage_put(pipeline, STAGE_PL, QUEUE_LABEL, frame); /* which takes it in any case */
	}
	return put;
}

void *whole_stage(void *argument)
{
	struct pipeline *pipeline = argument;
	struct frame *frames[BATCH_MOST];
	int count;

	while ((count = gather(pipeline, frames))) {
		int64_t begun = clock_now();
		compute(pipeline, frames, count);
		if (!pass_on(pipeline, frames, count, begun))
			break;
	}
	pipeline->report.dropped_before_inference = queue_dropped(pipeline->queues[QUEUE_INPUT]);
	queue_close(pipeline->queues[QUEUE_LABEL]);
	return NULL;
}
