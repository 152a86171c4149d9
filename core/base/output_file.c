/* SPDX-License-Identifier: MIT */
#include "base/output_file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* As many links as the kernel follows. */
#define LINKS 40

/* What stands at the path's end. */
struct found {
	struct stat status; /* st_mode is 0: nothing */
	bool strangers;	    /* another user's, in a folder where everyone may write */
	bool in_proc;	    /* a link of /proc, which leads to an open file */
};

static int refuse(const char *path, int status, const struct found *found, struct error *e)
{
	if (found->strangers)
		return error_refuse(e, path, status,
			"cannot write %s: another user has put %s there, where everyone may write; choose "
			"another folder",
			path, S_ISLNK(found->status.st_mode) ? "a link" : "a file");
	if (status == -ENXIO)
		return error_refuse(e, path, status, "cannot write %s: it is not a regular file", path);
	return error_refuse(e, path, status, "cannot write %s: %s", path, strerror(-status));
}

/* Opens the folder of `path`, which begins in out->folder, in its place, and sets the name. */
static int step(struct output_file *out, const char *path)
{
	const char *last = path_last(path);
	char parent[PATH_MAX];

	if (strlen(path) >= sizeof(parent) || strlen(last) >= sizeof(out->name))
		return -ENAMETOOLONG;
	if (!last[0])
		return path[0] ? -EISDIR : -ENOENT;
	snprintf(parent, sizeof(parent), "%.*s", (int)(last - path), path);
	int folder = openat(out->folder, parent[0] ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	if (out->folder >= 0)
		close(out->folder);
	out->folder = folder;
	snprintf(out->name, sizeof(out->name), "%s", last);
	return 0;
}

/* Whose entry it is matters where everyone may make one and only its owner can remove it. */
static bool is_strangers(int folder, const struct stat *entry)
{
	const mode_t shared = S_ISVTX | S_IWOTH;
	struct stat in;

	return fstat(folder, &in) == 0 && (in.st_mode & shared) == shared && entry->st_uid != geteuid() &&
	       entry->st_uid != in.st_uid;
}

static bool is_proc(int folder)
{
	struct statfs system;

	return fstatfs(folder, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

/* Follows the links at the path's end, each with a look at whose it is; the kernel would follow them all. */
static int find(struct output_file *out, struct found *found)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", out->path);
	for (int links = 0; links <= LINKS; links++) {
		int status = step(out, path);
		if (status)
			return status;
		if (fstatat(out->folder, out->name, &found->status, AT_SYMLINK_NOFOLLOW)) {
			found->status.st_mode = 0;
			return errno == ENOENT ? 0 : -errno;
		}
		if (out->flags & OUTPUT_NEW)
			return -EEXIST;
		if ((found->strangers = is_strangers(out->folder, &found->status)))
			return -EACCES;
		if (!S_ISLNK(found->status.st_mode))
			return 0;
		if ((found->in_proc = is_proc(out->folder)))
			return 0;
		ssize_t length = readlinkat(out->folder, out->name, path, sizeof(path) - 1);
		if (length < 0)
			return -errno;
		path[length] = '\0';
	}
	return -ELOOP;
}

/* A file that is open already, if the folder is /proc/self/fd: what it gets stands behind what it has. */
static int duplicate(const struct output_file *out)
{
	struct stat own, in;
	int number = atoi(out->name);

	if (stat("/proc/self/fd", &own) || fstat(out->folder, &in) || own.st_dev != in.st_dev ||
		own.st_ino != in.st_ino)
		return -1;
	int mode = fcntl(number, F_GETFL);
	if (mode >= 0 && (mode & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return -1;
	}
	return fcntl(number, F_DUPFD_CLOEXEC, 0);
}

static int open_directly(struct output_file *out, const struct found *found)
{
	out->direct = true;
	if (out->flags & OUTPUT_REGULAR)
		return S_ISDIR(found->status.st_mode) ? -EISDIR : -ENXIO;
	errno = 0;
	int fd = found->in_proc ? duplicate(out) : -1;
	if (fd < 0 && !errno)
		fd = openat(out->folder, out->name,
			O_WRONLY | O_CLOEXEC | O_NOCTTY | (found->in_proc ? 0 : O_NOFOLLOW));
	return fd < 0 ? -errno : fd;
}

/* What may read and write the old file may do so with the new one, and nobody else. */
static void keep_mode(int fd, const struct stat *old)
{
	struct stat new;
	mode_t mode = old->st_mode & 0777;

	if (fstat(fd, &new))
		return;
	if ((old->st_uid != new.st_uid || old->st_gid != new.st_gid) &&
		fchown(fd, old->st_uid, old->st_gid) && old->st_gid != new.st_gid &&
		fchown(fd, (uid_t)-1, old->st_gid))
		mode &= ~(mode_t)070;
	if (mode != (new.st_mode & 0777))
		fchmod(fd, mode);
}

/* A file without a name, which a kill leaves nowhere, or where the file system has none, one with a name. */
static int open_temporary(struct output_file *out, const struct found *found)
{
	int fd = -1;

	if (found->status.st_mode && faccessat(out->folder, out->name, W_OK, AT_EACCESS))
		return -errno;
	if (access("/proc/self/fd", X_OK) == 0)
		fd = openat(out->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (fd >= 0)
		flock(fd, LOCK_EX | LOCK_NB);
	else
		fd = temporary_file(out->folder, out->temporary);
	if (fd >= 0 && found->status.st_mode)
		keep_mode(fd, &found->status);
	return fd;
}

static void forget(struct output_file *out)
{
	if (out->temporary[0])
		temporary_remove(out->folder, out->temporary);
	if (out->folder >= 0)
		close(out->folder);
	out->file = NULL;
}

int output_file_open(struct output_file *out, const char *path, unsigned flags, struct error *e)
{
	struct found found = {0};

	*out = (struct output_file){.flags = flags, .folder = AT_FDCWD};
	if (snprintf(out->path, sizeof(out->path), "%s", path) >= PATH_MAX)
		return error_refuse(
			e, path, -ENAMETOOLONG, "cannot write %.200s…: its name is too long", path);
	int status = find(out, &found);
	if (!status) {
		bool direct = found.status.st_mode && !S_ISREG(found.status.st_mode);
		if (!direct)
			temporary_clean(out->folder);
		status = direct ? open_directly(out, &found) : open_temporary(out, &found);
	}
	if (status >= 0 && !(out->file = fdopen(status, "wb"))) {
		close(status);
		status = -ENOMEM;
	}
	if (status < 0) {
		forget(out);
		return refuse(path, status, &found, e);
	}
	log_debug("%s can be written", out->path);
	return 0;
}

/* rename, but it replaces nothing. */
static int rename_new(const struct output_file *out)
{
	if (renameat2(out->folder, out->temporary, out->folder, out->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* This file system cannot do both in one step. */
	if (faccessat(out->folder, out->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(out->folder, out->temporary, out->folder, out->name) ? -errno : 0;
}

/* Gives the file its name. */
static int put_in_place(struct output_file *out)
{
	char path[TEMPORARY_NAME];
	int status = 0;

	if (!out->temporary[0]) {
		descriptor_path(fileno(out->file), path);
		if (linkat(AT_FDCWD, path, out->folder, out->name, AT_SYMLINK_FOLLOW) == 0)
			return file_sync_folder(out->folder, ".");
		if (errno != EEXIST || out->flags & OUTPUT_NEW)
			return -errno;
		status = temporary_link(out->folder, fileno(out->file), out->temporary);
	}
	if (!status && out->flags & OUTPUT_NEW)
		status = rename_new(out);
	else if (!status && renameat(out->folder, out->temporary, out->folder, out->name))
		status = -errno;
	if (status)
		return status;
	out->temporary[0] = '\0';
	return file_sync_folder(out->folder, ".");
}

/* Writes what stdio holds back. An errno tells more than the caller's status: this one's, or that of the
 * write that failed before, which nothing has set anew since. */
static int flush(FILE *file, int status)
{
	int before = errno;

	errno = 0;
	if (fflush(file) == 0 && !ferror(file))
		return status;
	if (!errno)
		errno = before;
	return errno ? -errno : status ? status : -EIO;
}

int output_file_close(struct output_file *out, int status, struct error *e)
{
	status = flush(out->file, status);
	if (!status)
		status = file_sync(fileno(out->file));
	if (!status && !out->direct)
		status = put_in_place(out);
	/* Only now: whoever cleans would take a temporary file without its lock for one that was left. */
	if (fclose(out->file) && !status)
		status = -errno;
	forget(out);
	return status ? error_set(e, status, "cannot write %s: %s", out->path, strerror(-status)) : 0;
}

void output_file_drop(struct output_file *out)
{
	if (!out->file)
		return;
	fclose(out->file);
	forget(out);
}
