/* SPDX-License-Identifier: MIT */
#include "measure/stages_alone.h"

#include "base/clock.h"
#include "base/error.h"
#include "flow/thread.h"
#include "measure/hand_overs.h"
#include "nn/classify.h"
#include "nn/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A stage is repeated for about this time, ns, and at least so often; the first time warms caches. Hand-overs
 * are repeated by themselves. */
#define LENGTH (2 * NS_PER_MS)
#define LEAST 3

#define ROUNDS 200

struct stages_alone {
	const struct measurement *m;
	struct source *source;
	struct frame_pool *pool;
	struct frame *frame;
	struct engine *conv0, *later; /* later NULL: the PL is hardware */
	uint8_t *codes;
	int32_t *scores;
	double *work;
	struct samples times[ALONE_STAGES];
};

const char *const alone_keys[ALONE_STAGES] = {[ALONE_SOURCE] = "source",
	[ALONE_DECODE] = "decode",
	[ALONE_CONV0] = "conv0",
	[ALONE_PL] = "PL",
	[ALONE_LABEL] = "label",
	[ALONE_HAND_OVERS] = "hand-overs"};

static int create_engines(struct stages_alone *s, const char *kernels, struct error *e)
{
	const struct network *n = s->m->network;
	int split = network_split(n);
	int status = engine_create(n, 0, split, kernels, &s->conv0, e);

	if (!status && !s->m->hardware)
		status = engine_create(n, split, n->layer_count, kernels, &s->later, e);
	return status;
}

int stages_alone_create(const struct measurement *m, const struct measure_options *options,
	struct stages_alone **out, struct error *e)
{
	const struct network *n = m->network;
	struct stages_alone *s = calloc(1, sizeof(*s));
	int status = s ? 0 : -ENOMEM;

	*out = s;
	for (int i = 0; i < ALONE_STAGES && !status; i++)
		status = samples_create(&s->times[i], ROUNDS);
	if (!status) {
		s->m = m;
		s->codes = buffer_create(tensor_bytes(network_tensor(n, network_split(n) - 1)));
		s->scores = buffer_create((size_t)n->class_count * sizeof(*s->scores));
		s->work = calloc((size_t)n->class_count, sizeof(*s->work));
		status = s->codes && s->scores && s->work ? 0 : -ENOMEM;
	}
	if (status)
		return error_set(e, status, "out of memory for the stages of %s", n->name);
	status = create_engines(s, options->kernels, e);
	return status ? status : measure_frame_open(n, options, &s->source, &s->pool, &s->frame, e);
}

void stages_alone_destroy(struct stages_alone *s)
{
	if (!s)
		return;
	frame_release(&s->frame);
	frame_pool_destroy(s->pool);
	source_close(s->source);
	engine_destroy(s->conv0);
	engine_destroy(s->later);
	for (int i = 0; i < ALONE_STAGES; i++)
		samples_finish(&s->times[i]);
	free(s->codes);
	free(s->scores);
	free(s->work);
	free(s);
}

static int run_source(struct stages_alone *s, struct error *e)
{
	return measure_next(s->source, s->frame, e);
}

static int run_decode(struct stages_alone *s, struct error *e)
{
	int status = measure_picture(s->frame, e);

	if (!status)
		measure_view(s->m->network, s->frame);
	return status;
}

static int run_conv0(struct stages_alone *s, struct error *e)
{
	(void)e;
	engine_run(s->conv0, s->frame->input, s->codes);
	return 0;
}

static int run_later(struct stages_alone *s, struct error *e)
{
	(void)e;
	engine_run(s->later, s->codes, s->scores);
	return 0;
}

static int run_label(struct stages_alone *s, struct error *e)
{
	struct classification result;

	(void)e;
	classify_scores(s->m->network, s->scores, s->work, &result);
	return 0;
}

static int (*const runs[ALONE_HAND_OVERS])(struct stages_alone *, struct error *) = {
	[ALONE_SOURCE] = run_source,
	[ALONE_DECODE] = run_decode,
	[ALONE_CONV0] = run_conv0,
	[ALONE_PL] = run_later,
	[ALONE_LABEL] = run_label,
};

static int run_stage(struct stages_alone *s, int stage, struct error *e)
{
	int status = runs[stage](s, e);
	int64_t begun = clock_now(), took = 0;
	int count = 0;

	for (; !status && (count < LEAST || took < LENGTH); count++) {
		status = runs[stage](s, e);
		took = clock_now() - begun;
	}
	samples_add(&s->times[stage], count ? took / count : 0);
	return status;
}

int stages_alone_run(struct stages_alone *s, struct error *e)
{
	int64_t took = s->m->pl_alone;
	int status = 0;

	for (int i = 0; i < ALONE_HAND_OVERS && !status; i++)
		if (i != ALONE_PL || s->later)
			status = run_stage(s, i, e);
		else
			samples_add(&s->times[i], took);
	if (status)
		return status;
	status = hand_overs_run(&took);
	if (status)
		return error_set(e, status, "the hand-overs of %s cannot be timed: %s", s->m->network->name,
			strerror(-status));
	samples_add(&s->times[ALONE_HAND_OVERS], took);
	return 0;
}

int stages_alone_summarise(struct stages_alone *s, struct measurement *m, struct error *e)
{
	m->ideal = 0;
	for (int i = 0; i < ALONE_STAGES; i++) {
		if (samples_summarise(&s->times[i], &m->alone[i]))
			return error_set(e, -ENOMEM, "out of memory for statistics");
		if (m->alone[i].p50 <= m->ideal)
			continue;
		m->ideal = m->alone[i].p50;
		m->slowest_stage = alone_keys[i];
	}
	return 0;
}
