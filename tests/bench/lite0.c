/* SPDX-License-Identifier: MIT */
#include "bench/lite0.h"

#include "support/layer.h"
#include "support/memory.h"
#include "support/random.h"
#include "support/random_network.h"

#include <math.h>
#include <stdlib.h>

#define MOST_LAYERS 64

/* Blocks: a 1×1 convolution that widens, a depthwise one, a 1×1 that narrows, and a shortcut past them. */
static const struct stage {
	int blocks, kernel, stride, widening, channels;
} stages[] = {
	{1, 3, 1, 1, 16},
	{2, 3, 2, 6, 24},
	{2, 5, 2, 6, 40},
	{3, 3, 2, 6, 80},
	{3, 5, 1, 6, 112},
	{4, 5, 2, 6, 192},
	{1, 3, 1, 6, 320},
};

/* Multipliers and shifts as importers write them: as many digits as there are. */
static void scale_sums(struct layer *layer, double deviation)
{
	size_t channels = (size_t)layer->out.channels;

	layer->multiplier = must_allocate(channels, sizeof(int32_t));
	layer->shift = must_allocate(channels, 1);
	layer->bias = must_allocate(channels, sizeof(int64_t));
	for (size_t c = 0; c < channels; c++) {
		double scale = 40 / deviation * (1 + random_below(100) / 100.0);
		int exponent;

		layer->multiplier[c] = (int32_t)(frexp(scale, &exponent) * INT32_MAX);
		layer->shift[c] = (uint8_t)(31 - exponent);
		layer->bias[c] = (int64_t)(random_below(128) + 64) << layer->shift[c];
	}
}

static struct layer *append(struct network *network, struct layer layer)
{
	struct layer *added = &network->layers[network->layer_count++];

	layer.name = (char *)"layer";
	layer.dilation_height = layer.dilation_width = 1;
	layer.input_bits = 8;
	layer.output_bits = layer.epilogue == EPILOGUE_SCORES ? TENSOR_SUMS : 8;
	layer.in = network->layer_count == 1 ? layer.in : added[-1].out;
	*added = layer;
	layer_measure(added);
	return added;
}

/* groups 0: depthwise */
static void append_conv(struct network *network, struct shape in, int kernel, int stride, int channels,
	int groups, enum layer_epilogue epilogue)
{
	struct layer *layer = append(network, (struct layer){.kind = LAYER_CONV,
						      .in = in,
						      .kernel_height = kernel,
						      .kernel_width = kernel,
						      .stride_height = stride,
						      .stride_width = stride,
						      .pad_top = kernel / 2,
						      .pad_left = kernel / 2,
						      .pad_bottom = kernel / 2,
						      .pad_right = kernel / 2,
						      .out.channels = channels,
						      .groups = groups ? groups : channels,
						      .weight_bits = 8,
						      .epilogue = epilogue});

	random_weights(layer, EXTREME_NONE);
	if (epilogue == EPILOGUE_REQUANTISE)
		scale_sums(layer,
			74 * 148 *
				sqrt((double)kernel * kernel * layer->in.channels / (double)layer->groups));
}

static void append_add(struct network *network, int shortcut)
{
	struct shape shape = network->layers[shortcut].out;
	struct layer *layer = append(network, (struct layer){.kind = LAYER_ADD,
						      .from = {shortcut, network->layer_count - 1},
						      .from_count = 2,
						      .kernel_height = 1,
						      .kernel_width = 1,
						      .stride_height = 1,
						      .stride_width = 1,
						      .groups = 1,
						      .out = shape,
						      .epilogue = EPILOGUE_REQUANTISE});

	layer->factors = must_allocate(2 * (size_t)shape.channels, sizeof(int32_t));
	layer->shift = must_allocate((size_t)shape.channels, 1);
	layer->bias = must_allocate((size_t)shape.channels, sizeof(int64_t));
	for (int c = 0; c < shape.channels; c++) {
		layer->factors[c] = (1 << 19) + random_below(1 << 18);
		layer->factors[shape.channels + c] = (1 << 18) + random_below(1 << 19);
		layer->shift[c] = 20;
	}
}

static void append_block(struct network *network, const struct stage *stage, bool first)
{
	int before = network->layer_count - 1, in = network->layers[before].out.channels;
	int stride = first ? stage->stride : 1, wide = in * stage->widening;
	struct shape none = {0};

	if (stage->widening > 1)
		append_conv(network, none, 1, 1, wide, 1, EPILOGUE_REQUANTISE);
	append_conv(network, none, stage->kernel, stride, wide, 0, EPILOGUE_REQUANTISE);
	append_conv(network, none, 1, 1, stage->channels, 1, EPILOGUE_REQUANTISE);
	if (!first)
		append_add(network, before);
}

static void append_pool(struct network *network)
{
	struct shape shape = network->layers[network->layer_count - 1].out;
	struct layer *layer = append(network, (struct layer){.kind = LAYER_AVERAGE_POOL,
						      .kernel_height = shape.height,
						      .kernel_width = shape.width,
						      .stride_height = 1,
						      .stride_width = 1,
						      .groups = 1,
						      .out.channels = shape.channels,
						      .epilogue = EPILOGUE_REQUANTISE});

	scale_sums(layer, 40.0 * 7 * 7);
}

struct network lite0_network(void)
{
	struct network network = {.layers = must_allocate(MOST_LAYERS, sizeof(struct layer))};
	struct shape none = {0};

	append_conv(&network, (struct shape){224, 224, 3}, 3, 2, 32, 1, EPILOGUE_REQUANTISE);
	for (size_t s = 0; s < sizeof(stages) / sizeof(stages[0]); s++)
		for (int b = 0; b < stages[s].blocks; b++)
			append_block(&network, &stages[s], b == 0);
	append_conv(&network, none, 1, 1, 1280, 1, EPILOGUE_REQUANTISE);
	append_pool(&network);
	append_conv(&network, none, 1, 1, 1000, 1, EPILOGUE_SCORES);
	return network;
}

void lite0_finish(struct network *network)
{
	for (int i = 0; i < network->layer_count; i++)
		layer_free_arrays(&network->layers[i]);
	free(network->layers);
}
