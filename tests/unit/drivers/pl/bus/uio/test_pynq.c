/* SPDX-License-Identifier: MIT */
/*
 * The bus on a stock PYNQ image: the one UIO device `fabric` for all registers, zocl's memory, and a PL that
 * holds the image's own design when the machine starts.
 */
#include "base/error.h"
#include "device/device.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/fpga_manager.h"
#include "pl/bus/uio/uio.h"
#include "support/bitstream_builder.h"
#include "support/simulated_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE 0x03727093U
#define MANAGER "sys/class/fpga_manager/fpga0"
#define NODE "dev/dri/renderD129" /* zocl's; renderD128 is another driver's */
#define PAGE 4096U
#define PLACE 0x1A000000U /* of the simulated memory */

static const struct bus_window overlay[] = {{"twobit-overlay", 0x1000}, {"twobit-dma", 0x60}};
static const struct bus_window scanout[] = {{"twobit-scanout", 0x1000}};

/* --- zocl's ioctls on a plain file --- */

static struct {
	int refused;	  /* number of the request that fails; 0: none */
	int code;	  /* how */
	int buffers;	  /* that are open */
	uint32_t created; /* of all */
	uint64_t next;	  /* byte of the file */
	uint64_t odd;	  /* added to the address */
	struct {
		uint64_t at, size;
	} places[16];
	struct {
		uint32_t handle, direction;
		uint64_t offset, size;
	} synced; /* the last time */
} zocl;

int __real_device_open(const char *path, int flags, struct error *e);
int __wrap_device_open(const char *path, int flags, struct error *e);
int __wrap_device_ioctl(int fd, unsigned long request, void *argument);

int __wrap_device_open(const char *path, int flags, struct error *e)
{
	return __real_device_open(path, flags & ~O_NONBLOCK, e);
}

/* Numbers in the kernel's structs, as drm.h and zynq_ioctl.h have them. */
static uint32_t *u32(void *argument, size_t offset)
{
	return (uint32_t *)((uint8_t *)argument + offset);
}

static uint64_t *u64(void *argument, size_t offset)
{
	return (uint64_t *)(void *)((uint8_t *)argument + offset);
}

static bool is_node(int fd, const char *path)
{
	struct stat opened, node;

	return !fstat(fd, &opened) && !stat(board_path(path), &node) && opened.st_ino == node.st_ino;
}

static int name_driver(int fd, void *argument)
{
	struct {
		int numbers[3];
		size_t size;
		char *name;
	} *version = argument;

	version->size =
		(size_t)snprintf(version->name, version->size, "%s", is_node(fd, NODE) ? "zocl" : "vc4");
	return 0;
}

static int create(void *argument)
{
	if (*u32(argument, 12) != 1U << 24) /* cached, of bank 0 */
		return -EINVAL;
	zocl.places[++zocl.created].at = zocl.next;
	zocl.places[zocl.created].size = *u64(argument, 0);
	zocl.next += *u64(argument, 0);
	zocl.buffers++;
	*u32(argument, 8) = zocl.created;
	return 0;
}

int __wrap_device_ioctl(int fd, unsigned long request, void *argument)
{
	uint32_t handle = *(uint32_t *)argument;

	assert_int_equal(_IOC_TYPE(request), 'd');
	if (_IOC_NR(request) && (int)_IOC_NR(request) == zocl.refused)
		return zocl.code;
	if (_IOC_NR(request) >= 0x40)
		assert_true(is_node(fd, NODE));
	switch (_IOC_NR(request)) {
	case 0x00:
		return name_driver(fd, argument);
	case 0x09:
		assert_int_equal(_IOC_SIZE(request), 8);
		zocl.buffers--;
		return 0;
	case 0x40:
		assert_int_equal(_IOC_SIZE(request), 16);
		return create(argument);
	case 0x43:
		assert_int_equal(_IOC_SIZE(request), 16);
		*u64(argument, 8) = zocl.places[handle].at;
		return 0;
	case 0x44:
		assert_int_equal(_IOC_SIZE(request), 24);
		zocl.synced.handle = handle;
		zocl.synced.direction = *u32(argument, 4);
		zocl.synced.offset = *u64(argument, 8);
		zocl.synced.size = *u64(argument, 16);
		return 0;
	case 0x45:
		assert_int_equal(_IOC_SIZE(request), 24);
		*u64(argument, 8) = zocl.places[handle].size;
		*u64(argument, 16) = PLACE + zocl.places[handle].at + zocl.odd;
		return 0;
	default:
		return -ENOTTY;
	}
}

/* --- the image --- */

