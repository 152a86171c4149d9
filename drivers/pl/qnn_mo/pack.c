/* SPDX-License-Identifier: MIT */
/*
 * All data are little-endian words of 64 bits, written and read as such: the memory may not be cached.
 * Formats after hls/streaming_mem_loading.h, matrixvector.h and thresholding.h of the published sources.
 */
#include "pl/qnn_mo/pack.h"

#include "pl/qnn_mo/registers.h"

#include <endian.h>
#include <string.h>

enum {
	CODES = 32, /* of a word */
	PIXEL_WORDS = QNN_MO_PIXEL_BYTES / 8,
	LEVELS = 3, /* thresholds of a channel */
};

/* No accumulator exceeds 3 · 5 · 5 · 384 = 28,800, so a threshold beyond 16 bits can be clamped. */
static uint64_t threshold_bits(int32_t threshold)
{
	int32_t within = threshold < INT16_MIN ? INT16_MIN : threshold > INT16_MAX ? INT16_MAX : threshold;

	return (uint16_t)within;
}

/* For a lane without a channel the thresholds are never reached, so that it gives code 0. */
static uint64_t threshold_word(const struct layer *l, int channel)
{
	uint64_t word = 0;

	for (int i = 0; i < LEVELS; i++)
		word |= threshold_bits(channel < 0 ? INT16_MAX : l->thresholds[channel * LEVELS + i])
			<< 16 * i;
	if (channel >= 0 && l->invert && l->invert[channel])
		word |= UINT64_C(1) << 48;
	return word;
}

/* Kernel rows, kernel columns, blocks of lanes; bit 1 is −1. A lane without a channel has bit 0. */
static void pack_channel(const struct layer *l, int channel, uint64_t *words)
{
	int depth = l->in.channels / l->groups, places = l->kernel_height * l->kernel_width;
	const int8_t *weights = l->weights + (size_t)channel * (size_t)places * (size_t)depth;

	for (int place = 0; place < places; place++)
		for (int begin = 0; begin < depth; begin += QNN_MO_LANES) {
			uint64_t word = 0;

			for (int c = begin; c < depth && c < begin + QNN_MO_LANES; c++)
				word |= (uint64_t)(*weights++ < 0) << (c - begin);
			*words++ = htole64(word);
		}
}

void qnn_mo_pack_parameters(const struct layer *l, int group, int port, uint64_t *words)
{
	int channels = l->out.channels / l->groups;
	int blocks = (l->in.channels / l->groups + QNN_MO_LANES - 1) / QNN_MO_LANES;
	int channel_words = l->kernel_height * l->kernel_width * blocks;
	size_t pe_words = (size_t)qnn_mo_weight_words(l->kernel_height);
	uint64_t *thresholds = words + QNN_MO_PORT_PES * pe_words;

	memset(words, 0, QNN_MO_PORT_PES * pe_words * sizeof(*words));
	for (int pe = 0; pe < QNN_MO_PORT_PES; pe++)
		for (int fold = 0; fold < QNN_MO_THRESHOLD_WORDS; fold++) {
			int inner = fold * QNN_MO_PES + port * QNN_MO_PORT_PES + pe;
			int channel = inner < channels ? group * channels + inner : -1;

			if (channel >= 0)
				pack_channel(l, channel,
					words + (size_t)pe * pe_words + (size_t)fold * (size_t)channel_words);
			*thresholds++ = htole64(threshold_word(l, channel));
		}
}

static void pack_pixel(const uint8_t *codes, int channels, uint64_t *words)
{
	for (int i = 0; i < PIXEL_WORDS; i++) {
		uint64_t word = 0;

		for (int c = i * CODES; c < channels && c < (i + 1) * CODES; c++)
			word |= (uint64_t)(codes[c] & 3) << 2 * (c - i * CODES);
		words[i] = htole64(word);
	}
}

static void unpack_pixel(const uint64_t *words, int channels, uint8_t *codes)
{
	for (int i = 0; i * CODES < channels; i++) {
		uint64_t word = le64toh(words[i]);

		for (int c = i * CODES; c < channels && c < (i + 1) * CODES; c++, word >>= 2)
			codes[c] = word & 3;
	}
}

void qnn_mo_pack_codes(
	const uint8_t *codes, struct shape shape, int groups, uint8_t *memory, size_t group_bytes)
{
	size_t pixels = (size_t)shape.height * (size_t)shape.width;
	int channels = shape.channels / groups;

	for (size_t i = 0; i < pixels; i++)
		for (int g = 0; g < groups; g++, codes += channels)
			pack_pixel(codes, channels,
				(uint64_t *)(memory + (size_t)g * group_bytes) + i * PIXEL_WORDS);
}

void qnn_mo_unpack_codes(
	const uint8_t *memory, size_t group_bytes, struct shape shape, int groups, uint8_t *codes)
{
	size_t pixels = (size_t)shape.height * (size_t)shape.width;
	int channels = shape.channels / groups;

	for (size_t i = 0; i < pixels; i++)
		for (int g = 0; g < groups; g++, codes += channels)
			unpack_pixel((const uint64_t *)(memory + (size_t)g * group_bytes) + i * PIXEL_WORDS,
				channels, codes);
}
