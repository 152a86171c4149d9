/* SPDX-License-Identifier: MIT */
/* A file of a data set, or a pipe, that is read once from begin to end; gzip is unpacked. For this folder's
 * own use. */
#ifndef DATASET_INPUT_H
#define DATASET_INPUT_H

#include "image/formats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

struct error;

struct dataset_input {
	const char *path;
	gzFile file;
	bool regular;		      /* no pipe */
	uint8_t begin[PICTURE_BEGIN]; /* the first bytes, unpacked; dataset_input_read gives them again */
	size_t begin_size;
	size_t used; /* bytes given so far */
};

/* path "-" is standard input. -ENOENT …, -EBADMSG: damaged */
int dataset_input_open(struct dataset_input *input, const char *path, struct error *e);
void dataset_input_close(struct dataset_input *input);

/*
 * Reads `size` bytes, or up to the end of the file: *got tells. -EBADMSG: damaged, or more than the limits of
 * image/limits.h; -ENOMEM; -EIO …
 */
int dataset_input_read(struct dataset_input *input, void *data, size_t size, size_t *got, struct error *e);

#endif
