/* SPDX-License-Identifier: MIT */
/*
 * LeCun's idx files (http://yann.lecun.com/exdb/mnist/): two zero bytes, the type of element (8: unsigned
 * byte), the number of dimensions, each dimension in 32 bits, most significant byte first, then the elements.
 */
#include "dataset/internal.h"

#include "base/error.h"
#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIMENSIONS_MAXIMUM 4
#define CHUNK ((size_t)1 << 20)

struct idx {
	int dimensions;
	uint32_t length[DIMENSIONS_MAXIMUM];
	size_t size; /* bytes of elements */
	uint8_t *data;
};

static int truncated(const char *path, struct error *e)
{
	return error_set(e, -EBADMSG, "%s ends too early, or is broken", path);
}

static int header_take(struct dataset_input *in, unsigned char *bytes, size_t size, struct error *e)
{
	size_t got;
	int error = dataset_input_read(in, bytes, size, &got, e);

	return error ? error : got < size ? truncated(in->path, e) : 0;
}

static int read_header(struct dataset_input *in, struct idx *idx, struct error *e)
{
	unsigned char bytes[4 * DIMENSIONS_MAXIMUM];
	const char *path = in->path;

	int error = header_take(in, bytes, 4, e);
	if (error)
		return error;
	if (bytes[0] || bytes[1])
		return error_set(
			e, -EBADMSG, "%s is no idx file: it does not start with two zero bytes", path);
	if (bytes[2] != 8)
		return error_set(e, -EBADMSG,
			"%s has elements of type 0x%02x; only unsigned bytes (0x08) are read", path,
			bytes[2]);
	if (bytes[3] < 1 || bytes[3] > DIMENSIONS_MAXIMUM)
		return error_set(e, -EBADMSG, "%s has %d dimensions; 1 (labels), 3 or 4 (pictures) are read",
			path, bytes[3]);
	idx->dimensions = bytes[3];
	if ((error = header_take(in, bytes, (size_t)4 * (size_t)idx->dimensions, e)))
		return error;
	idx->size = 1;
	for (int i = 0; i < idx->dimensions; i++) {
		const unsigned char *b = bytes + (size_t)4 * (size_t)i;
		idx->length[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
		if (idx->length[i] > INT_MAX || __builtin_mul_overflow(idx->size, idx->length[i], &idx->size))
			return error_set(e, -EOVERFLOW, "%s: dimension %d is too large", path, i + 1);
	}
	return 0;
}

/* Memory grows with the bytes read: the header may be wrong. */
static int read_elements(struct dataset_input *in, struct idx *idx, struct error *e)
{
	size_t used = 0, got;

	while (used < idx->size) {
		size_t chunk = used ? used : CHUNK;
		if (chunk > idx->size - used)
			chunk = idx->size - used;
		uint8_t *data = realloc(idx->data, used + chunk);
		if (!data)
			return error_set(e, -ENOMEM, "out of memory after %zu bytes of %s", used, in->path);
		idx->data = data;
		int error = dataset_input_read(in, data + used, chunk, &got, e);
		if (error)
			return error;
		if (got < chunk)
			return truncated(in->path, e);
		used += got;
	}
	return 0;
}

static int read_idx(struct dataset_input *in, struct idx *idx, struct error *e)
{
	unsigned char more;
	size_t got = 0;

	memset(idx, 0, sizeof(*idx));
	int error = read_header(in, idx, e);
	if (!error)
		error = read_elements(in, idx, e);
	/* At the end of the file zlib compares the checksum. */
	if (!error)
		error = dataset_input_read(in, &more, 1, &got, e);
	if (!error && got)
		error = error_set(e, -EBADMSG, "%s is longer than its header allows", in->path);
	return error;
}

static bool replace_last(char *text, size_t size, const char *from, const char *to)
{
	char *found = NULL, tail[PATH_MAX];

	for (char *next = text; (next = strstr(next, from)) != NULL; next++)
		found = next;
	if (!found)
		return false;
	snprintf(tail, sizeof(tail), "%s", found + strlen(from));
	return snprintf(found, size - (size_t)(found - text), "%s%s", to, tail) <
	       (int)(size - (size_t)(found - text));
}

/* t10k-images-idx3-ubyte.gz -> t10k-labels-idx1-ubyte.gz, compressed or not. */
static int find_labels(const char *images, char path[PATH_MAX], struct error *e)
{
	if (strlen(images) < PATH_MAX - 8) {
		snprintf(path, PATH_MAX, "%s", images);
		char *base = path + (path_last(path) - path);
		size_t room = PATH_MAX - (size_t)(base - path);
		if (replace_last(base, room, "images", "labels")) {
			if (!replace_last(base, room, "idx3", "idx1"))
				replace_last(base, room, "idx4", "idx1");
			if (access(path, F_OK) == 0)
				return 0;
			size_t length = strlen(path);
			if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
				path[length - 3] = 0;
			else
				snprintf(path + length, PATH_MAX - length, ".gz");
			if (access(path, F_OK) == 0)
				return 0;
		}
	}
	return error_set(e, -ENOENT, "no labels file beside %s; name it with --labels", images);
}

static int add_pictures(struct dataset *d, const char *images_path, const struct idx *images,
	const char *labels_path, const struct idx *labels, int class_count, struct error *e)
{
	if (labels->dimensions != 1)
		return error_set(
			e, -EBADMSG, "%s has %d dimensions; labels have 1", labels_path, labels->dimensions);
	if (labels->length[0] != images->length[0])
		return error_set(e, -EBADMSG, "%s has %u labels for the %u pictures of %s", labels_path,
			(unsigned)labels->length[0], (unsigned)images->length[0], images_path);
	for (uint32_t i = 0; i < labels->length[0]; i++) {
		char name[16];
		if (labels->data[i] >= class_count)
			return error_set(e, -EBADMSG,
				"%s: label %d of picture %u is outside the network's 0 to %d; is it for "
				"another network?",
				labels_path, labels->data[i], (unsigned)i, class_count - 1);
		snprintf(name, sizeof(name), "#%u", (unsigned)i);
		int error = dataset_add(d, strdup(name), labels->data[i], e);
		if (error)
			return error;
	}
	return 0;
}

static int add_unlabelled(struct dataset *d, int count, struct error *e)
{
	for (int i = 0; i < count; i++) {
		char name[16];
		snprintf(name, sizeof(name), "#%d", i);
		int error = dataset_add(d, strdup(name), -1, e);
		if (error)
			return error;
	}
	return 0;
}

/* The labels of a file beside the pictures, or of the one that the options name. */
static int add_labelled(struct dataset *d, const char *path, const struct idx *images,
	const struct dataset_options *options, struct error *e)
{
	struct idx labels = {0};
	char found[PATH_MAX];
	const char *labels_path = options->labels_path ? options->labels_path : found;
	int error = options->labels_path ? 0 : find_labels(path, found, e);

	struct dataset_input in = {0};
	if (!error)
		error = dataset_input_open(&in, labels_path, e);
	if (!error)
		error = read_idx(&in, &labels, e);
	dataset_input_close(&in);
	if (!error)
		error = add_pictures(d, path, images, labels_path, &labels, options->class_count, e);
	free(labels.data);
	return error;
}

static int check_images(const char *path, const struct idx *idx, struct error *e)
{
	if (idx->dimensions == 1)
		return error_set(e, -EBADMSG, "%s holds labels; give the file of pictures", path);
	if (idx->dimensions == 2 || (idx->dimensions == 4 && idx->length[3] != 1 && idx->length[3] != 3))
		return error_set(e, -EBADMSG,
			"%s holds no pictures: it must be count x height x width, or x 3 for R, G, B", path);
	for (int i = 1; i < 3; i++)
		if (idx->length[i] < 1 || idx->length[i] > PICTURE_SIDE_MAXIMUM)
			return error_set(e, -EBADMSG, "%s: pictures of %u x %u pixels", path,
				(unsigned)idx->length[2], (unsigned)idx->length[1]);
	return 0;
}

int idx_open(
	struct dataset *d, struct dataset_input *in, const struct dataset_options *options, struct error *e)
{
	const char *path = in->path;
	struct idx images;

	int error = read_idx(in, &images, e);
	if (!error)
		error = check_images(path, &images, e);
	if (!error)
		error = options->unlabelled ? add_unlabelled(d, (int)images.length[0], e)
					    : add_labelled(d, path, &images, options, e);
	if (error) {
		free(images.data);
		return error;
	}
	d->pixels = images.data;
	d->height = (int)images.length[1];
	d->width = (int)images.length[2];
	d->channels = images.dimensions == 4 ? (int)images.length[3] : 1;
	return 0;
}
