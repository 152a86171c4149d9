/* SPDX-License-Identifier: MIT */
#include "base/path.h"

#include <string.h>

const char *path_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
