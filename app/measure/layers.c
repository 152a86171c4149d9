/* SPDX-License-Identifier: MIT */
/*
 * Times of the parts of a picture's way. Each round runs all parts in turn, as a picture does: a changing
 * clock and other programs affect all parts alike, and each part has the caches that it has with a real
 * picture.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/interruption.h"
#include "flow/thread.h"
#include "measure/measure.h"
#include "nn/engine.h"
#include "nn/pool.h"
#include "pl/pl.h"
#include "source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The most rounds that are kept, fewer of networks with many layers, so that their times take no more memory
 * than those of MANY_LAYERS; and rounds before them that warm caches, clock and branch predictors.
 */
#define ROUNDS 20000
#define MANY_LAYERS 100
#define WARM_UP 5

/* Shares of the time limit. */
#define ROUNDS_SHARE 0.45
#define PARTS_SHARE 0.20

/* Timeouts of the PL for a picture, ns. A PL that counts cycles may be simulated and gets longer. A PL is
 * simulated if it takes more than SIMULATED_FROM times its cycle count; layers behind it in software may take
 * BEHIND_MOST times what they took in this round. */
#define TIMEOUT INT64_C(60000000000)
#define TIMEOUT_SIMULATED INT64_C(1800000000000)
#define SIMULATED_FROM 10
#define BEHIND_MOST 2

/* The longest time until a signal is noticed while the PL computes, ns. */
#define ATTENTION INT64_C(200000000)

struct rounds {
	const struct measure_options *options;
	const struct network *network;
	struct measurement *out;
	struct source *source;
	struct frame_pool *pool;
	struct frame *frame;
	struct engine *whole; /* all layers */
	struct engine *alone; /* all layers, of a batch, with the pool */
	uint8_t *batch;	      /* its input */
	uint8_t *results;     /* and what it makes */
	int split;	      /* the PL's first layer */
	struct engine *conv0; /* the layers before it */
	struct engine *later; /* the PL's layers */
	uint8_t *codes;	      /* what conv0 makes */
	int32_t *scores;      /* what the layers make in software; or codes */
	size_t rounds;	      /* that are kept */
	struct pl *pl;
	double *work;
	struct samples fixed[MEASURED_TIMES];
	struct samples *layers; /* [layers] */
	int64_t *laps;		/* [layers], of one round */
};

/* Scores, or codes. */
static size_t result_bytes(const struct network *network)
{
	return tensor_bytes(network_tensor(network, network->layer_count - 1));
}

static int create_engines(struct rounds *r, enum failure *where, struct error *e)
{
	const struct network *n = r->network;
	const char *kernels = r->options->kernels;

	*where = FAILURE_KERNELS;
	int status = engine_create(n, 0, n->layer_count, kernels, &r->whole, e);
	if (!status)
		status = engine_create_batch(n, 0, n->layer_count, kernels, r->options->batch, &r->alone, e);
	if (!status && engine_use_pool(r->alone, r->options->pool))
		status = error_set(e, -ENOMEM, "out of memory for the threads of %s", n->name);
	if (!status)
		status = engine_create(n, 0, r->split, kernels, &r->conv0, e);
	if (!status)
		status = engine_create(n, r->split, n->layer_count, kernels, &r->later, e);
	for (int i = 0; i < n->layer_count && !status; i++)
		if (layer_has_weights(&n->layers[i]))
			r->out->layers[i].kernel = engine_kernel(r->whole, i);
	return status;
}

static int create_samples(struct rounds *r)
{
	int layers = r->network->layer_count, status = 0;

	r->rounds = layers > MANY_LAYERS ? (size_t)(ROUNDS / (layers / MANY_LAYERS + 1)) : ROUNDS;
	for (int i = 0; i < layers && !status; i++)
		status = samples_create(&r->layers[i], r->rounds);
	for (int i = 0; i < MEASURED_TIMES && !status; i++)
		status = samples_create(&r->fixed[i], r->rounds);
	return status;
}

