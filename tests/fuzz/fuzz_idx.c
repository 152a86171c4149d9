/* SPDX-License-Identifier: MIT */
/*
 * Data set files on any bytes. An input is one byte n, n bytes of a labels file, and the file of pictures or
 * list. Both may be compressed.
 */
#include "fuzz.h"

#include "base/error.h"
#include "dataset/dataset.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLASSES 10

/* Gives the bytes a path; the caller closes the descriptor. */
static int file_make(const uint8_t *bytes, size_t size, char path[32])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void read_idx(const struct dataset *dataset)
{
	struct picture picture = {0};
	struct error e;

	/* The last one touches the last byte. The pictures of a list are files, which this fuzzer does not
	 * have. */
	for (int i = 0; i < dataset_size(dataset); i++) {
		promise(dataset_label(dataset, i) >= 0 && dataset_label(dataset, i) < CLASSES);
		promise(dataset_name(dataset, i)[0]);
	}
	int last = dataset_size(dataset) - 1;
	if (dataset_name(dataset, last)[0] == '#')
		promise(dataset_read(dataset, last, &picture, &e) == 0);
	picture_finish(&picture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char pictures_path[32], labels_path[32];
	struct dataset *dataset = NULL;
	struct error e = {0};

	if (size < 1)
		return 0;
	size_t labels = data[0] < size ? data[0] : size - 1;
	int labels_fd = file_make(data + 1, labels, labels_path);
	int pictures_fd = file_make(data + 1 + labels, size - 1 - labels, pictures_path);
	struct dataset_options options = {.labels_path = labels_path, .class_count = CLASSES};
	int result = dataset_open(pictures_path, &options, &dataset, &e);
	promise(result <= 0 && (result == 0) == (dataset != NULL) && result == e.code);
	promise(result == 0 || e.text[0]);
	if (dataset)
		read_idx(dataset);
	dataset_close(dataset);
	close(labels_fd);
	close(pictures_fd);
	return 0;
}
