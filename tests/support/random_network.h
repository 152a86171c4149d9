/* SPDX-License-Identifier: MIT */
/* Layers with random weights and epilogues, for the tests and benchmarks of kernels. Everything follows the
 * seed. */
#ifndef UNIT_RANDOM_NETWORK_H
#define UNIT_RANDOM_NETWORK_H

#include "nn/network.h"
#include "nn/reference.h"

#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 1;

/* splitmix64 (S. Vigna, public domain) */
static inline uint64_t random_word(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline int random_below(int n)
{
	return (int)(random_word() % (uint64_t)n);
}

static inline void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);
	if (!memory)
		abort();
	return memory;
}

/* What the weights and the codes look like. */
enum extreme { EXTREME_NONE, EXTREME_LARGEST, EXTREME_SMALLEST };

static inline uint8_t *random_codes(struct shape shape, int bits, enum extreme extreme)
{
	uint8_t *codes = must_allocate(shape_size(shape), 1);
	int mask = (1 << bits) - 1;

	for (size_t i = 0; i < shape_size(shape); i++)
		codes[i] = (uint8_t)(extreme ? mask : (int)random_word() & mask);
	return codes;
}

static inline void random_weights(struct layer *layer, enum extreme extreme)
{
	size_t depth = (size_t)layer->kernel_height * (size_t)layer->kernel_width *
		       (size_t)(layer->in.channels / layer->groups);
	size_t count = depth * (size_t)layer->out.channels;
	int largest = layer->weight_bits == 1 ? 1 : (1 << (layer->weight_bits - 1)) - 1;
	int smallest = layer->weight_bits == 1 ? -1 : -largest - 1;

	layer->weights = must_allocate(count, 1);
	for (size_t i = 0; i < count; i++)
		if (extreme)
			layer->weights[i] = (int8_t)(extreme == EXTREME_LARGEST ? largest : smallest);
		else if (layer->weight_bits == 1)
			layer->weights[i] = random_word() & 1 ? 1 : -1;
		else
			layer->weights[i] = (int8_t)(smallest + random_below(largest - smallest + 1));
}

static inline int compare_thresholds(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

/* Thresholds from accumulators of the layer, so that equality occurs, and now and then the ends of the range.
 */
static inline void random_thresholds(struct layer *layer, const int32_t *accumulators)
{
	int levels = (1 << layer->output_bits) - 1;
	int pixels = layer->out.height * layer->out.width;

	layer->thresholds = must_allocate((size_t)layer->out.channels * (size_t)levels, sizeof(int32_t));
	layer->invert = random_below(2) ? must_allocate((size_t)layer->out.channels, 1) : NULL;
	for (int c = 0; c < layer->out.channels; c++) {
		int32_t *t = layer->thresholds + (size_t)c * (size_t)levels;
		for (int i = 0; i < levels; i++) {
			int pixel = random_below(pixels);
			t[i] = accumulators[(size_t)pixel * (size_t)layer->out.channels + (size_t)c] +
			       random_below(3) - 1;
			if (random_below(40) == 0)
				t[i] = random_below(2) ? INT32_MAX : INT32_MIN;
		}
		qsort(t, (size_t)levels, sizeof(*t), compare_thresholds);
		if (layer->invert)
			layer->invert[c] = (uint8_t)random_below(2);
	}
}

/* Multipliers that spread the accumulators over the codes; small shifts make exact borders. */
static inline void random_requantise(struct layer *layer, const int32_t *accumulators)
{
	size_t channels = (size_t)layer->out.channels, count = shape_size(layer->out);
	int64_t largest = 1;

	for (size_t i = 0; i < count; i++)
		if (llabs(accumulators[i]) > largest)
			largest = llabs(accumulators[i]);
	layer->multiplier = must_allocate(channels, sizeof(int32_t));
	layer->shift = must_allocate(channels, 1);
	layer->bias = must_allocate(channels, sizeof(int64_t));
	for (size_t c = 0; c < channels; c++) {
		int shift = random_below(4) ? random_below(32) : random_below(63);
		double multiplier =
			(double)(UINT64_C(1) << shift) * (1 << layer->output_bits) / (double)largest;
		if (multiplier < 1)
			multiplier = 1 + random_below(3);
		layer->shift[c] = (uint8_t)shift;
		layer->multiplier[c] = multiplier < INT32_MAX ? (int32_t)multiplier : INT32_MAX;
		if (random_below(8) == 0)
			layer->multiplier[c] = -layer->multiplier[c];
		/* an offset in codes and a half for the rounding; now and then the ends of the range */
		int64_t end = INT64_C(1) << 62, code = random_below(1 << layer->output_bits) - 2;
		layer->bias[c] = shift < 54 ? code * (INT64_C(1) << shift) : random_below(2) ? end : -end;
		if (shift > 0 && shift < 54 && random_below(2))
			layer->bias[c] += INT64_C(1) << (shift - 1);
	}
}

/* The layer's epilogue, fitted to what it makes of `in`. */
static inline void random_epilogue(struct layer *layer, const uint8_t *in)
{
	if (layer->kind == LAYER_MAX_POOL || layer->epilogue == EPILOGUE_SCORES)
		return;
	struct layer scores = *layer;
	int32_t *accumulators = must_allocate(shape_size(layer->out), sizeof(int32_t));

	scores.epilogue = EPILOGUE_SCORES;
	reference_layer(&scores, in, accumulators);
	if (layer->epilogue == EPILOGUE_THRESHOLDS)
		random_thresholds(layer, accumulators);
	else
		random_requantise(layer, accumulators);
	free(accumulators);
}

/* out's height and width from the rest. */
static inline void layer_shape(struct layer *layer)
{
	layer->out.height = (layer->in.height + layer->pad_top + layer->pad_bottom - layer->kernel_height) /
				    layer->stride +
			    1;
	layer->out.width =
		(layer->in.width + layer->pad_left + layer->pad_right - layer->kernel_width) / layer->stride +
		1;
}

static inline void layer_finish(struct layer *layer)
{
	free(layer->weights);
	free(layer->thresholds);
	free(layer->invert);
	free(layer->multiplier);
	free(layer->shift);
	free(layer->bias);
}

static inline size_t layer_output_size(const struct layer *layer)
{
	return shape_size(layer->out) * (layer->epilogue == EPILOGUE_SCORES ? sizeof(int32_t) : 1);
}

#endif
