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
