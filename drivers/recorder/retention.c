/* SPDX-License-Identifier: MIT */
#include "recorder/retention.h"

#include "base/error.h"
#include "base/log.h"
#include "recorder/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDINGS 3

static const char *const endings[ENDINGS] = {".mkv", ".jsonl", ".csv"};

struct recording {
	char name[256];
	uint64_t bytes; /* that it takes on the disk, with its log */
	struct timespec changed;
	bool spared;
};

struct recordings {
	char folder[PATH_MAX];
	struct recording *items;
	size_t count, capacity;
};

/* The path of the recording, or of its log. */
static void path_of(const struct recordings *all, const struct recording *r, int ending, char out[PATH_MAX])
{
	char name[sizeof(r->name) + 8];

	names_log(r->name, endings[ending], name, sizeof(name));
	if (snprintf(out, PATH_MAX, "%s/%s", all->folder, name) >= PATH_MAX)
		out[0] = '\0';
}

static bool look(const struct recordings *all, struct recording *r)
{
	char path[PATH_MAX];
	struct stat status;

	path_of(all, r, 0, path);
	if (lstat(path, &status) || !S_ISREG(status.st_mode))
		return false;
	r->changed = status.st_mtim;
	r->bytes = 0;
	for (int i = 0; i < ENDINGS; i++) {
		path_of(all, r, i, path);
		if (!lstat(path, &status) && S_ISREG(status.st_mode))
			r->bytes += (uint64_t)status.st_blocks * 512;
	}
	return true;
}

static int add(struct recordings *all, const struct recording *r)
{
	if (all->count == all->capacity) {
		size_t capacity = 2 * all->capacity + 16;
		struct recording *grown = realloc(all->items, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		all->items = grown;
		all->capacity = capacity;
	}
	all->items[all->count++] = *r;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct recording *x = a, *y = b;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* All recordings of the pattern, the oldest first. */
static int find(const char *pattern, const char *spared, struct recordings *all, struct error *e)
{
	struct recording r = {0};
	struct dirent *entry;
	int status = 0;
	const char *spared_name = spared && strrchr(spared, '/') ? strrchr(spared, '/') + 1 : spared;

	names_folder(pattern, all->folder, sizeof(all->folder));
	DIR *directory = opendir(all->folder);
	if (!directory)
		return error_set(e, -errno, "%s: %s", all->folder, strerror(errno));
	while (!status && (entry = readdir(directory))) {
		if (!names_match(pattern, entry->d_name))
			continue;
		snprintf(r.name, sizeof(r.name), "%s", entry->d_name);
		r.spared = spared_name && strcmp(entry->d_name, spared_name) == 0;
		if (look(all, &r))
			status = add(all, &r);
	}
	closedir(directory);
	if (status)
		return error_set(e, status, "%s: out of memory for the list of recordings", all->folder);
	if (all->count)
		qsort(all->items, all->count, sizeof(*all->items), compare);
	return 0;
}

static int delete (const struct recordings *all, const struct recording *r, const char *why, struct error *e)
{
	char path[PATH_MAX];

	path_of(all, r, 0, path);
	if (unlink(path))
		return error_set(e, -errno, "%s: cannot be deleted: %s", path, strerror(errno));
	log_info("deleted %s: %s", path, why);
	for (int i = 1; i < ENDINGS; i++) {
		path_of(all, r, i, path);
		unlink(path);
	}
	return 0;
}

int retention_apply(
	const char *pattern, const struct amount *keep, const char *spared, time_t now, struct error *e)
{
	struct recordings all = {0};
	uint64_t total = 0;
	int deleted = 0;
	int status = find(pattern, spared, &all, e);

	for (size_t i = 0; i < all.count; i++)
		total += all.items[i].bytes;
	for (size_t i = 0; !status && i < all.count; i++) {
		const struct recording *r = &all.items[i];
		bool old = keep->time && (int64_t)(now - r->changed.tv_sec) > keep->time / 1000000000;
		bool much = keep->bytes && total > keep->bytes;
		if (r->spared || (!old && !much))
			continue;
		status = delete (&all, r, old ? "older than --keep says" : "more than --keep says", e);
		deleted += !status;
		total -= r->bytes;
	}
	free(all.items);
	return status ? status : deleted;
}

int retention_delete_oldest(const char *pattern, const char *spared, struct error *e)
{
	struct recordings all = {0};
	int deleted = 0;
	int status = find(pattern, spared, &all, e);

	for (size_t i = 0; !status && !deleted && i < all.count; i++) {
		if (all.items[i].spared)
			continue;
		status = delete (&all, &all.items[i], "the disk is full", e);
		deleted = 1;
	}
	free(all.items);
	return status ? status : deleted;
}
