/* SPDX-License-Identifier: MIT */
/* What the kinds of data set share; for this folder's own use. */
#ifndef DATASET_INTERNAL_H
#define DATASET_INTERNAL_H

#include "dataset/dataset.h"
#include "dataset/input.h"

#include <stddef.h>

struct dataset {
	int size, capacity;
	int *labels;
	char **names;

	/* idx: all pictures, [size][height][width][channels]; NULL: names are paths of files */
	uint8_t *pixels;
	int width, height, channels;
};

/* Appends one picture and owns `name` (freed on failure; NULL counts as out of memory). */
int dataset_add(struct dataset *dataset, char *name, int label, struct error *e);

/* Each fills an empty data set. dataset_close frees what it adds, also after a failure. */
int idx_open(struct dataset *dataset, struct dataset_input *in, const struct dataset_options *options,
	struct error *e);
int folder_open(
	struct dataset *dataset, const char *path, const struct dataset_options *options, struct error *e);
int list_open(struct dataset *dataset, struct dataset_input *in, const struct dataset_options *options,
	struct error *e);

#endif