static void put_bitstream(const char *path)
{
	uint8_t bytes[BITSTREAM_ROOM];

	board_put_bytes(path, bytes, bitstream_build_bit(bytes, "7z020clg400", CODE));
}

static int set_up(void **state)
{
	static struct uio_settings settings;
	static char bitstream[512];

	(void)state;
	memset(&zocl, 0, sizeof(zocl));
	board_remove("");
	assert_int_equal(mkdir(board, 0755), 0);
	board_put_uio(0, "fabric\n", "0x00010000\n");
	board_put_uio(1, "audio-codec-ctrl\n", "0x00010000\n");
	board_put(MANAGER "/state", "operating\n");
	board_put(MANAGER "/firmware", "");
	board_put(MANAGER "/flags", "0\n");
	board_put("lib/firmware/other", "");
	board_put_empty("dev/dri/renderD128", 4096);
	board_put_empty("dev/dri/card0", 4096);
	board_put_empty(NODE, 65536);
	put_bitstream("overlay.bit");
	snprintf(bitstream, sizeof(bitstream), "%s", board_path("overlay.bit"));
	settings = (struct uio_settings){.root = board, .bitstream = bitstream};
	uio_configure(&settings);
	board_note("overlay.bit");
	return 0;
}

static int finish(void **state)
{
	(void)state;
	board_remove("");
	return 0;
}

static struct bus *open_bus(const struct bus_window *windows, int count)
{
	struct error e = {0};
	struct bus *bus = NULL;

	if (bus_open(&bus_uio, windows, count, NULL, &bus, &e))
		fail_msg("%s", e.text);
	return bus;
}

