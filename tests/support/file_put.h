/* SPDX-License-Identifier: MIT */
/* Files for programs that are made to look for them below a folder. */
#ifndef FILE_PUT_H
#define FILE_PUT_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file below root, with the folders above it; path begins with a slash. */
static inline void file_put(const char *root, const char *path, const char *text)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(whole, 0755);
	}
	FILE *file = fopen(whole, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

#endif
