/* SPDX-License-Identifier: MIT */
#include "pipeline/classifier.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
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

struct classifier {
	const struct network *network;
	struct engine *conv0;
	struct pl *pl;
	struct picture_area area;
	uint8_t *input; /* pixels, [height][width][channels] */
	double *work;	/* [class_count], for the softmax */
	bool reported;	/* a failure of the PL is logged already */
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

static int create_parts(
	struct classifier *c, const char *pl, const char *kernels, enum failure *where, struct error *e)
{
	const struct network *network = c->network;
	int split = network_split(network);

	*where = FAILURE_KERNELS;
	int status = engine_create(network, 0, split, kernels, &c->conv0, e);
	if (status)
		return status;
	*where = FAILURE_PL;
	status = pl_open(pl ? pl : "auto", kernels, &c->pl, e);
	if (status)
		return status;
	status = pl_load(c->pl, network, split, network->layer_count, e);
	if (status)
		return status;
	if (pl_stopped(c->pl)[0])
		log_info("%s", pl_stopped(c->pl));
	c->input = malloc(shape_size(network->layers[0].in));
	c->work = malloc(sizeof(*c->work) * (size_t)network->class_count);
	if (!c->input || !c->work)
		return error_set(e, -ENOMEM, "out of memory for a picture of the network's input size");
	return test_pl(c, kernels, e);
}

int classifier_create(const struct network *network, const char *pl, const char *kernels,
	struct classifier **out, enum failure *where, struct error *e)
{
	struct classifier *c = calloc(1, sizeof(*c));

	*where = FAILURE_OURS;
	*out = NULL;
	if (!c)
		return error_set(e, -ENOMEM, "out of memory");
	c->network = network;
	int status = create_parts(c, pl, kernels, where, e);
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
	engine_destroy(classifier->conv0);
	free(classifier->input);
	free(classifier->work);
	free(classifier);
}

int classifier_run(struct classifier *c, enum view_origin origin, const struct picture *picture,
	const struct picture_area *area, struct classification *out, struct error *e)
{
	const struct layer *first = &c->network->layers[0];
	const struct view *view = &c->network->view;

	*out = classification_none;
	if (area)
		c->area = *area;
	else if (!view_look(view, origin, picture, NULL, 0, first->in.width, first->in.height, &c->area))
		return 0;
	view_input(view, origin, picture, &c->area, c->input, first->in.width, first->in.height,
		first->in.channels, first->input_bits);
	engine_run(c->conv0, c->input, pl_input(c->pl, 0));
	int status = compute(c, NULL, e);
	if (status)
		return status;
	classify_scores(c->network, pl_output(c->pl, 0), c->work, out);
	return 0;
}

const struct picture_area *classifier_area(const struct classifier *classifier)
{
	return &classifier->area;
}

const int32_t *classifier_scores(const struct classifier *classifier)
{
	return pl_output(classifier->pl, 0);
}