static int create_source(struct rounds *r, enum failure *where, struct error *e)
{
	struct measurement *m = r->out;

	int status = measure_frame_open(r->network, r->options, &r->source, &r->pool, &r->frame, e);
	if (status && r->options->source)
		*where = FAILURE_SOURCE;
	if (!status && r->options->source)
		snprintf(m->source, sizeof(m->source), "%s", source_description(r->source));
	return status;
}

static int create(struct rounds *r, enum failure *where, struct error *e)
{
	const struct network *n = r->network;
	size_t count = (size_t)n->layer_count;

	*where = FAILURE_OURS;
	r->codes = buffer_create(shape_size(n->layers[r->split].in));
	r->scores = buffer_create(result_bytes(n));
	r->batch = buffer_create((size_t)r->options->batch * shape_size(n->layers[0].in));
	r->results = buffer_create((size_t)r->options->batch * result_bytes(n));
	r->layers = calloc(count, sizeof(*r->layers));
	r->laps = calloc(count, sizeof(*r->laps));
	r->work = calloc((size_t)n->class_count + 1, sizeof(*r->work));
	bool all = r->codes && r->scores && r->batch && r->results && r->layers && r->laps && r->work;
	int status = all ? create_samples(r) : -ENOMEM;
	if (status) {
		error_set(e, status, "out of memory for the times of %s", n->name);
		return status;
	}
	status = create_engines(r, where, e);
	*where = status ? *where : FAILURE_OURS;
	if (!status)
		status = create_source(r, where, e);
	*where = status ? *where : FAILURE_PL;
	if (!status)
		status = pl_open(r->options->pl, r->options->kernels, &r->pl, e);
	if (!status)
		status = pl_load(r->pl, n, r->split, n->layer_count, e);
	return status;
}

static void finish(struct rounds *r)
{
	pl_close(r->pl);
	frame_release(&r->frame);
	frame_pool_destroy(r->pool);
	source_close(r->source);
	engine_destroy(r->whole);
	engine_destroy(r->alone);
	engine_destroy(r->conv0);
	engine_destroy(r->later);
	for (int i = 0; r->layers && i < r->network->layer_count; i++)
		samples_finish(&r->layers[i]);
	for (int i = 0; i < MEASURED_TIMES; i++)
		samples_finish(&r->fixed[i]);
	free(r->codes);
	free(r->scores);
	free(r->batch);
	free(r->results);
	free(r->layers);
	free(r->laps);
	free(r->work);
}

/* Returns the time since *from, and sets *from to now. */
static int64_t lap(int64_t *from)
{
	int64_t before = *from;

	*from = clock_now();
	return *from - before;
}

/* Runs before each pass too, so that the caches are as after a new picture. */
static int decode(struct rounds *r, int64_t times[MEASURED_TIMES], struct error *e)
{
	int64_t at = clock_now();
	int status = measure_picture(r->frame, e);

	if (status)
		return status;
	times[MEASURED_PICTURE] = lap(&at);
	measure_view(r->network, r->frame);
	times[MEASURED_VIEW] = lap(&at);
	times[MEASURED_DECODE] = times[MEASURED_PICTURE] + times[MEASURED_VIEW];
	return 0;
}

static int run_source(struct rounds *r, int64_t times[MEASURED_TIMES], struct error *e)
{
	int64_t at = clock_now();
	int status = measure_next(r->source, r->frame, e);

	times[MEASURED_SOURCE] = lap(&at);
	return status ? status : decode(r, times, e);
}

static int run_layers(struct rounds *r, int64_t times[MEASURED_TIMES], struct error *e)
{
	int status = decode(r, times, e);

	if (!status)
		engine_run_timed(r->whole, r->frame->input, r->scores, r->laps);
	return status;
}

