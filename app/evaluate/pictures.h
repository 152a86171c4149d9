/* SPDX-License-Identifier: MIT */
/* The pictures of a data set, of which some may be missing or broken. */
#ifndef APP_EVALUATE_PICTURES_H
#define APP_EVALUATE_PICTURES_H

#include "dataset/dataset.h"

#include <stdatomic.h>
#include <stdbool.h>

struct pictures {
	const struct dataset *dataset;
	bool progress;		    /* a line of progress stands on stderr, which a report erases first */
	atomic_int missing, broken; /* files that do not exist, and files with bad data */
	atomic_int
		failure; /* the first error of the machine (base/error.h); such a picture counts as missing */
	atomic_int reported;
};

/* Any thread. False: the picture cannot be read; it is counted, and the first ones are reported. */
bool pictures_read(struct pictures *pictures, int index, struct picture *out);

/* The exit code once all are read: of the machine's error, of broken pictures, or of missing ones. */
int pictures_exit_code(int failure, int missing, int broken);

#define NO_FACE "there is no face in it"

/* The same of a picture that is read and of no use: it is counted as broken. */
void pictures_refuse(struct pictures *pictures, int index, const char *why);

#endif
