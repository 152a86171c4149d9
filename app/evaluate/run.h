/* SPDX-License-Identifier: MIT */
/* The evaluation of a network on a whole data set, by several threads. */
#ifndef APP_EVALUATE_RUN_H
#define APP_EVALUATE_RUN_H

#include "cli/command.h"
#include "dataset/dataset.h"
#include "nn/network.h"

#include <stdint.h>

struct evaluation_options {
	const char *pl, *kernels;
	int workers;   /* each takes pictures of its own, in batches */
	int threads;   /* of each of them, which share the work inside layers */
	int pictures;  /* number to score, from the first one of the data set */
	bool progress; /* print a line of progress on stderr and overwrite it */
};

/* The result for one picture. */
struct outcome {
	int predicted; /* the best class */
	int rank; /* of the right class, or the best one of the right group, 0: best; TOP_MAXIMUM: not among
		     the best, or unknown */
	bool scored; /* false: it could not be read, or the evaluation was stopped first */
};

struct evaluation {
	int pictures;	     /* scored */
	int attempted;	     /* pictures tried, from the first one on; fewer than requested after a signal */
	int missing, broken; /* files that do not exist, and files with bad data */
	int failure;	     /* the machine's, for which a picture counts as missing; else 0 */
	int top1, top5;	     /* pictures whose right class is the best, or among the best five */
	double seconds;
	struct outcome *outcomes; /* [pictures requested] */
	int32_t *scores;	  /* [pictures requested][class_count], 0 if not scored */
};

/*
 * Fills *out; evaluation_finish frees it. Pictures without a label have no rank. INT, TERM or HUP ends it
 * early, without an error. On failure, *where is the kind of *e.
 */
int evaluation_run(const struct network *network, const struct dataset *dataset,
	const struct evaluation_options *options, struct evaluation *out, enum failure *where,
	struct error *e);
void evaluation_finish(struct evaluation *evaluation);

#endif
