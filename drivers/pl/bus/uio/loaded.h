/* SPDX-License-Identifier: MIT */
/* The note in /run of what was loaded into the PL since the machine started. */
#ifndef PL_BUS_UIO_LOADED_H
#define PL_BUS_UIO_LOADED_H

#include <limits.h>
#include <stdint.h>

struct loaded {
	uint64_t hash; /* of bitstream_hash */
	char path[PATH_MAX];
};

/* 0; -ENOENT: nothing was noted; -ESTALE: before the machine started again, or
 * PYNQ has loaded another design since; -EBADMSG. root: as in files.h. */
int loaded_read(const char *root, struct loaded *out);

/* Where it cannot be written, it logs a warning: the design is then loaded again at the next start. */
void loaded_write(const char *root, uint64_t hash, const char *path);

/* Before the PL is touched. A user who may not load may not change the note either. */
void loaded_forget(const char *root);

#endif
