/* SPDX-License-Identifier: MIT */
/*
 * Codes of 8 bits from 255 thresholds: first which row of them, then how many in that row. The file that
 * includes this defines reached(row, accumulator): of 16 ascending thresholds, how many the accumulator
 * reaches.
 */
#ifndef NN_KERNELS_ROWS_H
#define NN_KERNELS_ROWS_H

#include "nn/kernels/kernel.h"

static void codes_of_rows(
	const struct thresholds *thresholds, const int32_t *accumulators, int channels, uint8_t *out)
{
	const int32_t *channel = thresholds->values;

	for (int c = 0; c < channels; c++, channel += (size_t)ROWS_OF_CHANNEL * ROW) {
		int row = reached(channel, accumulators[c]);
		int code = row * ROW + reached(channel + (size_t)(1 + row) * ROW, accumulators[c]);
		out[c] = (uint8_t)(code ^ thresholds->flip[c]);
	}
}

#endif
