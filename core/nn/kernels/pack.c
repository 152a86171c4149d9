/* SPDX-License-Identifier: MIT */
/* Weights in the order in which the kernels read them, and which layers a kernel fits. */
#include "nn/kernels/kernel.h"

#include <stdlib.h>
#include <string.h>

bool fits_bits(const struct layer *layer)
{
	return layer->weight_bits == 1;
}

bool fits_bytes(const struct layer *layer)
{
	(void)layer;
	return true;
}

static size_t weights_of_channel(const struct layer *layer)
{
	return (size_t)layer->kernel_height * (size_t)layer->kernel_width *
	       (size_t)(layer->in.channels / layer->groups);
}

/* The largest sum of two products, as vpmaddubsw makes it. */
static int largest_pair(const struct layer *layer)
{
	size_t count = weights_of_channel(layer) * (size_t)layer->out.channels;
	int largest = 1;

	for (size_t i = 0; i < count; i++)
		if (abs(layer->weights[i]) > largest)
			largest = abs(layer->weights[i]);
	return 2 * largest * ((1 << layer->input_bits) - 1);
}

/* Fewer k-blocks than these between two widenings would be slower than the kernels for wide weights. */
#define NARROW_K_BLOCKS 4

bool fits_narrow(const struct layer *layer)
{
	return largest_pair(layer) * NARROW_K_BLOCKS <= INT16_MAX;
}

bool fits_depthwise(const struct layer *layer)
{
	return layer->groups > 1 && layer->groups == layer->in.channels &&
	       layer->groups == layer->out.channels;
}

/* Calls write(word, weights, count) for each word of packed weights, in their order. */
typedef void write_word(uint8_t *word, size_t vector_size, int lane, const int8_t *weights, int count);

static void pack(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm, write_word *write)
{
	size_t depth = weights_of_channel(layer);
	size_t vector_size = (size_t)kernel->lanes * (size_t)kernel->word;
	int vectors = gemm_vectors(gemm, kernel->lanes);
	uint8_t *out = gemm->weights;

	for (int g = 0; g < gemm->groups; g++)
		for (int block = 0; block < vectors; block += kernel->vectors)
			for (int s = 0; s < gemm->k_blocks; s++)
				for (int v = block; v < vectors && v < block + kernel->vectors; v++) {
					for (int lane = 0; lane < kernel->lanes; lane++) {
						int channel = v * kernel->lanes + lane;
						if (channel >= gemm->channels)
							break;
						size_t row =
							(size_t)g * (size_t)gemm->channels + (size_t)channel;
						write(out, vector_size, lane,
							layer->weights + row * depth +
								(size_t)k_blocks[s].first,
							k_blocks[s].count);
					}
					out += vector_size;
				}
}

static void write_bits(uint8_t *vector, size_t vector_size, int lane, const int8_t *weights, int count)
{
	uint64_t word = 0;

	(void)vector_size;
	for (int i = 0; i < count; i++)
		word |= (uint64_t)(weights[i] > 0) << i;
	memcpy(vector + (size_t)lane * 8, &word, 8);
}

static void write_bytes(uint8_t *vector, size_t vector_size, int lane, const int8_t *weights, int count)
{
	(void)vector_size;
	memcpy(vector + (size_t)lane * 4, weights, (size_t)count);
}

static void write_wide(uint8_t *vector, size_t vector_size, int lane, const int8_t *weights, int count)
{
	for (int i = 0; i < count; i++) {
		int16_t wide =
			weights[i]; /* NOLINT(bugprone-signed-char-misuse): a number, not a character */
		size_t half = (size_t)(i % 2) * vector_size / 2;
		memcpy(vector + half + (size_t)lane * 4 + (size_t)(i / 2) * 2, &wide, 2);
	}
}

static void write_column(uint8_t *vector, size_t vector_size, int lane, const int8_t *weights, int count)
{
	for (int i = 0; i < count; i++) {
		int16_t wide =
			weights[i]; /* NOLINT(bugprone-signed-char-misuse): a number, not a character */
		memcpy(vector + (size_t)i * vector_size / 4 + (size_t)lane * 2, &wide, 2);
	}
}

void pack_bits(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm)
{
	pack(kernel, layer, k_blocks, gemm, write_bits);
}

void pack_bytes(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm)
{
	gemm->exact = INT16_MAX / largest_pair(layer);
	pack(kernel, layer, k_blocks, gemm, write_bytes);
}

void pack_wide(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm)
{
	pack(kernel, layer, k_blocks, gemm, write_wide);
}

void pack_columns(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm)
{
	pack(kernel, layer, k_blocks, gemm, write_column);
}

/*
 * Where the weight of a tap is for a channel of a vector, counted in weights. Interleaving the codes of
 * `taps` taps within 128 bits leaves 4 channels there, and the next 4 in the vector's next part.
 */
static size_t depthwise_place(const struct kernel *kernel, size_t tap, size_t channel)
{
	size_t taps = (size_t)kernel->taps, lanes = (size_t)kernel->lanes, run = 4 * taps;
	size_t part = channel % run / 4, lane = channel / run * 4 + channel % 4;

	return (tap / taps * taps + part) * lanes + lane * taps + tap % taps;
}

static void store_weight(uint8_t *out, size_t word, int weight)
{
	int8_t narrow = (int8_t)weight;
	int16_t wide = (int16_t)weight;

	memcpy(out, word == 1 ? (void *)&narrow : (void *)&wide, word);
}

void pack_depthwise(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm)
{
	size_t word = (size_t)kernel->word, lanes = (size_t)kernel->lanes;
	const int8_t *weights = layer->weights;
	uint8_t *out = gemm->weights;

	for (size_t c = 0; c < (size_t)gemm->channels; c++, weights += weights_of_channel(layer))
		for (size_t s = 0; s < (size_t)gemm->k_blocks && k_blocks[s].count; s++) {
			size_t vector = c / lanes * lanes * (size_t)gemm->k_blocks;

			store_weight(out + (vector + depthwise_place(kernel, s, c % lanes)) * word, word,
				weights[k_blocks[s].first]);
		}
}
