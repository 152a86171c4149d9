/* SPDX-License-Identifier: MIT */
#include "pipeline/stages.h"

#include "base/clock.h"
#include "flow/thread.h"
#include "image/caption.h"
#include "nn/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Every queue full, every job for the PL a frame, every stage busy, and one frame on the screen. */
#define POOL_FRAMES 18

static const struct {
	const char *name;
	void *(*run)(void *);
} stages[STAGE_COUNT] = {
	[STAGE_SOURCE] = {"source", source_stage},
	[STAGE_DECODE] = {"decode", decode_stage},
	[STAGE_CONV0] = {"conv0", conv0_stage},
	[STAGE_PL] = {"pl", pl_stage},
	[STAGE_LABEL] = {"label", label_stage},
	[STAGE_CAPTION] = {"caption", caption_stage},
};

static const char *const counter_names[QUEUE_COUNT + 2] = {
	[QUEUE_RAW] = "waiting for decode",
	[QUEUE_INPUT] = "waiting for conv0",
	[QUEUE_LABEL] = "waiting for label",
	[QUEUE_PICTURE] = "waiting for caption",
	[QUEUE_SHOW] = "waiting for show",
	[COUNTER_PL] = "waiting for pl",
};

int pipeline_trace_create(const char *name, size_t events, struct trace **out)
{
	const char *tracks[STAGE_COUNT + 2] = {[TRACK_SHOW] = "show"};

	for (int i = 0; i < STAGE_COUNT; i++)
		tracks[i] = stages[i].name;
	return trace_create(name, tracks, counter_names, events, out);
}

static int make_queues(struct pipeline *pipeline)
{
	enum queue_policy live = pipeline->config.lossless ? QUEUE_LOSSLESS : QUEUE_NEWEST_WINS;
	const struct {
		int capacity;
		enum queue_policy policy;
	} plan[QUEUE_COUNT] = {
		[QUEUE_RAW] = {2, live},
		[QUEUE_INPUT] = {pipeline->whole.batch > 1 ? pipeline->whole.batch : 1, live},
		[QUEUE_LABEL] = {1, QUEUE_LOSSLESS},
		[QUEUE_PICTURE] = {2, live},
		[QUEUE_SHOW] = {2, live},
	};

	for (int i = 0; i < QUEUE_COUNT; i++) {
		int status = queue_create(plan[i].capacity, plan[i].policy, &pipeline->queues[i]);
		if (status)
			return status;
	}
	return 0;
}

/* Threads of a stage. */
static int count_threads(const struct pipeline *pipeline, int stage)
{
	const struct pipeline_config *o = &pipeline->config;
	bool in_order = !o->lossless || o->trace; /* a trace has one writer for a stage */

	if (stage == STAGE_CONV0)
		return !pipeline->whole.engine;
	if (stage != STAGE_DECODE || in_order || o->decoders < 1)
		return 1;
	return o->decoders < DECODERS_MOST ? o->decoders : DECODERS_MOST;
}

static int make_buffers(struct pipeline *pipeline)
{
	const struct network *network = pipeline->config.network;
	int frames = POOL_FRAMES + (pipeline->whole.batch > 1 ? 2 * pipeline->whole.batch : 0) +
		     count_threads(pipeline, STAGE_DECODE) - 1;
	int status =
		frame_pool_create(frames, shape_size(pipeline->input), network->class_count, &pipeline->pool);

	if (status)
		return status;
	return labeller_init(
		&pipeline->labeller, network, pipeline->config.smoothing, pipeline->config.threshold);
}

static int start_threads(struct pipeline *pipeline)
{
	atomic_store(&pipeline->turns.left, count_threads(pipeline, STAGE_DECODE));
	for (int i = 0; i < STAGE_COUNT; i++) {
		bool whole = pipeline->whole.engine && i == STAGE_PL;
		for (int k = count_threads(pipeline, i); k; k--) {
			int status = thread_start(&pipeline->threads[pipeline->started], stages[i].name,
				whole ? whole_stage : stages[i].run, pipeline);
			if (status)
				return status;
			pipeline->started++;
		}
	}
	pipeline->running = true;
	return 0;
}

