/* SPDX-License-Identifier: MIT */
#include "image/resize_vectors.h"

bool resize_has_vectors(void)
{
	return false;
}

bool resize_in_vectors(const struct resize *resize, const struct column_block *block, int begin, uint8_t *out,
	size_t stride, int channels)
{
	(void)resize, (void)block, (void)begin, (void)out, (void)stride, (void)channels;
	return false;
}
