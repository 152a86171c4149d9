/* SPDX-License-Identifier: MIT */
/*
 * The parameters lie as the array of that project's overlay reads them: files L-PE-weights.bin and
 * L-PE-thres.bin, one pair for each of 32 PEs, of little-endian 64-bit words. PE p holds the output channels
 * 32·f + p, f = 0, 1, …; channels are padded to multiples of 32 (out) and 64 (in). The overlay for codes of 3
 * bits computes at most 256 output channels at a time: more are in parts, each with an L of its own.
 */
#include "base/error.h"
#include "base/file.h"
#include "nn/import/qnn_mo_list.h"
#include "nn/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	PE_COUNT = 32,
	WORD_BITS = 64,
	WORD_BYTES = 8,
	LARGEST_SUM = INT16_MAX, /* the overlay's accumulators have 16 bits */
	LARGEST_PART = 256,
};

/* The whole file FOLDER/L-PE-KIND.bin, which must have this size, for the caller to free. */
static int parameters_read(const struct qnn_mo_import *m, int file, int pe, const char *kind, size_t size,
	uint8_t **bytes, struct error *e)
{
	struct error cause = {0};
	char *path = NULL;
	size_t found;

	*bytes = NULL;
	if (asprintf(&path, "%s/%d-%d-%s.bin", m->parameters, file, pe, kind) < 0)
		return error_set(e, -ENOMEM, "%s: out of memory", m->path);
	int rc = file_read(AT_FDCWD, path, size, bytes, &found, &cause);
	if (rc)
		error_set(e, rc, "%s: layer \"%s\": %s", path, m->layer, cause.text);
	if (!rc && found != size) {
		error_set(e, -EBADMSG, "%s: layer \"%s\": holds %zu bytes, but the layer's shape needs %zu",
			path, m->layer, found, size);
		rc = -EBADMSG;
	}
	free(path);
	return rc;
}

static uint64_t word_at(const uint8_t *bytes, size_t index)
{
	uint64_t word = 0;

	for (int i = WORD_BYTES - 1; i >= 0; i--)
		word = word << 8 | bytes[index * WORD_BYTES + (size_t)i];
	return word;
}

/* Words run over kernel rows, kernel columns and blocks of 64 input channels; bit 1 means −1. */
static void weights_unpack(const uint8_t *bytes, size_t first_word, int places, int depth, int8_t *weights)
{
	size_t blocks = (size_t)(depth + WORD_BITS - 1) / WORD_BITS;

	for (int place = 0; place < places; place++)
		for (int i = 0; i < depth; i++) {
			size_t block = (size_t)place * blocks + (size_t)(i / WORD_BITS);
			uint64_t word = word_at(bytes, first_word + block);

			*weights++ = word >> (i % WORD_BITS) & 1 ? -1 : 1;
		}
}

/* The highest code, and how many thresholds a channel has. */
static int levels_of(const struct qnn_mo_import *m)
{
	return (1 << m->bits) - 1;
}

/* Words of a channel's thresholds; the last one holds the first of them. */
static size_t words_of_thresholds(const struct qnn_mo_import *m)
{
	return (size_t)(levels_of(m) + 1) * 16 / WORD_BITS;
}

/* 16 bits of a channel's words: threshold i, or behind them, in the lowest bit, whether codes are inverted.
 */
static uint16_t part_at(const uint8_t *bytes, size_t words, int i)
{
	return (uint16_t)(word_at(bytes, words - 1 - (size_t)i / 4) >> 16 * (i % 4));
}

/*
 * A code counts the thresholds that are reached, so their order means nothing, and a channel of the published
 * DoReFa-Net is not in order: sort them. Codes of 3 bits are kept in 4. There a channel needs 15 thresholds:
 * those too many are never reached, or, where 15 − code stands for 7 − code, always.
 */
