/* SPDX-License-Identifier: MIT */
#include "pl/bus/uio/fpga_manager.h"

#include "base/error.h"
#include "base/output_file.h"
#include "device/device.h"
#include "pl/bus/uio/bitstream.h"
#include "pl/bus/uio/files.h"
#include "pl/bus/uio/loaded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANAGER "/sys/class/fpga_manager/fpga0"
#define FIRMWARE "/lib/firmware"
#define OVERLAYS "/sys/kernel/config/device-tree/overlays"
#define OVERLAY OVERLAYS "/twobit"

#define LARGEST_TREE (1U << 20) /* bytes of a .dtbo */

/* The kernel's log has the only detailed cause. */
#define SEE_LOG "`dmesg | tail` gives the cause"

int fpga_manager_state(const char *root, char *text, size_t size)
{
	char path[FILES_PATH];
	int rc = files_path(path, root, MANAGER "/state");

	return rc ? rc : files_read_line(path, text, size);
}

int fpga_manager_operating(const char *root)
{
	char state[64];

	return fpga_manager_state(root, state, sizeof(state)) ? -ENOENT : !strcmp(state, "operating");
}

/* Whether the same file is stored already: an SD card need not be written at each recovery. */
static bool is_stored(const char *path, const struct bitstream *bitstream)
{
	uint8_t *stored = malloc(bitstream->size + 1);
	FILE *file = stored ? fopen(path, "rbe") : NULL;
	bool same = file && fread(stored, 1, bitstream->size + 1, file) == bitstream->size &&
		    !memcmp(stored, bitstream->data, bitstream->size);

	if (file)
		fclose(file);
	free(stored);
	return same;
}

/* Stores the file that the kernel reads; a power cut never leaves half of it. */
static int store_firmware(const char *root, const struct bitstream *bitstream, struct error *e)
{
	char path[FILES_PATH];
	struct output_file out;
	struct error cause;
	int rc = files_path(path, root, FIRMWARE "/" FPGA_FIRMWARE);

	if (rc)
		return error_set(e, rc, "%s: the path is too long", root);
	if (is_stored(path, bitstream))
		return 0;
	if ((rc = output_file_open(&out, path, 0, &cause)))
		return error_set(
			e, rc, "%s%s", cause.text, rc == -EACCES ? "; loading a bitstream is for root" : "");
	bool whole = fwrite(bitstream->data, 1, bitstream->size, out.file) == bitstream->size;
	return output_file_close(&out, whole ? 0 : -EIO, e);
}

/* The vendor's kernel loads the bitstream when its name is written. */
static int write_name(const char *root, const char *path, struct error *e)
{
	char flags[FILES_PATH];
	int rc = 0;

	if (!files_path(flags, root, MANAGER "/flags") && !access(flags, F_OK))
		rc = files_write(flags, "0\n", 2); /* all of the PL, not a part */
	if (!rc)
		rc = files_write(path, FPGA_FIRMWARE, strlen(FPGA_FIRMWARE));
	if (rc == -EACCES || rc == -EPERM)
		return device_error(path, rc, e);
	return rc ? error_set(e, rc, "%s: the kernel did not load the bitstream: %s; " SEE_LOG, path,
			    strerror(-rc))
		  : 0;
}

/* The caller frees *out, also after an error. */
static int load_tree(const char *path, uint8_t **out, size_t *size, struct error *e)
{
	FILE *file = fopen(path, "rbe");

	if (!file)
		return error_set(e, -errno, "device tree %s: %s", path, strerror(errno));
	*out = malloc(LARGEST_TREE);
	*size = *out ? fread(*out, 1, LARGEST_TREE, file) : 0;
	fclose(file);
	if (!*out)
		return error_set(e, -ENOMEM, "device tree %s: no memory", path);
	if (*size < 8 || *size == LARGEST_TREE || memcmp(*out, "\xd0\x0d\xfe\xed", 4) != 0)
		return error_set(e, -EBADMSG,
			"device tree %s: it is no compiled device tree (dtc -@ -o FILE.dtbo)", path);
	/*
	 * If the node were removed with the tree, the memory would be the kernel's again while the PL writes
	 * to it.
	 */
	if (memmem(*out, *size, "u-dma-buf", strlen("u-dma-buf")))
		return error_set(e, -EINVAL,
			"device tree %s: the node of the memory (u-dma-buf) must not come and go with the "
			"design; move it to the board's own device tree (docs/board.md)",
			path);
	return 0;
}

