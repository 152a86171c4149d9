/* SPDX-License-Identifier: MIT */
/* What tests compute for a layer that belongs to no network. */
#ifndef TEST_SUPPORT_LAYER_H
#define TEST_SUPPORT_LAYER_H

#include "nn/network.h"

/* Computes the height and width of layer->out from the rest. */
void layer_measure(struct layer *layer);

/* Bytes of what the layer computes. */
size_t layer_output_size(const struct layer *layer);

/* The reference's output of a layer that reads one tensor: codes of layer->in. */
void layer_compute(const struct layer *layer, const uint8_t *in, void *out);

#endif
