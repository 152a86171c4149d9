/* SPDX-License-Identifier: MIT */
#include "device/device.h"

#include "base/error.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The most programs that a message names. */
#define HOLDERS_NAMED 3

/* More groups than a user has. */
#define GROUPS 256

int device_open(const char *path, int flags, struct error *e)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? device_error(path, -errno, e) : fd;
}

int device_error(const char *path, int code, struct error *e)
{
	char text[256];

	if (!e)
		return code;
	switch (code) {
	case -EACCES:
	case -EPERM:
		device_permission_hint(path, text, sizeof(text));
		return error_set(e, code, "%s may not be opened: %s", path, text);
	case -EBUSY:
		if (device_holders(path, text, sizeof(text)))
			return error_set(e, code, "%s is in use by %s; close it first", path, text);
		return error_set(e, code,
			"%s is in use by another program, which only its user or root can see; "
			"`sudo fuser -v %s` names it",
			path, path);
	case -ENODEV:
	case -ENXIO:
		return error_set(e, code, "%s: the device is gone", path);
	default:
		return error_set(e, code, "%s: %s", path, strerror(-code));
	}
}

int device_ioctl(int fd, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

/* Without a server: a file on a network that is down would block. */
static bool status_of(int folder, const char *name, struct statx *status)
{
	return statx(folder, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, status) == 0;
}

static bool same_file(const struct statx *a, const struct statx *b)
{
	if (S_ISCHR(a->stx_mode) && S_ISCHR(b->stx_mode))
		return a->stx_rdev_major == b->stx_rdev_major && a->stx_rdev_minor == b->stx_rdev_minor;
	return a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor &&
	       a->stx_ino == b->stx_ino;
}

static bool process_holds(const char *process, const struct statx *device)
{
	char path[300];
	struct dirent *entry;
	struct statx status;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	DIR *folder = opendir(path);
	if (!folder)
		return false;
	while (!found && (entry = readdir(folder)))
		found = status_of(dirfd(folder), entry->d_name, &status) && same_file(&status, device);
	closedir(folder);
	return found;
}

static void process_name(const char *process, char *name, size_t size)
{
	char path[300];

	snprintf(path, sizeof(path), "/proc/%s/comm", process);
	FILE *file = fopen(path, "re");
	if (!file || !fgets(name, (int)size, file))
		snprintf(name, size, "a program");
	name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

int device_holders(const char *path, char *text, size_t size)
{
	struct dirent *entry;
	struct statx device;
	size_t used = 0;
	int count = 0;

	text[0] = '\0';
	DIR *processes = opendir("/proc");
	if (!processes)
		return 0;
	bool known = status_of(AT_FDCWD, path, &device);
	while (known && (entry = readdir(processes))) {
		char name[64];
		if (!isdigit((unsigned char)entry->d_name[0]) || atol(entry->d_name) == getpid() ||
			!process_holds(entry->d_name, &device) || count++ >= HOLDERS_NAMED)
			continue;
		process_name(entry->d_name, name, sizeof(name));
		if (used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s (pid %s)",
				count > 1 ? ", " : "", name, entry->d_name);
	}
	closedir(processes);
	if (count > HOLDERS_NAMED && used < size)
		snprintf(text + used, size - used, " and %d more", count - HOLDERS_NAMED);
	return count;
}

static bool listed(const gid_t *groups, int count, gid_t group)
{
	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* The user joined the group after the last login: the running session is not in it yet. */
static bool joined_since_login(gid_t group)
{
	gid_t groups[GROUPS];
	int count = getgroups(GROUPS, groups);
	const struct passwd *user = getpwuid(getuid());

	if (!user || listed(groups, count, group) || getegid() == group)
		return false;
	count = GROUPS;
	return getgrouplist(user->pw_name, user->pw_gid, groups, &count) >= 0 && listed(groups, count, group);
}

void device_permission_hint(const char *path, char *text, size_t size)
{
	struct stat status;

	if (stat(path, &status) < 0) {
		snprintf(text, size, "its folder is closed to this user");
		return;
	}
	const struct group *group = getgrgid(status.st_gid);
	bool group_may = (status.st_mode & (S_IRGRP | S_IWGRP)) == (S_IRGRP | S_IWGRP);
	if (!group_may || !group || status.st_gid == 0)
		snprintf(text, size,
			"only its owner may (mode %03o); try as root, or allow it by a udev rule",
			(unsigned int)status.st_mode & 0777);
	else if (joined_since_login(status.st_gid))
		snprintf(text, size, "it belongs to the group %s, which you joined; log out and in again",
			group->gr_name);
	else
		snprintf(text, size,
			"it belongs to the group %s: `sudo usermod -aG %s $USER`, then log in again",
			group->gr_name, group->gr_name);
}
