/* SPDX-License-Identifier: MIT */
#include "choice/remembered.h"

#include "base/build.h"
#include "base/error.h"
#include "base/log.h"
#include "base/output_file.h"
#include "machine/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PLACE "/twobit"
#define FILE_NAME "/speed"

static void find_path(struct remembered *out)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int length = 0;

	if (cache && cache[0] == '/') /* the standard ignores relative ones */
		length = snprintf(out->path, sizeof(out->path), "%s" PLACE FILE_NAME, cache);
	else if (home && home[0])
		length = snprintf(out->path, sizeof(out->path), "%s/.cache" PLACE FILE_NAME, home);
	if (length >= (int)sizeof(out->path))
		length = 0;
	out->path[length] = '\0';
}

static void make_key(struct remembered *out, const char *folder, const char *kernels)
{
	char file[PATH_MAX];
	struct machine machine;
	struct stat status = {0};

	machine_read("", &machine);
	if (snprintf(file, sizeof(file), "%s/network.json", folder) >= PATH_MAX || stat(file, &status))
		status.st_size = -1;
	snprintf(out->key, sizeof(out->key), "twobit %s\n%s\n%s\n%s\n%s %lld %lld\n", TWOBIT_VERSION,
		machine.processor[0] ? machine.processor : machine.board, machine.features,
		kernels ? kernels : "the fastest kernels", folder, (long long)status.st_size,
		(long long)status.st_mtime);
}

bool remembered_read(struct remembered *out, const char *folder, const char *kernels, int64_t *picture)
{
	char text[sizeof(out->key) + 40], *end;
	size_t length;
	struct stat status;
	FILE *file;

	find_path(out);
	make_key(out, folder, kernels);
	if (stat(out->path, &status) == 0 && !S_ISREG(status.st_mode))
		out->path[0] = '\0'; /* a pipe would make both wait, reading and writing */
	file = out->path[0] ? fopen(out->path, "rbe") : NULL;
	if (!file)
		return false;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	length = strlen(out->key);
	if (strncmp(text, out->key, length) != 0)
		return false;
	errno = 0;
	*picture = strtoll(text + length, &end, 10);
	return !errno && *picture > 0 && strcmp(end, " ns\n") == 0;
}

/* The cache's folder and ours in it. */
static void make_folders(const char *path)
{
	char folder[PATH_MAX];
	char *slash;

	for (int level = 2; level; level--) {
		snprintf(folder, sizeof(folder), "%s", path);
		for (int i = 0; i < level && (slash = strrchr(folder, '/')); i++)
			*slash = '\0';
		if (mkdir(folder, 0700) && errno != EEXIST)
			log_debug("cannot make %s: %s", folder, strerror(errno));
	}
}

void remembered_write(const struct remembered *memory, int64_t picture)
{
	struct output_file out;
	struct error e;

	if (!memory->path[0])
		return;
	make_folders(memory->path);
	if (output_file_open(&out, memory->path, 0, &e)) {
		log_debug("%s", e.text);
		return;
	}
	int written = fprintf(out.file, "%s%" PRId64 " ns\n", memory->key, picture);
	if (output_file_close(&out, written < 0 ? -EIO : 0, &e))
		log_debug("%s", e.text);
}
