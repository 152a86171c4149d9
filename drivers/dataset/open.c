/* SPDX-License-Identifier: MIT */
/* Finds out what kind of data set a path is. */
#include "dataset/internal.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Only idx files have their labels in a separate file. */
static int labels_check(const char *path, const struct dataset_options *options, struct error *e)
{
	if (!options->labels_path)
		return 0;
	return error_set(e, -EBADMSG, "--labels goes with an idx file; %s carries its own labels", path);
}

/* Decides by the first bytes, not by the name. */
static int open_input(
	struct dataset *d, struct dataset_input *in, const struct dataset_options *options, struct error *e)
{
	static const unsigned char xz[] = {0xfd, '7', 'z', 'X', 'Z', 0};
	const char *path = in->path;

	if (in->begin_size >= 2 && in->begin[0] == 0 && in->begin[1] == 0 &&
		!picture_format(in->begin, in->begin_size))
		return idx_open(d, in, options, e);
	if (in->begin_size >= sizeof(xz) && memcmp(in->begin, xz, sizeof(xz)) == 0)
		return error_set(
			e, -EBADMSG, "%s is compressed by xz; unpack it first: xz -dk %s", path, path);
	if (picture_format(in->begin, in->begin_size))
		return error_set(e, -EBADMSG, "%s is a picture, not a data set of labelled pictures", path);
	int error = labels_check(path, options, e);
	return error ? error : list_open(d, in, options, e);
}

static int open_file(
	struct dataset *d, const char *path, const struct dataset_options *options, struct error *e)
{
	struct dataset_input in;
	int error = dataset_input_open(&in, path, e);

	if (error)
		return error;
	error = open_input(d, &in, options, e);
	dataset_input_close(&in);
	return error;
}

int dataset_open(
	const char *path, const struct dataset_options *options, struct dataset **out, struct error *e)
{
	struct dataset *d = calloc(1, sizeof(*d));
	struct stat status;
	int error;

	*out = NULL;
	if (!d)
		return error_set(e, -ENOMEM, "out of memory");
	bool input = strcmp(path, "-") == 0;
	if (!input && stat(path, &status) < 0)
		error = error_set(e, -errno, "cannot open %s: %s", path, strerror(errno));
	else if (input || !S_ISDIR(status.st_mode))
		error = open_file(d, path, options, e);
	else if (!(error = labels_check(path, options, e)))
		error = folder_open(d, path, options, e);
	if (!error && !d->size)
		error = error_set(e, -EBADMSG, "%s holds no pictures", path);
	if (error) {
		dataset_close(d);
		return error;
	}
	*out = d;
	return 0;
}
