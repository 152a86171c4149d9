/* SPDX-License-Identifier: MIT */
#include "base/installation.h"

#include "base/build.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder as seen from the program's own place, without "..". -ENOENT: there is none. */
static int own_folder(const char *from_program, char out[PATH_MAX])
{
	char program[PATH_MAX], path[2 * PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(program, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	snprintf(path, sizeof(path), "%s/%s", program, from_program);
	return realpath(path, out) ? 0 : -errno;
}

static int find_in(const char *folder, const char *name, char *out, size_t size)
{
	int used = snprintf(out, size, "%s/%s", folder, name);

	if (used < 0 || (size_t)used >= size)
		return -ENAMETOOLONG;
	return access(out, F_OK) ? -ENOENT : 0;
}

int installation_find(const char *name, char *out, size_t size)
{
	char own[PATH_MAX];

	if (!own_folder(TWOBIT_DATA_FROM_PROGRAM, own) && !find_in(own, name, out, size))
		return 0;
	return find_in(TWOBIT_DATA_DIR, name, out, size);
}

int installation_modules(char *out, size_t size)
{
	static const char *const places[] = {"modules", TWOBIT_MODULES_FROM_PROGRAM};
	char own[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!own_folder(places[i], own))
			return snprintf(out, size, "%s", own) < (int)size ? 0 : -ENAMETOOLONG;
	return -ENOENT;
}
