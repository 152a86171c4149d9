/* SPDX-License-Identifier: MIT */
/* What the layers of a network make of many inputs, computed in software: codes of any layer, and scores. */
#ifndef APP_EVALUATE_CODES_H
#define APP_EVALUATE_CODES_H

#include "base/error.h"
#include "cli/option_values.h"
#include "evaluate/pictures.h"
#include "nn/network.h"

/* One layer's output for all tasks, [tasks][height][width][channels]; 0 for a picture that cannot be read. */
struct layer_codes {
	int layer;
	void *codes; /* uint8_t; int32_t where the layer makes sums */
};

struct codes_job {
	const struct network *network;
	const char *kernels; /* as engine_create */
	int tasks, threads;
	bool progress;
	const uint8_t *inputs; /* [tasks][height][width][channels], codes of the network's input; or NULL: */
	struct pictures pictures; /* the data set to make them of */
	int32_t *scores;	  /* [tasks][class_count]; NULL: not wanted */
	struct layer_codes layers[OPTION_TEXTS_MAXIMUM];
	int layer_count;
};

/* *attempted, *seconds and failures as workers_run. */
int codes_run(struct codes_job *job, int *attempted, double *seconds, enum failure *where, struct error *e);

/*
 * Checks that the file is an array of the network's input codes, <u1 [n][height][width][channels], each
 * within the input's bits. *values points into the file. The error begins with a verb: "is …".
 */
int codes_parse(const struct network *network, const uint8_t *file, size_t size, const uint8_t **values,
	int *count, struct error *e);

#endif
