/* SPDX-License-Identifier: MIT */
/* A network's answers to a whole data set, found by several threads. */
#ifndef APP_EVALUATE_RUN_H
#define APP_EVALUATE_RUN_H

#include "cli/command.h"
#include "dataset/dataset.h"
#include "nn/network.h"

#include <stdint.h>

struct evaluation_options {
	const char *pl, *kernels;
	int workers;
	int pictures;  /* the first so many of the data set */
	bool progress; /* a line on stderr that is written over */
};

/* What became of one picture. */
struct outcome {
	int predicted; /* the best class */
	int rank;      /* of the right class, 0: best; TOP_MAXIMUM: not among the best */
	bool scored;   /* false: it could not be read, or the evaluation stopped before */
};

struct evaluation {
	int pictures;	     /* scored */
	int attempted;	     /* the first so many of the data set were tried; fewer than asked after SIGINT or
				SIGTERM */
	int missing, broken; /* files that were not there, and those with bad data */
	int top1, top5;	     /* right ones */
	double seconds;
	struct outcome *outcomes; /* [pictures asked for] */
	int32_t *scores; /* [pictures asked for][class_count], 0 where not scored; NULL: not wanted */
};

/*
 * Fills *out, for evaluation_finish to free. out->scores, if not NULL, is filled too. INT or TERM ends it
 * early, without an error. On failure *where says what *e is about.
 */
int evaluation_run(const struct network *network, const struct dataset *dataset,
	const struct evaluation_options *options, struct evaluation *out, enum failure *where,
	struct error *e);
void evaluation_finish(struct evaluation *evaluation);

struct confusion {
	int label, predicted, count;
};

/* The most frequent mistakes, worst first; returns how many (at most `room`), or -ENOMEM. */
int evaluation_confusions(
	const struct evaluation *evaluation, const struct dataset *dataset, struct confusion *out, int room);

#endif
