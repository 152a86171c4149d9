/* SPDX-License-Identifier: MIT */
/* A folder of class folders. Each has the pictures of one class, also in folders below it. */
#include "dataset/internal.h"

#include "base/error.h"
#include "image/formats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Sorts by bytes, so that the order does not depend on the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void free_entries(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

static int scan(const char *path, struct dirent ***entries, struct error *e)
{
	int count = scandir(path, entries, visible, by_bytes);

	if (count < 0)
		return error_set(e, -errno, "cannot read folder %s: %s", path, strerror(errno));
	return count;
}

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* A folder, and those in which it was found. */
struct chain {
	dev_t device;
	ino_t number;
	const struct chain *above;
};

/* false: a link made a circle, and the folder is one of those above it; or it is gone. */
static bool chain_begin(struct chain *chain, const char *path, const struct chain *above)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return false;
	*chain = (struct chain){status.st_dev, status.st_ino, above};
	for (; above; above = above->above)
		if (above->device == chain->device && above->number == chain->number)
			return false;
	return true;
}

static int add_pictures(
	struct dataset *d, const char *folder, int label, const struct chain *here, struct error *e)
{
	struct dirent **entries;
	int error = 0;
	int count = scan(folder, &entries, e);

	if (count < 0)
		return count;
	for (int i = 0; i < count && !error; i++) {
		struct chain below;
		char *path = NULL;
		if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
			path = NULL;
		if (path && is_folder(path)) {
			if (chain_begin(&below, path, here))
				error = add_pictures(d, path, label, &below, e);
		} else if (!path || picture_file(AT_FDCWD, path)) {
			error = dataset_add(d, path, label, e);
			path = NULL;
		}
		free(path);
	}
	free_entries(entries, count);
	return error;
}

/* "golden_retriever" is the folder of "golden retriever". */
static bool same_label(const char *folder, const char *label)
{
	for (; *folder && *label; folder++, label++)
		if (*folder != *label && !(*folder == '_' && (*label == ' ' || *label == '/')))
			return false;
	return *folder == *label;
}

/* The label of what `teach` has learned from the folder "background". */
#define BACKGROUND "none of these"

static int class_by_label(const char *name, const struct dataset_options *options)
{
	for (int i = 0; options->labels && i < options->class_count; i++)
		if (same_label(name, options->labels[i]))
			return i;
	for (int i = 0; i < options->group_count; i++)
		if (same_label(name, options->groups[i]))
			return options->class_count + i;
	return strcasecmp(name, "background") == 0 ? class_by_label(BACKGROUND, options) : -1;
}

static int class_by_number(const char *name, const struct dataset_options *options)
{
	char *end;
	long number = strtol(name, &end, 10);

	return *end || end == name || number < 0 || number >= options->class_count ? -1 : (int)number;
}

/*
 * The class of each folder: by the network's labels and groups if all folders have such names, else by number
 * if all are numbers, else by the order of names if there is one folder for each class and none has a label's
 * name: with some, the order would give them other classes.
 */
static int number_classes(const char *path, struct dirent **folders, int count,
	const struct dataset_options *options, int *classes, struct error *e)
{
	int (*const rules[])(const char *, const struct dataset_options *) = {
		class_by_label, class_by_number};
	int unknown = 0, labels = 0;

	for (int r = 1; r >= 0; r--) {
		int known = 0;
		for (int i = 0; i < count; i++) {
			classes[i] = rules[1 - r](folders[i]->d_name, options);
			known += classes[i] >= 0;
			labels += r == 1 && classes[i] >= 0;
			if (r == 1 && classes[i] < 0)
				unknown = i;
		}
		if (known == count)
			return 0;
	}
	for (int i = 0; i < count; i++)
		classes[i] = i;
	if (count == options->class_count && !labels)
		return 0;
	return error_set(e, -EBADMSG,
		"%s has %d class folder%s for %d classes, and \"%s\" is none of the network's labels%s", path,
		count, count == 1 ? "" : "s", options->class_count, folders[unknown]->d_name,
		options->group_count ? " and groups; `twobit list labels` lists them" : "");
}

/* Removes the entries that are no folders, or lead back. */
static int keep_folders(const char *path, const struct chain *here, struct dirent **entries, int count)
{
	struct chain below;
	int kept = 0;

	for (int i = 0; i < count; i++) {
		char inner[PATH_MAX];
		int length = snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
		if (length < PATH_MAX && is_folder(inner) && chain_begin(&below, inner, here))
			entries[kept++] = entries[i];
		else
			free(entries[i]);
	}
	return kept;
}

static int add_classes(struct dataset *d, const char *path, const struct chain *here, struct dirent **folders,
	int count, const struct dataset_options *options, struct error *e)
{
	struct chain below;
	int *classes = calloc((size_t)count + 1, sizeof(*classes));

	if (!classes)
		return error_set(e, -ENOMEM, "out of memory for %d class folders", count);
	int error = number_classes(path, folders, count, options, classes, e);
	for (int i = 0; i < count && !error; i++) {
		char folder[PATH_MAX];
		snprintf(folder, sizeof(folder), "%s/%s", path, folders[i]->d_name);
		if (chain_begin(&below, folder, here))
			error = add_pictures(d, folder, classes[i], &below, e);
	}
	free(classes);
	return error;
}

int folder_open(struct dataset *d, const char *path, const struct dataset_options *options, struct error *e)
{
	struct dirent **entries;
	struct chain here;
	int error, count;

	if (!chain_begin(&here, path, NULL))
		return error_set(e, -errno, "cannot read folder %s: %s", path, strerror(errno));
	if (options->unlabelled)
		return add_pictures(d, path, -1, &here, e);
	count = scan(path, &entries, e);
	if (count < 0)
		return count;
	count = keep_folders(path, &here, entries, count);
	if (count)
		error = add_classes(d, path, &here, entries, count, options, e);
	else
		error = error_set(e, -EBADMSG,
			"%s has no class folders in it; the pictures of each class need a folder with its "
			"label as name",
			path);
	free_entries(entries, count);
	return error;
}