static void expect_no_bus(int code, const char *text)
{
	struct error e = {0};
	struct bus *bus;

	assert_int_equal(bus_open(&bus_uio, overlay, 2, NULL, &bus, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

static uint32_t register_of(long offset)
{
	uint32_t value = 0;
	FILE *file = fopen(board_path("dev/uio0"), "rb");

	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fread(&value, 4, 1, file), 1);
	fclose(file);
	return value;
}

static bool was_loaded(void)
{
	char text[64];
	bool loaded = board_get(MANAGER "/firmware", text, sizeof(text)) > 0;

	board_put(MANAGER "/firmware", "");
	return loaded;
}

static void test_parts_of_fabric(void **state)
{
	struct bus *pl = open_bus(overlay, 2), *display;

	(void)state;
	assert_false(was_loaded());
	bus_write(pl, 0, 0x20, 1);
	bus_write(pl, 1, 0x58, 2);
	assert_int_equal(register_of(0x0020), 1);
	assert_int_equal(register_of(0x1058), 2);
	assert_int_equal(bus_read(pl, 1, 0x60), BUS_ALL_ONES); /* not asked for */
	display = open_bus(scanout, 1);			       /* beside the PL */
	bus_write(display, 0, 0x18, 3);
	assert_int_equal(register_of(0x2018), 3);
	expect_no_bus(-EBUSY, "another program uses this PL");
	bus_close(pl);
	bus_close(open_bus(overlay, 2));
	bus_close(display);
	board_put("sys/class/uio/uio0/maps/map0/size", "0x1000\n");
	expect_no_bus(-EINVAL, "0x1060 are needed");
	board_remove("sys/class/uio/uio0");
	expect_no_bus(-ENODEV, "\"fabric\"");
}

/* A design is not replaced under another part's user. */
static void test_program_alone(void **state)
{
	struct bus *pl = open_bus(overlay, 2), *display = open_bus(scanout, 1);
	struct error e = {0};

	(void)state;
	assert_int_equal(bus_program(pl, &e), -EBUSY);
	assert_non_null(strstr(e.text, "another program uses this PL"));
	assert_false(was_loaded());
	bus_write(pl, 0, 0, 7); /* as before */
	assert_int_equal(register_of(0), 7);
	bus_close(display);
	assert_int_equal(bus_program(pl, &e), 0);
	assert_true(was_loaded());
	display = open_bus(scanout, 1); /* again beside it */
	bus_close(display);
	bus_close(pl);
}

/* `operating` means some design: the image's own, until this program has loaded its own since the start. */
static void test_own_design_alone(void **state)
{
	(void)state;
	board_remove("run/twobit/pl");
	bus_close(open_bus(overlay, 2));
	assert_true(was_loaded());
	bus_close(open_bus(overlay, 2));
	assert_false(was_loaded());
	board_put("proc/sys/kernel/random/boot_id", "99999999-2222-3333-4444-555555555555\n");
	bus_close(open_bus(overlay, 2));
	assert_true(was_loaded());
	board_put("run/twobit/pl", "99999999-2222-3333-4444-555555555555 0000000000000001 other.bit\n");
	bus_close(open_bus(overlay, 2));
	assert_true(was_loaded());
	board_put("run/twobit/pl", "no note\n");
	bus_close(open_bus(overlay, 2));
	assert_true(was_loaded());
	board_put(MANAGER "/state", "unknown\n");
	expect_no_bus(-EIO, "reports \"unknown\"");
	assert_true(was_loaded());
	assert_int_not_equal(access(board_path("run/twobit/pl"), F_OK), 0); /* what is in the PL now? */
	board_put(MANAGER "/state", "operating\n");
	board_remove("overlay.bit");
	expect_no_bus(-ENOENT, "twobit pl load");
	board_put_uio(0, "other\n", "0x00010000\n"); /* without registers, no design is replaced */
	put_bitstream("overlay.bit");
	expect_no_bus(-ENODEV, "\"fabric\"");
	assert_false(was_loaded());
}

static void test_zocl(void **state)
{
	struct bus *bus = open_bus(overlay, 2);
	struct bus_memory a, b;
	struct error e = {0};

	(void)state;
	assert_int_equal(bus_allocate(bus, 5000, &a, &e), 0);
	assert_int_equal(bus_allocate(bus, 1, &b, &e), 0);
	assert_int_equal(a.address, PLACE);
	assert_int_equal(a.size, 2 * PAGE);
	assert_int_equal(b.address, PLACE + 2 * PAGE);
	assert_int_equal(zocl.synced.size, PAGE); /* the zeros */
	((uint8_t *)b.data)[5] = 9;
	bus_to_design(bus, &b, 5, 3);
	assert_int_equal(zocl.synced.handle, 2);
	assert_int_equal(zocl.synced.direction, 0);
	assert_int_equal(zocl.synced.offset, 5);
	assert_int_equal(zocl.synced.size, 3);
	bus_from_design(bus, &a, 0, 4);
	assert_int_equal(zocl.synced.handle, 1);
	assert_int_equal(zocl.synced.direction, 1);
	bus_free(bus, &a);
	assert_int_equal(zocl.buffers, 1);
	bus_close(bus);
	assert_int_equal(zocl.buffers, 0);
}

static void expect_no_memory(int code, const char *text)
{
	struct bus *bus = open_bus(overlay, 2);
	struct bus_memory a;
	struct error e = {0};

	assert_int_equal(bus_allocate(bus, 4096, &a, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
	bus_close(bus);
	assert_int_equal(zocl.buffers, 0);
}

static void test_no_zocl(void **state)
{
	(void)state;
	zocl.refused = 0x40;
	zocl.code = -ENOMEM;
	expect_no_memory(-ENOMEM, "CmaFree");
	zocl.refused = 0x43;
	zocl.code = -EINVAL;
	expect_no_memory(-EINVAL, "no sensible buffer");
	zocl.refused = 0x45;
	expect_no_memory(-EINVAL, "no sensible buffer");
	zocl.refused = 0;
	zocl.odd = 8;
	expect_no_memory(-EBADMSG, "no sensible buffer");
	zocl.odd = 0;
	board_remove(NODE);
	expect_no_memory(-ENODEV, "zocl");
	board_remove("dev/dri");
	expect_no_memory(-ENODEV, "zocl");
}

/* A board with both: what the image brings. Without zocl, u-dma-buf. */
static void test_udmabuf_beside(void **state)
{
	struct bus *bus;
	struct bus_memory a;
	struct error e = {0};

	(void)state;
	board_put("sys/class/u-dma-buf/twobit-memory/phys_addr", "0x1f000000\n");
	board_put("sys/class/u-dma-buf/twobit-memory/size", "8192\n");
	board_put_empty("dev/twobit-memory", 8192);
	bus = open_bus(overlay, 2);
	assert_int_equal(bus_allocate(bus, 100, &a, &e), 0);
	assert_int_equal(a.address, PLACE);
	bus_close(bus);
	board_remove("dev/dri");
	bus = open_bus(overlay, 2);
	assert_int_equal(bus_allocate(bus, 100, &a, &e), 0);
	assert_int_equal(a.address, 0x1f000000);
	bus_close(bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_parts_of_fabric, set_up),
		cmocka_unit_test_setup(test_program_alone, set_up),
		cmocka_unit_test_setup(test_own_design_alone, set_up),
		cmocka_unit_test_setup(test_zocl, set_up),
		cmocka_unit_test_setup(test_no_zocl, set_up),
		cmocka_unit_test_setup(test_udmabuf_beside, set_up),
	};

	if (!mkdtemp(board))
		return 1;
	return cmocka_run_group_tests(tests, NULL, finish);
}
