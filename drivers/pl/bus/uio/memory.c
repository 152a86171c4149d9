/* SPDX-License-Identifier: MIT */
/*
 * A dma-heap is not enough: it reports no physical address of its buffers, and DMA_BUF_IOCTL_SYNC flushes no
 * caches for a device that no kernel driver has attached.
 */
#include "pl/bus/uio/memory.h"

#include "base/error.h"
#include "pl/bus/uio/files.h"
#include "pl/bus/uio/memory_driver.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* They are tried in this order. */
static const struct memory_driver *const drivers[] = {&memory_zocl, &memory_udmabuf, NULL};

struct memory {
	const struct memory_driver *driver;
	void *state;
};

static int no_memory(const char *root, struct error *e)
{
	char heaps[FILES_PATH];

	return error_set(e, -ENODEV,
		"there is no memory that the PL can reach: this kernel has no zocl, as PYNQ's images do, and "
		"no "
		"u-dma-buf; load that module, with a buffer called \"twobit-memory\" (docs/board.md)%s",
		!files_path(heaps, root, "/dev/dma_heap") && !access(heaps, F_OK)
			? "; a dma-heap, which this kernel has, reports no physical address and flushes no "
			  "caches for us"
			: "");
}

int memory_open(const char *root, struct memory **out, struct error *e)
{
	struct memory *m = calloc(1, sizeof(*m));
	struct error why = {0};
	int rc = -ENODEV, refused = 0;

	if (!m)
		return error_set(e, -ENOMEM, "no memory");
	for (const struct memory_driver *const *d = drivers; *d && rc; d++) {
		struct error cause = {0};

		m->driver = *d;
		rc = (*d)->open(root, &m->state, &cause);
		if (rc && rc != -ENODEV && !refused) {
			refused = rc;
			why = cause;
		}
	}
	if (!rc) {
		*out = m;
		return 0;
	}
	free(m);
	return refused ? error_set(e, refused, "%s", why.text) : no_memory(root, e);
}

void memory_close(struct memory *m)
{
	if (!m)
		return;
	m->driver->close(m->state);
	free(m);
}

const char *memory_name(const struct memory *m)
{
	return m->driver->name;
}

int memory_allocate(struct memory *m, size_t size, struct bus_memory *out, struct error *e)
{
	return m->driver->allocate(m->state, size, out, e);
}

void memory_free(struct memory *m, struct bus_memory *part)
{
	m->driver->free(m->state, part);
}

void memory_to_design(struct memory *m, const struct bus_memory *part, size_t offset, size_t size)
{
	m->driver->to_design(m->state, part, offset, size);
}

void memory_from_design(struct memory *m, const struct bus_memory *part, size_t offset, size_t size)
{
	m->driver->from_design(m->state, part, offset, size);
}
