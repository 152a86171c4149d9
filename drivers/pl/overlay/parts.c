/* SPDX-License-Identifier: MIT */
/* Layers become parts: runs of output channels whose weights either stay in the overlay or are streamed. */
#include "pl/overlay/plan.h"

#include <stdlib.h>

/* Words that precede a tile's weights. */
static int epilogue_words(const struct layer *layer)
{
	switch (layer->epilogue) {
	case EPILOGUE_THRESHOLDS:
		return (1 << layer->output_bits) - 1;
	case EPILOGUE_REQUANTISE:
		return 3;
	default:
		return 0;
	}
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Sets the fields of a part that its first channel determines. */
static void begin_part(const struct program *p, int stage, int channel, struct layer_part *part)
{
	const struct layer *layer = p->stages[stage].layer;
	const struct overlay_tensor *in = &p->tensors[stage];
	int depth = layer_depth(layer);
	int group = channel / (layer->out.channels / layer->groups);
	int columns = (layer->out.width - 1) * layer->stride_width + 1;

	part->stage = stage;
	part->first_channel = channel;
	part->first_place = p->tensors[stage + 1].place[channel];
	part->last_place = in->place[(group + 1) * depth - 1];
	part->first_chunk = in->place[group * depth] / OVERLAY_BITS;
	part->chunks = part->last_place / OVERLAY_BITS - part->first_chunk + 1;
	part->epilogue_words = epilogue_words(layer);
	part->tile_words = part->epilogue_words +
			   layer->weight_bits * layer->kernel_height * kernel_steps(layer, in) * part->chunks;
	part->uses = (int64_t)layer->out.height * divide_up(columns, OVERLAY_PIXELS) * layer->input_bits;
}

static int split_stage(struct program *p, int stage, struct error *e)
{
	const struct layer *layer = p->stages[stage].layer;
	const int *place = p->tensors[stage + 1].place;
	int group = layer->out.channels / layer->groups;

	for (int c = 0; c < layer->out.channels; c++) {
		if (c % group == 0 || place[c] != place[c - 1] + 1) {
			if (p->part_count == OVERLAY_LAYERS)
				return refuse(layer, e, "brings the parts that run one by one over %d",
					OVERLAY_LAYERS);
			begin_part(p, stage, c, &p->parts[p->part_count++]);
		}
		p->parts[p->part_count - 1].channels++;
	}
	for (int i = 0; i < p->part_count; i++)
		p->parts[i].tiles = divide_up(p->parts[i].channels, OVERLAY_CHANNELS);
	return 0;
}

/*
 * Moves `excess` weight words out of the memory: words with the longest use are the best to stream, and parts
 * with equal use share, so that each waits less. streamed[i]: tiles of part i.
 */
static void choose_streamed(const struct program *p, int64_t excess, int *streamed)
{
	int64_t below = INT64_MAX;

	while (excess > 0) {
		int64_t uses = 0;
		bool more = true;

		for (int i = 0; i < p->part_count; i++)
			if (p->parts[i].uses < below)
				uses = larger(uses, p->parts[i].uses);
		while (more && excess > 0) {
			more = false;
			for (int i = 0; i < p->part_count && excess > 0; i++) {
				if (p->parts[i].uses != uses || streamed[i] == p->parts[i].tiles)
					continue;
				streamed[i]++;
				excess -= p->parts[i].tile_words;
				more = true;
			}
		}
		below = uses;
	}
}

/* Cuts parts between the tiles that stay and those that are streamed, and gives the former their places. */
static void cut(struct program *p, const int *streamed)
{
	struct layer_part all[2 * OVERLAY_LAYERS];
	int count = 0;

	for (int i = 0; i < p->part_count; i++) {
		struct layer_part stays = p->parts[i], goes = p->parts[i];
		int kept = stays.tiles - streamed[i];

		stays.tiles = kept;
		stays.channels = (int)smaller(stays.channels, (int64_t)kept * OVERLAY_CHANNELS);
		stays.weight_base = p->weight_words;
		goes.tiles = streamed[i];
		goes.channels -= stays.channels;
		goes.first_channel += kept * OVERLAY_CHANNELS;
		goes.first_place += kept * OVERLAY_CHANNELS;
		goes.streamed = true;
		if (kept) {
			p->weight_words += kept * stays.tile_words;
			all[count++] = stays;
		}
		if (streamed[i]) {
			p->streamed_words += (int64_t)goes.tiles * goes.tile_words;
			all[count++] = goes;
		}
	}
	p->part_count = count;
	for (int i = 0; i < count; i++)
		p->parts[i] = all[i];
}

static int place_weights(struct program *p, struct error *e)
{
	int depth = p->limits.weight_words - p->limits.page_words * p->partition;
	int streamed[OVERLAY_LAYERS] = {0};
	int64_t total = 0, ring = 0;
	int largest = 0;

	for (int i = 0; i < p->part_count; i++) {
		total += (int64_t)p->parts[i].tiles * p->parts[i].tile_words;
		if (p->parts[i].tile_words > p->parts[largest].tile_words)
			largest = i;
	}
	if (total > depth) {
		/*
		 * Two tiles at least: one is used while the next is loaded. More tiles spread the load on the
		 * bus.
		 */
		int64_t two = 2 * (int64_t)p->parts[largest].tile_words;

		ring = larger(two, smaller(p->limits.page_words, smaller(total / 8, total - depth)));
		if (ring > depth)
			return refuse(p->stages[p->parts[largest].stage].layer, e,
				"needs %d words of weights for %d channels, more than half of the %d there "
				"are",
				p->parts[largest].tile_words, OVERLAY_CHANNELS, depth);
	}
	choose_streamed(p, total - (depth - ring), streamed);
	cut(p, streamed);
	p->ring_first = ring ? p->weight_words : 0;
	p->ring_words = ring ? depth - p->weight_words : 0;
	return 0;
}

int plan_parts(struct program *p, struct error *e)
{
	for (int stage = 0; stage < p->stage_count; stage++) {
		int rc = split_stage(p, stage, e);

		if (rc)
			return rc;
	}
	int rc = place_weights(p, e);
	if (!rc && p->part_count > p->limits.layers)
		rc = refuse(p->stages[p->stage_count - 1].layer, e,
			"is the end of %d parts that run one by one, more than %d", p->part_count,
			p->limits.layers);
	return rc;
}
