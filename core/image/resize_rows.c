/* SPDX-License-Identifier: MIT */
#include "image/resize_rows.h"

struct span resize_span(int i, const struct axis *axis, int shift)
{
	struct span s;
	int64_t from = axis->count, to = axis->outputs, unit = (int64_t)256 << shift;

	if (from >= to) {
		int64_t begin = 256 * i * from / to;
		int64_t end = 256 * (i + (int64_t)1) * from / to;
		s.total = (uint32_t)(end - begin);
		begin += (int64_t)256 * axis->begin;
		end += (int64_t)256 * axis->begin;
		s.first = (int)(begin / unit);
		s.last = (int)((end - 1) / unit);
		s.first_weight = s.first == s.last ? s.total : (uint32_t)(unit - begin % unit);
		s.last_weight = (uint32_t)(end - unit * s.last);
		s.inverse = 1.0 / s.total;
		return s;
	}
	int64_t centre = 128 * (2 * (int64_t)i + 1) * from / to - 128;
	centre = centre < 0 ? 0 : centre;
	centre = centre > 256 * (from - 1) ? 256 * (from - 1) : centre;
	int first = axis->begin + (int)(centre / 256);
	s.last_weight = (uint32_t)(centre % 256);
	s.first = first >> shift;
	s.last = (s.last_weight ? first + 1 : first) >> shift;
	s.first_weight = s.first == s.last ? 256 : 256 - s.last_weight;
	s.total = 256;
	s.inverse = 1.0 / 256;
	return s;
}
