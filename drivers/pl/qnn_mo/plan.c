/* SPDX-License-Identifier: MIT */
/*
 * The limits are those of the published sources: top.cpp and config.h limit the sizes, hls/slidingwindow.h
 * and hls/maxpool.h require that convolutions step by 1 and pools are 3×3 and step by 1 or 2.
 */
#include "pl/qnn_mo/plan.h"

#include "base/error.h"
#include "pl/chain/chain.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define ALIGNMENT 64 /* bytes: whole cache lines */

#define DESIGN "QNN-MO design" /* in messages */

#define refuse(layer, e, format, ...)                                                                        \
	error_set(e, -ENOTSUP, "layer \"%s\": " format "; the " DESIGN " cannot run it", (layer)->name,      \
		##__VA_ARGS__)

static size_t align(size_t bytes)
{
	return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/*
 * Checks for square pictures and for padding that the design supports: the odd pixel at the bottom and right.
 */
static int check_window(const struct layer *l, struct error *e)
{
	int padded = l->in.height + l->pad_top + l->pad_bottom;

	if (l->in.height != l->in.width || l->kernel_height != l->kernel_width)
		return refuse(l, e, "pictures and kernels must be square there");
	if (l->pad_top != l->pad_left || l->pad_bottom != l->pad_right ||
		(l->pad_bottom != l->pad_top && l->pad_bottom != l->pad_top + 1))
		return refuse(l, e,
			"padding must be the same on all sides there, or one more "
			"at the bottom and right");
	if (padded > QNN_MO_SIDE)
		return refuse(
			l, e, "its padded input has %d pixels a side; there can be %d", padded, QNN_MO_SIDE);
	return 0;
}

static int check_convolution(const struct layer *l, struct error *e)
{
	int in = l->in.channels / l->groups, out = l->out.channels / l->groups;

	if (l->kind != LAYER_CONV)
		return refuse(l, e, "%s",
			l->kind == LAYER_MAX_POOL ? "a max pool must follow a convolution there"
						  : "it is fully connected");
	if (l->weight_bits != 1 || l->input_bits != 2 || l->output_bits != 2 ||
		l->epilogue != EPILOGUE_THRESHOLDS)
		return refuse(l, e,
			"weights of %d bits, codes of %d in and %d out; there must be 1, 2 and 2, "
			"with thresholds",
			l->weight_bits, l->input_bits, l->output_bits);
	if (l->kernel_height != 3 && l->kernel_height != 5)
		return refuse(l, e, "its kernel is %d×%d; there must be 3×3 or 5×5", l->kernel_height,
			l->kernel_width);
	if (l->stride_height != 1)
		return refuse(l, e, "its stride is %d; there must be 1", l->stride_height);
	if (in > QNN_MO_CHANNELS || out > QNN_MO_CHANNELS)
		return refuse(l, e, "a group has %d channels in and %d out; there can be %d", in, out,
			QNN_MO_CHANNELS);
	return check_window(l, e);
}

static int check_pool(const struct layer *l, struct error *e)
{
	if (l->kernel_height != QNN_MO_POOL || l->stride_height > 2)
		return refuse(l, e, "a max pool of %d×%d with stride %d; there must be 3×3 and 1 or 2",
			l->kernel_height, l->kernel_width, l->stride_height);
	return check_window(l, e);
}

/* Takes the convolution at *layer and the pool behind it. */
static int add_stage(
	struct qnn_mo_plan *plan, const struct layer **layer, const struct layer *end, struct error *e)
{
	const struct layer *convolution = *layer, *next = convolution + 1;
	bool pooled = next < end && next->kind == LAYER_MAX_POOL;
	int rc = check_convolution(convolution, e);

	if (!rc && pooled)
		rc = check_pool(next, e);
	if (rc)
		return rc;
	plan->stages[plan->count++] = (struct qnn_mo_stage){
		.convolution = convolution,
		.pool = pooled ? next : NULL,
		.groups = convolution->groups,
		.stream_bytes =
			sizeof(uint64_t) * QNN_MO_PORT_PES *
			(size_t)(qnn_mo_weight_words(convolution->kernel_height) + QNN_MO_THRESHOLD_WORDS),
	};
	*layer += pooled ? 2 : 1;
	return 0;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* No sum can overflow 64 bits, since sides are at most 64 pixels; one of 32 bits can. */
static int place(struct qnn_mo_plan *plan, struct error *e)
{
	uint64_t memory = 0;
	size_t groups = 0, side = 0;

	for (int i = 0; i < plan->count; i++) {
		struct qnn_mo_stage *s = &plan->stages[i];
		struct shape out = qnn_mo_stage_out(s);

		s->streams = (size_t)memory;
		memory += (uint64_t)s->groups * 2 * s->stream_bytes;
		groups = larger(groups, (size_t)s->groups);
		side = larger(side, larger((size_t)s->convolution->in.height, (size_t)out.height));
		plan->most_codes = larger(plan->most_codes, shape_size(out));
	}
	plan->group_bytes = align(side * side * QNN_MO_PIXEL_BYTES);
	for (int i = 0; i < 2; i++) {
		plan->codes[i] = (size_t)memory;
		memory += (uint64_t)groups * plan->group_bytes;
	}
	if (memory > QNN_MO_REACH)
		return error_set(e, -ENOTSUP,
			"PL \"qnn-mo\": the layers take %.0f MB there, beyond its reach",
			(double)memory / 1e6);
	plan->memory = (size_t)memory;
	return 0;
}

int qnn_mo_plan(const struct network *network, int first, int last, struct qnn_mo_plan *plan, struct error *e)
{
	const struct layer *layer = network->layers + first, *end = network->layers + last;

	*plan = (struct qnn_mo_plan){.stages = calloc((size_t)(last - first), sizeof(*plan->stages))};
	if (!plan->stages)
		return error_set(e, -ENOMEM, "PL \"qnn-mo\": no memory for a plan of %s", network->name);
	for (int i = first; i < last; i++) {
		int rc = chain_check(network, i, DESIGN, e);

		if (rc)
			return rc;
	}
	while (layer < end) {
		int rc = add_stage(plan, &layer, end, e);

		if (rc)
			return rc;
	}
	return place(plan, e);
}

void qnn_mo_plan_finish(struct qnn_mo_plan *plan)
{
	free(plan->stages);
	plan->stages = NULL;
}
