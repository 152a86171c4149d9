/* SPDX-License-Identifier: MIT */
/* Random valid networks in memory, small enough to run at once. The same seed gives the same network. */
#ifndef TEST_SUPPORT_NETWORK_BUILDER_H
#define TEST_SUPPORT_NETWORK_BUILDER_H

#include "nn/network.h"

/*
 * A layer with its shapes and bits, without arrays; its name is a copy. An output of 8 bits gets the epilogue
 * requantise, one of 32 bits scores, any other thresholds; a pool has none.
 */
struct layer tiny_layer(const char *name, enum layer_kind kind, struct shape in, int channels, int kernel,
	int stride, int pad, int groups, int input_bits, int weight_bits, int output_bits);

/*
 * Gives a layer, whose shapes and bits are set, random weights and an epilogue around which the accumulators
 * of random codes lie.
 */
void tiny_layer_fill(struct layer *layer, uint32_t *seed);

/*
 * 32×32×3 pixels → conv0 (8-bit weights, stride 4, 16 codes of 2 bits) → conv1 (1-bit weights, 2 groups, 24)
 * → pool1 (3×3, stride 2, padded) → fc0 (1 bit, 40) → fc1 (1 bit, 10 scores). Labels "label 0" …; groups
 * "even" (classes 0, 2) and "odd" (1, 3). For network_destroy.
 */
struct network *tiny_network(uint32_t seed);

/*
 * A graph: conv0, conv1 and pool1 of tiny_network → conv2 (1 bit, 3×3) → add (of pool1 and conv2) → concat
 * (of add and pool1) → average (4×4, thresholds) → scores (1 bit, fully connected, 10). Between its ends it
 * falls apart before conv1, pool1, conv2, average and scores. Labels as tiny_network. For network_destroy.
 */
struct network *tiny_graph(uint32_t seed);

/* One layer: 32×32×3 pixels → 10 scores (8-bit weights). Labels as tiny_network. For network_destroy. */
struct network *tiny_single(uint32_t seed);

/*
 * Nowhere cut: "left" and "right" (8-bit weights, fully connected, 10 codes of 2 bits) both read the 32×32×3
 * pixels, and an add makes 10 scores of them. Labels as tiny_network. For network_destroy.
 */
struct network *tiny_uncut(uint32_t seed);

/* Every width of weights and codes, uneven kernels and paddings; ends with codes. For network_destroy. */
struct network *tiny_odd_network(void);

#endif