static int run_software(struct rounds *r, int64_t times[MEASURED_TIMES], struct error *e)
{
	const struct network *n = r->network;
	struct classification result;
	int status = decode(r, times, e);
	int64_t begun = clock_now(), at = begun;

	engine_run(r->conv0, r->frame->input, r->codes);
	times[MEASURED_CONV0] = lap(&at);
	engine_run(r->later, r->codes, r->scores);
	times[MEASURED_SOFTWARE_LAYERS] = lap(&at);
	if (n->class_count)
		classify_scores(n, r->scores, r->work, &result);
	times[MEASURED_LABEL] = lap(&at);
	times[MEASURED_SOFTWARE_ALL] = at - begun;
	return status;
}

/* As other engines are timed: the second of two runs on the same input. */
static void run_network(struct rounds *r, int64_t times[MEASURED_TIMES])
{
	size_t bytes = shape_size(r->network->layers[0].in);
	int batch = r->options->batch;

	for (int i = 0; i < batch; i++)
		memcpy(r->batch + (size_t)i * bytes, r->frame->input, bytes);
	engine_run_batch(r->alone, r->batch, r->results, batch);
	int64_t at = clock_now();
	engine_run_batch(r->alone, r->batch, r->results, batch);
	times[MEASURED_NETWORK] = lap(&at) / batch;
}

static int wait_for_pl(const struct rounds *r, struct pl *pl, struct error *e)
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
	return error_set(e, status, "the PL (%s) failed on a picture of %s: %s", r->out->pl, r->network->name,
		interruption_came() ? "stopped by a signal" : strerror(-status));
}

static int run_pl(struct rounds *r, int64_t times[MEASURED_TIMES], struct error *e)
{
	const struct network *n = r->network;
	struct classification result;
	int status = decode(r, times, e);
	int64_t begun = clock_now(), at = begun;

	if (status)
		return status;
	engine_run(r->conv0, r->frame->input, pl_input(r->pl, 0));
	times[MEASURED_CONV0] = lap(&at);
	status = wait_for_pl(r, r->pl, e);
	times[MEASURED_PL] = lap(&at);
	if (status)
		return status;
	if (n->class_count)
		classify_scores(n, pl_output(r->pl, 0), r->work, &result);
	times[MEASURED_LABEL] = lap(&at);
	times[MEASURED_ALL] = at - begun;
	if (memcmp(pl_output(r->pl, 0), r->scores, result_bytes(n)) == 0)
		return 0;
	return error_set(e, -EBADMSG,
		"the PL (%s) computed another result of %s than the software; its times mean nothing",
		r->out->pl, n->name);
}

/* Reads the PL's cycles of the last picture. The cycles of a max pool count for the layer before it. */
static void read_cycles(struct rounds *r, int64_t wall)
{
	struct measurement *m = r->out;
	struct pl_cycles cycles;

	if (!pl_cycles_read(r->pl, &cycles) || cycles.hertz <= 0)
		return;
	m->counted = true;
	m->hertz = cycles.hertz;
	for (int i = r->split; i < m->reach; i++)
		m->layers[i].merged = true;
	for (int c = 0; c < cycles.count && c < PL_LAYERS; c++) {
		ptrdiff_t i = cycles.layers[c].layer - r->network->layers;
		if (i < r->split || i >= m->reach)
			continue;
		m->layers[i].merged = false;
		m->layers[i].pl =
			summary_constant((int64_t)((double)cycles.layers[c].cycles / cycles.hertz * 1e9));
	}
	m->pl_alone = (int64_t)((double)cycles.frame / cycles.hertz * 1e9);
	for (int i = m->reach; i < r->network->layer_count; i++)
		wall -= BEHIND_MOST * r->laps[i];
	m->simulated = wall > SIMULATED_FROM * m->pl_alone;
}

