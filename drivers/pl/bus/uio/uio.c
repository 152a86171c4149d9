/* SPDX-License-Identifier: MIT */
#include "pl/bus/uio/uio.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/installation.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/barrier.h"
#include "pl/bus/uio/files.h"
#include "pl/bus/uio/fpga_manager.h"
#include "pl/bus/uio/memory.h"
#include "pl/bus/uio/node.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* After a device tree is applied, its devices appear with a delay, and udev then sets their access rights. */
#define APPEAR_TIMEOUT INT64_C(3000000000) /* ns */
#define LOOK_AGAIN (100 * NS_PER_MS)

struct window {
	struct bus_window wanted;
	int node;     /* of uio.nodes */
	size_t place; /* of its first register in the node */
};

struct uio {
	const char *root;
	const char *bitstream; /* NULL: what uio_bitstream finds */
	struct window windows[BUS_WINDOWS];
	struct uio_node nodes[BUS_WINDOWS];
	int count, node_count;
	bool touched;	       /* registers may be read as long as the PL operates */
	struct memory *memory; /* NULL: not opened yet */
	pthread_mutex_t lock;  /* of `memory` */
};

static struct uio_settings settings;

void uio_configure(const struct uio_settings *given)
{
	settings = *given;
}

const char *uio_root(void)
{
	return settings.root ? settings.root : "";
}

/* folder/rest into `out`. 0, -ENAMETOOLONG, or the error of access. */
static int find_file(const char *folder, const char *rest, char *out, size_t size)
{
	int used = snprintf(out, size, "%s%s", folder, rest);

	if (used < 0 || (size_t)used >= size)
		return -ENAMETOOLONG;
	return access(out, R_OK) < 0 ? -errno : 0;
}

int uio_bitstream(char *out, size_t size, struct error *e)
{
	const char *named = settings.bitstream ? settings.bitstream : getenv("TWOBIT_BITSTREAM");
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (named) /* bitstream_load reports whether it can be read */
		return find_file(named, "", out, size) == -ENAMETOOLONG
			       ? error_set(e, -ENAMETOOLONG, "%s: the path is too long", named)
			       : 0;
	if (data && *data ? !find_file(data, "/twobit/overlay.bit", out, size)
			  : home && !find_file(home, "/.local/share/twobit/overlay.bit", out, size))
		return 0;
	if (!installation_find("overlay.bit", out, size))
		return 0;
	return error_set(e, -ENOENT,
		"no bitstream is named (TWOBIT_BITSTREAM), nor is there one as " TWOBIT_DATA_DIR
		"/overlay.bit");
}

static void close_nodes(struct uio *uio)
{
	for (int i = 0; i < uio->node_count; i++)
		uio_node_close(&uio->nodes[i]);
	uio->node_count = 0;
}

/* Opens the window's device, unless another window has opened it, and takes the window's part of it. */
static int attach(struct uio *uio, struct window *w, struct error *e)
{
	int number, rc = uio_node_find(uio->root, w->wanted.name, &number, &w->place, e);

	if (rc)
		return rc;
	for (w->node = 0; w->node < uio->node_count && uio->nodes[w->node].number != number;)
		w->node++;
	if (w->node == uio->node_count) {
		rc = uio_node_open(uio->root, number, &uio->nodes[w->node], e);
		if (rc)
			return rc;
		uio->node_count++;
	}
	return uio_node_claim(&uio->nodes[w->node], w->wanted.name, w->place, w->wanted.size, e);
}

/* The devices stay open while a bitstream is loaded, unless a device tree removes them. */
static int attach_all(struct uio *uio, struct error *e)
{
	int rc = 0;

	if (uio->node_count)
		return 0;
	for (int i = 0; i < uio->count && !rc; i++)
		rc = attach(uio, &uio->windows[i], e);
	if (rc)
		close_nodes(uio);
	return rc;
}

