/* SPDX-License-Identifier: MIT */
/* The specification in code: plain loops, one accumulator at a time. Every kernel gives the same bits. */
#ifndef NN_REFERENCE_H
#define NN_REFERENCE_H

#include "nn/network.h"

/* What a layer reads: uint8_t codes, or int32_t where tensor.bits is TENSOR_SUMS. */
struct reference_input {
	struct tensor tensor;
	const void *data;
};

/*
 * One layer. in: [layer_reads(layer)]. out: uint8_t codes of layer->out, or int32_t where output_bits is
 * TENSOR_SUMS.
 */
void reference_layer(const struct layer *layer, const struct reference_input *in, void *out);

/*
 * Layers first … last − 1, which read each other and what layer first − 1 makes: `in`. Returns 0, -ENOMEM, or
 * -EINVAL where one reads another layer.
 */
int reference_run(const struct network *network, int first, int last, const void *in, void *out);

/* The code that a layer's epilogue makes of the accumulator of one channel. */
uint8_t reference_code(const struct layer *layer, int channel, int64_t accumulator);

#endif
