/* SPDX-License-Identifier: MIT */
/*
 * A picture's way part by part. Rounds take all parts in turn, as a picture does, so that a clock that
 * changes and other programs treat all alike, and each part finds the caches as a picture leaves them.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/interruption.h"
#include "flow/thread.h"
#include "image/decode.h"
#include "measure/measure.h"
#include "nn/engine.h"
#include "pl/pl.h"
#include "source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Rounds that are kept; those before that warm caches, clock and branch predictors. */
#define ROUNDS 20000
#define WARM_UP 5

/* Shares of the time limit. */
#define ROUNDS_SHARE 0.45
#define PARTS_SHARE 0.20

/* How long a PL may take for a picture before it counts as hung, longer where it may turn out to be
 * simulated: if it takes so many times what its cycles say. */
#define TIMEOUT INT64_C(60000000000)
#define TIMEOUT_SIMULATED INT64_C(1800000000000)
#define SIMULATED_FROM 10

/* How long a signal may wait while a PL computes, ns. */
#define ATTENTION INT64_C(200000000)

struct bench {
	const struct measure_options *options;
	const struct network *network;
	struct measurement *out;
	struct source *source;
	struct frame_pool *pool;
	struct frame *frame;
	struct engine **engines; /* [layers], one each */
	void **tensors;		 /* [layers], a layer's output */
	int split;		 /* the PL's first layer */
	struct engine *conv0;	 /* the layers before it */
	struct engine *later;	 /* the PL's layers */
	struct pl *pl;
	double *work;
	struct samples fixed[MEASURED_TIMES];
	struct samples *layers; /* [layers] */
	int64_t *laps;		/* [layers], of one round */
};

static int create_engines(struct bench *b, enum failure *where, struct error *e)
{
	const struct network *n = b->network;
	int status = 0;

	*where = FAILURE_KERNELS;
	for (int i = 0; i < n->layer_count && !status; i++) {
		const struct layer *l = &n->layers[i];
		size_t element = l->epilogue == EPILOGUE_SCORES ? sizeof(int32_t) : 1;
		status = engine_create(n, i, i + 1, b->options->kernels, &b->engines[i], e);
		if (status)
			break;
		b->out->layers[i].kernel = layer_has_weights(l) ? engine_kernel(b->engines[i], i) : "";
		b->tensors[i] = buffer_create(shape_size(l->out) * element);
		if (!b->tensors[i] || samples_create(&b->layers[i], ROUNDS))
			status = error_set(e, -ENOMEM, "out of memory for the layers of %s", n->name);
	}
	if (!status)
		status = engine_create(n, 0, b->split, b->options->kernels, &b->conv0, e);
	return status ? status
		      : engine_create(n, b->split, n->layer_count, b->options->kernels, &b->later, e);
}

/* A picture of about the input's size, so that to make it costs little; larger where the network looks at a
 * box of it. */
static int create_source(struct bench *b, enum failure *where, struct error *e)
{
	const struct network *n = b->network;
	struct source_options wanted;
	int status;

	*where = FAILURE_OURS;
	measure_source(n, &wanted);
	status = source_open("test", &wanted, &b->source, e);
	if (!status && frame_pool_create(1, shape_size(n->layers[0].in), n->class_count, &b->pool))
		status = error_set(e, -ENOMEM, "out of memory for a picture");
	if (!status)
		b->frame = frame_acquire(b->pool);
	return status;
}

static int create(struct bench *b, enum failure *where, struct error *e)
{
	const struct network *n = b->network;
	size_t count = (size_t)n->layer_count;

	*where = FAILURE_OURS;
	b->engines = (struct engine **)calloc(count, sizeof(struct engine *));
	b->tensors = (void **)calloc(count, sizeof(void *));
	b->layers = calloc(count, sizeof(*b->layers));
	b->laps = calloc(count, sizeof(*b->laps));
	b->work = calloc((size_t)n->class_count, sizeof(*b->work));
	int status = b->engines && b->tensors && b->layers && b->laps && b->work ? 0 : -ENOMEM;
	for (int i = 0; i < MEASURED_TIMES && !status; i++)
		status = samples_create(&b->fixed[i], ROUNDS);
	if (status) {
		error_set(e, status, "out of memory for the times of %s", n->name);
		return status;
	}
	status = create_engines(b, where, e);
	if (!status)
		status = create_source(b, where, e);
	*where = status ? *where : FAILURE_PL;
	if (!status)
		status = pl_open(b->options->pl, b->options->kernels, &b->pl, e);
	if (!status)
		status = pl_load(b->pl, n, b->split, n->layer_count, e);
	return status;
}

