/* SPDX-License-Identifier: MIT */
/* The bus to base.bit on the files of a PYNQ image: a sparse file is /dev/mem. */
#include "base/error.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/uio.h"
#include "support/bitstream_builder.h"
#include "support/simulated_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE "sys/class/fpga_manager/fpga0/state"
#define BOOT_ID "11111111-2222-3333-4444-555555555555"

static const struct bus_window windows[] = {{"base-video", 0xC80000}, {"base-hot-plug", 0x1000}};

static int set_up(void **state)
{
	static struct uio_settings settings = {.root = board};
	static char bitstream[64];
	uint8_t bytes[BITSTREAM_ROOM];

	(void)state;
	board_remove("");
	assert_int_equal(mkdir(board, 0755), 0);
	board_put_uio(0, "fabric\n", "0x00010000\n");
	board_put(STATE, "operating\n");
	board_put("proc/sys/kernel/random/boot_id", BOOT_ID "\n");
	board_put_empty("dev/mem", (off_t)0x43C80000);
	board_put("sys/class/u-dma-buf/twobit-memory/phys_addr", "0x1f000000\n");
	board_put("sys/class/u-dma-buf/twobit-memory/size", "8192\n");
	board_put_empty("dev/twobit-memory", 8192);
	board_put("sys/class/fpga_manager/fpga0/firmware", "");
	board_put("run/other", "");
	board_put("lib/firmware/other", "");
	board_put_bytes("board.bit", bytes, bitstream_build_bit(bytes, "7z020clg400", 0x03727093U));
	snprintf(bitstream, sizeof(bitstream), "%s", board_path("board.bit"));
	settings.bitstream = bitstream;
	uio_configure(&settings);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	board_remove("");
	return 0;
}

static uint32_t memory_at(long address)
{
	FILE *file = fopen(board_path("dev/mem"), "rb");
	uint32_t value = 0;

	assert_non_null(file);
	assert_int_equal(fseek(file, address, SEEK_SET), 0);
	assert_int_equal(fread(&value, 4, 1, file), 1);
	fclose(file);
	return value;
}

