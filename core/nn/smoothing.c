/* SPDX-License-Identifier: MIT */
#include "nn/smoothing.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int smoothing_init(struct smoothing *s, double seconds, int class_count)
{
	*s = (struct smoothing){.seconds = seconds, .class_count = class_count};
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

/* Rounded, since the last bit of exp differs between machines. */
static double weight_for(const struct smoothing *s, int64_t time)
{
	double passed = time > s->time ? (double)(time - s->time) / 1e9 : 0;

	return s->weight > 0 ? s->weight : ldexp(rint(ldexp(exp(-passed / s->seconds), 24)), -24);
}

const int32_t *smoothing_add(struct smoothing *s, const int32_t *scores, int64_t time)
{
	if (s->weight <= 0 && s->seconds <= 0)
		return scores;
	double past = s->begun ? weight_for(s, time) : 0;
	s->begun = true;
	s->time = time;
	for (int i = 0; i < s->class_count; i++) {
		s->past[i] = past * s->past[i] + (1 - past) * scores[i];
		s->scores[i] = (int32_t)lrint(s->past[i]);
	}
	return s->scores;
}
