/* SPDX-License-Identifier: MIT */
/*
 * Arrays out of a pickled .npy file, as numpy.save writes a dictionary of arrays, in any of pickle's
 * protocols. A pickle is a program that may call anything; this reader builds numbers, texts and arrays and
 * nothing else, and refuses by name what else a file wants to call.
 */
#ifndef NN_IMPORT_PICKLE_H
#define NN_IMPORT_PICKLE_H

#include "nn/format/npy.h"

struct error;
struct pickle;

/* file: must stay until pickle_close. The error begins with a verb: "holds …". */
int pickle_open(const uint8_t *file, size_t size, struct pickle **out, struct error *e);

/* Takes NULL. */
void pickle_close(struct pickle *pickle);

/*
 * The array of this name: little-endian numbers in C order at *values, at no particular alignment. -ENOENT:
 * there is none.
 */
int pickle_find(const struct pickle *pickle, const char *name, struct npy *npy, const uint8_t **values,
	struct error *e);

#endif