static void finish(struct bench *b)
{
	pl_close(b->pl);
	frame_release(&b->frame);
	frame_pool_destroy(b->pool);
	source_close(b->source);
	engine_destroy(b->conv0);
	engine_destroy(b->later);
	for (int i = 0; i < b->network->layer_count; i++) {
		if (b->engines)
			engine_destroy(b->engines[i]);
		if (b->tensors)
			free(b->tensors[i]);
		if (b->layers)
			samples_finish(&b->layers[i]);
	}
	for (int i = 0; i < MEASURED_TIMES; i++)
		samples_finish(&b->fixed[i]);
	free((void *)b->engines);
	free((void *)b->tensors);
	free(b->layers);
	free(b->laps);
	free(b->work);
}

/* The time since *from, which becomes now. */
static int64_t lap(int64_t *from)
{
	int64_t before = *from;

	*from = clock_now();
	return *from - before;
}

/* The network's input; also before each pass over it, for the caches to be as a new picture leaves them. */
static int decode(struct bench *b, int64_t *took, struct error *e)
{
	const struct layer *first = &b->network->layers[0];
	int64_t at = clock_now();
	int status = picture_decode(&b->frame->raw, 1, &b->frame->picture, e);

	if (!status)
		view_input(&b->network->view, VIEW_FROM_CAMERA, &b->frame->picture, b->frame->input,
			first->in.width, first->in.height, first->in.channels, first->input_bits);
	*took = lap(&at);
	return status;
}

static int run_source(struct bench *b, int64_t times[MEASURED_TIMES], struct error *e)
{
	int64_t at = clock_now();
	int status = source_next(b->source, b->frame, e);

	times[MEASURED_SOURCE] = lap(&at);
	return status ? status : decode(b, &times[MEASURED_DECODE], e);
}

static int run_layers(struct bench *b, int64_t times[MEASURED_TIMES], struct error *e)
{
	int status = decode(b, &times[MEASURED_DECODE], e);
	int64_t at = clock_now();

	for (int i = 0; i < b->network->layer_count && !status; i++) {
		engine_run(b->engines[i], i ? b->tensors[i - 1] : b->frame->input, b->tensors[i]);
		b->laps[i] = lap(&at);
	}
	return status;
}

static int run_software(struct bench *b, int64_t times[MEASURED_TIMES], struct error *e)
{
	const struct network *n = b->network;
	struct classification result;
	int status = decode(b, &times[MEASURED_DECODE], e);
	int64_t begun = clock_now(), at = begun;

	engine_run(b->conv0, b->frame->input, b->tensors[b->split - 1]);
	times[MEASURED_CONV0] = lap(&at);
	engine_run(b->later, b->tensors[b->split - 1], b->tensors[n->layer_count - 1]);
	times[MEASURED_SOFTWARE_LAYERS] = lap(&at);
	classify_scores(n, b->tensors[n->layer_count - 1], b->work, &result);
	times[MEASURED_LABEL] = lap(&at);
	times[MEASURED_SOFTWARE_ALL] = at - begun;
	return status;
}

static int wait_for_pl(const struct bench *b, struct pl *pl, struct error *e)
{
	struct pl_cycles cycles;
	int status = pl_submit(pl, 0);

	if (!status)
		status = pl_wait(pl, 0, clock_now() + ATTENTION);
	if (status == -ETIMEDOUT) {
		int64_t end = clock_now() + (pl_cycles_read(pl, &cycles) ? TIMEOUT_SIMULATED : TIMEOUT);
		while (status == -ETIMEDOUT && clock_now() < end && !interruption_came())
			status = pl_wait(pl, 0, clock_now() + ATTENTION);
	}
	if (!status)
		return 0;
	return error_set(e, status, "the PL (%s) failed on a picture of %s: %s", b->out->pl, b->network->name,
		interruption_came() ? "stopped by a signal" : strerror(-status));
}