static void expect_refusal(int code, const char *text)
{
	struct bus *bus;
	struct error e = {0};

	assert_int_equal(bus_open(&bus_base, windows, 2, NULL, &bus, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

static struct bus *open_bus(void)
{
	struct bus *bus = NULL;
	struct error e = {0};

	if (bus_open(&bus_base, windows, 2, NULL, &bus, &e))
		fail_msg("%s", e.text);
	return bus;
}

static void test_registers(void **state)
{
	struct bus *bus = open_bus();
	struct bus_memory a = {0};
	struct error e = {0};

	(void)state;
	bus_write(bus, 0, 0xC10008, 0x1234);
	assert_int_equal(bus_read(bus, 0, 0xC10008), 0x1234);
	assert_int_equal(memory_at(0x43C10008), 0x1234);
	bus_write(bus, 1, 0, 5);
	assert_int_equal(memory_at(0x41230000), 5);
	assert_int_equal(bus_allocate(bus, 100, &a, &e), 0);
	assert_int_equal(a.address, 0x1f000000);
	bus_to_design(bus, &a, 0, 100);
	bus_from_design(bus, &a, 0, 100);
	bus_free(bus, &a);
	assert_int_equal(bus_wait(bus, 0, 0), -EIO);
	assert_int_equal(bus_program(bus, &e), -ENOTSUP);
	expect_refusal(-EBUSY, "another program uses this PL");
	bus_close(bus);
	bus_close(open_bus());
}

/* While base.bit is in use, no other design is loaded. */
static void test_keeps_design(void **state)
{
	static const struct bus_window overlay = {"twobit-overlay", 0x1000};
	struct bus *bus = open_bus(), *other;
	struct error e = {0};

	(void)state;
	assert_int_not_equal(bus_open(&bus_uio, &overlay, 1, NULL, &other, &e), 0);
	if (!strstr(e.text, "another program uses this PL"))
		fail_msg("%s", e.text);
	bus_close(bus);
	assert_int_equal(bus_open(&bus_uio, &overlay, 1, NULL, &other, &e), 0); /* loads it */
	expect_refusal(-ENODEV, "the PL holds ");
	bus_close(other);
}

static void test_other_design(void **state)
{
	(void)state;
	board_put("run/twobit/pl", BOOT_ID " 0000000000000001 /home/board.bit\n");
	expect_refusal(-ENODEV, "the PL holds /home/board.bit, not the image's base.bit");
	board_put("run/twobit/pl", BOOT_ID " 0000000000000001 /home/base.bit\n");
	bus_close(open_bus());
	board_put("run/twobit/pl", "99999999-2222-3333-4444-555555555555 0000000000000001 /home/board.bit\n");
	bus_close(open_bus()); /* before the machine started */
	board_put(STATE, "unknown\n");
	expect_refusal(-ENODEV, "the PL is empty");
	board_remove("sys/class/fpga_manager");
	expect_refusal(-ENODEV, "no PYNQ image");
}

#define PYNQ_RECORD                                                                                          \
	"usr/local/share/pynq-venv/lib/python3.10/site-packages/pynq/pl_server/global_pl_state.json"

/* PYNQ's own record counts where twobit has loaded nothing since the machine started. */
static void test_noted_by_pynq(void **state)
{
	(void)state;
	assert_false(uio_base_noted());
	bus_close(open_bus()); /* who asks for it by name takes the risk */
	board_put(PYNQ_RECORD,
		"{\"bitfile_name\": "
		"\"/usr/local/share/pynq-venv/lib/python3.10/site-packages/pynq/overlays/base/"
		"base.bit\", \"active_name\": \"/x/base.bit\", \"timestamp\": \"2026/1/1 0:0:0 +0\", "
		"\"bitfile_hash\": \"1f\", \"shutdown_ips\": {}, \"psddr\": {}}");
	assert_true(uio_base_noted());
	bus_close(open_bus());
	board_put("run/twobit/pl", BOOT_ID " 0000000000000001 /home/board.bit\n");
	assert_false(uio_base_noted());
	board_put("run/twobit/pl", "99999999-2222-3333-4444-555555555555 0000000000000001 /home/board.bit\n");
	assert_true(uio_base_noted()); /* before the machine started */
	board_put(STATE, "unknown\n");
	assert_false(uio_base_noted());
	board_put(STATE, "operating\n");
	board_put("run/twobit/pl", BOOT_ID " 0000000000000001 /home/board.bit\n");
	assert_false(uio_base_noted());
	/* What PYNQ has loaded after twobit did is in the PL. */
	static const struct timespec later[] = {{.tv_sec = INT32_MAX}, {.tv_sec = INT32_MAX}};
	assert_int_equal(utimensat(AT_FDCWD, board_path(PYNQ_RECORD), later, 0), 0);
	assert_true(uio_base_noted());
	board_put(PYNQ_RECORD, "{\"bitfile_name\": \"/home/xilinx/not_base.bit\", \"psddr\": {}}");
	board_remove("run/twobit/pl");
	assert_false(uio_base_noted());
	expect_refusal(-ENODEV, "the PL holds /home/xilinx/not_base.bit, not the image's base.bit");
	static const char *const no_records[] = {
		"", "[]", "{\"bitfile_name\": 3}", "{\"bitfile_name\": \"/base.bit\"", "base.bit"};
	for (size_t i = 0; i < sizeof(no_records) / sizeof(*no_records); i++) {
		board_put(PYNQ_RECORD, no_records[i]);
		assert_false(uio_base_noted());
		bus_close(open_bus());
	}
}

static void test_missing(void **state)
{
	(void)state;
	board_remove("sys/class/u-dma-buf");
	expect_refusal(-ENODEV, "no memory that the PL can reach");
	board_remove("dev/mem");
	expect_refusal(-ENOENT, "/dev/mem");
	board_remove("sys/class/uio/uio0");
	expect_refusal(-ENODEV, "no UIO device is called \"fabric\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, set_up),
		cmocka_unit_test_setup(test_keeps_design, set_up),
		cmocka_unit_test_setup(test_other_design, set_up),
		cmocka_unit_test_setup(test_noted_by_pynq, set_up),
		cmocka_unit_test_setup(test_missing, set_up),
	};

	if (!mkdtemp(board))
		return 1;
	return cmocka_run_group_tests(tests, NULL, finish);
}
