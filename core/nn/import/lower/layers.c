/* SPDX-License-Identifier: MIT */
/* Layers under construction, and what their outputs can be. */
#include "nn/import/lower/parts.h"
#include "nn/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tensor built_tensor(const struct lowering *l, int index)
{
	if (index == NETWORK_INPUT)
		return (struct tensor){signal_of(l, l->graph->input)->shape, 8};
	return (struct tensor){l->built[index].layer.out, l->built[index].layer.output_bits};
}

int64_t reach_low(const struct lowering *l, int index, int channel)
{
	return index == NETWORK_INPUT ? 0 : l->built[index].low[channel];
}

int64_t reach_high(const struct lowering *l, int index, int channel)
{
	return index == NETWORK_INPUT ? UINT8_MAX : l->built[index].high[channel];
}

static int built_grow(struct lowering *l, struct error *e)
{
	if (l->built_count < l->built_room)
		return 0;
	if (l->built_count == BUILD_LIMIT)
		return node_error(l, -EOVERFLOW, e, "would make more layers than a network can have");
	int room = l->built_room ? 2 * l->built_room : 64;
	struct built *grown = realloc(l->built, (size_t)room * sizeof(*grown));
	if (!grown)
		return node_error(l, -ENOMEM, e, "out of memory");
	l->built = grown;
	l->built_room = room;
	return 0;
}

int layer_build(struct lowering *l, enum layer_kind kind, int source, int *index, struct error *e)
{
	struct tensor in;
	int rc = built_grow(l, e);

	if (rc)
		return rc;
	in = built_tensor(l, source);
	*index = l->built_count++;
	l->built[*index] = (struct built){.layer = {.kind = kind,
						  .from = {source},
						  .from_count = 1,
						  .in = in.shape,
						  .out = in.shape,
						  .kernel_height = 1,
						  .kernel_width = 1,
						  LAYER_STEPS_OF_ONE,
						  .groups = 1,
						  .input_bits = in.bits,
						  .output_bits = in.bits}};
	if (layer_has_accumulator(&l->built[*index].layer)) {
		l->built[*index].layer.epilogue = EPILOGUE_SUMS;
		l->built[*index].layer.output_bits = TENSOR_SUMS;
	}
	return 0;
}

/* Largest and least sums of a convolution's channel, from the weights and the largest code. */
static void conv_reach(
	const struct lowering *l, const struct layer *layer, int channel, int64_t *low, int64_t *high)
{
	int depth = layer->in.channels / layer->groups;
	int group = channel / (layer->out.channels / layer->groups);
	size_t taps = (size_t)layer->kernel_height * (size_t)layer->kernel_width;
	const int8_t *weights = layer->weights + (size_t)channel * taps * (size_t)depth;

	*low = *high = 0;
	for (size_t t = 0; t < taps; t++)
		for (int i = 0; i < depth; i++) {
			const int weight =
				*weights++ + (layer->weight_offset ? layer->weight_offset[channel] : 0);
			int64_t code = reach_high(l, layer->from[0], group * depth + i);

			code = layer->pad_code > code ? layer->pad_code : code;
			*(weight < 0 ? low : high) += weight * code;
		}
}

static void add_reach(
	const struct lowering *l, const struct layer *layer, int channel, int64_t *low, int64_t *high)
{
	*low = *high = 0;
	for (int i = 0; i < layer->from_count; i++) {
		int64_t factor = layer->factors[(size_t)i * (size_t)layer->out.channels + (size_t)channel];
		int64_t a = factor * reach_low(l, layer->from[i], channel);
		int64_t b = factor * reach_high(l, layer->from[i], channel);

		*low += a < b ? a : b;
		*high += a < b ? b : a;
	}
	*low = (*low + layer->bias[channel]) >> layer->shift[channel];
	*high = (*high + layer->bias[channel]) >> layer->shift[channel];
	if (layer->epilogue == EPILOGUE_REQUANTISE) {
		*low = 0;
		*high = layer_levels(layer);
	}
}

static int64_t concat_reach(const struct lowering *l, const struct layer *layer, int channel)
{
	for (int i = 0; i < layer->from_count; i++) {
		int channels = built_tensor(l, layer->from[i]).shape.channels;

		if (channel < channels)
			return reach_high(l, layer->from[i], channel);
		channel -= channels;
	}
	return 0;
}

