/* SPDX-License-Identifier: MIT */
/*
 * Layers of one kind of work take about the same time for the same amount of it. Of each kind, the layers in
 * the middle of its thirds are timed, so that early layers (large maps, few channels) and late ones (the
 * other way round) both count. One of each kind is timed even if the budget is spent before: a slow processor
 * spends it on the first. Processor time is measured, which other programs do not lengthen much.
 */
#include "choice/estimate.h"

#include "base/clock.h"
#include "base/error.h"
#include "flow/thread.h"
#include "nn/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum work { WORK_DENSE, WORK_POINTWISE, WORK_GROUPED, WORK_OTHER, WORKS };

#define THIRDS 3
#define RUNS 3

/* Amounts and times of one kind of work: of the whole network, and of what the timed layers stand for. */
struct tally {
	double all, passed;	     /* amounts */
	int due, taken;		     /* thirds whose middle is passed; those that a timed layer stands for */
	double covered, nanoseconds; /* amount that timed layers stand for, and the time that it takes */
};

struct estimation {
	const struct network *network;
	const char *kernels;
	int64_t end; /* clock_now() */
	struct tally tallies[WORKS];
};

static enum work work_of(const struct layer *layer)
{
	if (!layer_has_weights(layer))
		return WORK_OTHER;
	if (layer->groups > 1)
		return WORK_GROUPED;
	return layer->kernel_height * layer->kernel_width > 1 ? WORK_DENSE : WORK_POINTWISE;
}

static double amount_of(const struct layer *layer)
{
	if (layer_has_weights(layer))
		return (double)layer_operations(layer);
	return (double)shape_size(layer->out) * layer->kernel_height * layer->kernel_width;
}

/* An engine can run it alone. */
static bool is_alone(const struct network *network, int index)
{
	const struct layer *layer = &network->layers[index];

	return layer_reads(layer) == 1 && network_from(network, index, 0) == index - 1 &&
	       layer->input_bits != TENSOR_SUMS;
}

static int64_t processor_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The fastest of some runs of one layer. Negative errno value: it cannot be timed. */
static int64_t time_layer(struct estimation *s, int index, struct error *e)
{
	struct engine *engine = NULL;
	uint8_t *in = buffer_create(tensor_bytes(network_tensor(s->network, index - 1)));
	void *out = buffer_create(tensor_bytes(network_tensor(s->network, index)));
	int64_t fastest = INT64_MAX;
	int status = in && out ? engine_create(s->network, index, index + 1, s->kernels, &engine, e)
			       : error_set(e, -ENOMEM, "out of memory");

	for (int i = 0; i < RUNS && !status && (!i || clock_now() < s->end); i++) {
		int64_t begun = processor_time();
		engine_run(engine, in, out);
		int64_t took = processor_time() - begun;
		fastest = took < fastest ? took : fastest;
	}
	engine_destroy(engine);
	free(in);
	free(out);
	return status ? status : fastest;
}

/*
 * Counts a layer, and times it if the middle of a third is passed and no layer stands for that third yet, nor
 * for any if the time is over.
 */
static int visit(struct estimation *s, int index, struct error *e)
{
	const struct layer *layer = &s->network->layers[index];
	struct tally *t = &s->tallies[work_of(layer)];
	double amount = amount_of(layer);

	t->passed += amount;
	while (t->due < THIRDS && t->passed >= (t->due + 0.5) / THIRDS * t->all)
		t->due++;
	bool over = clock_now() >= s->end;
	if (t->due == t->taken || (over && t->taken) || !is_alone(s->network, index))
		return 0;
	int64_t took = time_layer(s, index, e);
	if (took < 0)
		return (int)took;
	double part = t->all * (t->due - t->taken) / THIRDS;
	t->covered += part;
	t->nanoseconds += (double)took * part / amount;
	t->taken = t->due;
	return 0;
}

int estimate_picture(
	const struct network *network, const char *kernels, int64_t budget, int64_t *picture, struct error *e)
{
	struct estimation s = {.network = network, .kernels = kernels, .end = clock_now() + budget};
	double sum = 0;

	for (int i = 0; i < network->layer_count; i++)
		s.tallies[work_of(&network->layers[i])].all += amount_of(&network->layers[i]);
	for (int i = 0; i < network->layer_count; i++) {
		int status = visit(&s, i, e);
		if (status)
			return status;
	}
	for (int i = 0; i < WORKS; i++)
		if (s.tallies[i].covered > 0)
			sum += s.tallies[i].nanoseconds * s.tallies[i].all / s.tallies[i].covered;
	*picture = (int64_t)sum;
	return sum > 0 ? 0 : error_set(e, -ENOTSUP, "none of its layers can be timed alone");
}
