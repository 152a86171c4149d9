/* SPDX-License-Identifier: MIT */
#include "support/network_builder.h"

#include "support/layer.h"
#include "support/memory.h"
#include "support/random.h"

#include <stdio.h>
#include <string.h>

static void layer_fill_epilogue(struct layer *layer, uint32_t *seed, double deviation)
{
	size_t out = (size_t)layer->out.channels;
	int levels = layer->epilogue == EPILOGUE_THRESHOLDS ? (1 << layer->output_bits) - 1 : 0;
	int reach = 2 * (int)(deviation + 1);

	if (layer->epilogue == EPILOGUE_THRESHOLDS) {
		layer->thresholds = must_allocate(out * (size_t)levels, sizeof(int32_t));
		layer->invert = must_allocate(out, 1);
	} else if (layer->epilogue == EPILOGUE_REQUANTISE) {
		layer->multiplier = must_allocate(out, sizeof(int32_t));
		layer->shift = must_allocate(out, 1);
		layer->bias = must_allocate(out, sizeof(int64_t));
	}
	for (size_t c = 0; c < out; c++) {
		for (int i = 0; i < levels; i++)
			layer->thresholds[c * (size_t)levels + (size_t)i] =
				i ? layer->thresholds[c * (size_t)levels + (size_t)i - 1] +
						random_within(seed, 0, reach / levels)
				  : random_within(seed, -reach, reach / 4);
		if (layer->epilogue == EPILOGUE_THRESHOLDS)
			layer->invert[c] = random_next(seed) % 4 == 0;
		if (layer->epilogue == EPILOGUE_REQUANTISE) {
			int highest = (1 << layer->output_bits) - 1;
			layer->shift[c] = (uint8_t)random_within(seed, 8, 20);
			layer->multiplier[c] =
				(int32_t)(highest / 4.0 / (deviation + 1) * (1 << layer->shift[c])) + 1;
			layer->bias[c] = (int64_t)random_within(seed, 0, highest) << layer->shift[c];
		}
	}
}

void tiny_layer_fill(struct layer *layer, uint32_t *seed)
{
	if (!layer_has_weights(layer))
		return;
	size_t taps = (size_t)layer->kernel_height * (size_t)layer->kernel_width *
		      (size_t)(layer->in.channels / layer->groups);
	size_t count = (size_t)layer->out.channels * taps;
	int high = layer->weight_bits == 1 ? 1 : 1 << (layer->weight_bits - 1);
	double root = 1;

	layer->weights = must_allocate(count, 1);
	for (size_t i = 0; i < count; i++)
		layer->weights[i] = (int8_t)(layer->weight_bits == 1 ? random_within(seed, 0, 1) * 2 - 1
								     : random_within(seed, -high, high - 1));
	while (root * root < (double)taps)
		root++;
	layer_fill_epilogue(layer, seed, root * high * (1 << layer->input_bits) / 3.0);
}

struct layer tiny_layer(const char *name, enum layer_kind kind, struct shape in, int channels, int kernel,
	int stride, int pad, int groups, int input_bits, int weight_bits, int output_bits)
{
	struct layer layer = {
		.name = strdup(name),
		.kind = kind,
		.in = in,
		.out.channels = channels,
		.kernel_height = kernel,
		.kernel_width = kernel,
		.stride_height = stride,
		.stride_width = stride,
		.dilation_height = 1,
		.dilation_width = 1,
		.pad_top = pad,
		.pad_left = pad,
		.pad_bottom = pad,
		.pad_right = pad,
		.groups = groups,
		.input_bits = input_bits,
		.weight_bits = weight_bits,
		.output_bits = output_bits,
		.epilogue = kind == LAYER_MAX_POOL ? EPILOGUE_NONE
			    : output_bits == 32	   ? EPILOGUE_SCORES
			    : output_bits == 8	   ? EPILOGUE_REQUANTISE
						   : EPILOGUE_THRESHOLDS,
	};
	if (kind == LAYER_FULLY_CONNECTED) {
		layer.kernel_height = in.height;
		layer.kernel_width = in.width;
	}
	layer_measure(&layer);
	return layer;
}

