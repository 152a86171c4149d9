/* SPDX-License-Identifier: MIT */
#include "internal.h"

#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

int dataset_add(struct dataset *d, char *name, int label, struct error *e)
{
	if (d->size == d->capacity && name) {
		int capacity = d->capacity ? d->capacity : 64;
		capacity = capacity > INT_MAX / 2 ? INT_MAX : 2 * capacity;
		int *labels = realloc(d->labels, sizeof(*labels) * (size_t)capacity);
		d->labels = labels ? labels : d->labels;
		char **names = realloc(d->names, sizeof(*names) * (size_t)capacity);
		d->names = names ? names : d->names;
		if (labels && names)
			d->capacity = capacity;
	}
	if (!name || d->size >= d->capacity) {
		free(name);
		return error_set(e, -ENOMEM, "out of memory after %d pictures of the data set", d->size);
	}
	d->labels[d->size] = label;
	d->names[d->size++] = name;
	return 0;
}

/* Only idx files have their labels in a file of their own. */
static int labels_check(const char *path, const struct dataset_options *options, struct error *e)
{
	if (!options->labels_path)
		return 0;
	return error_set(e, -EBADMSG, "--labels goes with an idx file; %s carries its own labels", path);
}

/* By its first bytes, not by its name. gzread gives what is not compressed as it is. */
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

void dataset_close(struct dataset *dataset)
{
	if (!dataset)
		return;
	for (int i = 0; i < dataset->size; i++)
		free(dataset->names[i]);
	free(dataset->names);
	free(dataset->labels);
	free(dataset->pixels);
	free(dataset);
}

int dataset_size(const struct dataset *dataset)
{
	return dataset->size;
}

int dataset_label(const struct dataset *dataset, int index)
{
	return dataset->labels[index];
}

const char *dataset_name(const struct dataset *dataset, int index)
{
	return dataset->names[index];
}

int dataset_read(const struct dataset *dataset, int index, struct picture *out, struct error *e)
{
	if (!dataset->pixels)
		return picture_read_file(dataset->names[index], out, e);
	int error = picture_resize(out, dataset->width, dataset->height);
	if (error)
		return error_set(
			e, error, "no room for a picture of %d x %d", dataset->width, dataset->height);
	size_t count = (size_t)dataset->width * (size_t)dataset->height, step = (size_t)dataset->channels;
	const uint8_t *in = dataset->pixels + count * step * (size_t)index;
	for (size_t i = 0; i < count; i++, in += step) {
		out->data[4 * i + 0] = in[step - 1];
		out->data[4 * i + 1] = in[step / 2];
		out->data[4 * i + 2] = in[0];
		out->data[4 * i + 3] = 255;
	}
	return 0;
}
