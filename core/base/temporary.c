/* SPDX-License-Identifier: MIT */
#include "base/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Number of names to try. */
#define NAMES 100

#define PREFIX ".twobit-"
#define SUFFIX ".tmp"

/* How something is created under a name. Returns a descriptor, or -1 with errno. */
typedef int creator(int folder, const char *name, int fd);

static int create_file(int folder, const char *name, int fd)
{
	(void)fd;
	return openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static int create_folder(int folder, const char *name, int fd)
{
	(void)fd;
	if (mkdirat(folder, name, 0777))
		return -1;
	int made = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int code = errno == ENOENT ? EEXIST : errno; /* another's temporary_clean was faster */
	if (made < 0)
		unlinkat(folder, name, AT_REMOVEDIR);
	errno = code;
	return made;
}

static int create_link(int folder, const char *name, int fd)
{
	char path[TEMPORARY_NAME];

	descriptor_path(fd, path);
	return linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW) ? -1 : fd;
}

void descriptor_path(int fd, char path[TEMPORARY_NAME])
{
	snprintf(path, TEMPORARY_NAME, "/proc/self/fd/%d", fd);
}

/* Whether it is ours: another's temporary_clean may have come before the lock. Without locks nobody cleans.
 */
static bool lock(int folder, const char *name, int fd)
{
	struct stat status;

	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return false;
	return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static int create(creator *how, int folder, int fd, char name[TEMPORARY_NAME])
{
	for (int i = 1; i <= NAMES; i++) {
		snprintf(name, TEMPORARY_NAME, PREFIX "%ld-%d" SUFFIX, (long)getpid(), i);
		int made = how(folder, name, fd);
		if (made < 0 && errno != EEXIST)
			break;
		if (made >= 0 && lock(folder, name, made))
			return made;
		if (made >= 0 && made != fd)
			close(made);
		errno = EEXIST;
	}
	name[0] = '\0';
	return -errno;
}

int temporary_file(int folder, char name[TEMPORARY_NAME])
{
	return create(create_file, folder, -1, name);
}

int temporary_folder(int folder, char name[TEMPORARY_NAME])
{
	return create(create_folder, folder, -1, name);
}

int temporary_link(int folder, int fd, char name[TEMPORARY_NAME])
{
	int made = create(create_link, folder, fd, name);

	return made < 0 ? made : 0;
}

void temporary_remove(int folder, const char *name)
{
	if (unlinkat(folder, name, 0) == 0)
		return;
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; directory && (entry = readdir(directory));)
		unlinkat(fd, entry->d_name, 0); /* no folder, so not "." and ".." either */
	if (directory)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
	unlinkat(folder, name, AT_REMOVEDIR);
}

/* Whether the name is one that create gives. */
static bool is_temporary(const char *name)
{
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	name += strlen(PREFIX);
	size_t process = strspn(name, "0123456789");
	if (!process || name[process] != '-')
		return false;
	name += process + 1;
	size_t number = strspn(name, "0123456789");
	return number && strcmp(name + number, SUFFIX) == 0;
}

static void clean_entry(int folder, const char *name)
{
	struct stat status;
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
		(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) && flock(fd, LOCK_EX | LOCK_NB) == 0)
		temporary_remove(folder, name);
	close(fd);
}

void temporary_clean(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; directory && (entry = readdir(directory));)
		if (is_temporary(entry->d_name))
			clean_entry(folder, entry->d_name);
	if (directory)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
}
