/* SPDX-License-Identifier: MIT */
/*
 * Where codes lie in the overlay's memory: the channels of a pixel, the pixels of a tensor, and the tensors,
 * each of which lives from the stage that writes it to the one that reads it.
 */
#include "base/error.h"
#include "pl/overlay/plan.h"

#include <errno.h>
#include <stdlib.h>

enum { ADVANCE = 15 }; /* pixels of a step that the descriptor's field holds */

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/*
 * A frame with few channels holds neighbouring pixels in a chunk, so that a step does several columns of
 * the kernel. The mask of weights of ±1 counts quarters of a chunk, so there a pixel fills whole ones.
 */
static void pack_pixels(struct overlay_tensor *t, const struct layer *reader)
{
	int channels = t->shape.channels;

	t->pack = 1;
	t->slot = reader->weight_bits == 1 ? round_up(channels, OVERLAY_BITS / 4) : channels;
	if (reader->groups > 1 || t->slot > OVERLAY_BITS / 2 || reader->kernel_width == 1)
		return;
	t->pack = smaller(smaller(OVERLAY_BITS / t->slot, reader->kernel_width), ADVANCE);
	t->width += reader->pad_left + reader->pad_right;
	t->pad_left = reader->pad_left;
}

/* A group that is read begins at a chunk, a group that is written at a tile. */
static int place_channels(struct overlay_tensor *t, int written_groups, int read_groups)
{
	int channels = t->shape.channels, place = 0;

	t->place = calloc((size_t)channels, sizeof(*t->place));
	if (!t->place)
		return -ENOMEM;
	for (int c = 0; c < channels; c++) {
		if (c % (channels / read_groups) == 0)
			place = round_up(place, OVERLAY_BITS);
		else if (c % (channels / written_groups) == 0)
			place = round_up(place, OVERLAY_CHANNELS);
		t->place[c] = place++;
	}
	t->chunks = divide_up(place, OVERLAY_BITS);
	return 0;
}

/* The codes that a stage reads. */
static int lay_out_input(struct program *p, int i, struct error *e)
{
	const struct layer *reader = p->stages[i].layer;
	struct overlay_tensor *t = &p->tensors[i];

	t->shape = reader->in;
	t->bits = reader->input_bits;
	t->height = t->shape.height;
	t->width = t->shape.width;
	t->pack = 1;
	if (i == 0)
		pack_pixels(t, reader);
	if (place_channels(t, i ? p->stages[i - 1].layer->groups : 1, reader->groups))
		return error_set(e, -ENOMEM, "PL \"overlay\": no memory");
	int64_t words = (int64_t)t->bits * t->height * divide_up(t->width, OVERLAY_PIXELS) * t->chunks;
	int64_t most = p->limits.code_words + 2 * p->limits.pages * p->limits.page_words;
	if (words > most)
		return refuse(reader, e,
			"reads codes that take %lld words of %d bytes, more than the %lld there are",
			(long long)words, OVERLAY_CODE_BEATS * 8, (long long)most);
	return 0;
}

/* The last stage's output goes into the result, tile by tile. */
static int lay_out_result(struct program *p, struct error *e)
{
	const struct layer *writer = p->stages[p->stage_count - 1].layer;
	struct overlay_tensor *t = &p->tensors[p->stage_count];

	t->shape = writer->out;
	if (place_channels(t, writer->groups, 1))
		return error_set(e, -ENOMEM, "PL \"overlay\": no memory");
	return 0;
}

/* Tensors lie at either end of the memory in turn; the pair that a stage reads and writes must fit. */
static void place_at_ends(struct program *p, int low, int high, bool first_is_low)
{
	for (int i = 1; i < p->stage_count; i++) {
		struct overlay_tensor *t = &p->tensors[i];

		t->base = (i % 2 != 0) == first_is_low ? low : high - tensor_words(t);
	}
}

static int place_tensors(struct program *p, bool one_slot, struct error *e)
{
	int frame = tensor_words(&p->tensors[0]);
	int first = p->stage_count > 1 ? tensor_words(&p->tensors[1]) : 0;
	int pair = 0, widest = 0, words = 0;

	for (int i = 1; i < p->stage_count; i++) {
		int both = tensor_words(&p->tensors[i]) +
			   (i + 1 < p->stage_count ? tensor_words(&p->tensors[i + 1]) : 0);

		if (both > pair)
			widest = i;
		pair = larger(pair, both);
	}
	for (p->slots = one_slot ? 1 : 2; p->slots > 0; p->slots--)
		for (p->partition = 0; p->partition <= p->limits.pages; p->partition++) {
			words = p->limits.code_words + 2 * p->limits.page_words * p->partition;
			if (p->slots * frame + pair > words)
				continue;
			p->slot_base[1] = p->slots == 2 ? frame : 0;
			place_at_ends(p, p->slots * frame, words, true);
			return 0;
		}
	/*
	 * Otherwise the tensors overlap the frame, after its stage is done; the next frame is loaded when
	 * this one is finished.
	 */
	p->slots = 1;
	p->partition = p->limits.pages;
	p->shares_slot = true;
	place_at_ends(p, 0, words, false);
	if (frame + first > words)
		return refuse(p->stages[0].layer, e,
			"reads %d and writes %d words of codes, together more than %d", frame, first, words);
	if (pair > words)
		return refuse(p->stages[widest].layer, e, "reads and writes %d words of codes, more than %d",
			pair, words);
	return 0;
}

int plan_tensors(struct program *p, bool one_slot, struct error *e)
{
	for (int i = 0; i < p->stage_count; i++) {
		int rc = lay_out_input(p, i, e);

		if (rc)
			return rc;
	}
	int rc = lay_out_result(p, e);
	return rc ? rc : place_tensors(p, one_slot, e);
}
