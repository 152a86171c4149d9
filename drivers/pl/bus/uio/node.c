/* SPDX-License-Identifier: MIT */
#include "pl/bus/uio/node.h"

#include "base/error.h"
#include "device/device.h"
#include "pl/board/registers.h"
#include "pl/bus/uio/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLASS "/sys/class/uio"

#define FABRIC "fabric"

/* Where our design for the board has its parts in `fabric`. */
static const struct {
	const char *name;
	size_t place;
} parts[] = {
	{"twobit-overlay", BOARD_OVERLAY_AT},
	{"twobit-dma", BOARD_DMA_AT},
	{"twobit-scanout", BOARD_SCANOUT_AT},
	{"twobit-identity", BOARD_IDENTITY_AT},
};

/*
 * Locks are on bytes of the node, whose numbers mean nothing to the kernel: a window's are those of its
 * registers, and this one is shared by all who use the design.
 */
#define DESIGN_BYTE ((off_t)1 << 30)

/* The number of the first device, from `from` on, of that name or of any; −ENODEV when there is none. */
static int find_number(const char *root, const char *name, int from)
{
	char path[FILES_PATH], text[128];
	struct dirent *entry;
	int found = -ENODEV, number;

	DIR *folder = files_path(path, root, CLASS) ? NULL : opendir(path);
	while (folder && (entry = readdir(folder)))
		if (sscanf(entry->d_name, "uio%d", &number) == 1 && number >= from &&
			(found < 0 || number < found) &&
			!files_path(path, root, CLASS "/uio%d/name", number) &&
			!files_read_line(path, text, sizeof(text)) && (!name || !strcmp(text, name)))
			found = number;
	if (folder)
		closedir(folder);
	return found;
}

int uio_node_next(const char *root, int from)
{
	return find_number(root, NULL, from);
}

int uio_node_find(const char *root, const char *name, int *number, size_t *place, struct error *e)
{
	*place = 0;
	*number = find_number(root, name, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && *number < 0; i++)
		if (!strcmp(parts[i].name, name)) {
			*place = parts[i].place;
			*number = find_number(root, FABRIC, 0);
			if (*number < 0)
				return error_set(e, -ENODEV,
					"no UIO device is called \"fabric\" or \"%s\": this is no "
					"PYNQ image, and its device tree lacks the node, or the module "
					"uio_pdrv_genirq is not loaded (docs/board.md)",
					name);
		}
	return *number < 0 ? error_set(e, -ENODEV,
				     "no UIO device is called \"%s\": the device tree lacks it, or the "
				     "module uio_pdrv_genirq is not loaded (docs/board.md)",
				     name)
			   : 0;
}

/* 0 or a negative errno value: -EAGAIN or -EACCES where another open file has the bytes. */
static int lock(int fd, short type, off_t begin, off_t size)
{
	struct flock bytes = {.l_type = type, .l_whence = SEEK_SET, .l_start = begin, .l_len = size};

	return fcntl(fd, F_OFD_SETLK, &bytes) < 0 ? -errno : 0;
}

static int lock_error(const struct uio_node *node, const char *what, int rc, struct error *e)
{
	if (rc != -EAGAIN && rc != -EACCES)
		return error_set(e, rc, "/dev/uio%d cannot be locked: %s", node->number, strerror(-rc));
	return error_set(e, -EBUSY,
		"/dev/uio%d%s: another program uses this PL; `fuser /dev/uio%d` shows which", node->number,
		what, node->number);
}

int uio_node_open(const char *root, int number, struct uio_node *node, struct error *e)
{
	char path[FILES_PATH];
	int rc = files_path(path, root, "/dev/uio%d", number);

	*node = (struct uio_node){.number = number, .fd = -1, .interrupt = -1};
	if (rc)
		return error_set(e, rc, "%s: the path is too long", root);
	node->fd = device_open(path, O_RDWR, e);
	if (node->fd < 0)
		return node->fd;
	rc = lock(node->fd, F_RDLCK, DESIGN_BYTE, 1);
	if (rc)
		rc = lock_error(node, "", rc, e);
	if (!rc) {
		node->interrupt = device_open(path, O_RDWR | O_NONBLOCK, e);
		rc = node->interrupt < 0 ? node->interrupt : 0;
	}
	if (rc)
		uio_node_close(node);
	return rc;
}

void uio_node_close(struct uio_node *node)
{
	uio_node_unmap(node);
	if (node->fd >= 0)
		close(node->fd);
	if (node->interrupt >= 0)
		close(node->interrupt);
	node->fd = node->interrupt = -1;
	node->size = 0;
}

int uio_node_claim(struct uio_node *node, const char *name, size_t place, size_t size, struct error *e)
{
	char what[80];
	int rc = lock(node->fd, F_WRLCK, (off_t)place, (off_t)size);

	if (rc) {
		snprintf(what, sizeof(what), " (\"%s\")", name);
		return lock_error(node, what, rc, e);
	}
	if (place + size > node->size)
		node->size = place + size;
	return 0;
}

int uio_node_alone(struct uio_node *node, bool alone, struct error *e)
{
	int rc = lock(node->fd, alone ? F_WRLCK : F_RDLCK, DESIGN_BYTE, 1);

	return rc ? lock_error(node, "", rc, e) : 0;
}

/* Of map 0: its size, to which newer kernels count what lies before it in its page, and how much that is. */
static int read_map(
	const char *root, const struct uio_node *node, uint64_t *size, uint64_t *offset, struct error *e)
{
	char path[FILES_PATH];
	int rc = files_path(path, root, CLASS "/uio%d/maps/map0/offset", node->number);

	if (!rc && files_read_number(path, offset))
		*offset = 0; /* older kernels do not report it */
	if (!rc)
		rc = files_path(path, root, CLASS "/uio%d/maps/map0/size", node->number);
	if (!rc)
		rc = files_read_number(path, size);
	if (rc)
		return error_set(e, rc, "%s: %s; the device tree's node needs a `reg`", path, strerror(-rc));
	if (*size < node->size || *offset > INT_MAX || *offset % 4)
		return error_set(e, -EINVAL,
			"uio%d has 0x%llx bytes of registers, but 0x%zx are needed; correct its `reg` in the "
			"device tree",
			node->number, (unsigned long long)*size, node->size);
	return 0;
}

int uio_node_map(const char *root, struct uio_node *node, struct error *e)
{
	uint64_t size = 0, offset = 0;
	char path[FILES_PATH];
	int rc = read_map(root, node, &size, &offset, e);

	if (rc)
		return rc;
	size_t length = (size_t)offset + node->size;
	void *mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, node->fd, 0);
	if (mapping == MAP_FAILED) {
		rc = -errno;
		return files_path(path, root, "/dev/uio%d", node->number) ? rc : device_error(path, rc, e);
	}
	node->mapping = mapping;
	node->mapped = length;
	node->begin = (uint8_t *)mapping + offset;
	return 0;
}

void uio_node_unmap(struct uio_node *node)
{
	if (node->mapping)
		munmap(node->mapping, node->mapped);
	node->mapping = NULL;
	node->begin = NULL;
}
