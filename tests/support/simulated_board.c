/* SPDX-License-Identifier: MIT */
#include "support/simulated_board.h"

#include "pl/bus/uio/bitstream.h"
#include "pl/bus/uio/loaded.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char board[] = "/tmp/twobit-simulated-board-XXXXXX";

const char *board_path(const char *path)
{
	static char full[512];

	snprintf(full, sizeof(full), "%s/%s", board, path);
	return full;
}

void board_put_bytes(const char *path, const void *data, size_t size)
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

void board_put(const char *path, const char *text)
{
	board_put_bytes(path, text, strlen(text));
}

size_t board_get(const char *path, char *out, size_t size)
{
	FILE *file = fopen(board_path(path), "rb");

	assert_non_null(file);
	size_t count = fread(out, 1, size - 1, file);
	out[count] = '\0';
	fclose(file);
	return count;
}

void board_put_empty(const char *path, off_t size)
{
	board_put(path, "");
	assert_int_equal(truncate(board_path(path), size), 0);
}

void board_remove(const char *path)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", board_path(path));
	assert_int_equal(system(command), 0);
}

/* A UIO device with its registers. */
void board_put_uio(int number, const char *name, const char *size)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/uio/uio%d/name", number);
	board_put(path, name);
	snprintf(path, sizeof(path), "sys/class/uio/uio%d/maps/map0/size", number);
	board_put(path, size);
	snprintf(path, sizeof(path), "sys/class/uio/uio%d/maps/map0/offset", number);
	board_put(path, "0x0\n");
	snprintf(path, sizeof(path), "dev/uio%d", number);
	board_put_empty(path, 65536);
}

/* As if this program had loaded the bitstream since the machine started. */
void board_note(const char *bitstream)
{
	struct bitstream file;

	board_put("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
	board_put("run/other", "");
	assert_int_equal(bitstream_load(board_path(bitstream), &file, NULL), 0);
	loaded_write(board, bitstream_hash(&file), "overlay.bit");
	bitstream_finish(&file);
}
