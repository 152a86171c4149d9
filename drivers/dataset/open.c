/* SPDX-License-Identifier: MIT */
/* Finds out what kind of data set a path is. */
#include "dataset/internal.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/* Only idx files have their labels in a separate file. */
static int labels_check(const char *path, const struct dataset_options *options, struct error *e)
{
	if (!options->labels_path)
		return 0;
	return error_set(e, -EBADMSG, "--labels goes with an idx file; %s carries its own labels", path);
}

/* Decides by the first bytes, not by the name. gzread reads uncompressed files too. */
static int open_file(
	struct dataset *d, const char *path, const struct dataset_options *options, struct error *e)
{
	static const unsigned char xz[] = {0xfd, '7', 'z', 'X', 'Z', 0};
	unsigned char start[sizeof(xz)] = {1};
	gzFile file = gzopen(path, "rb");

	if (!file)
		return error_set(e, -errno, "cannot open %s: %s", path, strerror(errno ? errno : ENOMEM));
	errno = 0;
	int got = gzread(file, start, sizeof(start));
	int cause = errno;
	gzclose(file);
	if (got < 0 && cause)
		return error_set(e, -cause, "cannot read %s: %s", path, strerror(cause));
	if (got < 0)
		return error_set(e, -EBADMSG, "%s is no gzip file, though it starts like one", path);
	if (got >= 2 && start[0] == 0 && start[1] == 0)
		return idx_open(d, path, options, e);
	if (got == sizeof(xz) && memcmp(start, xz, sizeof(xz)) == 0)
		return error_set(
			e, -EBADMSG, "%s is compressed by xz; unpack it first: xz -dk %s", path, path);
	if ((start[0] == 0xff && start[1] == 0xd8) || memcmp(start, "\x89PNG", 4) == 0)
		return error_set(e, -EBADMSG, "%s is a picture, not a data set of labelled pictures", path);
	int error = labels_check(path, options, e);
	return error ? error : list_open(d, path, options, e);
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
	if (stat(path, &status) < 0)
		error = error_set(e, -errno, "cannot open %s: %s", path, strerror(errno));
	else if (!S_ISDIR(status.st_mode))
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
