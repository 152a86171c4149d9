/* SPDX-License-Identifier: MIT */
/* The kernel's small files of text. A path is one below `root`: "" is the board itself, a folder a simulated
 * one. */
#ifndef PL_BUS_UIO_FILES_H
#define PL_BUS_UIO_FILES_H

#include <stddef.h>
#include <stdint.h>

struct error;

#define FILES_PATH 512

/* root/path with printf's arguments. 0 or -ENAMETOOLONG. */
int files_path(char *out, const char *root, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A file's first line, without its newline. 0 or a negative errno value. */
int files_read_line(const char *path, char *text, size_t size);

/* A number, decimal or 0x… . 0 or a negative errno value (-EBADMSG: it is none). */
int files_read_number(const char *path, uint64_t *out);

/* Writes all data with one call, as sysfs requires. 0 or a negative errno value. */
int files_write(const char *path, const void *data, size_t size);

#endif
