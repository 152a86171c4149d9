/* SPDX-License-Identifier: MIT */
#include "nn/smoothing.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int smoothing_init(struct smoothing *s, double weight, int class_count)
{
	*s = (struct smoothing){.weight = weight, .class_count = class_count};
	s->past = calloc((size_t)class_count, sizeof(*s->past));
	s->scores = calloc((size_t)class_count, sizeof(*s->scores));
	if (s->past && s->scores)
		return 0;
	smoothing_finish(s);
	return -ENOMEM;
}

void smoothing_finish(struct smoothing *s)
{
	free(s->past);
	free(s->scores);
	*s = (struct smoothing){0};
}

const int32_t *smoothing_add(struct smoothing *s, const int32_t *scores)
{
	double past = s->begun ? s->weight : 0;

	if (s->weight <= 0)
		return scores;
	s->begun = true;
	for (int i = 0; i < s->class_count; i++) {
		s->past[i] = past * s->past[i] + (1 - past) * scores[i];
		s->scores[i] = (int32_t)lrint(s->past[i]);
	}
	return s->scores;
}
