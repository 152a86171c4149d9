/* SPDX-License-Identifier: MIT */
#include "recorder/retention.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "recorder/label_log.h"
#include "recorder/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIXES 3

static const char *const suffixes[SUFFIXES] = {".mkv", ".jsonl", ".csv"};
static const enum label_log_kind kinds[SUFFIXES] = {[1] = LABEL_LOG_JSON, [2] = LABEL_LOG_CSV};

/* This run's recordings, in their order, and recordings that cannot be deleted. */
struct known {
	char name[NAME_MAX + 1];
	int64_t closed; /* clock_now() time; INT64_MAX: not yet */
	bool own, reported, seen;
};

struct retained_recording {
	char name[NAME_MAX + 1]; /* the video's, also if only its log is left */
	bool has[SUFFIXES];
	uint64_t bytes[SUFFIXES]; /* on the disk */
	struct timespec changed;
	bool set_back; /* changed in the future */
	size_t own;    /* its place among this run's, from 1; 0: of another run */
	int64_t closed;
};

struct recordings {
	char folder[PATH_MAX];
	struct retained_recording *items;
	size_t count, capacity;
};

/* Makes room for one more item; NULL: out of memory. */
static void *grown(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	void *more = realloc(items, (2 * *capacity + 16) * size);
	if (more)
		*capacity = 2 * *capacity + 16;
	return more;
}

void retention_init(struct retention *r, const char *pattern, const struct amount *keep, const char *source)
{
	struct stat status;

	*r = (struct retention){.pattern = pattern, .keep = *keep};
	if (source && !stat(source, &status)) {
		r->source_device = status.st_dev;
		r->source_file = status.st_ino;
	}
}

void retention_finish(struct retention *r)
{
	free(r->known);
	r->known = NULL;
	r->count = r->capacity = 0;
}

static bool may_delete(const struct retention *r)
{
	return r->keep.time || r->keep.bytes;
}

static struct known *known_find(const struct retention *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->known[i].name, name) == 0)
			return &r->known[i];
	return NULL;
}

/* NULL: out of memory; then the file counts as another run's. */
static struct known *known_add(struct retention *r, const char *name)
{
	struct known *known = grown(r->known, r->count, &r->capacity, sizeof(*known));

	if (!known)
		return NULL;
	r->known = known;
	known += r->count++;
	*known = (struct known){.closed = INT64_MAX, .seen = true};
	snprintf(known->name, sizeof(known->name), "%s", name);
	return known;
}

void retention_opened(struct retention *r, const char *path)
{
	struct known *known = may_delete(r) ? known_add(r, path_last(path)) : NULL;

	if (known)
		known->own = true;
}

void retention_closed(struct retention *r, int64_t now)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->known[i].own && r->known[i].closed == INT64_MAX)
			r->known[i].closed = now;
}

/* The path of one of the recording's files. */
static void path_of(
	const struct recordings *all, const struct retained_recording *r, int suffix, char out[PATH_MAX])
{
	char name[NAME_MAX + 8];

	names_log(r->name, suffixes[suffix], name, sizeof(name));
	if (snprintf(out, PATH_MAX, "%s/%s", all->folder, name) >= PATH_MAX)
		out[0] = '\0';
}

/* Warns once about each recording. */
static void report(struct retention *r, const struct recordings *all,
	const struct retained_recording *recording, int suffix, int code)
{
	char path[PATH_MAX];
	struct known *known = known_find(r, recording->name);

	if (!known)
		known = known_add(r, recording->name);
	if (known && known->reported)
		return;
	if (known)
		known->reported = true;
	path_of(all, recording, suffix, path);
	log_warning("%s: cannot be deleted: %s; --keep skips it", path, strerror(code));
}

/* Whether another process may be writing it; without file locks the answer is no. */
static bool is_held(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool held = fd < 0 || (flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK);

	if (fd >= 0)
		close(fd);
	return held;
}

/* Looks for the recording's file of that suffix; of: its inode. */
static bool look_at(const struct recordings *all, struct retained_recording *r, int suffix, struct stat *of)
{
	char path[PATH_MAX];

	path_of(all, r, suffix, path);
	r->has[suffix] = !lstat(path, of) && S_ISREG(of->st_mode) &&
			 (!suffix || label_log_is_of(path, kinds[suffix], r->name));
	if (r->has[suffix])
		r->bytes[suffix] = (uint64_t)of->st_blocks * 512;
	return r->has[suffix];
}

/* entry: the suffix of the file found. False: it is no recording, or must not be deleted. */
static bool look(
	const struct retention *t, const struct recordings *all, int entry, struct retained_recording *r)
{
	const struct known *known = known_find(t, r->name);
	char path[PATH_MAX];
	struct stat first, other;

	if (!look_at(all, r, entry, &first))
		return false;
	path_of(all, r, 0, path);
	if (entry && (!lstat(path, &other) || errno != ENOENT))
		return false; /* its video stands for it, if it is a recording */
	for (int i = 1; i < SUFFIXES && !entry; i++)
		look_at(all, r, i, &other);
	r->changed = first.st_mtim;
	if (known && known->own) {
		r->own = (size_t)(known - t->known) + 1;
		r->closed = known->closed;
		return true;
	}
	if (first.st_ino == t->source_file && first.st_dev == t->source_device)
		return false;
	path_of(all, r, entry, path);
	return (r->has[1] || r->has[2]) && !is_held(path);
}

