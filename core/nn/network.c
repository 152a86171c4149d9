/* SPDX-License-Identifier: MIT */
#include "nn/network.h"

#include <stdlib.h>

void layer_free_arrays(struct layer *layer)
{
	free(layer->weights);
	free(layer->weight_offset);
	free(layer->thresholds);
	free(layer->invert);
	free(layer->multiplier);
	free(layer->shift);
	free(layer->bias);
	free(layer->factors);
	free(layer->table);
}

static void finish_layer(struct layer *layer)
{
	free(layer->name);
	layer_free_arrays(layer);
}

void network_remove_last(struct network *network)
{
	finish_layer(&network->layers[--network->layer_count]);
}

void network_remove_classes(struct network *network)
{
	for (int i = 0; network->labels && i < network->class_count; i++)
		free(network->labels[i]);
	for (int i = 0; network->groups && i < network->group_count; i++) {
		free(network->groups[i].name);
		free(network->groups[i].classes);
	}
	free((void *)network->labels);
	free(network->groups);
	free(network->scale);
	free(network->bias);
	network->labels = NULL;
	network->groups = NULL;
	network->scale = network->bias = NULL;
	network->class_count = network->group_count = 0;
	network->temperature = network->unknown_below = 0;
}

void network_destroy(struct network *network)
{
	if (!network)
		return;
	for (int i = 0; network->layers && i < network->layer_count; i++)
		finish_layer(&network->layers[i]);
	network_remove_classes(network);
	free(network->layers);
	free(network->name);
	free(network->folder);
	free(network);
}

const struct layer_kind_names layer_kinds[LAYER_KINDS] = {
	[LAYER_CONV] = {"convolution", "conv", "conv_layer", "conv"},
	[LAYER_FULLY_CONNECTED] = {"fully connected", "fully_connected", "fc_layer", "fc"},
	[LAYER_MAX_POOL] = {"max pool", "max_pool", "maxpool_layer", "pool"},
	[LAYER_AVERAGE_POOL] = {"average pool", "average_pool", "avgpool_layer", "average"},
	[LAYER_ADD] = {"add", "add", "add_layer", "add"},
	[LAYER_CONCAT] = {"concat", "concat", "concat_layer", "concat"},
	[LAYER_UPSAMPLE] = {"upsample", "upsample", "upsample_layer", "upsample"},
	[LAYER_TABLE] = {"table", "table", "table_layer", "table"},
};

const char *layer_kind_name(const struct layer *layer)
{
	if (layer->kind == LAYER_CONV && layer->groups > 1 && layer->groups == layer->in.channels)
		return "depthwise";
	return layer_kinds[layer->kind].text;
}

struct tensor network_tensor(const struct network *network, int index)
{
	if (index == NETWORK_INPUT)
		return (struct tensor){network->layers[0].in, network->layers[0].input_bits};
	return (struct tensor){network->layers[index].out, network->layers[index].output_bits};
}

bool network_cuts(const struct network *network, int index)
{
	if (network_tensor(network, index - 1).bits == TENSOR_SUMS)
		return false;
	for (int i = index; i < network->layer_count; i++)
		for (int k = 0; k < layer_reads(&network->layers[i]); k++)
			if (network_from(network, i, k) < index - 1)
				return false;
	return true;
}

int network_split(const struct network *network)
{
	int i = 0;

	while (i < network->layer_count && !layer_has_weights(&network->layers[i]))
		i++;
	do
		i++;
	while (i < network->layer_count && !network_cuts(network, i));
	while (i + 1 < network->layer_count && network->layers[i].kind == LAYER_MAX_POOL &&
		network_cuts(network, i + 1))
		i++;
	return i < network->layer_count ? i : 0;
}

uint64_t layer_operations(const struct layer *layer)
{
	uint64_t window = (uint64_t)layer->kernel_height * (uint64_t)layer->kernel_width;

	if (!layer_has_weights(layer))
		return 0;
	return shape_size(layer->out) * window * (uint64_t)(layer->in.channels / layer->groups);
}
