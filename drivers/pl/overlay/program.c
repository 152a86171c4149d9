/* SPDX-License-Identifier: MIT */
#include "pl/overlay/program.h"

#include "base/error.h"
#include "pl/overlay/plan.h"

#include <errno.h>
#include <stdlib.h>

enum { WATCHDOG = 100000000 }; /* cycles: a second, in which any transfer of the driver's begins */

const struct overlay_limits overlay_limits = {
	.weight_words = 3072,
	.code_words = 1024,
	.pages = 2,
	.page_words = 512,
	.layers = OVERLAY_LAYERS,
	.pooled_width = 64,
	.accumulator_bits = 28,
	.transfer = (1U << 26) - 1,
};

static size_t result_size(const struct program *p)
{
	const struct stage *last = &p->stages[p->stage_count - 1];
	size_t pixels = shape_size(last->pool ? last->pool->out : last->layer->out) /
			(size_t)last->layer->out.channels;
	size_t tiles = 0;

	for (int i = 0; i < p->part_count; i++)
		if (p->parts[i].stage + 1 == p->stage_count)
			tiles += (size_t)p->parts[i].tiles;
	return (tiles * pixels * result_beats(last->layer) + 2) * sizeof(uint64_t);
}

static int check_transfers(const struct program *p, struct error *e)
{
	const struct layer *last = p->stages[p->stage_count - 1].layer;
	size_t frame = (p->frame_beats + 2) * sizeof(uint64_t);

	if (frame > p->limits.transfer)
		return refuse(p->stages[0].layer, e, "reads a frame of %zu bytes, more than the DMA's %zu",
			frame, p->limits.transfer);
	if (p->result_size > p->limits.transfer)
		return refuse(last, e, "gives a result of %zu bytes, more than the DMA's %zu", p->result_size,
			p->limits.transfer);
	return 0;
}

/* All but the records of weights. */
static int plan(
	struct program *p, const struct network *network, int first, int last, bool one_slot, struct error *e)
{
	int rc = plan_stages(p, network, first, last, e);

	if (!rc)
		rc = plan_tensors(p, one_slot, e);
	if (!rc)
		rc = plan_parts(p, e);
	if (!rc)
		rc = plan_descriptors(p, e);
	if (rc)
		return rc;
	p->frame_beats = (size_t)tensor_words(&p->tensors[0]) * OVERLAY_CODE_BEATS;
	p->result_size = result_size(p);
	return check_transfers(p, e);
}

int program_check(const struct network *network, int first, int last, const struct overlay_limits *limits,
	struct error *e)
{
	struct program *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return error_set(e, -ENOMEM, "PL \"overlay\": no memory");
	p->limits = *limits;
	rc = plan(p, network, first, last, false, e);
	program_destroy(p);
	return rc;
}

int program_create(const struct network *network, int first, int last, const struct overlay_limits *limits,
	bool one_slot, struct program **out, struct error *e)
{
	struct program *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return error_set(e, -ENOMEM, "PL \"overlay\": no memory");
	p->limits = *limits;
	rc = plan(p, network, first, last, one_slot, e);
	if (!rc)
		rc = plan_weights(p, e);
	if (rc) {
		program_destroy(p);
		return rc;
	}
	*out = p;
	return 0;
}

static void finish_records(struct records *r)
{
	free(r->beats);
	free(r->transfers);
}

void program_destroy(struct program *p)
{
	if (!p)
		return;
	for (int i = 0; i <= p->stage_count; i++)
		free(p->tensors[i].place);
	finish_records(&p->resident);
	finish_records(&p->frame);
	free(p);
}

#define FIELD(name, value) ((uint32_t)(value) << OVERLAY_##name##_SHIFT)

void program_write(
	const struct program *p, void (*write)(void *context, uint32_t offset, uint32_t value), void *context)
{
	write(context, OVERLAY_REG_PARTITION, (uint32_t)p->partition);
	write(context, OVERLAY_REG_RING, FIELD(RING_FIRST, p->ring_first) | FIELD(RING_WORDS, p->ring_words));
	write(context, OVERLAY_REG_FRAME,
		FIELD(FRAME_SLOT0, p->slot_base[0]) | FIELD(FRAME_SLOT1, p->slot_base[1]) |
			FIELD(FRAME_SLOTS, p->slots == 2));
	write(context, OVERLAY_REG_FRAME_BEATS, (uint32_t)p->frame_beats);
	write(context, OVERLAY_REG_WATCHDOG, WATCHDOG);
	for (int i = 0; i < p->part_count; i++)
		for (int j = 0; j < OVERLAY_DESCRIPTOR_USED; j++)
			write(context,
				OVERLAY_REG_DESCRIPTORS + 4 * (uint32_t)(i * OVERLAY_DESCRIPTOR_WORDS + j),
				p->descriptors[i][j]);
}