static int apply_tree(const char *root, const uint8_t *tree, size_t size, struct error *e)
{
	char folder[FILES_PATH], path[FILES_PATH], status[64];
	int rc = files_path(folder, root, OVERLAY);

	if (!rc)
		rc = files_path(path, root, OVERLAY "/dtbo");
	if (rc)
		return error_set(e, rc, "%s: the path is too long", root);
	if (rmdir(folder) < 0 && errno != ENOENT) /* removes the tree applied before */
		return error_set(e, -errno, "%s cannot be removed: %s", folder, strerror(errno));
	if (mkdir(folder, 0755) < 0)
		return error_set(e, -errno, "%s cannot be made: %s%s", folder, strerror(errno),
			errno == EACCES ? "; loading a bitstream is for root" : "");
	rc = files_write(path, tree, size);
	if (!rc && !files_path(path, root, OVERLAY "/status") &&
		!files_read_line(path, status, sizeof(status)) && strcmp(status, "applied") != 0)
		rc = -EIO;
	if (rc) {
		rmdir(folder);
		return error_set(e, rc, "%s: the kernel did not apply the device tree: %s; " SEE_LOG, folder,
			strerror(-rc));
	}
	return 0;
}

/* X.bit has its device tree in X.dtbo. */
static int tree_beside(const char *bitstream, char *out)
{
	const char *name = strrchr(bitstream, '/'), *end = strrchr(name ? name : bitstream, '.');
	int length = (int)(end ? end - bitstream : (long)strlen(bitstream));

	return length > FILES_PATH ? -ENAMETOOLONG : files_path(out, "", "%.*s.dtbo", length, bitstream);
}

/* A mainline kernel: the bitstream comes with a device tree that names it. *out as of load_tree. */
static int find_tree(const char *root, const char *bitstream, uint8_t **out, size_t *size, struct error *e)
{
	char tree[FILES_PATH], folder[FILES_PATH];
	int rc = tree_beside(bitstream, tree);

	if (!rc)
		rc = files_path(folder, root, OVERLAYS);
	if (rc)
		return error_set(e, rc, "%s: the path is too long", bitstream);
	if (access(tree, F_OK) < 0)
		return error_set(e, -ENODEV,
			"this kernel loads a bitstream only by a device tree: put one beside it, as %s "
			"(docs/board.md)",
			tree);
	if (access(folder, F_OK) < 0)
		return error_set(e, -ENODEV,
			"this kernel takes no device trees: %s is not there; mount configfs, or boot a "
			"kernel with "
			"CONFIG_OF_CONFIGFS",
			folder);
	return load_tree(tree, out, size, e);
}

static int check_operating(const char *root, struct error *e)
{
	char state[64];
	int rc = fpga_manager_state(root, state, sizeof(state));

	if (rc)
		return error_set(e, rc, "fpga_manager does not report its state: %s", strerror(-rc));
	return strcmp(state, "operating") != 0 ? error_set(e, -EIO,
							 "the PL did not take the bitstream "
							 "(fpga_manager reports \"%s\"); " SEE_LOG,
							 state)
					       : 0;
}

bool fpga_manager_by_tree(const char *root)
{
	char path[FILES_PATH];

	return !files_path(path, root, MANAGER "/firmware") && access(path, F_OK) < 0;
}

bool fpga_manager_holds(const char *root, const char *bitstream)
{
	struct bitstream file;
	struct loaded loaded;

	if (fpga_manager_operating(root) != 1 || loaded_read(root, &loaded))
		return false;
	if (!bitstream || bitstream_load(bitstream, &file, NULL))
		return true;
	bool same = bitstream_hash(&file) == loaded.hash;
	bitstream_finish(&file);
	return same;
}

int fpga_manager_prepare(const char *root, const char *bitstream, uint64_t *hash, struct error *e)
{
	struct bitstream loaded = {0};
	uint8_t *tree = NULL;
	size_t size;
	int rc;

	if (fpga_manager_operating(root) < 0)
		return error_set(e, -ENODEV,
			"this kernel has no fpga_manager (" MANAGER "), so no bitstream can be loaded");
	rc = bitstream_load(bitstream, &loaded, e);
	if (!rc)
		rc = store_firmware(root, &loaded, e);
	*hash = rc ? 0 : bitstream_hash(&loaded);
	bitstream_finish(&loaded);
	if (!rc && fpga_manager_by_tree(root))
		rc = find_tree(root, bitstream, &tree, &size, e);
	free(tree);
	return rc;
}

int fpga_manager_load(const char *root, const char *bitstream, uint64_t hash, struct error *e)
{
	char path[FILES_PATH];
	uint8_t *tree = NULL;
	size_t size = 0;
	int rc = files_path(path, root, MANAGER "/firmware");

	if (rc)
		return error_set(e, rc, "%s: the path is too long", root);
	loaded_forget(root);
	if (fpga_manager_by_tree(root)) {
		rc = find_tree(root, bitstream, &tree, &size, e);
		if (!rc)
			rc = apply_tree(root, tree, size, e);
		free(tree);
	} else {
		rc = write_name(root, path, e);
	}
	if (!rc)
		rc = check_operating(root, e);
	if (!rc)
		loaded_write(root, hash, bitstream);
	return rc;
}
