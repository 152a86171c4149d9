/* SPDX-License-Identifier: MIT */
#include "nn/format/load.h"

#include "base/error.h"
#include "nn/format/parse.h"

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
		return error_set(e, -ENOMEM, "does not fit into memory");
	int rc = read_all(file, *size, *data, e);
	if (rc)
		free(*data);
	return rc;
}

static int folder_read(
	void *context, const char *name, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	/* Not blocking: a named pipe in the folder must not block before its type is known. */
	int file = openat(*(int *)context, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (file < 0)
		return errno == ENOENT ? error_set(e, -ENOENT, "is missing")
				       : error_set(e, -errno, "cannot be opened: %s", strerror(errno));
	int rc = read_open_file(file, limit, data, size, e);
	close(file);
	return rc;
}

static bool folder_has(void *context, const char *name)
{
	return faccessat(*(int *)context, name, F_OK, 0) == 0;
}

int folder_parse(const char *folder, network_parser *parse, struct network **out, struct error *e)
{
	struct error cause = {0};
	struct network *network = NULL;
	size_t length = strlen(folder);

	while (length > 1 && folder[length - 1] == '/')
		length--;
	int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_set(
			e, -errno, "%s: the network's folder cannot be opened: %s", folder, strerror(errno));
	const struct network_files files = {.read = folder_read, .exists = folder_has, .context = &directory};
	int rc = parse(&files, &network, &cause);
	close(directory);
	if (rc)
		return error_set(e, rc, "%.*s/%s", (int)length, folder, cause.text);
	network->folder = strndup(folder, length);
	if (!network->folder) {
		network_destroy(network);
		return error_set(e, -ENOMEM, "%s: no memory", folder);
	}
	*out = network;
	return 0;
}

int network_load(const char *folder, struct network **out, struct error *e)
{
	return folder_parse(folder, network_parse, out, e);
}
