/* SPDX-License-Identifier: MIT */
/* NumPy's .npy files, versions 1 to 3: plain numbers, little-endian, in C order, and nothing else. */
#ifndef NN_FORMAT_NPY_H
#define NN_FORMAT_NPY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct error;

#define NPY_DIMENSIONS 4
#define NPY_HEADER_LIMIT 65536 /* bytes of a file before its numbers that we accept */

struct npy {
	char type[4]; /* as NumPy writes it, without the byte order: "u1", "i1", "i4", "f4", … */
	int dimensions;
	uint64_t shape[NPY_DIMENSIONS];
};

/*
 * Reads the header of a whole file in memory, and checks that the file holds exactly the numbers that it
 * announces. *values points into `file`, at no particular alignment. The error begins with a verb: "is …".
 */
int npy_parse(const uint8_t *file, size_t size, struct npy *npy, const uint8_t **values, struct error *e);

/* 0 when both are of one type and shape; else an error that names the expected and the found ones. */
int npy_compare(const struct npy *found, const struct npy *expected, struct error *e);

/* Numbers in all; UINT64_MAX when they are more. */
uint64_t npy_count(const struct npy *npy);

/* Bytes of a number. */
size_t npy_width(const struct npy *npy);

/* Copies `count` numbers of 1, 4 or 8 bytes, little-endian in the file, to the processor's order; or back. */
void npy_copy(void *to, const void *from, uint64_t count, size_t width);

/* Writes header and numbers, of 1, 4 or 8 bytes. 0, or -EIO, -ENOSPC … as the system gave it. */
int npy_write(FILE *file, const struct npy *npy, const void *values);

#endif
