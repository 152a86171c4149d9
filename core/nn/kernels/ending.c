/* SPDX-License-Identifier: MIT */
#include "nn/kernels/kernel.h"

void rescale_codes(const struct layer *layer, const int32_t *accumulators, uint8_t *codes)
{
	int64_t largest = (1 << layer->output_bits) - 1;

	for (int c = 0; c < layer->out.channels; c++) {
		int64_t code = ((int64_t)accumulators[c] * layer->multiplier[c] + layer->addend[c]) >>
			       layer->shift[c];
		codes[c] = (uint8_t)(code < 0 ? 0 : code > largest ? largest : code);
	}
}
