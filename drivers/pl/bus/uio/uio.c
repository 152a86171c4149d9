/* SPDX-License-Identifier: MIT */
#include "pl/bus/uio/uio.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/installation.h"
#include "device/device.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/files.h"
#include "pl/bus/uio/fpga_manager.h"
#include "pl/bus/uio/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CLASS "/sys/class/uio"

/* After a device tree is applied, its devices appear with a delay, and udev then sets their access rights. */
#define APPEAR_TIMEOUT INT64_C(3000000000) /* ns */
#define LOOK_AGAIN (100 * NS_PER_MS)

struct window {
	struct bus_window wanted;
	volatile uint32_t *registers; /* NULL: not mapped */
	void *mapping;
	size_t mapped;
	int node; /* mapped, and locked against other programs; −1 */
	int fd;	  /* for interrupts; −1 */
};

struct uio {
	const char *root;
	const char *bitstream; /* NULL: what uio_bitstream finds */
	struct window windows[BUS_WINDOWS];
	int count;
	struct memory *memory; /* NULL: not opened yet */
	pthread_mutex_t lock;  /* of `memory` */
};

static struct uio_settings settings;

void uio_configure(const struct uio_settings *given)
{
	settings = *given;
}

/* Orders the processor's memory accesses before the register access that follows, and the other way round. */
static void barrier(void)
{
#if defined(__arm__) || defined(__aarch64__)
	__asm__ volatile("dsb sy" ::: "memory"); /* the PL is no processor, so `dmb ish` would not do */
#else
	__sync_synchronize();
#endif
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

/* Finds the number of the UIO device of that name; −ENODEV when there is none. */
static int find_number(const char *root, const char *name)
{
	char path[FILES_PATH], text[128];
	struct dirent *entry;
	int found = -ENODEV, number;

	DIR *folder = files_path(path, root, CLASS) ? NULL : opendir(path);
	while (folder && found < 0 && (entry = readdir(folder)))
		if (sscanf(entry->d_name, "uio%d", &number) == 1 &&
			!files_path(path, root, CLASS "/uio%d/name", number) &&
			!files_read_line(path, text, sizeof(text)) && !strcmp(text, name))
			found = number;
	if (folder)
		closedir(folder);
	return found;
}

/* Of map 0: its size, to which newer kernels count what lies before it in its page, and how much that is. */
static int read_map(const char *root, int number, const struct bus_window *wanted, uint64_t *size,
	uint64_t *offset, struct error *e)
{
	char path[FILES_PATH];
	int rc = files_path(path, root, CLASS "/uio%d/maps/map0/offset", number);

	if (!rc && files_read_number(path, offset))
		*offset = 0; /* older kernels do not report it */
	if (!rc)
		rc = files_path(path, root, CLASS "/uio%d/maps/map0/size", number);
	if (!rc)
		rc = files_read_number(path, size);
	if (rc)
		return error_set(e, rc, "%s: %s; the device tree's node \"%s\" needs a `reg`", path,
			strerror(-rc), wanted->name);
	if (*size < wanted->size || *offset > INT_MAX || *offset % 4)
		return error_set(e, -EINVAL,
			"uio%d (\"%s\") has 0x%llx bytes of registers, but 0x%zx are needed; correct its "
			"`reg` "
			"in the "
			"device tree",
			number, wanted->name, (unsigned long long)*size, wanted->size);
	return 0;
}

static void unmap(struct window *w)
{
	if (w->mapping)
		munmap(w->mapping, w->mapped);
	w->mapping = NULL;
	w->registers = NULL;
}

static void close_window(struct window *w)
{
	unmap(w);
	if (w->node >= 0)
		close(w->node);
	if (w->fd >= 0)
		close(w->fd);
	w->node = w->fd = -1;
}

/* Two programs on one PL would receive each other's weights and results. */
static int lock_node(const char *path, struct window *w, struct error *e)
{
	if (w->node >= 0)
		return 0;
	w->node = device_open(path, O_RDWR, e);
	if (w->node < 0)
		return w->node;
	if (flock(w->node, LOCK_EX | LOCK_NB) < 0)
		return error_set(e, errno == EWOULDBLOCK ? -EBUSY : -errno,
			errno == EWOULDBLOCK
				? "%s (\"%s\"): another program uses this PL; `fuser %s` shows which"
				: "%s (\"%s\") cannot be locked",
			path, w->wanted.name, path);
	w->fd = device_open(path, O_RDWR | O_NONBLOCK, e);
	return w->fd < 0 ? w->fd : 0;
}

static int map_registers(const char *path, struct window *w, size_t offset, struct error *e)
{
	size_t size = offset + w->wanted.size;
	void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, w->node, 0);

	if (mapping == MAP_FAILED)
		return device_error(path, -errno, e);
	w->mapping = mapping;
	w->mapped = size;
	w->registers = (volatile uint32_t *)((uint8_t *)mapping + offset);
	return 0;
}

