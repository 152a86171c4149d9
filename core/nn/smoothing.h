/* SPDX-License-Identifier: MIT */
/*
 * Scores smoothed over time, so that a label does not flicker: each score becomes w · (its previous value) +
 * (1 − w) · (the new picture's score), where w = exp(−t / T): t is the time since the picture before, T the
 * time constant. So the past fades alike at every frame rate. Logits are linear in scores, so they are
 * smoothed alike. The same scores and times in the same order give the same bits on every machine.
 */
#ifndef NN_SMOOTHING_H
#define NN_SMOOTHING_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds; longer ones are no use. */
#define SMOOTHING_DEFAULT 0.5
#define SMOOTHING_MOST 60.0

struct smoothing {
	double seconds; /* the time constant; 0: no smoothing */
	double weight;	/* instead of it: of the past, whatever the times, 0 … < 1; 0: not so */
	int class_count;
	bool begun;	 /* there is a past */
	int64_t time;	 /* of the picture before, ns */
	double *past;	 /* [class_count], exact */
	int32_t *scores; /* [class_count], rounded */
};

/* 0 or -ENOMEM. End with smoothing_finish, which takes what is all zero, too. */
int smoothing_init(struct smoothing *s, double seconds, int class_count);
void smoothing_finish(struct smoothing *s);

/*
 * scores: int32_t [class_count]; time: when the picture was taken, ns; one before the last is taken for it.
 * Returns the smoothed scores, valid until the next call, or `scores` itself where nothing is smoothed.
 */
const int32_t *smoothing_add(struct smoothing *s, const int32_t *scores, int64_t time);

#endif
