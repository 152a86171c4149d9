/* SPDX-License-Identifier: MIT */
/* Parts of one buffer of u-dma-buf (github.com/ikwzm/udmabuf), a kernel module. */
#include "pl/bus/uio/memory_driver.h"

#include "base/error.h"
#include "device/device.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLASS "/sys/class/u-dma-buf"
#define PREFERRED "twobit-memory"

/* The sync files take whole blocks of 16 bytes, a direction (0: both) and a 1 for "do it". */
#define SYNC_BLOCK 16U
#define SYNC_NOW 1U

struct udmabuf_part {
	struct udmabuf_part *next; /* by offset */
	size_t offset, size;
};

struct udmabuf {
	uint8_t *data;
	uint64_t address;
	size_t size, page;
	int to_design, from_design; /* the sync files; −1: the mapping is not cached */
	struct udmabuf_part *parts;
};

/* Of the names in the class: PREFERRED, or the first in the alphabet. */
static int find_device(const char *root, char *name, size_t size, struct error *e)
{
	char path[FILES_PATH];
	struct dirent *entry;
	DIR *folder;

	name[0] = '\0';
	folder = files_path(path, root, CLASS) ? NULL : opendir(path);
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && strcmp(name, PREFERRED) != 0 &&
			(!strcmp(entry->d_name, PREFERRED) || !name[0] || strcmp(entry->d_name, name) < 0))
			snprintf(name, size, "%s", entry->d_name);
	if (folder)
		closedir(folder);
	return name[0] ? 0
		       : error_set(e, -ENODEV,
				 "the kernel module u-dma-buf is not loaded, with a buffer called "
				 "\"" PREFERRED "\"");
}

static int open_sync(const char *root, const char *name, const char *file)
{
	char path[FILES_PATH];

	return files_path(path, root, CLASS "/%s/%s", name, file) ? -1 : device_open(path, O_WRONLY, NULL);
}

static int read_range(struct udmabuf *m, const char *root, const char *name, struct error *e)
{
	char path[FILES_PATH];
	uint64_t size = 0;
	int rc = files_path(path, root, CLASS "/%s/phys_addr", name);

	if (!rc)
		rc = files_read_number(path, &m->address);
	if (!rc)
		rc = files_path(path, root, CLASS "/%s/size", name);
	if (!rc)
		rc = files_read_number(path, &size);
	if (!rc && (size == 0 || size > SIZE_MAX / 2 || size % m->page || m->address % m->page ||
			   m->address > UINT64_MAX - size))
		rc = -EBADMSG;
	m->size = (size_t)size;
	return rc ? error_set(e, rc, "%s: no sensible place in memory: %s", path, strerror(-rc)) : 0;
}

static int map(struct udmabuf *m, const char *root, const char *name, struct error *e)
{
	char path[FILES_PATH];
	int flags = O_RDWR, rc = files_path(path, root, "/dev/%s", name);
	void *data;
	int fd;

	if (rc)
		return error_set(e, rc, "%s: the path is too long", root);
	m->to_design = open_sync(root, name, "sync_for_device");
	m->from_design = open_sync(root, name, "sync_for_cpu");
	if (m->to_design < 0 || m->from_design < 0)
		flags |= O_SYNC; /* without caches, since they cannot be flushed */
	fd = device_open(path, flags, e);
	if (fd < 0)
		return fd;
	data = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	rc = data == MAP_FAILED ? device_error(path, -errno, e) : 0;
	close(fd);
	if (!rc)
		m->data = data;
	return rc;
}

static void udmabuf_close(void *state)
{
	struct udmabuf *m = state;

	while (m->parts) {
		struct udmabuf_part *part = m->parts;

		m->parts = part->next;
		free(part);
	}
	if (m->data)
		munmap(m->data, m->size);
	if (m->to_design >= 0)
		close(m->to_design);
	if (m->from_design >= 0)
		close(m->from_design);
	free(m);
}

static int udmabuf_open(const char *root, void **out, struct error *e)
{
	struct udmabuf *m = calloc(1, sizeof(*m));
	char name[NAME_MAX + 1];
	int rc;

	if (!m)
		return error_set(e, -ENOMEM, "no memory");
	m->to_design = m->from_design = -1;
	m->page = (size_t)sysconf(_SC_PAGESIZE);
	rc = find_device(root, name, sizeof(name), e);
	if (!rc)
		rc = read_range(m, root, name, e);
	if (!rc)
		rc = map(m, root, name, e);
	if (rc)
		udmabuf_close(m);
	else
		*out = m;
	return rc;
}

/* Blocks of 16 bytes that hold the range; parts begin and end at pages, so they are within. */
static void synchronise(
	int fd, const struct udmabuf *m, const struct bus_memory *part, size_t offset, size_t size)
{
	size_t begin = (size_t)((uint8_t *)part->data - m->data) + offset, end = begin + size;
	char text[32];

	if (fd < 0 || size == 0)
		return;
	begin -= begin % SYNC_BLOCK;
	end += (SYNC_BLOCK - end % SYNC_BLOCK) % SYNC_BLOCK;
	int length = snprintf(
		text, sizeof(text), "0x%08X%08X", (unsigned)begin, (unsigned)(end - begin) | SYNC_NOW);
	if (pwrite(fd, text, (size_t)length, 0) < 0)
		return; /* no action here: the self-test and the result's CRC detect it */
}

static void udmabuf_to_design(void *state, const struct bus_memory *part, size_t offset, size_t size)
{
	struct udmabuf *m = state;

	synchronise(m->to_design, m, part, offset, size);
}

static void udmabuf_from_design(void *state, const struct bus_memory *part, size_t offset, size_t size)
{
	struct udmabuf *m = state;

	synchronise(m->from_design, m, part, offset, size);
}

static int udmabuf_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	struct udmabuf *m = state;
	size_t wanted = size <= m->size ? (size + m->page - 1) / m->page * m->page : SIZE_MAX;
	struct udmabuf_part **link = &m->parts, *part;
	size_t offset = 0;

	while (*link && (*link)->offset - offset < wanted) {
		offset = (*link)->offset + (*link)->size;
		link = &(*link)->next;
	}
	if (wanted > m->size - offset)
		return error_set(e, -ENOMEM,
			"the u-dma-buf of %zu bytes has no room for another %zu; give it a larger size "
			"(docs/board.md)",
			m->size, size);
	part = malloc(sizeof(*part));
	if (!part)
		return error_set(e, -ENOMEM, "no memory");
	*part = (struct udmabuf_part){.next = *link, .offset = offset, .size = wanted};
	*link = part;
	*out = (struct bus_memory){
		.data = m->data + offset, .address = m->address + offset, .size = wanted, .owner = part};
	memset(out->data, 0, wanted);
	udmabuf_to_design(m, out, 0, wanted);
	return 0;
}

static void udmabuf_free(void *state, struct bus_memory *given)
{
	struct udmabuf_part **link = &((struct udmabuf *)state)->parts;

	while (*link && *link != given->owner)
		link = &(*link)->next;
	if (*link) {
		*link = (*link)->next;
		free(given->owner);
	}
}

const struct memory_driver memory_udmabuf = {
	.name = "u-dma-buf",
	.open = udmabuf_open,
	.close = udmabuf_close,
	.allocate = udmabuf_allocate,
	.free = udmabuf_free,
	.to_design = udmabuf_to_design,
	.from_design = udmabuf_from_design,
};
