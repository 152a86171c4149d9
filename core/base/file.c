/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int file, size_t size, uint8_t *data, struct error *e)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(file, data + done, size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(e, -errno, "cannot be read: %s", strerror(errno));
		if (got == 0)
			return error_set(e, -EBADMSG, "became shorter while it was read");
		done += (size_t)got;
	}
	return 0;
}

static int read_open_file(int file, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	struct stat status;

	if (fstat(file, &status))
		return error_set(e, -errno, "cannot be read: %s", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(e, -EBADMSG, "is not a regular file");
	if ((uint64_t)status.st_size > limit)
		return error_set(e, -EFBIG, "is too long: %lld bytes, at most %zu expected",
			(long long)status.st_size, limit);
	*size = (size_t)status.st_size;
	*data = malloc(*size + 1);
	if (!*data)
		return error_set(e, -ENOMEM, "does not fit into memory: %zu bytes", *size);
	return read_all(file, *size, *data, e);
}

int file_read(int folder, const char *path, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	/* Not blocking: a named pipe must not block before its type is known. */
	int file = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*data = NULL;
	*size = 0;
	if (file < 0)
		return errno == ENOENT ? error_set(e, -ENOENT, "is missing")
				       : error_set(e, -errno, "cannot be opened: %s", strerror(errno));
	int rc = read_open_file(file, limit, data, size, e);
	close(file);
	if (rc) {
		free(*data);
		*data = NULL;
	}
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
