/* SPDX-License-Identifier: MIT */
#include "pipeline/classifier.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "flow/thread.h"
#include "image/picture.h"
#include "image/view.h"
#include "nn/classify.h"
#include "nn/engine.h"
#include "pipeline/health.h"
#include "pipeline/self_test.h"
#include "pl/pl.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Feature maps of a batch should leave a second-level cache of this size room for weights. */
#define CACHE ((size_t)1 << 20)
#define BATCH_MOST 16

struct classifier {
	const struct network *network;
	struct engine *engine; /* all layers, of a batch; or those before the PL's */
	struct pl *pl;	       /* NULL: there is none in hardware */
	struct picture_area area;
	uint8_t *inputs; /* pixels, [batch][height][width][channels] */
	int32_t *scores; /* [batch][class_count] */
	size_t input_size;
	int taken;     /* pictures since the last classifier_compute */
	bool computed; /* they are */
	double *work;  /* [class_count], for the softmax */
	bool reported; /* a failure of the PL is logged already */
};

/* test: goes to buffer 0; NULL: the picture that is there. */
static int compute_once(struct classifier *c, const struct self_test *test)
{
	int status = test ? self_test_submit(test, c->pl, 0) : pl_submit(c->pl, 0);

	if (!status)
		status = pl_wait(c->pl, 0, clock_now() + self_test_timeout(c->pl));
	return !status && test && !self_test_passed(test, c->pl, 0) ? -EBADMSG : status;
}

/* A PL that fails is reset and tried again; then it is programmed and tried for the last time. */
static int compute(struct classifier *c, const struct self_test *test, struct error *e)
{
	const char *task = test ? "its first self-test" : "a picture";

	for (int attempt = 0;; attempt++) {
		int status = compute_once(c, test);
		if (!status)
			return 0;
		if (attempt == 2)
			return error_set(e, status,
				"at %s the PL (%s) %s, even programmed again; --pl software does without it",
				task, pl_name(c->pl), pl_fault_text(pl_fault_of(status)));
		if (!c->reported)
			log_warning("at %s the PL %s; it is reset or programmed, and tries again", task,
				pl_fault_text(pl_fault_of(status)));
		c->reported = true;
		int reset = pl_reset(c->pl);
		status = attempt || reset ? pl_program(c->pl, e) : 0;
		if (status)
			return status;
	}
}

/* No status bit of a hardware PL shows a corrupted weight. */
static int test_pl(struct classifier *c, const char *kernels, struct error *e)
{
	struct self_test test;

	if (!pl_is_hardware(c->pl))
		return 0;
	int status = self_test_create(c->network, kernels, &test, e);
	if (!status)
		status = compute(c, &test, e);
	self_test_finish(&test);
	return status;
}

static int create_buffers(struct classifier *c, int batch, struct error *e)
{
	const struct network *network = c->network;
	size_t classes = (size_t)network->class_count;

	c->input_size = shape_size(network->layers[0].in);
	c->inputs = buffer_create((size_t)batch * c->input_size);
	c->scores = buffer_create((size_t)batch * classes * sizeof(*c->scores));
	c->work = malloc(sizeof(*c->work) * classes);
	if (c->inputs && c->scores && c->work)
		return 0;
	return error_set(e, -ENOMEM, "out of memory for %d pictures of the network's input size", batch);
}

/* A PL in hardware that can take no layer has become one in software. */
static int load_pl(struct classifier *c, int split, struct error *e)
{
	int status = pl_load(c->pl, c->network, split, c->network->layer_count, e);

	if (!status && pl_stopped(c->pl)[0])
		log_info("%s", pl_stopped(c->pl));
	return status;
}

static int create_parts(
	struct classifier *c, const struct classifier_options *options, enum failure *where, struct error *e)
{
	const struct network *network = c->network;
	int batch = options->batch ? options->batch : 1, last = network->layer_count;