static void tiny_labels(struct network *network)
{
	network->scale = must_allocate((size_t)network->class_count, sizeof(float));
	network->bias = must_allocate((size_t)network->class_count, sizeof(float));
	network->labels = (char **)must_allocate((size_t)network->class_count, sizeof(char *));
	for (int i = 0; i < network->class_count; i++) {
		char text[32];
		snprintf(text, sizeof(text), "label %d", i);
		network->labels[i] = strdup(text);
		network->scale[i] = 0.0625F;
		network->bias[i] = 0.125F * (float)(i % 3);
	}
	network->group_count = 2;
	network->groups = must_allocate(2, sizeof(*network->groups));
	for (int g = 0; g < 2; g++) {
		network->groups[g] =
			(struct label_group){strdup(g ? "odd" : "even"), must_allocate(2, sizeof(int)), 2};
		network->groups[g].classes[0] = g;
		network->groups[g].classes[1] = g + 2;
	}
}

static struct layer tiny_add(struct shape in, int a, int b, uint32_t *seed)
{
	struct layer add = tiny_layer("add", LAYER_ADD, in, in.channels, 1, 1, 0, 1, 2, 0, 2);
	size_t factors = 2 * (size_t)in.channels;

	add.from[0] = a;
	add.from[1] = b;
	add.from_count = 2;
	layer_fill_epilogue(&add, seed, 8);
	add.shift = must_allocate((size_t)in.channels, 1);
	add.bias = must_allocate((size_t)in.channels, sizeof(*add.bias));
	add.factors = must_allocate(factors, sizeof(*add.factors));
	for (size_t i = 0; i < factors; i++)
		add.factors[i] = random_within(seed, -3, 3);
	return add;
}

static struct network *tiny_end(struct layer *layers, int count, const char *name)
{
	struct network *network = must_allocate(1, sizeof(*network));

	*network = (struct network){.name = strdup(name),
		.folder = strdup(name),
		.layers = layers,
		.layer_count = count,
		.class_count = 10};
	tiny_labels(network);
	return network;
}

struct network *tiny_graph(uint32_t seed)
{
	struct layer *l = must_allocate(8, sizeof(*l));
	uint32_t state = seed * 2654435761U + 1;

	l[0] = tiny_layer("conv0", LAYER_CONV, (struct shape){32, 32, 3}, 16, 8, 4, 2, 1, 8, 8, 2);
	l[1] = tiny_layer("conv1", LAYER_CONV, l[0].out, 24, 3, 1, 1, 2, 2, 1, 2);
	l[2] = tiny_layer("pool1", LAYER_MAX_POOL, l[1].out, 24, 3, 2, 1, 1, 2, 0, 2);
	l[3] = tiny_layer("conv2", LAYER_CONV, l[2].out, 24, 3, 1, 1, 1, 2, 1, 2);
	l[4] = tiny_add(l[3].out, 2, 3, &state);
	l[5] = tiny_layer("concat", LAYER_CONCAT, l[4].out, 48, 1, 1, 0, 1, 2, 0, 2);
	l[5].in.channels = 48;
	l[5].epilogue = EPILOGUE_NONE;
	l[5].from[0] = 4;
	l[5].from[1] = 2;
	l[5].from_count = 2;
	l[6] = tiny_layer("average", LAYER_AVERAGE_POOL, l[5].out, 48, 4, 1, 0, 1, 2, 0, 2);
	layer_fill_epilogue(&l[6], &state, 12);
	l[7] = tiny_layer("scores", LAYER_FULLY_CONNECTED, l[6].out, 10, 1, 1, 0, 1, 2, 1, 32);
	for (int i = 0; i < 8; i++)
		tiny_layer_fill(&l[i], &state);
	return tiny_end(l, 8, "graph");
}

struct network *tiny_network(uint32_t seed)
{
	struct layer *l = must_allocate(5, sizeof(*l));
	uint32_t state = seed * 2654435761U + 1;