static int map_all(struct uio *uio, struct error *e)
{
	int rc = attach_all(uio, e);

	for (int i = 0; i < uio->node_count && !rc; i++)
		rc = uio_node_map(uio->root, &uio->nodes[i], e);
	if (rc)
		close_nodes(uio);
	return rc;
}

/* As map_all, but waits, with a timeout, for devices that appear late. */
static int map_with_timeout(struct uio *uio, struct error *e)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN};
	int64_t deadline = clock_now() + APPEAR_TIMEOUT;
	int rc = map_all(uio, e);

	while (rc && clock_now() < deadline) {
		nanosleep(&pause, NULL);
		rc = map_all(uio, e);
	}
	return rc;
}

/* Takes the devices from other programs and from this one's other buses, or gives them back. */
static int alone(struct uio *uio, bool is_alone, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < uio->node_count && !rc; i++)
		rc = uio_node_alone(&uio->nodes[i], is_alone, e);
	for (int i = 0; i < uio->node_count && rc; i++)
		uio_node_alone(&uio->nodes[i], false, NULL);
	return rc;
}

/* The bitstream that this bus loads. path: FILES_PATH bytes. */
static int find_bitstream(const struct uio *uio, char *path, struct error *e)
{
	if (!uio->bitstream)
		return uio_bitstream(path, FILES_PATH, e);
	return files_path(path, "", "%s", uio->bitstream)
		       ? error_set(e, -ENAMETOOLONG, "%s: the path is too long", uio->bitstream)
		       : 0;
}

static int uio_program(void *state, struct error *e)
{
	struct uio *uio = state;
	char path[FILES_PATH];
	uint64_t hash;
	int rc = find_bitstream(uio, path, e);

	if (!rc)
		rc = fpga_manager_prepare(uio->root, path, &hash, e);
	if (!rc)
		rc = alone(uio, true, e);
	if (rc)
		return rc;
	/* Reading a register of a PL that is being loaded hangs the processor. */
	for (int i = 0; i < uio->node_count; i++)
		uio_node_unmap(&uio->nodes[i]);
	if (fpga_manager_by_tree(uio->root))
		close_nodes(uio);
	rc = fpga_manager_load(uio->root, path, hash, e);
	if (!rc)
		rc = map_with_timeout(uio, e);
	else if (uio->touched && fpga_manager_operating(uio->root) == 1) /* it holds its old design */
		map_all(uio, NULL);
	alone(uio, false, NULL);
	uio->touched = uio->touched || !rc;
	return rc;
}

static void uio_close(void *state)
{
	struct uio *uio = state;

	close_nodes(uio);
	memory_close(uio->memory);
	pthread_mutex_destroy(&uio->lock);
	free(uio);
}

/*
 * Accessing registers of an empty PL, or of some other design's, can hang the processor. fpga_manager tells
 * an empty PL from a full one only: PYNQ's images load a design of theirs whenever they start.
 */
static int begin(struct uio *uio, struct error *e)
{
	struct error why = {0};
	char path[FILES_PATH];
	int rc;

	if (fpga_manager_operating(uio->root) < 0) /* the boot loader alone can have loaded it */
		return map_all(uio, e);
	if (fpga_manager_holds(uio->root, settings.keeps || find_bitstream(uio, path, NULL) ? NULL : path))
		return map_all(uio, e);
	if (settings.keeps)
		return error_set(e, -ENODEV,
			"what is in the PL was not loaded by twobit since the machine started, so it is not "
			"touched; as root, `twobit pl load FILE.bit` loads twobit's design");
	rc = fpga_manager_by_tree(uio->root) ? 0 : attach_all(uio, e);
	if (rc)
		return rc;
	rc = uio_program(uio, &why);
	return rc ? error_set(e, rc,
			    "the PL's design is not twobit's, or was not loaded by twobit, and cannot be "
			    "replaced: "
			    "%s; as root, `twobit pl load FILE.bit` loads one",
			    why.text)
		  : 0;
}

