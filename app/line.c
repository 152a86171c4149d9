/* SPDX-License-Identifier: MIT */
#include "line_stages.h"

#include "flow/thread.h"
#include "image/caption.h"
#include "nn/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Every queue full, every stage busy, one frame on the screen, and the PL's self-test. */
#define POOL_FRAMES 19

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

static const char *const queue_names[QUEUE_COUNT + 1] = {
	[QUEUE_RAW] = "waiting for decode",
	[QUEUE_INPUT] = "waiting for conv0",
	[QUEUE_PL] = "waiting for pl",
	[QUEUE_LABEL] = "waiting for label",
	[QUEUE_PICTURE] = "waiting for caption",
	[QUEUE_SHOW] = "waiting for show",
};

int line_trace_create(const char *name, size_t events, struct trace **out)
{
	const char *tracks[STAGE_COUNT + 2] = {[TRACK_SHOW] = "show"};

	for (int i = 0; i < STAGE_COUNT; i++)
		tracks[i] = stages[i].name;
	return trace_create(name, tracks, queue_names, events, out);
}

static int make_queues(struct line *line)
{
	enum queue_policy live = line->options.lossless ? QUEUE_LOSSLESS : QUEUE_NEWEST_WINS;
	const struct {
		int capacity;
		enum queue_policy policy;
	} plan[QUEUE_COUNT] = {
		[QUEUE_RAW] = {2, live},
		[QUEUE_INPUT] = {1, live},
		[QUEUE_PL] = {PL_BUFFERS, QUEUE_LOSSLESS},
		[QUEUE_LABEL] = {1, QUEUE_LOSSLESS},
		[QUEUE_PICTURE] = {2, live},
		[QUEUE_SHOW] = {2, live},
	};

	for (int i = 0; i < QUEUE_COUNT; i++) {
		int status = queue_create(plan[i].capacity, plan[i].policy, &line->queues[i]);
		if (status)
			return status;
	}
	return 0;
}

static int make_buffers(struct line *line)
{
	const struct network *network = line->options.network;
	size_t classes = (size_t)network->class_count;
	int status =
		frame_pool_create(POOL_FRAMES, shape_size(line->input), network->class_count, &line->pool);

	if (status)
		return status;
	line->work = calloc(classes, sizeof(*line->work));
	if (!line->work)
		return -ENOMEM;
	return smoothing_init(&line->smoothing, line->options.smoothing, network->class_count);
}

static int start_threads(struct line *line)
{
	for (; line->started < STAGE_COUNT; line->started++) {
		int status = thread_start(&line->threads[line->started], stages[line->started].name,
			stages[line->started].run, line);
		if (status)
			return status;
	}
	return 0;
}

static int check_network(const struct network *network, struct error *e)
{
	if (network->class_count < 1)
		return error_set(e, -EINVAL,
			"%s: ends in codes, not in class scores; there is nothing to label with",
			network->name);
	if (network_split(network) == network->layer_count)
		return error_set(e, -EINVAL, "%s: has nothing for the PL, which needs a layer after Conv0",
			network->name);
	if (network->layers[0].in.channels != 3 && network->layers[0].in.channels != 1)
		return error_set(e, -EINVAL, "%s: starts from codes of %d channels, not from pixels",
			network->name, network->layers[0].in.channels);
	return 0;
}

int line_start(const struct line_options *options, struct line **out, struct error *e)
{
	const struct network *network = options->network;
	int split = network_split(network);
	int status = check_network(network, e);

	if (status)
		return status;
	struct line *line = calloc(1, sizeof(*line));
	if (!line)
		return error_set(e, -ENOMEM, "out of memory");
	line->options = *options;
	line->recorder = options->recorder;
	line->input = network->layers[0].in;
	line->caption = (struct line_caption){.visible = true, .statistics = true};
	pthread_mutex_init(&line->lock, NULL);
	sem_init(&line->free_buffers, 0, options->overlap ? PL_BUFFERS : 1);

	status = engine_create(network, 0, split, options->kernels, &line->conv0, e);
	if (!status)
		status = pl_load(options->pl, network, split, network->layer_count, e);
	if (!status)
		status = watch_begin(line, e);
	if (status) {
		line_destroy(line);
		return status;
	}
	if ((status = make_queues(line)) || (status = make_buffers(line)) ||
		(status = caption_create(&line->drawer)) || (status = start_threads(line))) {
		line_destroy(line);
		return error_set(e, status, "the line cannot start: %s", strerror(-status));
	}
	*out = line;
	return 0;
}

