/* SPDX-License-Identifier: MIT */
/*
 * The importer on any bytes. An input is the layer list up to its first zero byte; then one byte w, the size
 * of the file of weights in 64-bit units; the weights; and the thresholds. Every PE of layers 0 … 7 reads
 * those same two files.
 */
#include "base/error.h"
#include "fuzz.h"
#include "nn/import/qnn_mo.h"

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status, (void)kind, (void)place;
	return remove(path);
}

static void folder_remove(void)
{
	nftw(folder, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void link_make(int file, int pe, const char *kind)
{
	char name[32];

	snprintf(name, sizeof(name), "p/%d-%d-%s.bin", file, pe, kind);
	promise(symlink(kind[0] == 'w' ? "../weights" : "../thresholds", path_of(name)) == 0);
}

static void folder_make(void)
{
	const char *root = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%.40s/fuzz-qnn-mo-XXXXXX", root ? root : "/tmp");
	promise(mkdtemp(folder) && mkdir(path_of("p"), 0700) == 0);
	atexit(folder_remove);
	for (int file = 0; file < 8; file++)
		for (int pe = 0; pe < 32; pe++) {
			link_make(file, pe, "weights");
			link_make(file, pe, "thres");
		}
}

static void file_write(const char *name, const uint8_t *bytes, size_t size)
{
	FILE *stream = fopen(path_of(name), "wb");

	promise(stream && fwrite(bytes, 1, size, stream) == size && fclose(stream) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t list = end ? (size_t)(end - data) : size;
	size_t rest = end ? size - list - 1 : 0;
	size_t weights = rest ? (size_t)data[list + 1] * 8 : 0;
	struct network *network = NULL;
	struct error e = {0};

	if (!folder[0])
		folder_make();
	rest -= rest > 0;
	if (weights > rest)
		weights = rest;
	file_write("f-layers.json", data, list);
	file_write("weights", data + size - rest, weights);
	file_write("thresholds", data + size - rest + weights, rest - weights);
	int result = import_qnn_mo(path_of("f-layers.json"), &network, &e);
	promise((result == 0) == (network != NULL) && result <= 0);
	promise(result == 0 || (result == e.code && e.text[0]));
	promise(!network || network_check(network, &e) == 0);
	network_destroy(network);
	return 0;
}
