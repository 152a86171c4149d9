/* SPDX-License-Identifier: MIT */
/* Weights and epilogues in the order in which the array reads them, as records ready to be sent. */
#include "base/error.h"
#include "pl/overlay/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = OVERLAY_WEIGHT_BEATS * 8, SEAL_BYTES = 16 };

/* Thresholds as a heap: node n decides between the codes below `middle` and from it on. */
static void fill_heap(const int32_t *t, int node, int low, int high, int32_t *words)
{
	int middle = (low + high) / 2;

	if (high - low < 2)
		return;
	words[node - 1] = t[middle - 1];
	fill_heap(t, 2 * node, low, middle, words);
	fill_heap(t, 2 * node + 1, middle, high, words);
}

/* The epilogues of one lane, whose words lie OVERLAY_WEIGHT_BEATS beats apart; channel −1: none. */
static void write_epilogues(const struct layer *layer, int channel, uint64_t *lane)
{
	if (layer->epilogue == EPILOGUE_THRESHOLDS) {
		int count = (1 << layer->output_bits) - 1;
		uint64_t invert = channel >= 0 && layer->invert && layer->invert[channel];
		int32_t words[15];

		for (int i = 0; i < count; i++)
			words[i] = INT32_MAX;
		if (channel >= 0)
			fill_heap(
				layer->thresholds + (size_t)channel * (size_t)count, 1, 0, count + 1, words);
		for (int i = 0; i < count; i++)
			lane[i * OVERLAY_WEIGHT_BEATS] = (uint32_t)words[i] | invert << 32;
	} else if (layer->epilogue == EPILOGUE_REQUANTISE && channel >= 0) {
		uint64_t shift = layer->shift[channel], bias = (uint64_t)layer->bias[channel];

		lane[0] = (uint32_t)layer->multiplier[channel] | (shift & 7) << 32;
		lane[OVERLAY_WEIGHT_BEATS] = (uint32_t)bias | shift >> 3 << 32;
		lane[2 * OVERLAY_WEIGHT_BEATS] = bias >> 32;
	}
}

/* One output channel's weights: plane, kernel row, step, chunk. */
static void write_weights(const struct program *p, const struct layer_part *part, int channel, uint64_t *lane)
{
	const struct layer *layer = p->stages[part->stage].layer;
	const struct overlay_tensor *in = &p->tensors[part->stage];
	int depth = layer_depth(layer), steps = kernel_steps(layer, in);
	int group = channel / (layer->out.channels / layer->groups);
	const int *place = in->place + (size_t)group * (size_t)depth;
	size_t plane = (size_t)layer->kernel_height * (size_t)steps * (size_t)part->chunks;
	const int8_t *w = layer->weights + (size_t)channel * (size_t)layer->kernel_height *
						   (size_t)layer->kernel_width * (size_t)depth;

	for (int y = 0; y < layer->kernel_height; y++)
		for (int x = 0; x < layer->kernel_width; x++)
			for (int i = 0; i < depth; i++, w++) {
				int at = place[i] - part->first_chunk * OVERLAY_BITS;
				int bit = at % OVERLAY_BITS + x % in->pack * in->slot;
				int step = (y * steps + x / in->pack) * part->chunks + at / OVERLAY_BITS;

				for (int b = 0; b < layer->weight_bits; b++) {
					uint64_t one = layer->weight_bits == 1 ? *w > 0 : *w >> b & 1;

					lane[((size_t)b * plane + (size_t)step) * OVERLAY_WEIGHT_BEATS] |=
						one << bit;
				}
			}
}

static void write_tile(const struct program *p, const struct layer_part *part, int tile, uint64_t *words)
{
	const struct layer *layer = p->stages[part->stage].layer;

	for (int lane = 0; lane < OVERLAY_CHANNELS; lane++) {
		int i = tile * OVERLAY_CHANNELS + lane;
		int channel = i < part->channels ? part->first_channel + i : -1;

		write_epilogues(layer, channel, words + lane);
		if (channel >= 0)
			write_weights(p, part, channel,
				words + lane + (size_t)part->epilogue_words * OVERLAY_WEIGHT_BEATS);
	}
}

/* All resident, or all streamed words. Zeroed memory of the caller's. */
static void write_words(const struct program *p, bool streamed, uint64_t *words)
{
	for (int i = 0; i < p->part_count; i++) {
		const struct layer_part *part = &p->parts[i];

		for (int tile = 0; part->streamed == streamed && tile < part->tiles; tile++) {
			write_tile(p, part, tile, words);
			words += (size_t)part->tile_words * OVERLAY_WEIGHT_BEATS;
		}
	}
}

/*
 * Room for a frame's record of `before` bytes and `words` weight words behind it: one transfer when that is
 * short enough for the DMA, else a transfer for each record, the words cut into several. Returns how many
 * words a record has; 0: no memory.
 */
static size_t make_room(struct records *r, size_t before, size_t words, size_t limit)
{
	bool joined = before + words * WORD_BYTES + SEAL_BYTES <= limit;
	size_t each = joined ? words + 1 : (limit - SEAL_BYTES) / WORD_BYTES;
	size_t count = (words + each - 1) / each;

	r->size = before + words * WORD_BYTES + count * SEAL_BYTES;
	r->beats = calloc(1, r->size + 1);
	r->transfers = calloc(count + 1, sizeof(*r->transfers));
	if (!r->beats || !r->transfers)
		return 0;
	for (size_t at = 0; at < r->size;) {
		struct transfer *t = &r->transfers[r->count++];
		size_t record = at < before ? before : each * WORD_BYTES + SEAL_BYTES;

		t->offset = at;
		t->size = joined || record > r->size - at ? r->size - at : record;
		at += t->size;
	}
	return each;
}

static int make_records(
	const struct program *p, struct records *r, size_t before, int64_t words, bool streamed)
{
	const size_t beat = sizeof(uint64_t);
	uint64_t *all;
	size_t each;

	if (words > (int64_t)(SIZE_MAX / 4 / WORD_BYTES))
		return -EOVERFLOW;
	all = calloc((size_t)words + 1, WORD_BYTES);
	each = make_room(r, before, (size_t)words, p->limits.transfer);
	if (!all || !each) {
		free(all);
		return -ENOMEM;
	}
	write_words(p, streamed, all);
	uint64_t *record = r->beats + before / beat;
	for (size_t done = 0; done < (size_t)words; done += each) {
		size_t some = (size_t)words - done < each ? (size_t)words - done : each;

		memcpy(record + 1, all + done * OVERLAY_WEIGHT_BEATS, some * WORD_BYTES);
		record_seal(record, streamed ? OVERLAY_RECORD_STREAMED : OVERLAY_RECORD_WEIGHTS, true,
			streamed ? 0 : (int)done, 0, some * OVERLAY_WEIGHT_BEATS);
		record += some * OVERLAY_WEIGHT_BEATS + SEAL_BYTES / beat;
	}
	free(all);
	return 0;
}

int plan_weights(struct program *p, struct error *e)
{
	const struct layer *layer = p->stages[0].layer;
	size_t frame = p->frame_beats * sizeof(uint64_t) + SEAL_BYTES;
	int rc = make_records(p, &p->resident, 0, p->weight_words, false);

	if (!rc)
		rc = make_records(p, &p->frame, frame, p->streamed_words, true);
	if (rc)
		return error_set(e, rc, "PL \"overlay\": no memory for the weights from layer \"%s\" on",
			layer->name ? layer->name : "");
	return 0;
}