static int check_network(const struct network *network, struct error *e)
{
	if (network->class_count < 1)
		return error_set(e, -EINVAL,
			"%s: ends in codes, not in class scores; there is nothing to label with",
			network->name);
	if (network->layers[0].in.channels != 3 && network->layers[0].in.channels != 1)
		return error_set(e, -EINVAL, "%s: starts from codes of %d channels, not from pixels",
			network->name, network->layers[0].in.channels);
	return 0;
}

/* Conv0 in an engine, the later layers in the PL. */
static int load_network(struct pipeline *pipeline, struct error *e)
{
	const struct pipeline_config *o = &pipeline->config;
	int split = network_split(o->network);
	int status = engine_create(o->network, 0, split, o->kernels, &pipeline->conv0, e);

	/* A PL in software has a thread of its own, which runs beside Conv0. */
	if (!status && pl_is_hardware(o->pl) && engine_use_pool(pipeline->conv0, o->pool))
		status = error_set(e, -ENOMEM, "out of memory for the threads of %s", o->network->name);
	return status ? status : pl_load(o->pl, o->network, split, o->network->layer_count, e);
}

int pipeline_start(const struct pipeline_config *config, struct pipeline **out, struct error *e)
{
	const struct network *network = config->network;
	int status = check_network(network, e);

	if (status)
		return status;
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	if (!pipeline)
		return error_set(e, -ENOMEM, "out of memory");
	pipeline->config = *config;
	if (!config->names)
		pipeline->config.names = network;
	pipeline->recorder = config->recorder;
	pipeline->input = network->layers[0].in;
	pipeline->caption = config->caption;
	pipeline->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	pipeline->turns = (struct decode_turns){.taking = PTHREAD_MUTEX_INITIALIZER,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.width = 640,
		.height = 480};
	pl_jobs_init(&pipeline->jobs, config->overlap ? PL_BUFFERS : 1);

	status = whole_init(pipeline, e);
	if (!status && !pipeline->whole.engine)
		status = load_network(pipeline, e);
	if (!status)
		status = recovery_init(pipeline, e);
	if (status) {
		pipeline_destroy(pipeline);
		return status;
	}
	if ((status = make_queues(pipeline)) || (status = make_buffers(pipeline)) ||
		(status = caption_create(&pipeline->drawer)) || (status = start_threads(pipeline))) {
		pipeline_destroy(pipeline);
		return error_set(e, status, "the pipeline cannot start: %s",
			status == -EAGAIN ? "the system gives no more threads" : strerror(-status));
	}
	*out = pipeline;
	return 0;
}

struct frame *pipeline_dequeue(struct pipeline *pipeline, int64_t deadline)
{
	struct frame *frame = NULL;

	if (queue_take_until(pipeline->queues[QUEUE_SHOW], deadline, &frame) == -EPIPE)
		pipeline->ended = true;
	if (frame && pipeline->config.trace) {
		pipeline->dequeued = clock_now();
		trace_count(pipeline->config.trace, TRACK_SHOW, QUEUE_SHOW, pipeline->dequeued,
			(uint64_t)queue_length(pipeline->queues[QUEUE_SHOW]));
	}
	return frame;
}

void pipeline_watch(struct pipeline *pipeline, int descriptor)
{
	queue_watch(pipeline->queues[QUEUE_SHOW], descriptor);
}

static void count_shown(struct pipeline *pipeline, const struct frame *frame)
{
	const int64_t *stamps = frame->stamps;
	int64_t shown = stamps[STAMP_SHOWN] ? stamps[STAMP_SHOWN] : clock_now();

	if (!frame->absent) {
		histogram_add(&pipeline->report.times[TIME_SHOW], shown - stamps[STAMP_CAPTIONED]);
		histogram_add(&pipeline->report.times[TIME_TO_SCREEN], shown - stamps[STAMP_CAPTURED]);
		pipeline->report.shown++;
	}
	pipeline->report.ended = shown;
	trace_span(pipeline->config.trace, TRACK_SHOW, TRACK_SHOW, pipeline->dequeued, clock_now(),
		frame->number);
}