static int run_pl(struct bench *b, int64_t times[MEASURED_TIMES], struct error *e)
{
	const struct network *n = b->network;
	struct classification result;
	int status = decode(b, &times[MEASURED_DECODE], e);
	int64_t begun = clock_now(), at = begun;

	if (status)
		return status;
	engine_run(b->conv0, b->frame->input, pl_input(b->pl, 0));
	times[MEASURED_CONV0] = lap(&at);
	status = wait_for_pl(b, b->pl, e);
	times[MEASURED_PL] = lap(&at);
	if (status)
		return status;
	classify_scores(n, pl_output(b->pl, 0), b->work, &result);
	times[MEASURED_LABEL] = lap(&at);
	times[MEASURED_ALL] = at - begun;
	if (memcmp(pl_output(b->pl, 0), b->tensors[n->layer_count - 1],
		    (size_t)n->class_count * sizeof(int32_t)) == 0)
		return 0;
	return error_set(e, -EBADMSG,
		"the PL (%s) gave other scores of %s than software; how fast it is means nothing", b->out->pl,
		n->name);
}

/* What a PL says of its cycles, after a picture. A max pool counts as the layer before it. */
static void read_cycles(struct bench *b, int64_t wall)
{
	struct measurement *m = b->out;
	struct pl_cycles cycles;

	if (!pl_cycles_read(b->pl, &cycles) || cycles.hertz <= 0)
		return;
	m->counted = true;
	m->hertz = cycles.hertz;
	for (int i = b->split; i < b->network->layer_count; i++)
		m->layers[i].merged = true;
	for (int c = 0; c < cycles.count && c < PL_LAYERS; c++) {
		ptrdiff_t i = cycles.layers[c].layer - b->network->layers;
		if (i < b->split || i >= b->network->layer_count)
			continue;
		m->layers[i].merged = false;
		m->layers[i].pl =
			summary_constant((int64_t)((double)cycles.layers[c].cycles / cycles.hertz * 1e9));
	}
	int64_t picture = (int64_t)((double)cycles.frame / cycles.hertz * 1e9);
	m->simulated = wall > SIMULATED_FROM * picture;
	m->pl_alone = picture;
	if (m->simulated)
		m->times[MEASURED_PL] = summary_constant(picture);
}

static int run_round(struct bench *b, bool kept, struct error *e)
{
	int64_t times[MEASURED_TIMES] = {0};
	int status = run_source(b, times, e);

	if (!status)
		status = run_layers(b, times, e);
	if (!status)
		status = run_software(b, times, e);
	if (!status && !b->out->simulated)
		status = run_pl(b, times, e);
	if (status)
		return status;
	for (int i = 0; kept && i < MEASURED_TIMES; i++)
		samples_add(&b->fixed[i], times[i]);
	for (int i = 0; kept && i < b->network->layer_count; i++)
		samples_add(&b->layers[i], b->laps[i]);
	if (!kept && !b->out->counted)
		read_cycles(b, times[MEASURED_PL]);
	return 0;
}

/* *stable: all are. How the picture comes into being is not the network's affair. */
static int summarise(struct bench *b, bool *stable, struct error *e)
{
	struct measurement *m = b->out;
	struct summary *times = m->times;
	int status = 0;

	*stable = true;
	for (int i = 0; i < MEASURED_TIMES && !status; i++) {
		if (m->simulated && (i == MEASURED_PL || i == MEASURED_ALL))
			continue;
		status = samples_summarise(&b->fixed[i], &times[i]);
		*stable &= i <= MEASURED_DECODE || times[i].stable;
	}
	for (int i = 0; i < b->network->layer_count && !status; i++) {
		status = samples_summarise(&b->layers[i], &m->layers[i].software);
		*stable &= m->layers[i].software.stable;
	}
	if (m->simulated)
		times[MEASURED_ALL] = summary_constant(
			times[MEASURED_CONV0].p50 + times[MEASURED_PL].p50 + times[MEASURED_LABEL].p50);
	return status ? error_set(e, status, "out of memory for statistics") : 0;
}

