/* SPDX-License-Identifier: MIT */
/*
 * Buffers of zocl, the kernel driver of XRT that PYNQ's images bring: contiguous memory (CMA) for any user of
 * its render node. Without an xclbin loaded, each of its memory banks means CMA.
 *
 * A buffer goes with its descriptor: a killed program's memory is the kernel's again while the PL may still
 * write to it. Whoever opens a design therefore stops it first.
 */
#include "pl/bus/uio/memory_driver.h"

#include "base/error.h"
#include "device/device.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define FOLDER "/dev/dri"
#define DRIVER "zocl"

/*
 * The kernel's interface to programs as far as it is used: of all graphics drivers (DRM, drm.h, which comes
 * with libdrm; that is optional), and zocl's own (XRT, zynq_ioctl.h).
 */
struct zocl_version {
	int major, minor, patch;
	size_t name_size;
	char *name;
	size_t date_size;
	char *date;
	size_t description_size;
	char *description;
};

struct zocl_close {
	uint32_t handle;
	uint32_t unused;
};

struct zocl_create {
	uint64_t size;
	uint32_t handle;
	uint32_t flags;
};

struct zocl_map {
	uint32_t handle;
	uint32_t unused;
	uint64_t offset; /* for mmap of the node */
};

struct zocl_sync {
	uint32_t handle;
	uint32_t direction;
	uint64_t offset, size;
};

struct zocl_info {
	uint32_t handle;
	uint32_t unused;
	uint64_t size;
	uint64_t address;
};

#define DRM_VERSION _IOWR('d', 0x00, struct zocl_version)
#define GEM_CLOSE _IOW('d', 0x09, struct zocl_close)
#define ZOCL_CREATE _IOWR('d', 0x40, struct zocl_create)
#define ZOCL_MAP _IOWR('d', 0x43, struct zocl_map)
#define ZOCL_SYNC _IOWR('d', 0x44, struct zocl_sync)
#define ZOCL_INFO _IOWR('d', 0x45, struct zocl_info)

#define CACHEABLE (UINT32_C(1) << 24) /* of zocl_create.flags; the low half is the memory bank */

enum { TO_DEVICE, FROM_DEVICE };

struct zocl_buffer {
	struct zocl_buffer *next;
	uint32_t handle;
	void *data;
	size_t size;
};

struct zocl {
	int fd;
	size_t page;
	struct zocl_buffer *buffers;
};

static bool is_zocl(int fd)
{
	char name[32] = "";
	struct zocl_version version = {.name = name, .name_size = sizeof(name) - 1};

	return !device_ioctl(fd, DRM_VERSION, &version) && !strcmp(name, DRIVER);
}

/* A descriptor of zocl's render node; -ENODEV, or why the last node could not be opened. */
static int open_node(const char *root, struct error *e)
{
	char path[FILES_PATH];
	struct dirent *entry;
	int found = -ENODEV;

	DIR *folder = files_path(path, root, FOLDER) ? NULL : opendir(path);
	while (folder && found < 0 && (entry = readdir(folder))) {
		if (strncmp(entry->d_name, "renderD", strlen("renderD")) != 0 ||
			files_path(path, root, FOLDER "/%s", entry->d_name))
			continue;
		found = device_open(path, O_RDWR, e);
		if (found >= 0 && !is_zocl(found)) {
			close(found);
			found = -ENODEV;
		}
	}
	if (folder)
		closedir(folder);
	return found;
}

static int zocl_open(const char *root, void **out, struct error *e)
{
	struct zocl *z = calloc(1, sizeof(*z));

	if (!z)
		return error_set(e, -ENOMEM, "no memory");
	z->fd = open_node(root, e);
	if (z->fd < 0) {
		int rc = z->fd;

		free(z);
		return rc;
	}
	z->page = (size_t)sysconf(_SC_PAGESIZE);
	*out = z;
	return 0;
}

static void release(struct zocl *z, struct zocl_buffer *buffer)
{
	struct zocl_close handle = {.handle = buffer->handle};

	if (buffer->data)
		munmap(buffer->data, buffer->size);
	if (buffer->handle)
		device_ioctl(z->fd, GEM_CLOSE, &handle);
	free(buffer);
}

