/* SPDX-License-Identifier: MIT */
/* Gives every file of a folder to a fuzzer once, for builds without libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads the file into memory of exactly its size, so that AddressSanitizer finds a byte read past the end. */
static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file || fseek(file, 0, SEEK_END))
		return -1;
	size_t size = (size_t)ftell(file);
	uint8_t *data = malloc(size ? size : 1);
	rewind(file);
	int rc = data && fread(data, 1, size, file) == size ? LLVMFuzzerTestOneInput(data, size) : -1;
	free(data);
	fclose(file);
	return rc;
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	int count = 0;

	if (!folder) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 64;
	}
	for (const struct dirent *entry; (entry = readdir(folder));) {
		char path[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (replay(path)) {
			fprintf(stderr, "%s: cannot be read\n", path);
			return 1;
		}
		count++;
	}
	closedir(folder);
	printf("%d files of %s\n", count, argv[1]);
	return count ? 0 : 1;
}
