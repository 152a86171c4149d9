/* SPDX-License-Identifier: MIT */
/*
 * Pictures, most often labelled, to evaluate a network with: a pair of idx files (LeCun's MNIST format, also
 * .gz), a folder of class folders, or a list file (each line: path, white space, label index), also on a pipe
 * or, as "-", on standard input. What is a picture in a folder: image/formats.h. Class folders have the names
 * of the network's labels or groups ("_" for a space), or class numbers, or there is one for each class, in
 * order of names.
 */
#ifndef DATASET_DATASET_H
#define DATASET_DATASET_H

#include "image/picture.h"

#include <stdbool.h>

struct error;
struct dataset;

struct dataset_options {
	const char *labels_path; /* the labels file of an idx file, an error with other kinds; NULL: look
				    beside the images (…-images-idx3-… → …-labels-idx1-…) */
	char *const *labels;	 /* the network's labels, to match class folders by name */
	int class_count;
	/* Groups of labels, whose names class folders may have as well: label class_count + i stands for
	 * group i. Where a group has a label's name, that is meant. */
	const char *const *groups;
	int group_count;
	bool unlabelled; /* pictures alone: labels are ignored where there are some, and become −1; a folder
			    has its pictures in it or in any folder below it, a list needs no indices */
};

/* -ENOENT …, -EBADMSG with a message: a label outside 0 … class_count − 1, counts that differ, a broken
 * header. */
int dataset_open(
	const char *path, const struct dataset_options *options, struct dataset **out, struct error *e);
void dataset_close(struct dataset *dataset); /* takes NULL */

int dataset_size(const struct dataset *dataset);
int dataset_label(const struct dataset *dataset, int index);

/* The picture's file name or "#index". */
const char *dataset_name(const struct dataset *dataset, int index);

/* Decodes picture `index`. Several threads may call it at once. */
int dataset_read(const struct dataset *dataset, int index, struct picture *out, struct error *e);

#endif
