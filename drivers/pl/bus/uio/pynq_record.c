/* SPDX-License-Identifier: MIT */
/*
 * `global_pl_state.json` of PYNQ 3.0.1 and 3.1 (pynq/pl_server/global_state.py): an object with
 * "bitfile_name". PYNQ removes it when it is first used after the machine has started, which its start-up
 * script boot.py does, and writes it whenever Overlay() loads a bitstream.
 */
#include "pl/bus/uio/pynq_record.h"

#include "base/file.h"
#include "base/json.h"
#include "pl/bus/uio/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define RECORDS "/usr/local/share/pynq-venv/lib/python3*/site-packages/pynq/pl_server/global_pl_state.json"

#define LIMIT 1000000 /* bytes; it lists the design's memories, too */

static int read_name(const char *text, size_t length, char *path, size_t size)
{
	json_error_t fault;
	json_t *document;
	int rc = json_from_text(text, length, &document, &fault);
	const char *name = json_string_value(json_object_get(document, "bitfile_name"));

	if (!rc)
		rc = name && snprintf(path, size, "%s", name) < (int)size ? 0 : -EBADMSG;
	json_decref(document);
	return rc;
}

/* The record's path, for the caller to globfree. */
static int find(const char *root, glob_t *out)
{
	char pattern[FILES_PATH];
	int rc = files_path(pattern, root, RECORDS);

	if (rc)
		return rc;
	if (!glob(pattern, 0, NULL, out))
		return 0;
	globfree(out);
	return -ENOENT;
}

int pynq_record_read(const char *root, char *path, size_t size)
{
	uint8_t *text;
	size_t length;
	glob_t found;
	int rc = find(root, &found);

	if (rc)
		return rc;
	rc = file_read(AT_FDCWD, found.gl_pathv[0], LIMIT, &text, &length, NULL);
	globfree(&found);
	if (rc)
		return rc;
	rc = read_name((const char *)text, length, path, size);
	free(text);
	return rc;
}

bool pynq_record_after(const char *root, const struct timespec *time)
{
	struct stat record;
	glob_t found;

	if (find(root, &found))
		return false;
	bool known = stat(found.gl_pathv[0], &record) == 0;
	globfree(&found);
	return known &&
	       (record.st_mtim.tv_sec > time->tv_sec ||
		       (record.st_mtim.tv_sec == time->tv_sec && record.st_mtim.tv_nsec > time->tv_nsec));
}
