/* SPDX-License-Identifier: MIT */
/*
 * A board's files in a temporary folder, with paths as the board has them. Only test_uio uses it, so it
 * stands beside that test. Include it behind cmocka.h.
 */
#ifndef SIMULATED_BOARD_H
#define SIMULATED_BOARD_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char board[] = "/tmp/twobit-simulated-board-XXXXXX"; /* for mkdtemp */

static const char *board_path(const char *path)
{
	static char full[512];

	snprintf(full, sizeof(full), "%s/%s", board, path);
	return full;
}

static void board_put_bytes(const char *path, const void *data, size_t size)
{
	char folder[512];

	snprintf(folder, sizeof(folder), "%s", board_path(path));
	for (char *at = folder + strlen(board) + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
	}
	FILE *file = fopen(board_path(path), "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void board_put(const char *path, const char *text)
{
	board_put_bytes(path, text, strlen(text));
}

static size_t board_get(const char *path, char *out, size_t size)
{
	FILE *file = fopen(board_path(path), "rb");

	assert_non_null(file);
	size_t count = fread(out, 1, size - 1, file);
	out[count] = '\0';
	fclose(file);
	return count;
}

static void board_put_empty(const char *path, off_t size)
{
	board_put(path, "");
	assert_int_equal(truncate(board_path(path), size), 0);
}

static void board_remove(const char *path)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", board_path(path));
	assert_int_equal(system(command), 0);
}

#endif