void pipeline_release(struct pipeline *pipeline, struct frame **frame, bool shown)
{
	if (shown) {
		count_shown(pipeline, *frame);
	} else {
		pipeline->report.not_shown += !(*frame)->absent;
		pipeline->report.ended = clock_now();
	}
	frame_release(frame);
}

bool pipeline_ended(struct pipeline *pipeline)
{
	return pipeline->ended;
}

void pipeline_set_caption(struct pipeline *pipeline, const struct pipeline_caption *caption)
{
	pthread_mutex_lock(&pipeline->lock);
	pipeline->caption = *caption;
	pthread_mutex_unlock(&pipeline->lock);
}

void pipeline_set_display(struct pipeline *pipeline, const struct display_capabilities *capabilities)
{
	const struct pipeline_config *config = &pipeline->config;
	bool exports = capabilities->raw && !config->lossless && !config->discard_output &&
		       !config->rotation && !config->mirror;

	pthread_mutex_lock(&pipeline->lock);
	bool changed = pipeline->exports != exports;
	pipeline->capabilities = *capabilities;
	pipeline->exports = exports;
	pthread_mutex_unlock(&pipeline->lock);
	if (changed)
		source_export_dmabuf(pipeline->config.source, exports);
}

void pipeline_set_recorder(struct pipeline *pipeline, struct recorder *recorder)
{
	atomic_store(&pipeline->recorder, recorder);
}

void pipeline_stop(struct pipeline *pipeline)
{
	atomic_store(&pipeline->stopping, true);
	source_stop(pipeline->config.source);
}

static void abandon(struct pipeline *pipeline)
{
	frame_pool_stop(pipeline->pool);
	for (int i = 0; i < QUEUE_COUNT; i++)
		queue_close(pipeline->queues[i]);
	pl_jobs_close(&pipeline->jobs);
}

/* A source that was read to its end and of which nothing could be seen has failed. */
static void judge_pictures(struct pipeline *pipeline)
{
	const struct pipeline_report *report = &pipeline->report;

	if (!pipeline->error.code && pipeline->complete && report->undecodable &&
		!report->times[TIME_DECODE].count)
		error_set(&pipeline->error, pipeline->decode_failure ? pipeline->decode_failure : -EBADMSG,
			"of the frames that the source gave, none can be decoded");
}

int pipeline_join(struct pipeline *pipeline, struct error *e)
{
	if (pipeline->started) {
		pipeline_stop(pipeline);
		/* A start that failed half-way: wake the threads that wait for a missing one. */
		if (!pipeline->running)
			abandon(pipeline);
		while (!pipeline->ended && pipeline->running) {
			struct frame *frame = pipeline_dequeue(pipeline, INT64_MAX);
			frame_release(&frame);
		}
		while (pipeline->started)
			pthread_join(pipeline->threads[--pipeline->started], NULL);
		pipeline->report.counts_cycles =
			pl_cycles_read(pipeline->config.pl, &pipeline->report.cycles);
	}
	pipeline->report.undecodable = pipeline->undecodable;
	judge_pictures(pipeline);
	if (pipeline->error.code && e)
		*e = pipeline->error;
	return pipeline->error.code;
}

const struct pipeline_report *pipeline_report(const struct pipeline *pipeline)
{
	return &pipeline->report;
}

void pipeline_destroy(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	pipeline_join(pipeline, NULL);
	for (int i = 0; i < QUEUE_COUNT; i++)
		queue_destroy(pipeline->queues[i]);
	pl_jobs_finish(&pipeline->jobs);
	frame_pool_destroy(pipeline->pool);
	caption_destroy(pipeline->drawer);
	engine_destroy(pipeline->conv0);
	whole_finish(&pipeline->whole);
	recovery_finish(&pipeline->recovery);
	labeller_finish(&pipeline->labeller);
	pthread_mutex_destroy(&pipeline->lock);
	pthread_mutex_destroy(&pipeline->turns.taking);
	pthread_mutex_destroy(&pipeline->turns.lock);
	pthread_cond_destroy(&pipeline->turns.changed);
	free(pipeline);
}