/* Of layers that pass codes on. */
static int64_t passed_reach(const struct lowering *l, const struct layer *layer, int channel)
{
	int64_t high = 0;

	if (layer->kind == LAYER_CONCAT)
		return concat_reach(l, layer, channel);
	if (layer->kind != LAYER_TABLE) {
		high = reach_high(l, layer->from[0], channel);
		return layer->kind == LAYER_UPSAMPLE && layer->pad_code > high ? layer->pad_code : high;
	}
	size_t row = layer->table_rows == 1 ? 0 : (size_t)channel;
	for (int64_t code = 0; code <= reach_high(l, layer->from[0], channel); code++) {
		uint8_t to = layer->table[(row << layer->input_bits) + (size_t)code];

		high = to > high ? to : high;
	}
	return high;
}

int reach_make(struct lowering *l, int index, struct error *e)
{
	struct built *built = &l->built[index];
	const struct layer *layer = &built->layer;
	size_t channels = (size_t)layer->out.channels;
	int rc;

	if ((rc = lowering_take(l, channels, sizeof(int64_t), &built->low, e)) ||
		(rc = lowering_take(l, channels, sizeof(int64_t), &built->high, e)))
		return rc;
	for (int c = 0; c < layer->out.channels; c++)
		if (layer_has_weights(layer))
			conv_reach(l, layer, c, &built->low[c], &built->high[c]);
		else if (layer->kind == LAYER_ADD)
			add_reach(l, layer, c, &built->low[c], &built->high[c]);
		else if (layer->kind == LAYER_AVERAGE_POOL)
			built->high[c] =
				(layer->pixels ? layer->pixels
					       : (int64_t)layer->kernel_height * layer->kernel_width) *
				(reach_high(l, layer->from[0], c) > layer->pad_code
						? reach_high(l, layer->from[0], c)
						: layer->pad_code);
		else
			built->high[c] = passed_reach(l, layer, c);
	return 0;
}

int spatial_build(struct lowering *l, int source, const struct spatial *spatial, int *index, struct error *e)
{
	int rc = layer_build(l, spatial->kind, source, index, e);

	if (rc)
		return rc;
	struct layer *layer = &l->built[*index].layer;
	layer->kernel_height = spatial->kernel[0];
	layer->kernel_width = spatial->kernel[1];
	layer->stride_height = spatial->stride[0];
	layer->stride_width = spatial->stride[1];
	layer->pad_top = spatial->pads[0];
	layer->pad_left = spatial->pads[1];
	layer->pad_bottom = spatial->pads[2];
	layer->pad_right = spatial->pads[3];
	layer->out = spatial->out;
	return reach_make(l, *index, e);
}

int table_build(struct lowering *l, int source, int bits, int rows, int *index, struct error *e)
{
	int rc = layer_build(l, LAYER_TABLE, source, index, e);

	if (rc)
		return rc;
	struct layer *layer = &l->built[*index].layer;
	if ((rc = lowering_charge(l, (size_t)rows << layer->input_bits, 1, e)))
		return rc;
	layer->output_bits = bits;
	layer->table_rows = rows;
	layer->table = calloc((size_t)rows << layer->input_bits, 1);
	return layer->table ? 0 : node_error(l, -ENOMEM, e, "out of memory");
}

int add_build(struct lowering *l, const int *sources, int count, int *index, struct error *e)
{
	int rc = layer_build(l, LAYER_ADD, sources[0], index, e);

	if (rc)
		return rc;
	struct layer *layer = &l->built[*index].layer;
	size_t channels = (size_t)layer->out.channels;
	if ((rc = lowering_charge(l, channels, (size_t)count * sizeof(int32_t) + sizeof(int64_t) + 1, e)))
		return rc;
	memcpy(layer->from, sources, (size_t)count * sizeof(*sources));
	layer->from_count = count;
	layer->factors = calloc((size_t)count * channels, sizeof(*layer->factors));
	layer->bias = calloc(channels, sizeof(*layer->bias));
	layer->shift = calloc(channels, sizeof(*layer->shift));
	if (!layer->factors || !layer->bias || !layer->shift)
		return node_error(l, -ENOMEM, e, "out of memory");
	return 0;
}
