/* SPDX-License-Identifier: MIT */
/* One line: the kernel's number for this run of the machine, the bitstream's hash, its path. */
#include "pl/bus/uio/loaded.h"

#include "base/error.h"
#include "base/log.h"
#include "base/output_file.h"
#include "pl/bus/uio/files.h"
#include "pl/bus/uio/pynq_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own: a program that has given up most files may still replace the note there. */
#define FOLDER "/run/twobit"
#define NOTE FOLDER "/pl"
#define BOOT "/proc/sys/kernel/random/boot_id"
#define BOOT_ID 37 /* bytes: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6" */

static int read_boot(const char *root, char id[BOOT_ID])
{
	char path[FILES_PATH];
	int rc = files_path(path, root, BOOT);

	if (!rc)
		rc = files_read_line(path, id, BOOT_ID);
	return rc ? rc : strlen(id) == BOOT_ID - 1 ? 0 : -EBADMSG;
}

int loaded_read(const char *root, struct loaded *out)
{
	char path[FILES_PATH], boot[BOOT_ID], noted[BOOT_ID], line[PATH_MAX + 64];
	int begin = 0, rc = files_path(path, root, NOTE);
	struct stat note;

	if (!rc)
		rc = files_read_line(path, line, sizeof(line));
	if (!rc)
		rc = read_boot(root, boot);
	if (rc)
		return rc;
	if (sscanf(line, "%36s %" SCNx64 " %n", noted, &out->hash, &begin) != 2 || !begin)
		return -EBADMSG;
	snprintf(out->path, sizeof(out->path), "%s", line + begin);
	return strcmp(noted, boot) != 0 || stat(path, &note) < 0 || pynq_record_after(root, &note.st_mtim)
		       ? -ESTALE
		       : 0;
}

void loaded_write(const char *root, uint64_t hash, const char *path)
{
	struct error e = {0};
	struct output_file out;
	char note[FILES_PATH], boot[BOOT_ID];
	int rc = read_boot(root, boot);

	if (!files_path(note, root, FOLDER))
		mkdir(note, 0755); /* opening the note tells if that fails */
	if (rc)
		error_set(&e, rc, "%s%s: %s", root, BOOT, strerror(-rc));
	else if ((rc = files_path(note, root, NOTE)))
		error_set(&e, rc, "%s: the path is too long", root);
	else if (!(rc = output_file_open(&out, note, 0, &e))) {
		bool whole = fprintf(out.file, "%s %016" PRIx64 " %s\n", boot, hash, path) > 0;

		rc = output_file_close(&out, whole ? 0 : -EIO, &e);
	}
	if (rc)
		log_warning("%s; so the PL's design will be loaded again", e.text);
}

void loaded_forget(const char *root)
{
	char path[FILES_PATH];

	if (!files_path(path, root, NOTE))
		unlink(path);
}
