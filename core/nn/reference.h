/* SPDX-License-Identifier: MIT */
/* The specification in code: plain loops, one accumulator at a time. Every kernel gives the same bits. */
#ifndef NN_REFERENCE_H
#define NN_REFERENCE_H

#include "nn/network.h"

/*
 * One layer. in: uint8_t codes of layer->in. out: uint8_t codes of layer->out, or int32_t scores where the
 * epilogue is EPILOGUE_SCORES.
 */
void reference_layer(const struct layer *layer, const uint8_t *in, void *out);

/* Layers first … last − 1. Returns 0 or -ENOMEM. */
int reference_run(const struct network *network, int first, int last, const uint8_t *in, void *out);

/* The code that a layer's epilogue makes of the accumulator of one channel. */
uint8_t reference_code(const struct layer *layer, int channel, int32_t accumulator);

#endif
