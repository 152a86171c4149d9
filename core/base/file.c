/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first piece of a file that does not say how long it is, bytes. */
#define PIECE ((size_t)1 << 16)

static int unreadable(struct error *e)
{
	return error_set(e, -errno, "cannot be read: %s", strerror(errno));
}

int stream_open(const char *path)
{
	int stream = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
					    : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return stream < 0 ? -errno : stream;
}

int file_open_within(const char *path, int milliseconds)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), code = 0;
	struct pollfd arrival = {.fd = fd, .events = POLLIN};
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && poll(&arrival, 1, milliseconds) == 0)
		code = -ETIMEDOUT;
	else if (fcntl(fd, F_SETFL, O_RDONLY))
		code = -errno;
	if (code)
		close(fd);
	return code ? code : fd;
}

/* read(2), but it waits where there is nothing to read yet. -1 with errno. */
static ssize_t read_some(int stream, void *data, size_t size)
{
	struct pollfd wait = {.fd = stream, .events = POLLIN};
	struct stat status;
	ssize_t got;

	/* A named pipe that nobody has opened to write reads as if at its end. */
	if (fstat(stream, &status) == 0 && S_ISFIFO(status.st_mode) && poll(&wait, 1, -1) < 0)
		return -1;
	while ((got = read(stream, data, size)) < 0) {
		if (errno == EAGAIN && poll(&wait, 1, -1) < 0)
			return -1;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
	}
	return got;
}

/* Reads to the end. `expected` is a guess of what is left. */
static int read_all(int file, size_t expected, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	size_t room = expected ? expected + 1 : PIECE;

	for (;;) {
		room = room > limit ? limit + 1 : room;
		uint8_t *grown = realloc(*data, room);
		if (!grown)
			return error_set(e, -ENOMEM, "does not fit into memory: %zu bytes", room);
		*data = grown;
		while (*size < room) {
			ssize_t got = read_some(file, *data + *size, room - *size);
			if (got < 0)
				return unreadable(e);
			if (got == 0)
				return 0;
			*size += (size_t)got;
		}
		if (room > limit)
			return error_set(e, -EFBIG, "is too long: more than the %zu bytes expected", limit);
		room *= 2;
	}
}

int stream_read(int stream, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	struct stat status;

	*data = NULL;
	*size = 0;
	if (fstat(stream, &status) < 0)
		return unreadable(e);
	if (S_ISDIR(status.st_mode))
		return error_set(e, -EISDIR, "is a folder");
	bool regular = S_ISREG(status.st_mode);
	off_t at = regular ? lseek(stream, 0, SEEK_CUR) : 0;
	size_t left = regular && at >= 0 && status.st_size > at ? (size_t)(status.st_size - at) : 0;
	if (left > limit)
		return error_set(e, -EFBIG, "is too long: %zu bytes, at most %zu expected", left, limit);
	int rc = read_all(stream, left, limit, data, size, e);
	if (!rc && *size < left)
		rc = error_set(e, -EBADMSG, "became shorter while it was read");
	if (rc) {
		free(*data);
		*data = NULL;
	}
	return rc;
}

int file_read(int folder, const char *path, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	/* Not blocking: a named pipe must not block before its type is known. */
	int file = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	int rc;

	*data = NULL;
	*size = 0;
	if (file < 0)
		return errno == ENOENT ? error_set(e, -ENOENT, "is missing")
				       : error_set(e, -errno, "cannot be opened: %s", strerror(errno));
	if (fstat(file, &status))
		rc = unreadable(e);
	else if (!S_ISREG(status.st_mode))
		rc = error_set(e, -EBADMSG, "is not a regular file");
	else
		rc = stream_read(file, limit, data, size, e);
	close(file);
	return rc;
}

static int sync_with(int (*sync)(int), int fd)
{
	while (sync(fd)) {
		if (errno == EINVAL || errno == EROFS)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int file_sync(int fd)
{
	return sync_with(fsync, fd);
}

int file_sync_data(int fd)
{
	return sync_with(fdatasync, fd);
}

int file_sync_folder(int from, const char *path)
{
	int fd = openat(from, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	int status = file_sync(fd);
	close(fd);
	return status;
}
