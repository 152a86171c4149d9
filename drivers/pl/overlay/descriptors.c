/* SPDX-License-Identifier: MIT */
/* A descriptor for each part, as assets/overlay/registers.txt lists its fields. */
#include "pl/overlay/plan.h"

/* A descriptor that is being written, and the first field that could not take its value. */
struct descriptor_writer {
	uint32_t *words;
	const char *field;
	int64_t value, most;
};

static void put(struct descriptor_writer *w, int word, int shift, int bits, int64_t value, const char *field)
{
	int64_t most = (INT64_C(1) << bits) - 1;

	if ((value < 0 || value > most) && !w->field) {
		w->field = field;
		w->value = value;
		w->most = most;
	}
	w->words[word] |= (uint32_t)(value & most) << shift;
}

#define PUT(word, field, value)                                                                              \
	put(w, OVERLAY_WORD_##word, OVERLAY_##word##_##field##_SHIFT, OVERLAY_##word##_##field##_BITS,       \
		(value), #word "." #field)

/* Quarters of the last chunk that hold channels; of the last step's, when packed pixels do not fill it. */
static int mask_quarters(
	const struct layer *layer, const struct overlay_tensor *in, const struct layer_part *part)
{
	int last = layer->kernel_width % in->pack, pixels = last ? last : in->pack;

	if (in->pack == 1)
		return part->last_place % OVERLAY_BITS / OVERLAY_CHANNELS + 1;
	return pixels * divide_up(in->slot, OVERLAY_CHANNELS);
}

static void put_shape(const struct program *p, const struct layer_part *part, struct descriptor_writer *w)
{
	const struct layer *layer = p->stages[part->stage].layer, *pool = p->stages[part->stage].pool;
	const struct overlay_tensor *in = &p->tensors[part->stage];
	bool plus_minus = layer->weight_bits == 1;
	int quarters = plus_minus ? mask_quarters(layer, in, part) : 4;

	PUT(SHAPE, INPUT_BITS, layer->input_bits);
	PUT(SHAPE, WEIGHT_BITS, layer->weight_bits);
	PUT(SHAPE, OUTPUT_BITS, layer->epilogue == EPILOGUE_SCORES ? 0 : layer->output_bits);
	PUT(SHAPE, EPILOGUE,
		layer->epilogue == EPILOGUE_THRESHOLDS	 ? OVERLAY_EPILOGUE_THRESHOLDS
		: layer->epilogue == EPILOGUE_REQUANTISE ? OVERLAY_EPILOGUE_REQUANTISE
							 : OVERLAY_EPILOGUE_SCORES);
	PUT(SHAPE, PLUS_MINUS_ONE, plus_minus);
	PUT(SHAPE, FROM_FRAME, part->stage == 0);
	PUT(SHAPE, STREAMED, part->streamed);
	PUT(SHAPE, TO_STREAM, part->stage + 1 == p->stage_count);
	PUT(SHAPE, POOL, pool ? pool->kernel_width : 0);
	PUT(SHAPE, POOL_LEFT, pool ? pool->pad_left : 0);
	PUT(SHAPE, POOL_TOP, pool ? pool->pad_top : 0);
	PUT(SHAPE, STRIDE, layer->stride_height / 2);
	PUT(SHAPE, MASK_STEP, layer->kernel_width % in->pack != 0);
	PUT(SHAPE, MASK, (1 << quarters) - 1);
}

static void put_input(const struct program *p, const struct layer_part *part, struct descriptor_writer *w)
{
	const struct layer *layer = p->stages[part->stage].layer;
	const struct overlay_tensor *in = &p->tensors[part->stage];
	int steps = kernel_steps(layer, in);

	PUT(INPUT, HEIGHT, in->height);
	PUT(INPUT, WIDTH, in->width);
	PUT(KERNEL, ROWS, layer->kernel_height);
	PUT(KERNEL, STEPS, steps);
	PUT(KERNEL, ADVANCE, in->pack);
	PUT(KERNEL, PAD_TOP, layer->pad_top);
	PUT(KERNEL, PAD_LEFT, in->pack > 1 ? 0 : layer->pad_left);
	PUT(INPUT_PLACE, BASE, in->base + part->first_chunk);
	PUT(INPUT_PLACE, PLANE, tensor_plane_words(in));
	PUT(INPUT_STEP, ROW, tensor_row_words(in));
	PUT(INPUT_STEP, BLOCK, in->chunks);
	PUT(CHUNKS, COUNT, part->chunks);
	PUT(CHUNKS, PLANE, layer->kernel_height * steps * part->chunks);
	PUT(WEIGHTS, BASE, part->streamed ? 0 : part->weight_base);
	PUT(WEIGHTS, TILE, part->tile_words);
}

static void put_output(const struct program *p, const struct layer_part *part, struct descriptor_writer *w)
{
	const struct stage *stage = &p->stages[part->stage];
	const struct overlay_tensor *out = &p->tensors[part->stage + 1];
	struct shape written = stage->pool ? stage->pool->out : stage->layer->out;

	PUT(OUTPUT, HEIGHT, stage->layer->out.height);
	PUT(OUTPUT, WIDTH, (stage->layer->out.width - 1) * stage->layer->stride_width + 1);
	PUT(POOLED, HEIGHT, written.height);
	PUT(POOLED, WIDTH, written.width);
	PUT(TILES, COUNT, part->tiles);
	PUT(TILES, FIRST, part->first_place / OVERLAY_CHANNELS);
	if (part->stage + 1 == p->stage_count)
		return; /* into the result */
	PUT(OUTPUT_PLACE, BASE, out->base);
	PUT(OUTPUT_PLACE, PLANE, tensor_plane_words(out));
	PUT(OUTPUT_STEP, ROW, tensor_row_words(out));
	PUT(OUTPUT_STEP, BLOCK, out->chunks);
}

int plan_descriptors(struct program *p, struct error *e)
{
	int last_reader = 0;

	for (int i = 0; i < p->part_count; i++)
		if (p->parts[i].stage == 0 || p->shares_slot)
			last_reader = i;
	for (int i = 0; i < p->part_count; i++) {
		const struct layer_part *part = &p->parts[i];
		struct descriptor_writer writer = {.words = p->descriptors[i]}, *w = &writer;

		put_shape(p, part, w);
		PUT(SHAPE, RELEASES, i == last_reader);
		PUT(SHAPE, LAST, i + 1 == p->part_count);
		put_input(p, part, w);
		put_output(p, part, w);
		if (w->field)
			return refuse(p->stages[part->stage].layer, e, "needs %lld in %s, which holds %lld",
				(long long)w->value, w->field, (long long)w->most);
	}
	return 0;
}
