/* SPDX-License-Identifier: MIT */
#include "base/output_folder.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const struct output_folder *out, int status, struct error *e)
{
	if (status == -EEXIST)
		return error_set(e, status, "%s: exists already; choose another folder", out->path);
	return error_set(e, status, "%s: cannot be made: %s", out->path, strerror(-status));
}

/* Opens the folder above and sets the name. Slashes at the end say that it is a folder, which it is. */
static int find(struct output_folder *out)
{
	char path[PATH_MAX];
	size_t length = strlen(out->path);

	if (!length)
		return -ENOENT;
	while (length > 1 && out->path[length - 1] == '/')
		length--;
	if (length >= sizeof(path))
		return -ENAMETOOLONG;
	out->length = (int)length;
	memcpy(path, out->path, length);
	path[length] = '\0';
	const char *last = path_last(path);
	if (!last[0])
		return -EEXIST; /* "/" */
	if (strlen(last) >= sizeof(out->name))
		return -ENAMETOOLONG;
	snprintf(out->name, sizeof(out->name), "%s", last);
	path[last - path] = '\0';
	out->parent = open(path[0] ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return out->parent < 0 ? -errno : 0;
}

/* 0: there is nothing, or an empty folder. */
static int check_free(const struct output_folder *out)
{
	struct stat status;
	int entries = 0;

	if (fstatat(out->parent, out->name, &status, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(status.st_mode))
		return -EEXIST;
	int fd = openat(out->parent, out->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return -ENOMEM;
	}
	while (entries < 3 && readdir(directory))
		entries++;
	closedir(directory);
	return entries == 2 ? 0 : -EEXIST; /* "." and ".." */
}

int output_folder_open(struct output_folder *out, const char *path, bool replace, struct error *e)
{
	*out = (struct output_folder){.path = path, .replace = replace, .parent = -1, .folder = -1};
	int status = find(out);

	if (!status && !replace)
		status = check_free(out);
	if (!status) {
		temporary_clean(out->parent);
		out->folder = temporary_folder(out->parent, out->temporary);
		status = out->folder < 0 ? out->folder : 0;
	}
	if (status && out->parent >= 0)
		close(out->parent);
	return status ? failed(out, status, e) : 0;
}

int output_folder_file(struct output_folder *out, const char *name, struct output_file *file, struct error *e)
{
	*file = (struct output_file){.direct = true, .folder = -1};
	if (snprintf(file->path, sizeof(file->path), "%.*s/%s", out->length, out->path, name) >= PATH_MAX)
		return failed(out, -ENAMETOOLONG, e);
	int fd = openat(out->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	int status = fd < 0 ? -errno : 0;
	if (!status && !(file->file = fdopen(fd, "wb"))) {
		close(fd);
		status = -ENOMEM;
	}
	return status ? error_set(e, status, "cannot write %s: %s", file->path, strerror(-status)) : 0;
}

/* Puts what lies in the folder `from`, but not in `to`, there: what else the user keeps stays. */
static void keep_others(const struct output_folder *out, int from, int to)
{
	int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *source = again < 0 ? NULL : fdopendir(again);

	for (struct dirent *entry; source && (entry = readdir(source));) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			faccessat(to, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
			renameat(from, name, to, name) != 0)
			log_warning("%s: %s stays in %s beside it: %s", out->path, name, out->temporary,
				strerror(errno));
	}
	if (source)
		closedir(source);
	else if (again >= 0)
		close(again);
}

/* A rename within the folder above. Returns 0 or a negative errno value. */
static int rename_beside(const struct output_folder *out, const char *from, const char *to, unsigned flags)
{
	return renameat2(out->parent, from, out->parent, to, flags) ? -errno : 0;
}

/* Three steps, for file systems that cannot exchange in one. */
static int swap_by_name(const struct output_folder *out, const char *old)
{
	char between[TEMPORARY_NAME + 8];

	snprintf(between, sizeof(between), "%s.2", old);
	int status = rename_beside(out, out->name, between, 0);
	if (status)
		return status;
	if ((status = rename_beside(out, old, out->name, 0)) == 0)
		return rename_beside(out, between, old, 0);
	if (rename_beside(out, between, out->name, 0))
		log_warning("what %s was is %s beside it", out->path, between);
	return status;
}

/*
 * A folder is at that name at any time, so that a broken run leaves the old one or the new one. While the
 * user's own files can be in the temporary one, its name is none that temporary_clean takes.
 */
static int exchange(struct output_folder *out)
{
	int old = openat(out->parent, out->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char kept[TEMPORARY_NAME];
	struct stat mode;

	if (old < 0)
		return -errno;
	if (fstat(old, &mode) == 0)
		fchmod(out->folder, mode.st_mode & 0777);
	snprintf(kept, sizeof(kept), "%.*s.old", (int)strcspn(out->temporary + 1, ".") + 1, out->temporary);
	int status = rename_beside(out, out->temporary, kept, 0);
	if (!status)
		snprintf(out->temporary, sizeof(out->temporary), "%s", kept);
	if (!status)
		status = rename_beside(out, kept, out->name, RENAME_EXCHANGE);
	if (status == -EINVAL || status == -ENOSYS)
		status = swap_by_name(out, kept);
	if (!status) {
		keep_others(out, old, out->folder);
		temporary_remove(out->parent, kept);
	}
	close(old);
	return status;
}

/* rename puts a folder where there is nothing or an empty one, and nowhere else. */
static int put_in_place(struct output_folder *out)
{
	int status = file_sync_folder(out->folder, ".");

	if (!status)
		status = out->replace ? exchange(out) : rename_beside(out, out->temporary, out->name, 0);
	if (!status)
		status = file_sync_folder(out->parent, ".");
	return status == -ENOTEMPTY || status == -ENOTDIR ? -EEXIST : status;
}

static void drop(struct output_folder *out)
{
	temporary_remove(out->parent, out->temporary);
	close(out->folder);
	close(out->parent);
}

int output_folder_close(struct output_folder *out, int status, struct error *e)
{
	if (!status && (status = put_in_place(out)))
		failed(out, status, e);
	if (status) {
		drop(out);
		return status;
	}
	close(out->folder);
	close(out->parent);
	return 0;
}

int output_folder_check(const char *path, bool replace, struct error *e)
{
	struct output_folder out;
	int status = output_folder_open(&out, path, replace, e);

	if (!status)
		drop(&out);
	return status;
}