static int run_round(struct rounds *r, bool kept, struct error *e)
{
	int64_t times[MEASURED_TIMES] = {0};
	int status = run_source(r, times, e);

	if (!status)
		status = run_layers(r, times, e);
	if (!status)
		status = run_software(r, times, e);
	if (!status && !r->out->simulated)
		status = run_pl(r, times, e);
	if (status)
		return status;
	run_network(r, times);
	for (int i = 0; kept && i < MEASURED_TIMES; i++)
		samples_add(&r->fixed[i], times[i]);
	for (int i = 0; kept && i < r->network->layer_count; i++)
		samples_add(&r->layers[i], r->laps[i]);
	if (!kept && !r->out->counted)
		read_cycles(r, times[MEASURED_PL]);
	return 0;
}

/* The PL's time by its cycles, and those of the layers behind it in software, which overlap. */
static void add_cycles(struct measurement *m)
{
	int64_t behind = 0;

	for (int i = m->reach; i < m->network->layer_count; i++)
		behind += m->layers[i].software.p50;
	if (m->simulated) {
		struct summary *times = m->times;
		times[MEASURED_PL] = summary_constant(m->pl_alone + behind);
		times[MEASURED_ALL] = summary_constant(
			times[MEASURED_CONV0].p50 + times[MEASURED_PL].p50 + times[MEASURED_LABEL].p50);
	}
	if (m->counted && behind > m->pl_alone)
		m->pl_alone = behind;
}

/* *stable: all times of the network are; source and decoding do not count. */
static int summarise(struct rounds *r, bool *stable, struct error *e)
{
	struct measurement *m = r->out;
	struct summary *times = m->times;
	int status = 0;

	*stable = true;
	for (int i = 0; i < MEASURED_TIMES && !status; i++) {
		if (m->simulated && (i == MEASURED_PL || i == MEASURED_ALL))
			continue;
		status = samples_summarise(&r->fixed[i], &times[i]);
		*stable &= i <= MEASURED_DECODE || times[i].stable;
	}
	for (int i = 0; i < r->network->layer_count && !status; i++) {
		status = samples_summarise(&r->layers[i], &m->layers[i].software);
		*stable &= m->layers[i].software.stable;
	}
	return status ? error_set(e, status, "out of memory for statistics") : 0;
}

/* Checking for stability sorts all values, so the next check comes after a quarter more rounds. */
static size_t next_check(size_t rounds)
{
	return rounds < STATISTICS_RUNS ? STATISTICS_RUNS : rounds + rounds / 4;
}

static int run_rounds(struct rounds *r, struct error *e)
{
	int64_t limit = (int64_t)(ROUNDS_SHARE * (double)r->options->time_limit), begun = clock_now();
	const struct samples *rounds = &r->fixed[MEASURED_SOFTWARE_ALL];
	size_t check = next_check(0);
	bool stable = false;
	int status = 0;

	for (int i = 0; i < WARM_UP && !status && !interruption_came(); i++) {
		status = run_round(r, false, e);
		if (clock_now() - begun > limit / 2)
			break;
	}
	begun = clock_now();
	while (!status && !stable) {
		int64_t gone = clock_now() - begun;
		bool enough = rounds->count && (gone > limit || interruption_came());
		if (enough || rounds->count == r->rounds)
			break;
		status = run_round(r, true, e);
		measure_progress(r->options, r->network->name, "layers", (double)gone / (double)limit);
		if (!status && rounds->count == check) {
			status = summarise(r, &stable, e);
			check = next_check(check);
		}
	}
	if (!status)
		status = summarise(r, &stable, e);
	add_cycles(r->out);
	if (!r->out->counted)
		r->out->pl_alone =
			r->out->times[pl_is_hardware(r->pl) ? MEASURED_PL : MEASURED_SOFTWARE_LAYERS].p50;
	return status;
}