struct frame *line_take(struct line *line, int64_t deadline)
{
	struct frame *frame = NULL;

	if (queue_take_until(line->queues[QUEUE_SHOW], deadline, &frame) == -EPIPE)
		line->ended = true;
	if (frame && line->options.trace) {
		line->taken = clock_now();
		trace_count(line->options.trace, TRACK_SHOW, QUEUE_SHOW, line->taken,
			(uint64_t)queue_length(line->queues[QUEUE_SHOW]));
	}
	return frame;
}

void line_shown(struct line *line, struct frame **frame)
{
	const int64_t *stamps = (*frame)->stamps;
	int64_t shown = stamps[STAMP_SHOWN] ? stamps[STAMP_SHOWN] : clock_now();

	if (!(*frame)->absent) {
		histogram_add(&line->report.times[TIME_SHOW], shown - stamps[STAMP_CAPTIONED]);
		histogram_add(&line->report.times[TIME_TO_SCREEN], shown - stamps[STAMP_CAPTURED]);
		line->report.shown++;
	}
	line->report.ended = shown;
	trace_span(line->options.trace, TRACK_SHOW, TRACK_SHOW, line->taken, clock_now(), (*frame)->number);
	frame_release(frame);
}

void line_skipped(struct line *line, struct frame **frame)
{
	line->report.not_shown += !(*frame)->absent;
	line->report.ended = clock_now();
	frame_release(frame);
}

bool line_ended(struct line *line)
{
	return line->ended;
}

void line_set_caption(struct line *line, const struct line_caption *caption)
{
	pthread_mutex_lock(&line->lock);
	line->caption = *caption;
	pthread_mutex_unlock(&line->lock);
}

void line_set_wants(struct line *line, const struct display_wants *wants)
{
	bool lend = wants->raw && !line->options.lossless && !line->options.blind;

	pthread_mutex_lock(&line->lock);
	bool changed = line->lent != lend;
	line->wants = *wants;
	line->lent = lend;
	pthread_mutex_unlock(&line->lock);
	if (changed)
		camera_lend(line->options.camera, lend);
}

void line_set_recorder(struct line *line, struct recorder *recorder)
{
	atomic_store(&line->recorder, recorder);
}

void line_stop(struct line *line)
{
	atomic_store(&line->stopping, true);
	camera_stop(line->options.camera);
}

static void abandon(struct line *line)
{
	frame_pool_stop(line->pool);
	for (int i = 0; i < QUEUE_COUNT; i++)
		queue_close(line->queues[i]);
	for (int i = 0; i < POOL_FRAMES; i++)
		sem_post(&line->free_buffers);
}

int line_join(struct line *line, struct error *e)
{
	if (line->started) {
		line_stop(line);
		if (line->started <
			STAGE_COUNT) /* a start that failed half-way: wake who waits for the missing */
			abandon(line);
		while (!line->ended && line->started == STAGE_COUNT) {
			struct frame *frame = line_take(line, INT64_MAX);
			frame_release(&frame);
		}
		while (line->started)
			pthread_join(line->threads[--line->started], NULL);
		line->report.counts_cycles = pl_cycles_read(line->options.pl, &line->report.cycles);
	}
	line->report.undecodable = line->undecodable;
	if (line->error.code && e)
		*e = line->error;
	return line->error.code;
}

const struct line_report *line_report(const struct line *line)
{
	return &line->report;
}

void line_destroy(struct line *line)
{
	if (!line)
		return;
	line_join(line, NULL);
	for (int i = 0; i < QUEUE_COUNT; i++)
		queue_destroy(line->queues[i]);
	frame_pool_destroy(line->pool);
	caption_destroy(line->drawer);
	engine_destroy(line->conv0);
	watch_finish(&line->watch);
	smoothing_finish(&line->smoothing);
	free(line->work);
	sem_destroy(&line->free_buffers);
	pthread_mutex_destroy(&line->lock);
	free(line);
}
