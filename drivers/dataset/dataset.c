/* SPDX-License-Identifier: MIT */
#include "dataset/internal.h"

#include "base/error.h"
#include "image/decode.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

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