/* Times one layer alone in a PL of its own. If the PL cannot run a single layer, its time stays unknown. */
static int run_part(struct rounds *r, int layer, int64_t limit, struct samples *samples, struct error *e)
{
	const struct network *n = r->network;
	const struct layer *l = &n->layers[layer];
	struct summary *out = &r->out->layers[layer].pl;
	int64_t end = clock_now() + limit;
	size_t check = next_check(0);
	struct pl *pl = NULL;
	int status = pl_open(r->options->pl, r->options->kernels, &pl, e);

	if (!status && (pl_load(pl, n, layer, layer + 1, e) || pl_stopped(pl)[0])) {
		log_debug("%s: layer \"%s\" is not timed by itself: %s", r->out->pl, l->name,
			pl_stopped(pl)[0] ? pl_stopped(pl) : e->text);
		pl_close(pl);
		return 0;
	}
	samples->count = 0;
	for (int i = -WARM_UP; !status && !out->stable && samples->count < r->rounds; i++) {
		if (i > 0 && (clock_now() > end || interruption_came()))
			break;
		memcpy(pl_input(pl, 0), r->codes, shape_size(l->in));
		int64_t at = clock_now();
		status = wait_for_pl(r, pl, e);
		int64_t took = lap(&at);
		if (i >= 0)
			samples_add(samples, took);
		if (!status && samples->count == check) {
			check = next_check(check);
			status = samples_summarise(samples, out);
		}
	}
	pl_close(pl);
	return status ? status : samples_summarise(samples, out);
}

/* r->codes, which layer first reads, become those that layer `last` reads. */
static int advance(struct rounds *r, int first, int last, struct error *e)
{
	struct engine *engine;
	uint8_t *codes = buffer_create(shape_size(r->network->layers[last].in));
	int status =
		codes ? 0 : error_set(e, -ENOMEM, "out of memory for the layers of %s", r->network->name);

	if (!status)
		status = engine_create(r->network, first, last, r->options->kernels, &engine, e);
	if (status) {
		free(codes);
		return status;
	}
	engine_run(engine, r->codes, codes);
	engine_destroy(engine);
	free(r->codes);
	r->codes = codes;
	return 0;
}

/* The next layer before which the network falls apart, or `end`. */
static int next_cut(const struct network *network, int layer, int end)
{
	do
		layer++;
	while (layer < end && !network_cuts(network, layer));
	return layer;
}

/*
 * If the PL reports no cycles, each layer that stands between two cuts is loaded alone. Hardware has one
 * user: the first PL is closed.
 */
static int run_parts(struct rounds *r, struct error *e)
{
	int reach = r->out->reach, parts = reach - r->split, next = 0, status = 0;
	int64_t limit = (int64_t)(PARTS_SHARE * (double)r->options->time_limit / parts);

	pl_close(r->pl);
	r->pl = NULL;
	for (int i = r->split; i < reach && !status && !r->out->counted && !interruption_came(); i = next) {
		measure_progress(
			r->options, r->network->name, "layers in the PL", (double)(i + 1 - r->split) / parts);
		next = next_cut(r->network, i, reach);
		if (next == i + 1)
			status = run_part(r, i, limit, &r->fixed[MEASURED_PL], e);
		if (!status && next < reach)
			status = advance(r, i, next, e);
	}
	return status;
}

int measure_layers(
	const struct measure_options *options, struct measurement *m, enum failure *where, struct error *e)
{
	struct rounds r = {
		.options = options, .network = m->network, .out = m, .split = network_split(m->network)};
	int status = create(&r, where, e);

	m->threads = pool_threads(options->pool);
	m->batch = options->batch;
	if (!status) {
		snprintf(m->pl, sizeof(m->pl), "%s", pl_name(r.pl));
		snprintf(m->stopped_at, sizeof(m->stopped_at), "%s", pl_stopped(r.pl));
		m->reach = pl_reach(r.pl);
		m->hardware = pl_is_hardware(r.pl);
		*where = FAILURE_PL;
		status = run_rounds(&r, e);
	}
	if (!status)
		status = run_parts(&r, e);
	finish(&r);
	return status;
}
