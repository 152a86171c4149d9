/* SPDX-License-Identifier: MIT */
/* A taught network's folder: beside the network, examples.npy, examples.txt (a label each) and CARD.md. */
#include "teach/lesson.h"

#include "base/error.h"
#include "nn/format/npy.h"
#include "nn/format/save.h"
#include "nn/teach/head.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXAMPLES_FILE "examples.npy"
#define LABELS_FILE "examples.txt"

/* A file of a folder; a name that is too long becomes one that cannot be opened. */
static const char *path_of(char path[PATH_MAX], const char *folder, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ? path : "";
}

static int read_whole(const char *path, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	FILE *file = fopen(path, "rbe");

	int rc = file ? 0 : errno ? -errno : -EIO;
	if (rc) {
		error_set(e, rc, "%s: cannot be opened: %s", path, strerror(-rc));
		return rc;
	}
	*data = malloc(limit + 1);
	*size = *data ? fread(*data, 1, limit + 1, file) : 0;
	rc = !*data ? -ENOMEM : ferror(file) ? -EIO : *size > limit ? -EFBIG : 0;
	fclose(file);
	if (!rc)
		return 0;
	free(*data);
	error_set(e, rc, "%s: cannot be read: %s", path, strerror(-rc));
	return rc;
}

/* codes: [count][size] */
static int add_examples(struct lesson *lesson, const uint8_t *codes, int count, char *labels,
	const char *path, struct error *e)
{
	char *rest = labels;

	for (int i = 0; i < count; i++) {
		char *label = strsep(&rest, "\n");
		int class, rc;

		if (!label || !*label)
			return error_set(e, -EBADMSG, "%s:%d: a label is missing", path, i + 1);
		if ((rc = lesson_class(lesson, label, &class, e)) ||
			(rc = lesson_add(lesson, codes + (size_t)i * lesson->size, class, e)))
			return rc;
	}
	return 0;
}

int lesson_read(struct lesson *lesson, const char *folder, struct error *e)
{
	char path[PATH_MAX], labels_path[PATH_MAX];
	struct error cause = {0};
	const uint8_t *codes = NULL;
	uint8_t *data = NULL, *labels = NULL;
	size_t size = 0, length = 0;
	struct npy npy;
	int rc = read_whole(path_of(path, folder, EXAMPLES_FILE),
		EXAMPLES_LIMIT * lesson->size + NPY_HEADER_LIMIT, &data, &size, e);

	if (rc)
		return rc;
	rc = npy_parse(data, size, &npy, &codes, &cause);
	if (rc)
		error_set(e, rc, "%s: %s", path, cause.text);
	else if (strcmp(npy.type, "u1") != 0 || npy.dimensions != 2 || npy.shape[0] > EXAMPLES_LIMIT ||
		 npy.shape[1] != lesson->size)
		rc = error_set(e, -EBADMSG, "%s: does not hold features of %zu codes, which this network has",
			path, lesson->size);
	if (!rc)
		rc = read_whole(path_of(labels_path, folder, LABELS_FILE), (size_t)EXAMPLES_LIMIT * 256,
			&labels, &length, e);
	if (!rc) {
		labels[length] = 0; /* read_whole leaves room */
		rc = add_examples(lesson, codes, (int)npy.shape[0], (char *)labels, labels_path, e);
		free(labels);
	}
	free(data);
	return rc;
}

static int write_failed(const char *path, struct error *e)
{
	int code = errno ? errno : EIO;

	return error_set(e, -code, "%s: cannot be written: %s", path, strerror(code));
}

static int write_examples(const struct lesson *lesson, const char *folder, struct error *e)
{
	char path[PATH_MAX];
	const struct npy npy = {"u1", 2, {(uint64_t)lesson->count, lesson->size}};
	FILE *file = fopen(path_of(path, folder, EXAMPLES_FILE), "wbe");

	if (!file)
		return write_failed(path, e);
	int written = npy_write(file, &npy, lesson->codes);
	if (fclose(file) || written)
		return write_failed(path, e);
	file = fopen(path_of(path, folder, LABELS_FILE), "we");
	if (!file)
		return write_failed(path, e);
	for (int i = 0; i < lesson->count; i++)
		fprintf(file, "%s\n", lesson->labels[lesson->classes[i]]);
	bool failed = ferror(file);
	return fclose(file) || failed ? write_failed(path, e) : 0;
}

