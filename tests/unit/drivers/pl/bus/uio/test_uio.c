/* SPDX-License-Identifier: MIT */
/*
 * The board's bus on a simulated board: a folder with the kernel's files, registers and memory in plain
 * files, and a socket in place of the interrupt's node.
 */
#include "base/clock.h"
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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE 0x03727093U
#define MANAGER "sys/class/fpga_manager/fpga0"
#define UDMABUF "sys/class/u-dma-buf/udmabuf0"
#define TREES "sys/kernel/config/device-tree/overlays"

static int interrupt = -1; /* the kernel's end of the last simulated node */
static const struct bus_window windows[] = {{"twobit-overlay", 4096}, {"twobit-dma", 4096}};

int __real_device_open(const char *path, int flags, struct error *e);
int __wrap_device_open(const char *path, int flags, struct error *e);

/* A UIO node that is opened for interrupts is a socket here. */
int __wrap_device_open(const char *path, int flags, struct error *e)
{
	int ends[2];

	if (!strstr(path, "/dev/uio") || !(flags & O_NONBLOCK))
		return __real_device_open(path, flags, e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	if (interrupt >= 0)
		close(interrupt);
	interrupt = ends[0];
	return ends[1];
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);

/* In configfs a folder comes with its files, and goes with them. `with_files` is NULL where it is no
 * configfs. */
static const char *with_files;

static void tree_file(const char *folder, const char *name, const char *text)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = text ? fopen(path, "wb") : NULL;
	if (!text)
		unlink(path);
	else if (file) {
		fputs(text, file);
		fclose(file);
	}
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	int rc = __real_mkdir(path, mode);

	if (!rc && with_files && strstr(path, "/overlays/twobit")) {
		tree_file(path, "dtbo", "");
		tree_file(path, "status", with_files);
	}
	return rc;
}

int __wrap_rmdir(const char *path)
{
	if (with_files && strstr(path, "/overlays/twobit")) {
		tree_file(path, "dtbo", NULL);
		tree_file(path, "status", NULL);
	}
	return __real_rmdir(path);
}

static void put_bitstream(const char *path, const char *part)
{
	uint8_t bytes[BITSTREAM_ROOM];

	board_put_bytes(path, bytes, bitstream_build_bit(bytes, part, CODE));
}

static int set_up(void **state)
{
	static struct uio_settings settings;
	static char bitstream[512];

	(void)state;
	board_remove("");
	assert_int_equal(mkdir(board, 0755), 0);
	board_put_uio(0, "audio-codec-ctrl\n", "0x00001000\n");
	board_put_uio(3, "twobit-dma\n", "0x00001000\n");
	board_put_uio(11, "twobit-overlay\n", "0x00002000\n");
	board_put(MANAGER "/state", "operating\n");
	board_put(MANAGER "/firmware", "");
	board_put(MANAGER "/flags", "5\n");
	board_put("lib/firmware/other", "");
	board_put(UDMABUF "/phys_addr", "0x0000000018000000\n");
	board_put(UDMABUF "/size", "65536\n");
	board_put(UDMABUF "/sync_for_cpu", "");
	board_put(UDMABUF "/sync_for_device", "");
	board_put_empty("dev/udmabuf0", 65536);
	put_bitstream("overlay.bit", "7z020clg400");
	snprintf(bitstream, sizeof(bitstream), "%s", board_path("overlay.bit"));
	settings = (struct uio_settings){.root = board, .bitstream = bitstream};
	uio_configure(&settings);
	board_note("overlay.bit");
	return 0;
}

static int finish(void **state)
{
	(void)state;
	if (interrupt >= 0)
		close(interrupt);
	interrupt = -1;
	board_remove("");
	return 0;
}

static struct bus *open_bus(void)
{
	struct error e = {0};
	struct bus *bus = NULL;

	assert_int_equal(bus_open(&bus_uio, windows, 2, NULL, &bus, &e), 0);
	return bus;
}

