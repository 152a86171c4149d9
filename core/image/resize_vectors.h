/* SPDX-License-Identifier: MIT */
/* The resize in vectors, where the processor has them; the same bits as the plain one. */
#ifndef IMAGE_RESIZE_VECTORS_H
#define IMAGE_RESIZE_VECTORS_H

#include "image/resize_rows.h"

/* Whether the processor can; ask before the other. */
bool resize_has_vectors(void);

/*
 * A block of columns, all rows: out is the block's first byte of the first row, `stride` bytes from row to
 * row. Returns false, having written nothing, where columns are enlarged or sums would not fit.
 */
bool resize_in_vectors(const struct resize *resize, const struct column_block *block, int begin, uint8_t *out,
	size_t stride, int channels);

#endif