static void zocl_close(void *state)
{
	struct zocl *z = state;

	while (z->buffers) {
		struct zocl_buffer *buffer = z->buffers;

		z->buffers = buffer->next;
		release(z, buffer);
	}
	close(z->fd);
	free(z);
}

static int create(struct zocl *z, struct zocl_buffer *buffer, uint64_t *address, struct error *e)
{
	struct zocl_create create = {.size = buffer->size, .flags = CACHEABLE};
	int rc = device_ioctl(z->fd, ZOCL_CREATE, &create);

	if (rc)
		return error_set(e, rc,
			"zocl has no %zu bytes of contiguous memory: %s; CmaFree in /proc/meminfo is what is "
			"left, "
			"and cma=128M on the kernel's command line makes it larger",
			buffer->size, strerror(-rc));
	buffer->handle = create.handle;
	struct zocl_map map = {.handle = create.handle};
	struct zocl_info info = {.handle = create.handle};
	rc = device_ioctl(z->fd, ZOCL_INFO, &info);
	if (!rc)
		rc = device_ioctl(z->fd, ZOCL_MAP, &map);
	if (!rc && (info.size < buffer->size || info.address % z->page || map.offset % z->page))
		rc = -EBADMSG;
	if (rc)
		return error_set(e, rc, "zocl gives no sensible buffer: %s", strerror(-rc));
	void *data = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, z->fd, (off_t)map.offset);
	if (data == MAP_FAILED)
		return error_set(e, -errno, "zocl's buffer cannot be mapped: %s", strerror(errno));
	buffer->data = data;
	*address = info.address;
	return 0;
}

static void synchronise(
	struct zocl *z, const struct bus_memory *part, uint32_t direction, size_t offset, size_t size)
{
	const struct zocl_buffer *buffer = part->owner;
	struct zocl_sync sync = {
		.handle = buffer->handle, .direction = direction, .offset = offset, .size = size};

	if (size)
		device_ioctl(z->fd, ZOCL_SYNC, &sync); /* its failure is detected as a wrong CRC */
}

static void zocl_to_design(void *state, const struct bus_memory *part, size_t offset, size_t size)
{
	synchronise(state, part, TO_DEVICE, offset, size);
}

static void zocl_from_design(void *state, const struct bus_memory *part, size_t offset, size_t size)
{
	synchronise(state, part, FROM_DEVICE, offset, size);
}

static int zocl_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	struct zocl *z = state;
	struct zocl_buffer *buffer = calloc(1, sizeof(*buffer));
	uint64_t address = 0;

	if (!buffer)
		return error_set(e, -ENOMEM, "no memory");
	if (size > SIZE_MAX / 2) {
		free(buffer);
		return error_set(e, -ENOMEM, "zocl has no %zu bytes of contiguous memory", size);
	}
	buffer->size = (size + z->page - 1) / z->page * z->page;
	int rc = create(z, buffer, &address, e);
	if (rc) {
		release(z, buffer);
		return rc;
	}
	buffer->next = z->buffers;
	z->buffers = buffer;
	*out = (struct bus_memory){
		.data = buffer->data, .address = address, .size = buffer->size, .owner = buffer};
	memset(out->data, 0, out->size);
	zocl_to_design(z, out, 0, out->size);
	return 0;
}

static void zocl_free(void *state, struct bus_memory *part)
{
	struct zocl *z = state;
	struct zocl_buffer **link = &z->buffers;

	while (*link && *link != part->owner)
		link = &(*link)->next;
	if (*link) {
		struct zocl_buffer *buffer = *link;

		*link = buffer->next;
		release(z, buffer);
	}
}

const struct memory_driver memory_zocl = {
	.name = "zocl",
	.open = zocl_open,
	.close = zocl_close,
	.allocate = zocl_allocate,
	.free = zocl_free,
	.to_design = zocl_to_design,
	.from_design = zocl_from_design,
};
