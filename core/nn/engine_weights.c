/* SPDX-License-Identifier: MIT */
/*
 * Weights with an offset, beyond the 8 bits that kernels take: Σ (weight + offset) · code. A kernel sees a
 * layer with one channel more in each group, whose weights are 1: Σ weight · code + offset · Σ code. A
 * depthwise one has no other channel in its group; there the kernel sees each row of the window twice, and a
 * weight in two parts.
 */
#include "nn/engine_plan.h"

#include "nn/limits.h"

#include <errno.h>
#include <stdlib.h>

static size_t taps_of(const struct layer *layer)
{
	return (size_t)(layer_weight_count(layer) / (uint64_t)layer->out.channels);
}

static int bounded(int weight)
{
	return weight < INT8_MIN ? INT8_MIN : weight > INT8_MAX ? INT8_MAX : weight;
}

/* [channel][part][tap] */
static void part_weights(const struct layer *layer, int8_t *out)
{
	size_t taps = taps_of(layer);

	for (size_t c = 0; c < (size_t)layer->out.channels; c++, out += 2 * taps)
		for (size_t t = 0; t < taps; t++) {
			int weight = layer->weights[c * taps + t] + layer->weight_offset[c];
			out[t] = (int8_t)bounded(weight);
			out[taps + t] = (int8_t)(weight - bounded(weight));
		}
}

static void append_ones(const struct layer *layer, int8_t *out)
{
	size_t size = taps_of(layer) * (size_t)(layer->out.channels / layer->groups);

	for (size_t g = 0; g < (size_t)layer->groups; g++) {
		memcpy(out, layer->weights + g * size, size);
		memset(out + size, 1, taps_of(layer));
		out += size + taps_of(layer);
	}
}

int engine_see_layer(struct layer_plan *plan)
{
	const struct layer *layer = plan->layer;
	struct layer *seen = &plan->seen;

	*seen = *layer;
	if (!layer->weight_offset)
		return 0;
	if (fits_depthwise(layer))
		seen->kernel_height *= 2;
	else
		seen->out.channels += layer->groups;
	plan->seen_weights = malloc((size_t)layer_weight_count(seen));
	if (!plan->seen_weights)
		return -ENOMEM;
	if (fits_depthwise(layer))
		part_weights(layer, plan->seen_weights);
	else
		append_ones(layer, plan->seen_weights);
	seen->weights = plan->seen_weights;
	return 0;
}

/* Groups move together, so that none is overwritten before it is read. */
void engine_add_offsets(const struct layer_plan *plan, int32_t *accumulators, int pixels, size_t stride)
{
	const struct layer *layer = plan->layer;
	int channels = layer->out.channels / layer->groups;

	if (plan->seen.out.channels == layer->out.channels)
		return;
	for (int p = 0; p < pixels; p++, accumulators += stride) {
		int32_t *out = accumulators;
		const int32_t *in = accumulators;
		const int8_t *offset = layer->weight_offset;

		for (int g = 0; g < layer->groups;
			g++, in += channels + 1, out += channels, offset += channels) {
			int32_t sum = in[channels];
			for (int c = 0; c < channels; c++)
				out[c] = in[c] + offset[c] * sum;
		}
	}
}