	*where = FAILURE_PL;
	int status = pl_open(options->pl ? options->pl : "auto", options->kernels, &c->pl, e);
	if (status)
		return status;
	if (pl_is_hardware(c->pl)) {
		last = network_split(network);
	} else {
		pl_close(c->pl);
		c->pl = NULL;
	}
	*where = FAILURE_KERNELS;
	status = engine_create_batch(network, 0, last, options->kernels, c->pl ? 1 : batch, &c->engine, e);
	if (!status && engine_use_pool(c->engine, options->pool))
		status = error_set(e, -ENOMEM, "out of memory for the threads of %s", network->name);
	if (status)
		return status;
	*where = FAILURE_PL;
	status = create_buffers(c, batch, e);
	if (!status && c->pl)
		status = load_pl(c, last, e);
	return status || !c->pl ? status : test_pl(c, options->kernels, e);
}

int classifier_create(const struct network *network, const struct classifier_options *options,
	struct classifier **out, enum failure *where, struct error *e)
{
	struct classifier *c = calloc(1, sizeof(*c));

	*where = FAILURE_OURS;
	*out = NULL;
	if (!c)
		return error_set(e, -ENOMEM, "out of memory");
	c->network = network;
	int status = create_parts(c, options, where, e);
	if (status) {
		classifier_destroy(c);
		return status;
	}
	*out = c;
	return 0;
}

void classifier_destroy(struct classifier *classifier)
{
	if (!classifier)
		return;
	pl_close(classifier->pl);
	engine_destroy(classifier->engine);
	free(classifier->inputs);
	free(classifier->scores);
	free(classifier->work);
	free(classifier);
}

int classifier_batch(const struct network *network)
{
	size_t largest = 1;

	for (int i = 0; i < network->layer_count; i++) {
		size_t both = shape_size(network->layers[i].in) + shape_size(network->layers[i].out);
		largest = both > largest ? both : largest;
	}
	size_t batch = CACHE / largest;
	return batch < 1 ? 1 : batch > BATCH_MOST ? BATCH_MOST : (int)batch;
}

bool classifier_look(struct classifier *c, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area)
{
	const struct layer *first = &c->network->layers[0];
	const struct view *view = &c->network->view;

	if (c->computed)
		c->taken = 0;
	c->computed = false;
	if (area)
		c->area = *area;
	else if (!view_look(view, origin, picture, NULL, 0, first->in.width, first->in.height, &c->area))
		return false;
	view_input(view, origin, picture, &c->area, c->inputs + (size_t)c->taken++ * c->input_size,
		first->in.width, first->in.height, first->in.channels, first->input_bits);
	return true;
}

/* One picture after the other behind Conv0. */
static int compute_in_pl(struct classifier *c, struct error *e)
{
	size_t classes = (size_t)c->network->class_count;

	for (int i = 0; i < c->taken; i++) {
		engine_run(c->engine, c->inputs + (size_t)i * c->input_size, pl_input(c->pl, 0));
		int status = compute(c, NULL, e);
		if (status)
			return status;
		memcpy(c->scores + (size_t)i * classes, pl_output(c->pl, 0), classes * sizeof(*c->scores));
	}
	return 0;
}

int classifier_compute(struct classifier *c, struct error *e)
{
	int status = c->pl ? compute_in_pl(c, e) : 0;

	if (!c->pl && c->taken)
		engine_run_batch(c->engine, c->inputs, c->scores, c->taken);
	c->computed = true;
	return status;
}

void classifier_result(struct classifier *c, int picture, struct classification *out)
{
	classify_scores(c->network, classifier_scores(c, picture), c->work, out);
}

int classifier_run(struct classifier *c, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area, struct classification *out, struct error *e)
{
	*out = classification_none;
	if (!classifier_look(c, origin, picture, area))
		return 0;
	int status = classifier_compute(c, e);
	if (!status)
		classifier_result(c, 0, out);
	return status;
}

const struct picture_area *classifier_area(const struct classifier *classifier)
{
	return &classifier->area;
}

const int32_t *classifier_scores(const struct classifier *classifier, int picture)
{
	return classifier->scores + (size_t)picture * (size_t)classifier->network->class_count;
}
