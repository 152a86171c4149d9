/* SPDX-License-Identifier: MIT */
/*
 * The design `base.bit` that PYNQ's images load when the machine starts: its registers through /dev/mem,
 * since no UIO device has them; where they are: boards/Pynq-Z2/base in PYNQ's sources. Nothing there says
 * what the design is, and reading a register of another one can hang the processor. So it is only touched
 * where neither twobit's nor PYNQ's note tells that another design was loaded.
 */
#include "base/error.h"
#include "device/device.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/barrier.h"
#include "pl/bus/uio/files.h"
#include "pl/bus/uio/fpga_manager.h"
#include "pl/bus/uio/memory.h"
#include "pl/bus/uio/node.h"
#include "pl/bus/uio/pynq_record.h"
#include "pl/bus/uio/uio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DESIGN "base.bit"

static const struct {
	const char *name;
	uint32_t address;
} places[] = {
	{"base-video", 0x43000000},
	{"base-hot-plug", 0x41230000},
};

struct base_window {
	void *registers;
	size_t size;
};

struct base_bus {
	struct uio_node node; /* `fabric`, whose locks keep the design in the PL */
	struct memory *memory;
	struct base_window windows[BUS_WINDOWS];
	int count;
};

static void base_close(void *state)
{
	struct base_bus *b = state;

	for (int i = 0; i < b->count; i++)
		munmap(b->windows[i].registers, b->windows[i].size);
	memory_close(b->memory);
	uio_node_close(&b->node);
	free(b);
}

/* Whether this path is the design's. */
static bool is_base(const char *path)
{
	const char *name = strrchr(path, '/');

	return !strcmp(name ? name + 1 : path, DESIGN);
}

bool uio_base_noted(void)
{
	const char *root = uio_root();
	struct loaded loaded;
	char path[PATH_MAX];

	if (fpga_manager_operating(root) != 1)
		return false;
	if (!loaded_read(root, &loaded))
		return is_base(loaded.path);
	return !pynq_record_read(root, path, sizeof(path)) && is_base(path);
}

/* What the kernel and the notes tell of the design in the PL. */
static int check_design(const char *root, struct error *e)
{
	struct loaded loaded;
	int operating = fpga_manager_operating(root);

	if (operating < 0)
		return error_set(e, -ENODEV, "this kernel has no fpga_manager: this is no PYNQ image");
	if (!operating)
		return error_set(e, -ENODEV, "the PL is empty: its design " DESIGN " comes with the image");
	bool noted = loaded_read(root, &loaded) == 0 ||
		     pynq_record_read(root, loaded.path, sizeof(loaded.path)) == 0;
	if (!noted || is_base(loaded.path))
		return 0;
	return error_set(e, -ENODEV,
		"the PL holds %s, not the image's " DESIGN ", which comes back when the board starts again",
		loaded.path);
}

static int attach(const char *root, struct base_bus *b, struct error *e)
{
	size_t place;
	int number, rc = uio_node_find(root, "fabric", &number, &place, e);

	return rc ? rc : uio_node_open(root, number, &b->node, e);
}

static int map(int fd, const char *path, struct base_bus *b, const struct bus_window *wanted, struct error *e)
{
	size_t at = 0;

	while (at < sizeof(places) / sizeof(places[0]) && strcmp(places[at].name, wanted->name) != 0)
		at++;
	if (at == sizeof(places) / sizeof(places[0]))
		return error_set(e, -ENODEV, DESIGN " has no window \"%s\"", wanted->name);
	int rc = uio_node_claim(&b->node, wanted->name, places[at].address, wanted->size, e);
	if (rc)
		return rc;
	void *registers =
		mmap(NULL, wanted->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)places[at].address);
	if (registers == MAP_FAILED)
		return device_error(path, -errno, e);
	b->windows[b->count++] = (struct base_window){.registers = registers, .size = wanted->size};
	return 0;
}

static int map_all(
	const char *root, struct base_bus *b, const struct bus_window *windows, int count, struct error *e)
{
	char path[FILES_PATH];
	int fd, rc = files_path(path, root, "/dev/mem");

	if (rc)
		return error_set(e, rc, "%s: the path is too long", root);
	fd = device_open(path, O_RDWR | O_SYNC, e);
	if (fd < 0)
		return fd;
	for (int i = 0; i < count && !rc; i++)
		rc = map(fd, path, b, &windows[i], e);
	close(fd);
	return rc;
}

static int base_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	const char *root = uio_root();
	struct base_bus *b = calloc(1, sizeof(*b));
	int rc;

	(void)bitstream;
	if (!b)
		return error_set(e, -ENOMEM, "no memory");
	b->node.fd = b->node.interrupt = -1;
	rc = check_design(root, e);
	if (!rc)
		rc = attach(root, b, e);
	if (!rc)
		rc = map_all(root, b, windows, count, e);
	if (!rc)
		rc = memory_open(root, &b->memory, e);
	if (rc)
		base_close(b);
	else
		*state = b;
	return rc;
}

static uint32_t base_read(void *state, int window, uint32_t offset)
{
	const uint8_t *registers = ((struct base_bus *)state)->windows[window].registers;
	uint32_t value = *(const volatile uint32_t *)(registers + offset);

	barrier();
	return value;
}

static void base_write(void *state, int window, uint32_t offset, uint32_t value)
{
	uint8_t *registers = ((struct base_bus *)state)->windows[window].registers;

	barrier();
	*(volatile uint32_t *)(registers + offset) = value;
}

static int base_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	return memory_allocate(((struct base_bus *)state)->memory, size, out, e);
}

static void base_free(void *state, struct bus_memory *memory)
{
	memory_free(((struct base_bus *)state)->memory, memory);
}

static void base_to_design(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	barrier();
	memory_to_design(((struct base_bus *)state)->memory, memory, offset, size);
}

static void base_from_design(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	memory_from_design(((struct base_bus *)state)->memory, memory, offset, size);
	barrier();
}

/* Its interrupts go to a controller of its own that this bus does not drive. */
static int base_wait(void *state, int window, int64_t deadline)
{
	(void)state;
	(void)window;
	(void)deadline;
	return -EIO;
}

static int base_program(void *state, struct error *e)
{
	(void)state;
	return error_set(e, -ENOTSUP, DESIGN " is loaded by the image alone");
}

const struct bus_driver bus_base = {
	.name = "base",
	.open = base_open,
	.close = base_close,
	.read = base_read,
	.write = base_write,
	.allocate = base_allocate,
	.free = base_free,
	.to_design = base_to_design,
	.from_design = base_from_design,
	.wait = base_wait,
	.program = base_program,
};
