/* SPDX-License-Identifier: MIT */
#include "nn/format/load.h"

#include "base/error.h"
#include "base/file.h"
#include "nn/format/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int folder_read(
	void *context, const char *name, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	return file_read(*(int *)context, name, limit, data, size, e);
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