static int map(const char *root, struct window *w, struct error *e)
{
	int number = find_number(root, w->wanted.name);
	uint64_t size = 0, offset = 0;
	char path[FILES_PATH];
	int rc;

	if (number < 0)
		return error_set(e, -ENODEV,
			"no UIO device is called \"%s\": the device tree lacks it, or the module "
			"uio_pdrv_genirq is "
			"not loaded (docs/board.md)",
			w->wanted.name);
	rc = read_map(root, number, &w->wanted, &size, &offset, e);
	if (!rc && files_path(path, root, "/dev/uio%d", number))
		rc = error_set(e, -ENAMETOOLONG, "%s: the path is too long", root);
	if (rc)
		return rc;
	rc = lock_node(path, w, e);
	return rc ? rc : map_registers(path, w, (size_t)offset, e);
}

static int map_all(struct uio *uio, struct error *e)
{
	int rc = 0;

	for (int i = 0; i < uio->count && !rc; i++)
		rc = map(uio->root, &uio->windows[i], e);
	for (int i = 0; i < uio->count && rc; i++)
		close_window(&uio->windows[i]);
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

static int uio_program(void *state, struct error *e)
{
	struct uio *uio = state;
	const char *bitstream = uio->bitstream;
	char path[FILES_PATH];
	int rc = 0;

	if (!bitstream) {
		rc = uio_bitstream(path, sizeof(path), e);
		bitstream = path;
	}
	if (!rc)
		rc = fpga_manager_prepare(uio->root, bitstream, e);
	if (rc)
		return rc;
	/*
	 * Reading a register of a PL that is being loaded hangs the processor. The nodes stay locked, unless
	 * a device tree removes them.
	 */
	for (int i = 0; i < uio->count; i++)
		if (fpga_manager_by_tree(uio->root))
			close_window(&uio->windows[i]);
		else
			unmap(&uio->windows[i]);
	rc = fpga_manager_load(uio->root, bitstream, e);
	if (!rc)
		return map_with_timeout(uio, e);
	if (fpga_manager_operating(uio->root) == 1) /* it holds its old design */
		map_all(uio, NULL);
	return rc;
}

static void uio_close(void *state)
{
	struct uio *uio = state;

	for (int i = 0; i < uio->count; i++)
		close_window(&uio->windows[i]);
	memory_close(uio->memory);
	pthread_mutex_destroy(&uio->lock);
	free(uio);
}

static int uio_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	struct uio *uio = calloc(1, sizeof(*uio));
	int rc;

	if (!uio)
		return error_set(e, -ENOMEM, "no memory");
	uio->root = settings.root ? settings.root : "";
	uio->bitstream = bitstream;
	uio->count = count;
	uio->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	for (int i = 0; i < count; i++)
		uio->windows[i] = (struct window){.wanted = windows[i], .node = -1, .fd = -1};
	/* Accessing registers of an empty PL would hang the processor. */
	rc = fpga_manager_operating(uio->root) == 0 ? uio_program(uio, e) : map_all(uio, e);
	if (rc) {
		uio_close(uio);
		return rc;
	}
	*state = uio;
	return 0;
}

static uint32_t uio_read(void *state, int window, uint32_t offset)
{
	const struct window *w = &((struct uio *)state)->windows[window];
	uint32_t value = w->registers ? w->registers[offset / 4] : BUS_ALL_ONES;

	barrier();
	return value;
}

static void uio_write(void *state, int window, uint32_t offset, uint32_t value)
{
	struct window *w = &((struct uio *)state)->windows[window];

	barrier();
	if (w->registers)
		w->registers[offset / 4] = value;
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
	int fd = ((struct uio *)state)->windows[window].fd;
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
