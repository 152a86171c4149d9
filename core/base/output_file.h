/* SPDX-License-Identifier: MIT */
/*
 * The one way in which files are written as a whole. A file gets its name when all of it is on the disk:
 * until then an old file stays, and after a kill or a power cut there is the old one or the new one.
 *
 * A link at the path's end stays, and the file behind it is replaced; but what another user has put into a
 * folder where everyone may write and only owners may delete (/tmp) is neither followed nor written, as the
 * kernel's fs.protected_symlinks has it. What is no regular file (a pipe, a device) and what stands in
 * /proc/self/fd (/dev/stdout, a shell's >(…)) is written directly.
 *
 * An old file's mode is kept, and its owner and group where that is allowed; a new one's follows the umask.
 * A file that may not be written is not replaced either.
 */
#ifndef BASE_OUTPUT_FILE_H
#define BASE_OUTPUT_FILE_H

#include "base/temporary.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct error;

/* How it is opened; 0: as above. */
enum {
	OUTPUT_NEW = 1,	    /* replaces nothing: -EEXIST */
	OUTPUT_REGULAR = 2, /* is never written directly: -ENXIO */
};

/* One that is all 0 is closed. */
struct output_file {
	FILE *file;
	char path[PATH_MAX]; /* as it was given, for messages */
	/* for this module */
	unsigned flags;
	bool direct;
	int folder;
	char name[NAME_MAX + 1];
	char temporary[TEMPORARY_NAME]; /* "": it has none yet */
};

/*
 * Opens out->file. Returns 0, or a negative errno value: -EISDIR: a folder; -EACCES: another user's link, or
 * as the system says. Removes what killed programs have left beside it.
 */
int output_file_open(struct output_file *out, const char *path, unsigned flags, struct error *e);

/* status: 0, or a negative errno value if writing failed: then the new file is removed, and *e is set. Finds
 * what stdio could not write, too. */
int output_file_close(struct output_file *out, int status, struct error *e);

/* Closes and removes the new file. */
void output_file_drop(struct output_file *out);

#endif
