/* SPDX-License-Identifier: MIT */
/* Random valid networks in memory, and folders to put them in. The same seed gives the same network. */
#ifndef NETWORK_BUILDER_H
#define NETWORK_BUILDER_H

#include "nn/network.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

/* low … high */
static inline int random_within(uint32_t *state, int low, int high)
{
	return low + (int)(random_next(state) % (uint32_t)(high - low + 1));
}

static inline void *taken(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);
	if (!memory)
		abort();
	return memory;
}

static inline void layer_fill_epilogue(struct layer *layer, uint32_t *seed, double deviation)
{
	size_t out = (size_t)layer->out.channels;
	int levels = layer->epilogue == EPILOGUE_THRESHOLDS ? (1 << layer->output_bits) - 1 : 0;
	int reach = 2 * (int)(deviation + 1);

	if (layer->epilogue == EPILOGUE_THRESHOLDS) {
		layer->thresholds = taken(out * (size_t)levels, sizeof(int32_t));
		layer->invert = taken(out, 1);
	} else if (layer->epilogue == EPILOGUE_REQUANTISE) {
		layer->multiplier = taken(out, sizeof(int32_t));
		layer->shift = taken(out, 1);
		layer->bias = taken(out, sizeof(int64_t));
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

/*
 * Gives a layer, whose shapes and bits are set, random weights and an epilogue around which the accumulators
 * of random codes lie. Also usable on a layer of its own.
 */
static inline void layer_fill(struct layer *layer, uint32_t *seed)
{
	if (!layer_has_weights(layer))
		return;
	size_t taps = (size_t)layer->kernel_height * (size_t)layer->kernel_width *
		      (size_t)(layer->in.channels / layer->groups);
	size_t count = (size_t)layer->out.channels * taps;
	int high = layer->weight_bits == 1 ? 1 : 1 << (layer->weight_bits - 1);
	double root = 1;

	layer->weights = taken(count, 1);
	for (size_t i = 0; i < count; i++)
		layer->weights[i] = (int8_t)(layer->weight_bits == 1 ? random_within(seed, 0, 1) * 2 - 1
								     : random_within(seed, -high, high - 1));
	while (root * root < (double)taps)
		root++;
	layer_fill_epilogue(layer, seed, root * high * (1 << layer->input_bits) / 3.0);
}

/* Computes layer->out's sides from the rest. */
static inline void layer_measure(struct layer *layer)
{
	layer->out.height = (layer->in.height + layer->pad_top + layer->pad_bottom - layer->kernel_height) /
				    layer->stride +
			    1;
	layer->out.width =
		(layer->in.width + layer->pad_left + layer->pad_right - layer->kernel_width) / layer->stride +
		1;
}

static inline struct layer tiny_layer(const char *name, enum layer_kind kind, struct shape in, int channels,
	int kernel, int stride, int pad, int groups, int input_bits, int weight_bits, int output_bits)
{
	struct layer layer = {
		.name = strdup(name),
		.kind = kind,
		.in = in,
		.out.channels = channels,
		.kernel_height = kernel,
		.kernel_width = kernel,
		.stride = stride,
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

static inline void tiny_labels(struct network *network)
{
	network->scale = taken((size_t)network->class_count, sizeof(float));
	network->bias = taken((size_t)network->class_count, sizeof(float));
	network->labels = (char **)taken((size_t)network->class_count, sizeof(char *));
	for (int i = 0; i < network->class_count; i++) {
		char text[32];
		snprintf(text, sizeof(text), "label %d", i);
		network->labels[i] = strdup(text);
		network->scale[i] = 0.0625F;
		network->bias[i] = 0.125F * (float)(i % 3);
	}
	network->group_count = 2;
	network->groups = taken(2, sizeof(*network->groups));
	for (int g = 0; g < 2; g++) {
		network->groups[g] =
			(struct label_group){strdup(g ? "odd" : "even"), taken(2, sizeof(int)), 2};
		network->groups[g].classes[0] = g;
		network->groups[g].classes[1] = g + 2;
	}
}

/*
 * 32×32×3 pixels → conv0 (8-bit weights, stride 4, 16 codes of 2 bits) → conv1 (1-bit weights, 2 groups, 24)
 * → pool1 (3×3, stride 2, padded) → fc0 (1 bit, 40) → fc1 (1 bit, 10 scores). Labels "label 0" …; groups
 * "even" (classes 0, 2) and "odd" (1, 3). For network_destroy.
 */
static inline struct network *tiny_network(uint32_t seed)
{
	struct network *network = taken(1, sizeof(*network));
	struct layer *l = taken(5, sizeof(*l));
	uint32_t state = seed * 2654435761U + 1;

	l[0] = tiny_layer("conv0", LAYER_CONV, (struct shape){32, 32, 3}, 16, 8, 4, 2, 1, 8, 8, 2);
	l[1] = tiny_layer("conv1", LAYER_CONV, l[0].out, 24, 3, 1, 1, 2, 2, 1, 2);
	l[2] = tiny_layer("pool1", LAYER_MAX_POOL, l[1].out, 24, 3, 2, 1, 1, 2, 0, 2);
	l[3] = tiny_layer("fc0", LAYER_FULLY_CONNECTED, l[2].out, 40, 1, 1, 0, 1, 2, 1, 2);
	l[4] = tiny_layer("fc1", LAYER_FULLY_CONNECTED, l[3].out, 10, 1, 1, 0, 1, 2, 1, 32);
	for (int i = 0; i < 5; i++)
		layer_fill(&l[i], &state);
	*network = (struct network){.name = strdup("tiny"),
		.folder = strdup("tiny"),
		.layers = l,
		.layer_count = 5,
		.class_count = 10};
	tiny_labels(network);
	return network;
}

/* An empty folder, for folder_remove. */
static inline char *folder_make(void)
{
	char *path = strdup("/tmp/twobit-test-XXXXXX");
	if (!path || !mkdtemp(path))
		abort();
	return path;
}

static inline int folder_remove_entry(
	const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

/* Removes the folder with all that is in it, and frees the path. */
static inline void folder_remove(char *path)
{
	nftw(path, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

#endif
