/* SPDX-License-Identifier: MIT */
#include "nn/import/lower/epilogue.h"

double epilogue_functions(const struct epilogue *end, int c, double number)
{
	for (int i = 0; i < end->signal->step_count; i++) {
		const struct step *step = &end->signal->steps[i];

		if (step->compute)
			number = step->compute(number, step->a ? step->a[c] : 0, step->b ? step->b[c] : 0);
	}
	return number;
}

/* Code 0 stands for 0 where no number is below it, else for the lowest of the point. */
bool epilogue_range(struct epilogue *end, double least, double most)
{
	end->lowest = end->point->bipolar ? -1 : least < 0 ? (int)end->point->low : (int)least;
	double levels = end->point->high - end->lowest;

	if (levels > UINT8_MAX && least < 0 && most - end->lowest > UINT8_MAX)
		end->lowest = (int)least;
	end->levels = (int)(levels > UINT8_MAX ? most - end->lowest : levels);
	if (end->point->bipolar)
		end->levels = 1;
	return end->levels <= UINT8_MAX;
}

int epilogue_bits(int levels)
{
	int bits = 1;

	while (levels >= 1 << bits)
		bits *= 2;
	return bits;
}