static void expect_no_bus(int code, const char *text)
{
	struct error e = {0};
	struct bus *bus;

	assert_int_equal(bus_open(&bus_uio, windows, 2, NULL, &bus, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

static uint32_t register_of(int number, long offset)
{
	char path[32];
	uint32_t value = 0;

	snprintf(path, sizeof(path), "dev/uio%d", number);
	FILE *file = fopen(board_path(path), "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fread(&value, 4, 1, file), 1);
	fclose(file);
	return value;
}

static void test_registers(void **state)
{
	struct bus *bus = open_bus();

	(void)state;
	bus_write(bus, 0, 0x20, 0x12345678);
	bus_write(bus, 1, 0x58, 77);
	assert_int_equal(register_of(11, 0x20), 0x12345678);
	assert_int_equal(register_of(3, 0x58), 77);
	assert_int_equal(bus_read(bus, 0, 0x20), 0x12345678);
	assert_int_equal(bus_read(bus, 0, 0x1000), UINT32_MAX); /* not asked for */
	bus_close(bus);
}

static void test_offset(void **state)
{
	struct bus *bus;

	(void)state;
	board_put("sys/class/uio/uio11/maps/map0/offset", "0x100\n"); /* registers that begin within a page */
	bus = open_bus();
	bus_write(bus, 0, 4, 5);
	assert_int_equal(register_of(11, 0x104), 5);
	bus_close(bus);
}

static void test_no_device(void **state)
{
	(void)state;
	board_put("sys/class/uio/uio3/maps/map0/size", "0x800\n");
	expect_no_bus(-EINVAL, "0x800 bytes");
	board_put("sys/class/uio/uio3/maps/map0/size", "many\n");
	expect_no_bus(-EBADMSG, "maps/map0/size");
	board_put("sys/class/uio/uio3/name", "axi-dma\n");
	expect_no_bus(-ENODEV, "\"twobit-dma\"");
	board_remove("sys/class/uio");
	expect_no_bus(-ENODEV, "uio_pdrv_genirq");
}

static void test_interrupt(void **state)
{
	struct bus *bus = open_bus();
	uint32_t word = 0;

	(void)state;
	/* `interrupt` is that of the last window, the DMA's. */
	assert_int_equal(bus_wait(bus, 1, clock_now() + 20 * NS_PER_MS), -ETIMEDOUT);
	assert_int_equal(read(interrupt, &word, 4), 4); /* switched on before the wait */
	assert_int_equal(word, 1);
	word = 9; /* the ninth interrupt */
	assert_int_equal(write(interrupt, &word, 4), 4);
	assert_int_equal(bus_wait(bus, 1, INT64_MAX), 0);
	assert_int_equal(bus_wait(bus, 1, clock_now() - 1), -ETIMEDOUT);
	close(interrupt); /* the device goes */
	interrupt = -1;
	assert_int_equal(bus_wait(bus, 1, INT64_MAX), -EIO);
	bus_close(bus);
}

static void test_memory(void **state)
{
	struct bus *bus = open_bus();
	struct bus_memory a, b, c;
	struct error e = {0};
	char text[64];

	(void)state;
	assert_int_equal(bus_allocate(bus, 5000, &a, &e), 0);
	assert_int_equal(bus_allocate(bus, 4096, &b, &e), 0);
	assert_int_equal(a.address, 0x18000000);
	assert_int_equal(a.size, 8192);
	assert_int_equal(b.address, 0x18002000);
	memset(b.data, 3, 4096);
	bus_to_design(bus, &b, 100, 20); /* 0x2064 … 0x2078: whole blocks of 16, and a 1 */
	board_get(UDMABUF "/sync_for_device", text, sizeof(text));
	assert_string_equal(text, "0x0000206000000021");
	bus_from_design(bus, &a, 0, 4);
	board_get(UDMABUF "/sync_for_cpu", text, sizeof(text));
	assert_string_equal(text, "0x0000000000000011");
	bus_free(bus, &a);
	assert_null(a.data);
	assert_int_equal(bus_allocate(bus, 4096, &a, &e), 0);
	assert_int_equal(bus_allocate(bus, 8192, &c, &e), 0); /* does not fit into the gap */
	assert_int_equal(a.address, 0x18000000);
	assert_int_equal(c.address, 0x18003000);
	bus_free(bus, &b);
	assert_int_equal(bus_allocate(bus, 4096, &b, &e), 0);
	assert_int_equal(b.address, 0x18001000);
	assert_int_equal(((uint8_t *)b.data)[0], 0);
	bus_free(bus, &b);
	assert_int_equal(bus_allocate(bus, 65536, &b, &e), -ENOMEM);
	assert_non_null(strstr(e.text, "larger size"));
	assert_int_equal(bus_allocate(bus, SIZE_MAX - 5, &b, &e), -ENOMEM);
	bus_free(bus, &b);
	bus_close(bus);
}

static void expect_no_memory(int code, const char *text)
{
	struct bus *bus = open_bus();
	struct bus_memory a;
	struct error e = {0};

	assert_int_equal(bus_allocate(bus, 4096, &a, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
	bus_close(bus);
}

static void test_no_memory(void **state)
{
	(void)state;
	board_put(UDMABUF "/phys_addr", "0x18000123\n");
	expect_no_memory(-EBADMSG, "no sensible place");
	board_put(UDMABUF "/phys_addr", "0x18000000\n");
	board_put(UDMABUF "/size", "-4096\n");
	expect_no_memory(-EBADMSG, "udmabuf0/size");
	board_remove("sys/class/u-dma-buf");
	expect_no_memory(-ENODEV, "u-dma-buf");
	board_put("dev/dma_heap/linux,cma", "");
	expect_no_memory(-ENODEV, "a dma-heap, which this kernel has");
}

/* The name decides, and where the sync files are closed to us the mapping does without. */
static void test_preferred_memory(void **state)
{
	struct bus *bus;
	struct bus_memory a;
	struct error e = {0};

	(void)state;
	board_put("sys/class/u-dma-buf/twobit-memory/phys_addr", "0x1f000000\n");
	board_put("sys/class/u-dma-buf/twobit-memory/size", "8192\n");
	board_put_empty("dev/twobit-memory", 8192);
	bus = open_bus();
	assert_int_equal(bus_allocate(bus, 100, &a, &e), 0);
	assert_int_equal(a.address, 0x1f000000);
	bus_to_design(bus, &a, 0, 100);
	bus_free(bus, &a);
	bus_close(bus);
}

static void test_program(void **state)
{
	struct bus *bus = open_bus();
	struct error e = {0};
	char text[BITSTREAM_ROOM];

	(void)state;
	assert_int_equal(bus_program(bus, &e), 0);
	board_get(MANAGER "/firmware", text, sizeof(text));
	assert_string_equal(text, FPGA_FIRMWARE);
	board_get(MANAGER "/flags", text, sizeof(text));
	assert_string_equal(text, "0\n");
	assert_int_equal(board_get("lib/firmware/" FPGA_FIRMWARE, text, sizeof(text)), 4 * BITSTREAM_WORDS);
	assert_memory_equal(text + 20, "\x66\x55\x99\xaa", 4);
	bus_write(bus, 1, 0, 4); /* registers are there again */
	assert_int_equal(register_of(3, 0), 4);
	bus_close(bus);
}

/* What cannot be loaded leaves the PL, and what is known of it, alone; what failed half-way does not. */
static void test_program_fails(void **state)
{
	struct bus *bus = open_bus();
	struct error e = {0};

	(void)state;
	bus_write(bus, 1, 0, 4);
	board_remove("overlay.bit");
	assert_int_equal(bus_program(bus, &e), -ENOENT);
	assert_int_equal(bus_read(bus, 1, 0), 4);
	put_bitstream("overlay.bit", "7z020clg400");
	board_remove("lib/firmware");
	assert_int_equal(bus_program(bus, &e), -ENOENT);
	assert_int_equal(bus_read(bus, 1, 0), 4);
	board_put("lib/firmware/other", "");
	board_put(MANAGER "/state", "write error\n");
	assert_int_equal(bus_program(bus, &e), -EIO);
	assert_int_equal(bus_read(bus, 1, 0), UINT32_MAX); /* not touched before a bitstream has come */
	board_put(MANAGER "/state", "operating\n");
	assert_int_equal(bus_program(bus, &e), 0);
	assert_int_equal(bus_read(bus, 1, 0), 4);
	bus_close(bus);
}

/* The same bitstream is not written to the disk again. */
static void test_firmware_stays(void **state)
{
	struct bus *bus = open_bus();
	struct stat before, after;
	struct error e = {0};

	(void)state;
	assert_int_equal(bus_program(bus, &e), 0);
	assert_int_equal(stat(board_path("lib/firmware/" FPGA_FIRMWARE), &before), 0);
	assert_int_equal(bus_program(bus, &e), 0);
	assert_int_equal(stat(board_path("lib/firmware/" FPGA_FIRMWARE), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	board_put("lib/firmware/" FPGA_FIRMWARE, "half of i");
	assert_int_equal(bus_program(bus, &e), 0);
	assert_int_equal(stat(board_path("lib/firmware/" FPGA_FIRMWARE), &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	bus_close(bus);
}

/* A driver of another design names its own bitstream, also for a PL that is empty. */
static void test_own_bitstream(void **state)
{
	char own[512], text[BITSTREAM_ROOM];
	struct error e = {0};
	struct bus *bus;

	(void)state;
	put_bitstream("own.bit", "7z010clg400");
	snprintf(own, sizeof(own), "%s", board_path("own.bit"));
	board_put(MANAGER "/state", "unknown\n");
	assert_int_equal(bus_open(&bus_uio, windows, 2, own, &bus, &e), -EINVAL);
	assert_non_null(strstr(e.text, "own.bit"));
	board_put(MANAGER "/state", "operating\n");
	put_bitstream("own.bit", "7z020clg400");
	board_remove("overlay.bit");
	assert_int_equal(bus_open(&bus_uio, windows, 2, own, &bus, &e), 0);
	assert_int_equal(bus_program(bus, &e), 0);
	board_get(MANAGER "/firmware", text, sizeof(text));
	assert_string_equal(text, FPGA_FIRMWARE);
	bus_close(bus);
}

static void test_one_program_alone(void **state)
{
	struct bus *bus = open_bus();
	struct error e = {0};

	(void)state;
	expect_no_bus(-EBUSY, "another program uses this PL");
	assert_int_equal(bus_program(bus, &e), 0);
	expect_no_bus(-EBUSY, "another program uses this PL");
	bus_close(bus);
	bus_close(open_bus());
}

static int program(struct error *e)
{
	uint64_t hash;
	int rc = fpga_manager_prepare(board, board_path("overlay.bit"), &hash, e);

	return rc ? rc : fpga_manager_load(board, board_path("overlay.bit"), hash, e);
}

static void expect_no_program(int code, const char *text)
{
	struct error e = {0};

	assert_int_equal(program(&e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

static void test_program_refused(void **state)
{
	(void)state;
	board_put(MANAGER "/state", "write error\n");
	expect_no_program(-EIO, "fpga_manager reports \"write error\"");
	put_bitstream("overlay.bit", "7z010clg400");
	expect_no_program(-EINVAL, "7z010clg400");
	put_bitstream("overlay.bit", "7z020clg400");
	board_remove("lib/firmware");
	expect_no_program(-ENOENT, "lib/firmware/" FPGA_FIRMWARE ": No such file");
	board_remove(MANAGER);
	assert_int_equal(fpga_manager_operating(board), -ENOENT);
	expect_no_program(-ENODEV, "no fpga_manager");
}

/* Registers of an empty PL must not be touched: it is loaded first, or refused. */
static void test_empty_pl(void **state)
{
	char text[64];

	(void)state;
	board_put(MANAGER "/state", "unknown\n");
	assert_int_equal(fpga_manager_operating(board), 0);
	expect_no_bus(-EIO, "reports \"unknown\"");
	board_get(MANAGER "/firmware", text, sizeof(text));
	assert_string_equal(text, FPGA_FIRMWARE); /* it was tried */
}

static void test_device_tree(void **state)
{
	char text[64];

	(void)state;
	board_remove(MANAGER "/firmware");
	expect_no_program(-ENODEV, "overlay.dtbo");
	board_put_bytes("overlay.dtbo", "\xd0\x0d\xfe\xed....", 8);
	expect_no_program(-ENODEV, "CONFIG_OF_CONFIGFS");
	board_put(TREES "/other/dtbo", "");
	expect_no_program(-ENOENT, "did not apply"); /* a plain folder: no file comes with it */
	assert_int_not_equal(access(board_path(TREES "/twobit"), F_OK), 0);
	board_put("overlay.dtbo", "/dts-v1/;");
	expect_no_program(-EBADMSG, "dtc");
	board_put_bytes("overlay.dtbo",
		"\xd0\x0d\xfe\xed"
		"ikwzm,u-dma-buf",
		19);
	expect_no_program(-EINVAL, "must not come and go");
	board_put_bytes("overlay.dtbo", "\xd0\x0d\xfe\xed....", 8);
	board_put(TREES "/twobit/dtbo", ""); /* as if something kept the old one from going */
	expect_no_program(-ENOTEMPTY, "cannot be removed");
	board_get(TREES "/twobit/dtbo", text, sizeof(text));
	assert_string_equal(text, "");
	with_files = "applied\n";
	for (int i = 0; i < 2; i++) { /* the second replaces the first */
		struct error e = {0};

		assert_int_equal(program(&e), 0);
		assert_int_equal(board_get(TREES "/twobit/dtbo", text, sizeof(text)), 8);
	}
	with_files = "unapplied\n";
	expect_no_program(-EIO, "did not apply");
	with_files = NULL;
}

static void test_bitstream_name(void **state)
{
	const struct uio_settings none = {.root = board};
	struct error e = {0};
	char name[512];

	(void)state;
	assert_int_equal(uio_bitstream(name, sizeof(name), &e), 0);
	assert_string_equal(name, board_path("overlay.bit"));
	uio_configure(&none);
	setenv("XDG_DATA_HOME", board_path("data"), 1);
	setenv("TWOBIT_BITSTREAM", "/some/where.bit", 1);
	assert_int_equal(uio_bitstream(name, sizeof(name), &e), 0);
	assert_string_equal(name, "/some/where.bit");
	unsetenv("TWOBIT_BITSTREAM");
	board_put("data/twobit/overlay.bit", "");
	assert_int_equal(uio_bitstream(name, sizeof(name), &e), 0);
	assert_string_equal(name, board_path("data/twobit/overlay.bit"));
	unsetenv("XDG_DATA_HOME");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, set_up),
		cmocka_unit_test_setup(test_offset, set_up),
		cmocka_unit_test_setup(test_no_device, set_up),
		cmocka_unit_test_setup(test_interrupt, set_up),
		cmocka_unit_test_setup(test_memory, set_up),
		cmocka_unit_test_setup(test_no_memory, set_up),
		cmocka_unit_test_setup(test_preferred_memory, set_up),
		cmocka_unit_test_setup(test_program, set_up),
		cmocka_unit_test_setup(test_program_fails, set_up),
		cmocka_unit_test_setup(test_firmware_stays, set_up),
		cmocka_unit_test_setup(test_own_bitstream, set_up),
		cmocka_unit_test_setup(test_one_program_alone, set_up),
		cmocka_unit_test_setup(test_program_refused, set_up),
		cmocka_unit_test_setup(test_empty_pl, set_up),
		cmocka_unit_test_setup(test_device_tree, set_up),
		cmocka_unit_test_setup(test_bitstream_name, set_up),
	};

	signal(SIGPIPE, SIG_IGN); /* an interrupt's node that goes is a socket here */
	if (!mkdtemp(board))
		return 1;
	return cmocka_run_group_tests(tests, NULL, finish);
}
