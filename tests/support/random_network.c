/* SPDX-License-Identifier: MIT */
#include "support/random_network.h"

#include "nn/reference.h"
#include "support/layer.h"
#include "support/memory.h"
#include "support/random.h"

#include <stdlib.h>

uint8_t *random_codes(struct shape shape, int bits, enum extreme extreme)
{
	uint8_t *codes = must_allocate(shape_size(shape), 1);
	int mask = (1 << bits) - 1;

	for (size_t i = 0; i < shape_size(shape); i++)
		codes[i] = (uint8_t)(extreme ? mask : (int)random_word() & mask);
	return codes;
}

#define OFFSETS_MOST 10000 /* taps: no sum of weights with offsets leaves 32 bits */

void random_weights(struct layer *layer, enum extreme extreme)
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
	if (extreme || layer->weight_bits != 8 || depth > OFFSETS_MOST || random_below(4))
		return;
	layer->weight_offset = must_allocate((size_t)layer->out.channels, 1);
	for (int c = 0; c < layer->out.channels; c++)
		layer->weight_offset[c] = (int8_t)(random_below(255) - 127);
}

static int compare_thresholds(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

/* Thresholds from accumulators of the layer, so that equality occurs; some are the ends of the range.
 */
static void random_thresholds(struct layer *layer, const int32_t *accumulators)
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
static void random_requantise(struct layer *layer, const int32_t *accumulators)
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
		/* an offset in codes, and half a code for the rounding; some are the ends of the range */
		int64_t end = INT64_C(1) << 62, code = random_below(1 << layer->output_bits) - 2;
		layer->bias[c] = shift < 54 ? code * (INT64_C(1) << shift) : random_below(2) ? end : -end;
		if (shift > 0 && shift < 54 && random_below(2))
			layer->bias[c] += INT64_C(1) << (shift - 1);
	}
}

void random_epilogue(struct layer *layer, const uint8_t *in)
{
	if (layer->kind == LAYER_MAX_POOL || layer->epilogue == EPILOGUE_SCORES)
		return;
	struct layer scores = *layer;
	int32_t *accumulators = must_allocate(shape_size(layer->out), sizeof(int32_t));

	scores.epilogue = EPILOGUE_SCORES;
	scores.output_bits = TENSOR_SUMS;
	layer_compute(&scores, in, accumulators);
	if (layer->epilogue == EPILOGUE_THRESHOLDS)
		random_thresholds(layer, accumulators);
	else
		random_requantise(layer, accumulators);
	free(accumulators);
}
