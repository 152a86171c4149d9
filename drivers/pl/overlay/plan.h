/* SPDX-License-Identifier: MIT */
/*
 * The steps of program_create, in their order. Each refuses what the overlay cannot compute, with a message.
 */
#ifndef PL_OVERLAY_PLAN_H
#define PL_OVERLAY_PLAN_H

#include "pl/overlay/program.h"

/* stages.c: the layers to run, and whether the overlay supports each. */
int plan_stages(struct program *p, const struct network *network, int first, int last, struct error *e);

/* tensors.c: the place of every channel, pixel and tensor. */
int plan_tensors(struct program *p, bool one_slot, struct error *e);

/* parts.c: parts of layers, and which of their weights stay and which are streamed. */
int plan_parts(struct program *p, struct error *e);

/* weights.c: the records of weights. -ENOMEM. */
int plan_weights(struct program *p, struct error *e);

/* descriptors.c */
int plan_descriptors(struct program *p, struct error *e);

/* "layer "conv2" …; the overlay cannot run it"; returns -ENOTSUP. */
int refuse(const struct layer *layer, struct error *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static inline int divide_up(int a, int b)
{
	return (a + b - 1) / b;
}

static inline int round_up(int a, int b)
{
	return divide_up(a, b) * b;
}

/* Input channels that one output channel of the layer reads. */
static inline int layer_depth(const struct layer *layer)
{
	return layer->in.channels / layer->groups;
}

static inline int tensor_row_words(const struct overlay_tensor *t)
{
	return divide_up(t->width, OVERLAY_PIXELS) * t->chunks;
}

static inline int tensor_plane_words(const struct overlay_tensor *t)
{
	return t->height * tensor_row_words(t);
}

static inline int tensor_words(const struct overlay_tensor *t)
{
	return t->bits * tensor_plane_words(t);
}

/* Kernel columns, or with packed pixels the steps in which they are done. */
static inline int kernel_steps(const struct layer *layer, const struct overlay_tensor *in)
{
	return divide_up(layer->kernel_width, in->pack);
}

/* Beats of a result for one pixel's tile. */
static inline size_t result_beats(const struct layer *last)
{
	return last->epilogue == EPILOGUE_SCORES ? OVERLAY_CHANNELS / 2 : last->output_bits > 4 ? 2 : 1;
}

#endif
