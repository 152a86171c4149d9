/* SPDX-License-Identifier: MIT */
/* Selects the overlay's layers and refuses unsupported ones. */
#include "base/error.h"
#include "pl/chain/chain.h"
#include "pl/overlay/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum { SIDE = 1023, TAPS = 15 }; /* the largest values of the descriptor's fields */

int refuse(const struct layer *layer, struct error *e, const char *format, ...)
{
	char reason[320];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	return error_set(e, -ENOTSUP, "layer \"%s\" %s; the overlay cannot run it",
		layer->name ? layer->name : "", reason);
}

static int check_sizes(const struct layer *layer, struct error *e)
{
	if (layer->in.height > SIDE || layer->in.width > SIDE)
		return refuse(layer, e, "reads %d x %d pixels, more than %d a side", layer->in.width,
			layer->in.height, SIDE);
	if (layer->in.channels > SIDE * OVERLAY_BITS || layer->out.channels > SIDE * OVERLAY_BITS)
		return refuse(layer, e, "has %d channels in and %d out, more than %d", layer->in.channels,
			layer->out.channels, SIDE * OVERLAY_BITS);
	if (layer->kernel_height > TAPS || layer->kernel_width > TAPS)
		return refuse(layer, e, "has a kernel of %d x %d, more than %d a side", layer->kernel_width,
			layer->kernel_height, TAPS);
	if (layer->pad_top > TAPS || layer->pad_left > TAPS)
		return refuse(layer, e, "has %d rows and %d columns of padding, more than %d", layer->pad_top,
			layer->pad_left, TAPS);
	if (layer->stride_height != 1 && layer->stride_height != 2 && layer->stride_height != 4)
		return refuse(layer, e, "has a stride of %d, not 1, 2 or 4", layer->stride_height);
	return 0;
}

static int check_numbers(const struct program *p, const struct layer *layer, struct error *e)
{
	int64_t sum = (int64_t)layer->kernel_height * layer->kernel_width * layer_depth(layer);

	sum *= INT64_C(1) << (layer->weight_bits - 1);
	sum *= (INT64_C(1) << layer->input_bits) - 1;
	if (layer->input_bits > 8 || layer->weight_bits > 8)
		return refuse(layer, e, "has codes of %d and weights of %d bits, more than 8",
			layer->input_bits, layer->weight_bits);
	if (sum >= INT64_C(1) << (p->limits.accumulator_bits - 1))
		return refuse(layer, e, "can sum up to %lld, more than accumulators of %d bits hold",
			(long long)sum, p->limits.accumulator_bits);
	if (layer->epilogue == EPILOGUE_THRESHOLDS && layer->output_bits > 4)
		return refuse(
			layer, e, "has thresholds for codes of %d bits, more than 4", layer->output_bits);
	if (layer->epilogue == EPILOGUE_REQUANTISE && layer->output_bits > 8)
		return refuse(layer, e, "gives codes of %d bits, more than 8", layer->output_bits);
	return 0;
}

/* True when the last window of a 3 x 3 pool has only one row or column of several; the overlay needs two. */
static bool window_is_single(int in, int pad, int out)
{
	int last = in - 1 + pad;

	return last % 2 == 0 && last && last / 2 < out;
}

static int check_pool(const struct program *p, const struct layer *pool, struct error *e)
{
	int size = pool->kernel_width;

	if (pool->kernel_height != size || size < 2 || size > 3 || pool->stride_height != 2)
		return refuse(pool, e, "pools %d x %d with a stride of %d, not 2 x 2 or 3 x 3 with 2", size,
			pool->kernel_height, pool->stride_height);
	if (pool->pad_left > 1 || pool->pad_top > 1)
		return refuse(pool, e, "has %d rows and %d columns of padding before a pool, more than one",
			pool->pad_top, pool->pad_left);
	if (pool->out.width > p->limits.pooled_width)
		return refuse(pool, e, "gives rows of %d pixels, more than %d behind a pool", pool->out.width,
			p->limits.pooled_width);
	if (size == 3 && (window_is_single(pool->in.width, pool->pad_left, pool->out.width) ||
				 window_is_single(pool->in.height, pool->pad_top, pool->out.height)))
		return refuse(pool, e, "pools 3 x 3 over a last window that holds one row or column only");
	return 0;
}

static int add_stage(struct program *p, const struct layer *layer, struct error *e)
{
	int rc = check_sizes(layer, e);

	if (!rc)
		rc = check_numbers(p, layer, e);
	if (!rc && p->stage_count == p->limits.layers)
		rc = refuse(layer, e, "is one more than the %d with weights that fit", p->limits.layers);
	if (!rc)
		p->stages[p->stage_count++].layer = layer;
	return rc;
}

int plan_stages(struct program *p, const struct network *network, int first, int last, struct error *e)
{
	int rc = 0;

	for (int i = first; i < last && !rc; i++) {
		const struct layer *layer = &network->layers[i];

		rc = chain_check(network, i, "overlay", e);
		if (rc)
			return rc;
		if (layer_has_weights(layer)) {
			rc = add_stage(p, layer, e);
		} else if (!p->stage_count || p->stages[p->stage_count - 1].pool) {
			rc = refuse(layer, e, "is a max pool that follows no convolution");
		} else {
			p->stages[p->stage_count - 1].pool = layer;
			rc = check_pool(p, layer, e);
		}
	}
	return rc;
}
