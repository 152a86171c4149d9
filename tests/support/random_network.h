/* SPDX-License-Identifier: MIT */
/* Random codes, weights and epilogues for the tests and benchmarks of kernels. All of it follows from
 * random_state. */
#ifndef TEST_SUPPORT_RANDOM_NETWORK_H
#define TEST_SUPPORT_RANDOM_NETWORK_H

#include "nn/network.h"

/* What the weights and the codes look like. */
enum extreme { EXTREME_NONE, EXTREME_LARGEST, EXTREME_SMALLEST };

/* Codes of a feature map, for free. With an extreme, all of them are the largest. */
uint8_t *random_codes(struct shape shape, int bits, enum extreme extreme);

/* Gives the layer its weights; layer_free_arrays frees them. */
void random_weights(struct layer *layer, enum extreme extreme);

/* Gives the layer its epilogue, fitted to what it computes from `in`; layer_free_arrays frees it. */
void random_epilogue(struct layer *layer, const uint8_t *in);

#endif