	l[0] = tiny_layer("conv0", LAYER_CONV, (struct shape){32, 32, 3}, 16, 8, 4, 2, 1, 8, 8, 2);
	l[1] = tiny_layer("conv1", LAYER_CONV, l[0].out, 24, 3, 1, 1, 2, 2, 1, 2);
	l[2] = tiny_layer("pool1", LAYER_MAX_POOL, l[1].out, 24, 3, 2, 1, 1, 2, 0, 2);
	l[3] = tiny_layer("fc0", LAYER_FULLY_CONNECTED, l[2].out, 40, 1, 1, 0, 1, 2, 1, 2);
	l[4] = tiny_layer("fc1", LAYER_FULLY_CONNECTED, l[3].out, 10, 1, 1, 0, 1, 2, 1, 32);
	for (int i = 0; i < 5; i++)
		tiny_layer_fill(&l[i], &state);
	return tiny_end(l, 5, "tiny");
}

struct network *tiny_single(uint32_t seed)
{
	struct layer *l = must_allocate(1, sizeof(*l));
	uint32_t state = seed * 2654435761U + 1;

	l[0] = tiny_layer("only", LAYER_FULLY_CONNECTED, (struct shape){32, 32, 3}, 10, 1, 1, 0, 1, 8, 8, 32);
	tiny_layer_fill(&l[0], &state);
	return tiny_end(l, 1, "single");
}

struct network *tiny_uncut(uint32_t seed)
{
	struct layer *l = must_allocate(3, sizeof(*l));
	uint32_t state = seed * 2654435761U + 1;

	for (int i = 0; i < 2; i++) {
		l[i] = tiny_layer(i ? "right" : "left", LAYER_FULLY_CONNECTED, (struct shape){32, 32, 3}, 10,
			1, 1, 0, 1, 8, 8, 2);
		l[i].from[0] = NETWORK_INPUT;
		l[i].from_count = 1;
		tiny_layer_fill(&l[i], &state);
	}
	l[2] = tiny_add(l[0].out, 0, 1, &state);
	free(l[2].thresholds);
	free(l[2].invert);
	free(l[2].shift);
	free(l[2].bias);
	l[2].thresholds = NULL;
	l[2].invert = l[2].shift = NULL;
	l[2].bias = NULL;
	l[2].epilogue = EPILOGUE_SCORES;
	l[2].output_bits = TENSOR_SUMS;
	return tiny_end(l, 3, "uncut");
}

struct network *tiny_odd_network(void)
{
	struct network *network = must_allocate(1, sizeof(*network));
	struct layer *l = must_allocate(6, sizeof(*l));
	uint32_t seed = 5;

	l[0] = tiny_layer("a", LAYER_CONV, (struct shape){9, 11, 3}, 6, 3, 1, 1, 3, 1, 4, 8);
	l[0].kernel_width = 5;
	l[0].pad_left = 4;
	l[0].pad_bottom = 0;
	layer_measure(&l[0]);
	l[1] = tiny_layer("b", LAYER_CONV, l[0].out, 5, 3, 3, 2, 1, 8, 2, 4);
	l[2] = tiny_layer("c", LAYER_CONV, l[1].out, 7, 1, 1, 0, 1, 4, 8, 8);
	l[3] = tiny_layer("d", LAYER_MAX_POOL, l[2].out, 7, 2, 1, 0, 1, 8, 0, 8);
	l[4] = tiny_layer("e", LAYER_FULLY_CONNECTED, l[3].out, 9, 1, 1, 0, 1, 8, 4, 1);
	l[5] = tiny_layer("f", LAYER_FULLY_CONNECTED, l[4].out, 3, 1, 1, 0, 1, 1, 1, 2);
	for (int i = 0; i < 6; i++)
		tiny_layer_fill(&l[i], &seed);
	free(l[5].invert);
	l[5].invert = NULL;
	*network = (struct network){.name = strdup("odd \"one\""), .layers = l, .layer_count = 6};
	return network;
}
