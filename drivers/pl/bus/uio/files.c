/* SPDX-License-Identifier: MIT */
#include "pl/bus/uio/files.h"

#include "device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int files_path(char *out, const char *root, const char *format, ...)
{
	va_list arguments;
	int used = snprintf(out, FILES_PATH, "%s", root);

	if (used < 0 || used >= FILES_PATH)
		return -ENAMETOOLONG;
	va_start(arguments, format);
	int more = vsnprintf(out + used, (size_t)(FILES_PATH - used), format, arguments);
	va_end(arguments);
	return more < 0 || more >= FILES_PATH - used ? -ENAMETOOLONG : 0;
}

int files_read_line(const char *path, char *text, size_t size)
{
	int fd = device_open(path, O_RDONLY, NULL);
	ssize_t count;

	if (fd < 0)
		return fd;
	count = read(fd, text, size - 1);
	int rc = count < 0 ? -errno : 0;
	close(fd);
	text[count < 0 ? 0 : count] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return rc;
}

int files_read_number(const char *path, uint64_t *out)
{
	char text[64], *end;
	int rc = files_read_line(path, text, sizeof(text));

	if (rc)
		return rc;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno || end == text || *end || text[0] == '-' ? -EBADMSG : 0;
}

int files_write(const char *path, const void *data, size_t size)
{
	int fd = device_open(path, O_WRONLY, NULL);

	if (fd < 0)
		return fd;
	ssize_t count = write(fd, data, size);
	int rc = count < 0 ? -errno : (size_t)count < size ? -EIO : 0;
	if (close(fd) < 0 && !rc)
		rc = -errno; /* configfs reads a device tree only now */
	return rc;
}