/* A look at stability sorts all values, so it is taken only when there are a quarter more. */
static size_t next_look(size_t rounds)
{
	return rounds < STATISTICS_RUNS ? STATISTICS_RUNS : rounds + rounds / 4;
}

static int run_rounds(struct bench *b, struct error *e)
{
	int64_t limit = (int64_t)(ROUNDS_SHARE * (double)b->options->time_limit), begun = clock_now();
	const struct samples *rounds = &b->fixed[MEASURED_SOFTWARE_ALL];
	size_t look = next_look(0);
	bool stable = false;
	int status = 0;

	for (int i = 0; i < WARM_UP && !status && !interruption_came(); i++) {
		status = run_round(b, false, e);
		if (clock_now() - begun > limit / 2)
			break;
	}
	begun = clock_now();
	while (!status && !stable) {
		int64_t gone = clock_now() - begun;
		bool enough = rounds->count && (gone > limit || interruption_came());
		if (enough || rounds->count == ROUNDS)
			break;
		status = run_round(b, true, e);
		measure_progress(b->options, b->network->name, "layers", (double)gone / (double)limit);
		if (!status && rounds->count == look) {
			status = summarise(b, &stable, e);
			look = next_look(look);
		}
	}
	if (!status)
		status = summarise(b, &stable, e);
	if (!b->out->counted)
		b->out->pl_alone =
			b->out->times[pl_is_hardware(b->pl) ? MEASURED_PL : MEASURED_SOFTWARE_LAYERS].p50;
	return status;
}

/* One layer by itself in a PL of its own. A kind of PL that does not take such a part says nothing of it. */
static int run_part(struct bench *b, int layer, int64_t limit, struct samples *samples, struct error *e)
{
	const struct network *n = b->network;
	const struct layer *l = &n->layers[layer];
	struct summary *out = &b->out->layers[layer].pl;
	int64_t end = clock_now() + limit;
	size_t look = next_look(0);
	struct pl *pl = NULL;
	int status = pl_open(b->options->pl, b->options->kernels, &pl, e);

	if (!status && pl_load(pl, n, layer, layer + 1, e)) {
		log_debug("%s: layer \"%s\" is not timed by itself: %s", b->out->pl, l->name, e->text);
		pl_close(pl);
		return 0;
	}
	samples->count = 0;
	for (int i = -WARM_UP; !status && !out->stable && samples->count < ROUNDS; i++) {
		if (i > 0 && (clock_now() > end || interruption_came()))
			break;
		memcpy(pl_input(pl, 0), b->tensors[layer - 1], shape_size(l->in));
		int64_t at = clock_now();
		status = wait_for_pl(b, pl, e);
		int64_t took = lap(&at);
		if (i >= 0)
			samples_add(samples, took);
		if (!status && samples->count == look) {
			look = next_look(look);
			status = samples_summarise(samples, out);
		}
	}
	pl_close(pl);
	return status ? status : samples_summarise(samples, out);
}

/* Where the PL reports no cycles, each layer has a PL of its own, for hardware is for one at a time. */
static int run_parts(struct bench *b, struct error *e)
{
	int parts = b->network->layer_count - b->split;
	int64_t limit = (int64_t)(PARTS_SHARE * (double)b->options->time_limit / parts);
	int status = 0;

	pl_close(b->pl);
	b->pl = NULL;
	for (int i = 0; i < parts && !status && !b->out->counted && !interruption_came(); i++) {
		measure_progress(b->options, b->network->name, "layers in the PL", (double)(i + 1) / parts);
		status = run_part(b, b->split + i, limit, &b->fixed[MEASURED_PL], e);
	}
	return status;
}

int measure_layers(
	const struct measure_options *options, struct measurement *m, enum failure *where, struct error *e)
{
	struct bench b = {
		.options = options, .network = m->network, .out = m, .split = network_split(m->network)};
	int status = create(&b, where, e);

	if (!status) {
		snprintf(m->pl, sizeof(m->pl), "%s", pl_name(b.pl));
		*where = FAILURE_PL;
		status = run_rounds(&b, e);
	}
	if (!status)
		status = run_parts(&b, e);
	finish(&b);
	return status;
}
