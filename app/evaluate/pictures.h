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
	atomic_int reported;
};

/* Any thread. False: the picture cannot be read; it is counted, and the first ones are reported. */
bool pictures_read(struct pictures *pictures, int index, struct picture *out);

#define NO_FACE "there is no face in it"

/* The same of a picture that is read and of no use: it is counted as broken. */
void pictures_refuse(struct pictures *pictures, int index, const char *why);

#endif
