/* SPDX-License-Identifier: MIT */
#include "nn/network.h"

#include <stdlib.h>

static void finish_layer(struct layer *layer)
{
	free(layer->name);
	free(layer->weights);
	free(layer->thresholds);
	free(layer->invert);
	free(layer->multiplier);
	free(layer->shift);
	free(layer->bias);
}

void network_destroy(struct network *network)
{
	if (!network)
		return;
	for (int i = 0; network->layers && i < network->layer_count; i++)
		finish_layer(&network->layers[i]);
	for (int i = 0; network->labels && i < network->class_count; i++)
		free(network->labels[i]);
	for (int i = 0; network->groups && i < network->group_count; i++) {
		free(network->groups[i].name);
		free(network->groups[i].classes);
	}
	free(network->layers);
	free((void *)network->labels);
	free(network->groups);
	free(network->scale);
	free(network->bias);
	free(network->name);
	free(network->folder);
	free(network);
}

int network_split(const struct network *network)
{
	int i = 1;

	while (i < network->layer_count && !layer_has_weights(&network->layers[i]))
		i++;
	return i;
}

uint64_t layer_operations(const struct layer *layer)
{
	if (!layer_has_weights(layer))
		return 0;
	uint64_t window = (uint64_t)layer->kernel_height * (uint64_t)layer->kernel_width;
	return shape_size(layer->out) * window * (uint64_t)(layer->in.channels / layer->groups);
}
