/* SPDX-License-Identifier: MIT */
/*
 * Folders of files that are written as a whole, as output_file.h does for a file: a folder gets its name when
 * all in it is on the disk.
 */
#ifndef BASE_OUTPUT_FOLDER_H
#define BASE_OUTPUT_FOLDER_H

#include "base/output_file.h"

struct output_folder {
	const char *path; /* the caller's, for messages */
	/* for this module */
	bool replace;
	int length; /* of the path without slashes at its end */
	int parent, folder;
	char name[NAME_MAX + 1], temporary[TEMPORARY_NAME];
};

/*
 * replace: in the place of the folder there; else there must be nothing or an empty folder: -EEXIST. Removes
 * what killed programs have left beside it. path must live until out is closed.
 */
int output_folder_open(struct output_folder *out, const char *path, bool replace, struct error *e);

/* Opens a new file in it, for output_file_close or output_file_drop. */
int output_folder_file(
	struct output_folder *out, const char *name, struct output_file *file, struct error *e);

/*
 * status: as for output_file_close, with *e set; then all is as it was. From a folder that is replaced, the
 * new one takes over what it does not have itself.
 */
int output_folder_close(struct output_folder *out, int status, struct error *e);

/* Whether it could be opened now: nothing is left behind. */
int output_folder_check(const char *path, bool replace, struct error *e);

#endif
