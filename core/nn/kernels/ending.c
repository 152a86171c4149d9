/* SPDX-License-Identifier: MIT */
#include "nn/kernels/kernel.h"

/* value / 2^shift to the nearest integer; halves as `rounding` says. */
static int64_t shift_rounded(int64_t value, int shift, enum rounding rounding)
{
	if (shift == 0)
		return value;
	int64_t floor = value >> shift;
	int64_t half = INT64_C(1) << (shift - 1);
	int64_t rest = value & ((INT64_C(1) << shift) - 1);

	/* a half goes up unless it must end even and the floor already is */
	return floor + (rest + (rounding == ROUNDING_UP || (floor & 1)) > half);
}

void rescale_codes(const struct layer *layer, const int32_t *accumulators, uint8_t *codes)
{
	int64_t largest = (1 << layer->output_bits) - 1;

	for (int c = 0; c < layer->out.channels; c++) {
		int64_t code = shift_rounded((int64_t)accumulators[c] * layer->multiplier[c], layer->shift[c],
				       layer->rounding) +
			       layer->offset[c];
		codes[c] = (uint8_t)(code < 0 ? 0 : code > largest ? largest : code);
	}
}
