/* SPDX-License-Identifier: MIT */
/* What an evaluation found for each class: precision and recall, mistakes, the confusion matrix. */
#ifndef APP_EVALUATE_CLASSES_H
#define APP_EVALUATE_CLASSES_H

#include "evaluate/run.h"

#include <stdio.h>

/* Of a class, or of a group that class folders are named by (truth.h).
 * precision: right / predicted, recall: right / pictures, each undefined where that is 0. */
struct class_result {
	int index;
	int pictures;  /* of this class, scored */
	int predicted; /* pictures of any class whose best class is this one; for a group, right ones alone */
	int right;     /* in both */
};

/* out: [count], classes and then groups, in their order. */
void classes_count(const struct evaluation *evaluation, const struct dataset *dataset, int count,
	struct class_result *out);

/* Least F1 (2 · right / (pictures + predicted)) first, then more pictures. Classes without pictures last. */
void classes_sort(struct class_result *classes, int count);

struct confusion {
	int label, predicted, count;
};

/* The most frequent mistakes, the most frequent first. Returns their number (at most `limit`), or -ENOMEM. */
int confusions_find(
	const struct evaluation *evaluation, const struct dataset *dataset, struct confusion *out, int limit);

/*
 * The whole confusion matrix as CSV: a header with the labels, then for each true class its label and how
 * often each class was the best. 0 or a negative errno value.
 */
int confusions_write(FILE *file, const struct network *network, const struct evaluation *evaluation,
	const struct dataset *dataset);

#endif