static void thresholds_unpack(
	const struct qnn_mo_import *m, const uint8_t *bytes, int levels, int32_t *thresholds, uint8_t *invert)
{
	int count = levels_of(m);
	size_t words = words_of_thresholds(m);

	*invert = part_at(bytes, words, count) & 1;
	for (int i = 0; i < levels; i++) {
		int32_t threshold = *invert ? INT32_MIN : INT32_MAX;
		int at = i;

		if (i < count)
			threshold = (int16_t)part_at(bytes, words, i);
		for (; at > 0 && thresholds[at - 1] > threshold; at--)
			thresholds[at] = thresholds[at - 1];
		thresholds[at] = threshold;
	}
}

/* Where the channels of a layer stand: in so many parts of files of their own. */
struct parts {
	int count, channels, depth, places;
	size_t words; /* of one channel's weights */
	int step;     /* from a part's L to the next one's */
};

static struct parts parts_of(const struct qnn_mo_import *m, const struct layer *layer)
{
	int iterations = (layer->out.channels / layer->groups + LARGEST_PART - 1) / LARGEST_PART;
	struct parts p = {.count = layer->groups, .depth = layer->in.channels / layer->groups};

	p.step = m->file_step;
	if (layer->groups == 1 && m->bits == 3) {
		p.count = iterations;
		p.step = 1;
	}
	p.channels = layer->out.channels / p.count;
	p.places = layer->kernel_height * layer->kernel_width;
	p.words = (size_t)p.places * (size_t)((p.depth + WORD_BITS - 1) / WORD_BITS);
	return p;
}

/* The output channels of one part that one PE computes. */
static int pe_read(const struct qnn_mo_import *m, const struct parts *p, int part, int pe,
	struct layer *layer, struct error *e)
{
	int levels = layer_levels(layer), file = m->file + part * p->step;
	size_t folds = (size_t)(p->channels + PE_COUNT - 1) / PE_COUNT;
	size_t first = (size_t)part * (size_t)p->channels + (size_t)pe; /* channel of fold 0 */
	size_t words = words_of_thresholds(m);
	uint8_t *bytes;
	int result = parameters_read(m, file, pe, "weights", folds * p->words * WORD_BYTES, &bytes, e);

	for (int f = 0; bytes && result == 0 && f * PE_COUNT + pe < p->channels; f++)
		weights_unpack(bytes, (size_t)f * p->words, p->places, p->depth,
			layer->weights +
				(first + (size_t)f * PE_COUNT) * (size_t)p->places * (size_t)p->depth);
	free(bytes);
	if (result)
		return result;
	result = parameters_read(m, file, pe, "thres", folds * words * WORD_BYTES, &bytes, e);
	for (int f = 0; bytes && result == 0 && f * PE_COUNT + pe < p->channels; f++) {
		size_t channel = first + (size_t)f * PE_COUNT;

		thresholds_unpack(m, bytes + (size_t)f * words * WORD_BYTES, levels,
			layer->thresholds + channel * (size_t)levels, layer->invert + channel);
	}
	free(bytes);
	return result;
}

int qnn_mo_read_parameters(const struct qnn_mo_import *m, struct layer *layer, int *files, struct error *e)
{
	struct parts p = parts_of(m, layer);
	size_t channels = (size_t)layer->out.channels, taps = (size_t)p.places * (size_t)p.depth;
	int result = 0;

	*files = layer->groups == 1 ? p.count : 1;
	if (taps * (size_t)levels_of(m) > LARGEST_SUM)
		return layer_error(m, e,
			"%zu weights a channel can overflow the 16-bit accumulators of the overlay", taps);
	if (layer->out.channels % p.count)
		return layer_error(m, e, "%d output channels do not fit into %d parts of at most %d",
			layer->out.channels, p.count, LARGEST_PART);
	layer->weights = malloc(channels * taps);
	layer->thresholds = calloc(channels * (size_t)layer_levels(layer), sizeof(*layer->thresholds));
	layer->invert = calloc(channels, 1);
	if (!layer->weights || !layer->thresholds || !layer->invert)
		result = error_set(e, -ENOMEM, "%s: layer \"%s\": out of memory", m->path, m->layer);
	for (int part = 0; result == 0 && part < p.count; part++)
		for (int pe = 0; result == 0 && pe < PE_COUNT; pe++)
			result = pe_read(m, &p, part, pe, layer, e);
	return result;
}
