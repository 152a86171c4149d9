/* SPDX-License-Identifier: MIT */
#include "base/installation.h"

#include "base/build.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder of the installation, as seen from the folder of the file with this code. */
struct installed_place {
	const char *from_program, *from_library;
};

/* The file with this code: libtwobit, or the program. Empty: it cannot be told. Returns whether it is
 * libtwobit. */
static bool own_file(char out[PATH_MAX])
{
	struct link_map *loaded = NULL;
	Dl_info info;

	if (dladdr1(own_file, &info, (void **)&loaded, RTLD_DL_LINKMAP) && loaded && loaded->l_name[0]) {
		snprintf(out, PATH_MAX, "%s", loaded->l_name);
		return true;
	}
	ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);
	out[length > 0 ? length : 0] = '\0';
	return false;
}

/* Without "..". -ENOENT: there is none. */
static int own_folder(const struct installed_place *place, char out[PATH_MAX])
{
	char file[PATH_MAX], path[2 * PATH_MAX];
	const char *from = own_file(file) ? place->from_library : place->from_program;
	char *slash = strrchr(file, '/');

	if (!slash)
		return -ENOENT;
	*slash = '\0';
	snprintf(path, sizeof(path), "%s/%s", file, from);
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
	static const struct installed_place data = {TWOBIT_DATA_FROM_PROGRAM, TWOBIT_DATA_FROM_LIBRARY};
	char own[PATH_MAX];

	if (!own_folder(&data, own) && !find_in(own, name, out, size))
		return 0;
	return find_in(TWOBIT_DATA_DIR, name, out, size);
}

int installation_modules(char *out, size_t size)
{
	static const struct installed_place places[] = {{"modules", "modules/library"},
		{TWOBIT_MODULES_FROM_PROGRAM, TWOBIT_MODULES_FROM_LIBRARY "/library"}};
	char own[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!own_folder(&places[i], own))
			return snprintf(out, size, "%s", own) < (int)size ? 0 : -ENAMETOOLONG;
	return -ENOENT;
}