static int uio_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	struct uio *uio = calloc(1, sizeof(*uio));
	int rc;

	if (!uio)
		return error_set(e, -ENOMEM, "no memory");
	uio->root = uio_root();
	uio->bitstream = bitstream;
	uio->count = count;
	uio->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	for (int i = 0; i < count; i++)
		uio->windows[i] = (struct window){.wanted = windows[i]};
	rc = begin(uio, e);
	if (rc) {
		uio_close(uio);
		return rc;
	}
	uio->touched = true;
	*state = uio;
	return 0;
}

/* A window's register; NULL where the device is not mapped. */
static volatile uint32_t *register_at(const struct uio *uio, int window, uint32_t offset)
{
	const struct window *w = &uio->windows[window];
	uint8_t *begin = w->node < uio->node_count ? uio->nodes[w->node].begin : NULL;

	return begin ? (volatile uint32_t *)(begin + w->place + offset) : NULL;
}

static uint32_t uio_read(void *state, int window, uint32_t offset)
{
	const volatile uint32_t *place = register_at(state, window, offset);
	uint32_t value = place ? *place : BUS_ALL_ONES;

	barrier();
	return value;
}

static void uio_write(void *state, int window, uint32_t offset, uint32_t value)
{
	volatile uint32_t *place = register_at(state, window, offset);

	barrier();
	if (place)
		*place = value;
}

static int uio_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	struct uio *uio = state;
	int rc = 0;

	pthread_mutex_lock(&uio->lock);
	if (!uio->memory)
		rc = memory_open(uio->root, &uio->memory, e);
	if (!rc)
		rc = memory_allocate(uio->memory, size, out, e);
	pthread_mutex_unlock(&uio->lock);
	return rc;
}

static void uio_free(void *state, struct bus_memory *memory)
{
	struct uio *uio = state;

	pthread_mutex_lock(&uio->lock);
	memory_free(uio->memory, memory);
	pthread_mutex_unlock(&uio->lock);
}

static void uio_to_design(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	barrier();
	memory_to_design(((struct uio *)state)->memory, memory, offset, size);
}

static void uio_from_design(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	memory_from_design(((struct uio *)state)->memory, memory, offset, size);
	barrier();
}

/* Waits until the node can be read: 0, -ETIMEDOUT or -EIO. */
static int wait_readable(int fd, int64_t deadline)
{
	struct pollfd node = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t left = deadline == INT64_MAX ? 0 : deadline - clock_now();
		const struct timespec limit = {.tv_sec = (time_t)(left > 0 ? left / NS_PER_S : 0),
			.tv_nsec = (long)(left > 0 ? left % NS_PER_S : 0)};
		int count = ppoll(&node, 1, deadline == INT64_MAX ? NULL : &limit, NULL);

		if (count > 0)
			return node.revents & POLLIN ? 0 : -EIO;
		if (count == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -EIO;
	}
}

/*
 * The kernel disables an interrupt when it occurs, since its cause is still present. It is enabled only here:
 * an interrupt in between is then reported at once.
 */
static int uio_wait(void *state, int window, int64_t deadline)
{
	const struct uio *uio = state;
	int node = uio->windows[window].node, fd = node < uio->node_count ? uio->nodes[node].interrupt : -1;
	const uint32_t on = 1;
	uint32_t count;
	int rc;

	if (fd < 0 || write(fd, &on, sizeof(on)) != (ssize_t)sizeof(on))
		return -EIO;
	do {
		rc = wait_readable(fd, deadline);
		if (rc)
			return rc;
		if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
			return 0;
	} while (errno == EAGAIN || errno == EINTR);
	return -EIO;
}

const struct bus_driver bus_uio = {
	.name = "uio",
	.open = uio_open,
	.close = uio_close,
	.read = uio_read,
	.write = uio_write,
	.allocate = uio_allocate,
	.free = uio_free,
	.to_design = uio_to_design,
	.from_design = uio_from_design,
	.wait = uio_wait,
	.program = uio_program,
};
