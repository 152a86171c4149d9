/* SPDX-License-Identifier: MIT */
/* A board's files in a temporary folder, with paths as the board has them; failures end the test. */
#ifndef TEST_SUPPORT_SIMULATED_BOARD_H
#define TEST_SUPPORT_SIMULATED_BOARD_H

#include <stddef.h>
#include <sys/types.h>

extern char board[]; /* the folder, which mkdtemp makes of it */

const char *board_path(const char *path); /* valid until the next call */
void board_put_bytes(const char *path, const void *data, size_t size);
void board_put(const char *path, const char *text);
void board_put_empty(const char *path, off_t size); /* zeros */
size_t board_get(const char *path, char *out, size_t size);
void board_remove(const char *path); /* with all that lies below */

/* A UIO device with its registers. size: as the kernel writes it, "0x00010000\n". */
void board_put_uio(int number, const char *name, const char *size);

/* As if this program had loaded the bitstream since the machine started. */
void board_note(const char *bitstream);

#endif
