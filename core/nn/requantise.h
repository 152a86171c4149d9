/* SPDX-License-Identifier: MIT */
/* Expresses evenly spaced thresholds as a requantisation. */
#ifndef NN_REQUANTISE_H
#define NN_REQUANTISE_H

#include "nn/network.h"

/*
 * For a layer with thresholds: finds multiplier, shift and bias that give a channel's accumulators from low
 * to high the same codes, if there are any, and writes them at the channel's place in the layer's arrays.
 */
bool requantise_fit(const struct layer *layer, int channel, int32_t low, int32_t high);

#endif
