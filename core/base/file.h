/* SPDX-License-Identifier: MIT */
/* Files that are read as a whole, and files that must reach the disk. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct error;

/*
 * The bytes of a regular file of at most `limit`, and room for one more behind them, for the caller to free;
 * *data is NULL after an error. folder: the open folder in which a relative path begins, or AT_FDCWD. -ENOENT
 * …: as the system says; -EBADMSG: no regular file, or one that changes; -EFBIG: longer; -ENOMEM. The error
 * begins with a verb, for the caller to put the file's name in front: "is missing".
 */
int file_read(int folder, const char *path, size_t limit, uint8_t **data, size_t *size, struct error *e);

/*
 * Opens what a user names on a command line: a file, a pipe, a device, or "-", standard input. Returns a
 * descriptor to close, or a negative errno value. A named pipe without a writer does not block; reading it
 * waits for one.
 */
int stream_open(const char *path);

/*
 * Opens what must be there soon: a file, or a pipe in which something comes within so many ms. Returns a
 * descriptor whose reads wait, or a negative errno value; -ETIMEDOUT: nobody writes to the pipe.
 */
int file_open_within(const char *path, int milliseconds);

/* The same as file_read of such a descriptor, to its end. -EISDIR: a folder; -EINTR: a signal came while it
 * waited. */
int stream_read(int stream, size_t limit, uint8_t **data, size_t *size, struct error *e);

/*
 * fsync and fdatasync that a signal does not interrupt. 0, also where the file system or the kind of file
 * cannot be synced; else a negative errno value. Once a sync has failed, what was written may be lost, and a
 * second try that succeeds proves nothing.
 */
int file_sync(int fd);
int file_sync_data(int fd);

/*
 * A file's name is on the disk only after its folder is synced: `path` in the open folder `from`, or
 * AT_FDCWD. 0, also where the folder cannot be opened to read; else as file_sync.
 */
int file_sync_folder(int from, const char *path);

#endif