static int write_card(
	const struct lesson *lesson, const struct ridge *ridge, const char *folder, struct error *e)
{
	char path[PATH_MAX];
	FILE *file = fopen(path_of(path, folder, "CARD.md"), "we");
	int right = 0;

	if (!file)
		return write_failed(path, e);
	for (int i = 0; i < lesson->count; i++)
		right += ridge->held_out[i] == lesson->classes[i];
	fprintf(file,
		"# %s\n\nTaught by `twobit teach`: the layers of %s, and a last layer of 8-bit weights "
		"fitted by "
		"ridge\nregression to the features of %d pictures. Fitted without it, the layer names %d of "
		"them "
		"rightly\n(%.1f %%). The licence of %s and of the pictures applies.\n\n| class | pictures |\n"
		"| --- | --- |\n",
		lesson->network->name, lesson->source, lesson->count, right, 100.0 * right / lesson->count,
		lesson->source);
	for (int i = 0; i < lesson->class_count; i++)
		fprintf(file, "| %s | %d |\n", lesson->labels[i], lesson_examples_of(lesson, i));
	bool failed = ferror(file);
	return fclose(file) || failed ? write_failed(path, e) : 0;
}

/* Removes a folder of plain files, which is all that lesson_save makes. */
static void remove_folder(const char *folder)
{
	DIR *directory = opendir(folder);
	char path[PATH_MAX];

	for (struct dirent *entry; directory && (entry = readdir(directory));)
		if (entry->d_name[0] != '.')
			unlink(path_of(path, folder, entry->d_name));
	if (directory)
		closedir(directory);
	rmdir(folder);
}

/* Puts the new folder into the place of the old one, which stays whole if that fails. */
static int exchange(const char *folder, const char *made, const char *old, bool replace, struct error *e)
{
	if (replace && rename(folder, old))
		return error_set(e, -errno, "%s: cannot be replaced: %s", folder, strerror(errno));
	if (rename(made, folder)) {
		int code = errno;
		if (replace && rename(old, folder))
			return error_set(e, -code, "%s: cannot be made: %s; what it was is %s", folder,
				strerror(code), old);
		return error_set(e, -code, "%s: cannot be made: %s", folder, strerror(code));
	}
	if (replace)
		remove_folder(old);
	return 0;
}

static int rename_network(struct network *network, const char *folder, struct error *e)
{
	const char *slash = strrchr(folder, '/');
	char *name = strdup(slash ? slash + 1 : folder);

	if (!name)
		return error_set(e, -ENOMEM, "not enough memory to save");
	free(network->name);
	network->name = name;
	return 0;
}

int lesson_save(
	struct lesson *lesson, const struct ridge *ridge, const char *folder, bool replace, struct error *e)
{
	char made[PATH_MAX], old[PATH_MAX];
	int rc = rename_network(lesson->network, folder, e);

	if (snprintf(made, PATH_MAX, "%s.%d.new", folder, (int)getpid()) >= PATH_MAX ||
		snprintf(old, PATH_MAX, "%s.%d.old", folder, (int)getpid()) >= PATH_MAX)
		return error_set(e, -ENAMETOOLONG, "%s: is too long a path", folder);
	if (rc || (rc = head_replace(lesson->network, ridge, lesson->labels, lesson->class_count, e)) ||
		(rc = network_save(lesson->network, made, e)))
		return rc;
	if ((rc = write_examples(lesson, made, e)) || (rc = write_card(lesson, ridge, made, e)) ||
		(rc = exchange(folder, made, old, replace, e)))
		remove_folder(made);
	return rc;
}