static int compare(const void *a, const void *b)
{
	const struct retained_recording *x = a, *y = b;

	if (x->own != y->own)
		return x->own < y->own ? -1 : 1;
	if (x->set_back != y->set_back)
		return x->set_back ? -1 : 1;
	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Whether a file name is that of a video or log of the pattern; gives its suffix and the video's name. */
static bool is_named(const char *pattern, const char *file, int *suffix, char video[NAME_MAX + 1])
{
	size_t length = strlen(file);

	for (int i = 0; i < SUFFIXES; i++) {
		size_t tail = strlen(suffixes[i]);
		if (length <= tail || strcmp(file + length - tail, suffixes[i]) != 0)
			continue;
		*suffix = i;
		return snprintf(video, NAME_MAX + 1, "%.*s%s", (int)(length - tail), file, suffixes[0]) <=
			       NAME_MAX &&
		       names_match(pattern, video);
	}
	return false;
}

static bool add(struct retention *t, struct recordings *all, const char *file, time_t wall)
{
	struct retained_recording r = {0};
	struct known *known;
	int suffix;

	if (!is_named(t->pattern, file, &suffix, r.name))
		return true;
	known = known_find(t, r.name);
	if (known)
		known->seen = true;
	if (!look(t, all, suffix, &r))
		return true;
	r.set_back = r.changed.tv_sec > wall;
	struct retained_recording *items = grown(all->items, all->count, &all->capacity, sizeof(*items));
	if (!items)
		return false;
	all->items = items;
	all->items[all->count++] = r;
	return true;
}

static void forget_unseen(struct retention *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++)
		if (t->known[i].seen)
			t->known[kept++] = t->known[i];
	t->count = kept;
}

/* All recordings of the pattern that can be found, the oldest first. */
static void find(struct retention *t, time_t wall, struct recordings *all)
{
	struct dirent *entry;
	bool room = true;

	names_folder(t->pattern, all->folder, sizeof(all->folder));
	DIR *directory = opendir(all->folder);
	if (!directory) {
		if (!t->folder_reported)
			log_warning("%s: cannot be searched for what --keep may delete: %s", all->folder,
				strerror(errno));
		t->folder_reported = true;
		return;
	}
	/* First of all: `own` is a place in t->known, which must not change meanwhile. */
	for (size_t i = 0; i < t->count; i++)
		t->known[i].seen = false;
	while (room && (entry = readdir(directory)))
		room = add(t, all, entry->d_name, wall);
	closedir(directory);
	if (room)
		forget_unseen(t);
	if (all->count)
		qsort(all->items, all->count, sizeof(*all->items), compare);
}

/* Returns whether its first file is gone; *freed: the bytes of all deleted files. */
static bool delete (struct retention *t, const struct recordings *all, const struct retained_recording *r,
	const char *why, uint64_t *freed)
{
	char path[PATH_MAX];
	bool any = false;

	*freed = 0;
	for (int i = 0; i < SUFFIXES; i++) {
		if (!r->has[i])
			continue;
		path_of(all, r, i, path);
		int code = unlink(path) ? errno : 0;
		if (code && code != ENOENT) {
			report(t, all, r, i, code);
			return any;
		}
		if (!any && !code)
			log_info("deleted %s: %s", path, why);
		any = true;
		*freed += r->bytes[i];
	}
	return any;
}

unsigned retention_apply(struct retention *t, time_t wall, int64_t now)
{
	struct recordings all = {0};
	uint64_t total = 0;
	unsigned deleted = 0;

	if (!may_delete(t))
		return 0;
	find(t, wall, &all);
	for (size_t i = 0; i < all.count; i++)
		for (int k = 0; k < SUFFIXES; k++)
			total += all.items[i].bytes[k];
	for (size_t i = 0; i < all.count; i++) {
		const struct retained_recording *r = &all.items[i];
		bool newest = r->own && i == all.count - 1;
		int64_t limit = r->own ? t->keep.time : t->keep.time / NS_PER_S;
		int64_t age = r->own ? now - r->closed : (int64_t)(wall - r->changed.tv_sec);
		bool old = t->keep.time && age > limit, much = t->keep.bytes && total > t->keep.bytes;
		uint64_t freed;
		if ((r->own && r->closed == INT64_MAX) || !(old || (much && !newest)))
			continue;
		const char *why = old ? "older than --keep allows" : "more than --keep allows";
		if (delete (t, &all, r, why, &freed))
			deleted += r->has[0] || r->own; /* a log alone may be what is left of an old one */
		total -= freed;
	}
	free(all.items);
	return deleted;
}

bool retention_delete_oldest(struct retention *t, time_t wall)
{
	struct recordings all = {0};
	bool deleted = false;
	uint64_t freed;

	if (!may_delete(t))
		return false;
	find(t, wall, &all);
	for (size_t i = 0; i < all.count && !deleted; i++)
		if (!all.items[i].own || all.items[i].closed != INT64_MAX)
			deleted = delete (t, &all, &all.items[i], "the disk is full", &freed);
	free(all.items);
	return deleted;
}
