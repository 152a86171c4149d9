/* SPDX-License-Identifier: MIT */
/*
 * Scores smoothed over time, so that a label does not flicker: each score becomes weight · (its previous
 * value) + (1 − weight) · (the new picture's score). Logits are linear in scores, so they are smoothed alike.
 * The same scores in the same order give the same bits on every machine.
 */
#ifndef NN_SMOOTHING_H
#define NN_SMOOTHING_H

#include <stdbool.h>
#include <stdint.h>

struct smoothing {
	double weight; /* of the past, 0 … < 1 */
	int class_count;
	bool begun;	 /* there is a past */
	double *past;	 /* [class_count], exact */
	int32_t *scores; /* [class_count], rounded */
};

/* 0 or -ENOMEM. End with smoothing_finish, which takes what is all zero, too. */
int smoothing_init(struct smoothing *s, double weight, int class_count);
void smoothing_finish(struct smoothing *s);

/* scores: int32_t [class_count]. Returns the smoothed ones, valid until the next call, or `scores` itself
 * where the weight is 0. */
const int32_t *smoothing_add(struct smoothing *s, const int32_t *scores);

#endif
