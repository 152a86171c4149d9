/* SPDX-License-Identifier: MIT */
/* Bounds of a network, so that no size computed from one overflows. Only the loader and the check need them.
 */
#ifndef NN_LIMITS_H
#define NN_LIMITS_H

#include "nn/network.h"

enum {
	SIDE_LIMIT = 16384, /* pixels; kernels, strides and paddings too */
	CHANNEL_LIMIT = 65536,
	LAYER_LIMIT = 256,
	SHIFT_LIMIT = 62,
	OFFSET_LIMIT = 127, /* of weights; with one they are −WEIGHT_MOST … WEIGHT_MOST */
	WEIGHT_MOST = 255,
	NAME_LIMIT = 64,   /* bytes of a layer's name */
	LABEL_LIMIT = 255, /* bytes of a label, and of a network's and a group's name */
};
#define TENSOR_LIMIT ((uint64_t)256 << 20) /* codes of one tensor */
#define BIAS_LIMIT (INT64_C(1) << 62)
#define WEIGHT_LIMIT ((uint64_t)256 << 20) /* weights of a whole network */

struct error;

/* The layer's output as its kind, kernel, stride and padding give it, each of them checked first. */
int layer_output_shape(const struct layer *layer, struct shape *out, struct error *e);

/* Everything about a layer that can be known before its arrays are read; then its arrays. */
int layer_check_shape(const struct layer *layer, struct error *e);
int layer_check_arrays(const struct layer *layer, struct error *e);

/* Whether a kernel moves over the layer's input. */
static inline bool layer_has_window(const struct layer *layer)
{
	return layer_has_weights(layer) || layer->kind == LAYER_MAX_POOL || layer->kind == LAYER_AVERAGE_POOL;
}

/* How many pixels of its input the window of output pixel (y, x) holds; the others are padding. */
int layer_pixels_inside(const struct layer *layer, int y, int x);

/* Weights of the layer; at most CHANNEL_LIMIT² · SIDE_LIMIT² = 2^60. */
static inline uint64_t layer_weight_count(const struct layer *layer)
{
	return (uint64_t)layer->out.channels * (uint64_t)layer->kernel_height *
	       (uint64_t)layer->kernel_width * (uint64_t)(layer->in.channels / layer->groups);
}

/* Thresholds of one channel, which is also the highest code. */
static inline int layer_levels(const struct layer *layer)
{
	return (1 << layer->output_bits) - 1;
}

#endif
