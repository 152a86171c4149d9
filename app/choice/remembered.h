/* SPDX-License-Identifier: MIT */
/*
 * What NETWORK_LARGE takes for a picture, kept from one call of the program to the next in
 * $XDG_CACHE_HOME/twobit/speed (~/.cache/twobit/speed): known for one processor, version, choice of kernels
 * and state of the network's folder.
 */
#ifndef APP_CHOICE_REMEMBERED_H
#define APP_CHOICE_REMEMBERED_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct remembered {
	char path[PATH_MAX]; /* "": there is no place for it */
	char key[2 * PATH_MAX];
};

/* Fills *out. True: the time is known, *picture ns. folder: the network's; kernels: NULL for the fastest. */
bool remembered_read(struct remembered *out, const char *folder, const char *kernels, int64_t *picture);

/* For the next call. A folder that cannot be written is no fault. */
void remembered_write(const struct remembered *memory, int64_t picture);

#endif
