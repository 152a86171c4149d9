/* SPDX-License-Identifier: MIT */
/*
 * The largest codes of windows, for an isa's table. The file that includes this defines the type `vector` of
 * codes, v_zero, v_maximum of two vectors, v_codes, which loads one from anywhere, and v_write of its first
 * codes to anywhere.
 */
#ifndef NN_KERNELS_MAXIMA_H
#define NN_KERNELS_MAXIMA_H

#include "nn/kernels/kernel.h"

static void maxima(const struct pool_window *window, const uint8_t *codes, size_t step, int pixels,
	int channels, uint8_t *out, size_t out_step)
{
	for (int p = 0; p < pixels; p++, codes += step, out += out_step)
		for (int c = 0; c < channels; c += (int)sizeof(vector)) {
			const uint8_t *row = codes + c;
			vector best = v_zero();

			for (int y = 0; y < window->rows; y++, row += window->row)
				for (int x = 0; x < window->columns; x++)
					best = v_maximum(best, v_codes(row + (size_t)x * window->column));
			v_write(out + c, best,
				channels - c < (int)sizeof(vector) ? channels - c : (int)sizeof(vector));
		}
}

#endif
