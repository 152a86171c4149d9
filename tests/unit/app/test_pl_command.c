/* SPDX-License-Identifier: MIT */
/*
 * `twobit pl` on the files of stock PYNQ images, as docs/board.md goes through it: what is printed at each
 * step, and where a step fails.
 */
#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "pl/board/registers.h"
#include "pl/bus/uio/uio.h"
#include "support/bitstream_builder.h"
#include "support/captured_log.h"
#include "support/simulated_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define CODE 0x03727093U
#define MANAGER "sys/class/fpga_manager/fpga0"

extern const struct command pl_command;

static char printed[4096];

int __wrap_device_ioctl(int fd, unsigned long request, void *argument);

/* The one driver of graphics on such an image. */
int __wrap_device_ioctl(int fd, unsigned long request, void *argument)
{
	struct {
		int numbers[3];
		size_t size;
		char *name;
	} *version = argument;

	(void)fd;
	if (_IOC_NR(request) != 0)
		return -ENOTTY;
	version->size = (size_t)snprintf(version->name, version->size, "zocl");
	return 0;
}

/* last: its last byte, to tell one from another. */
static void put_bitstream(const char *path, const char *part, uint8_t last)
{
	uint8_t bytes[BITSTREAM_ROOM];
	size_t size = bitstream_build_bit(bytes, part, CODE);

	bytes[size - 1] = last;
	board_put_bytes(path, bytes, size);
}

static void put_register(long at, uint32_t value)
{
	FILE *file = fopen(board_path("dev/uio0"), "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fwrite(&value, 4, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

/* What the design will answer once it is loaded. */
static void put_identity(uint32_t identity, uint32_t version)
{
	put_register(BOARD_IDENTITY_AT + BOARD_REG_IDENTITY, identity);
	put_register(BOARD_IDENTITY_AT + BOARD_REG_VERSION, version);
	put_register(BOARD_IDENTITY_AT + BOARD_REG_PARTS, 7);
	put_register(BOARD_IDENTITY_AT + BOARD_REG_CLOCK, 100000);
	put_register(BOARD_IDENTITY_AT + BOARD_REG_BUILD, 0x1a2b3c4d);
}

/* An image as it is after it has started: base.bit in the PL. */
static int set_up(void **state)
{
	static struct uio_settings settings = {.root = board};

	(void)state;
	board_remove("");
	assert_int_equal(mkdir(board, 0755), 0);
	board_put_uio(0, "fabric\n", "0x00010000\n");
	board_put_uio(1, "audio-codec-ctrl\n", "0x00010000\n");
	board_put(MANAGER "/state", "operating\n");
	board_put(MANAGER "/firmware", "");
	board_put(MANAGER "/flags", "0\n");
	board_put("lib/firmware/other", "");
	board_put("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
	board_put("run/other", "");
	board_put_empty("dev/dri/renderD128", 4096);
	put_bitstream("board.bit", "7z020clg400", 0);
	put_identity(BOARD_IDENTITY, BOARD_VERSION_MAJOR << 16 | BOARD_VERSION_MINOR);
	uio_configure(&settings);
	setenv("XDG_CONFIG_HOME", board, 1);
	setenv("TWOBIT_BITSTREAM", board_path("board.bit"), 1);
	captured_log_clear();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	board_remove("");
	return 0;
}

/* `twobit pl FIRST SECOND`: its exit code, with what it prints in `printed`. */
static int pl(const char *first, const char *second)
{
	char *arguments[] = {(char *)"pl", (char *)first, (char *)second, NULL};
	static const struct command *const all[] = {&pl_command, NULL};
	struct invocation invocation = {
		.command = &pl_command, .commands = all, .argc = second ? 3 : 2, .argv = arguments};
	char path[] = "/tmp/twobit-pl-output-XXXXXX";
	int fd = mkstemp(path), own = dup(STDOUT_FILENO);

	assert_true(fd >= 0 && own >= 0);
	unlink(path);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	int code = pl_command.run(&invocation);
	fflush(stdout);
	dup2(own, STDOUT_FILENO);
	close(own);
	ssize_t count = pread(fd, printed, sizeof(printed) - 1, 0);
	close(fd);
	printed[count > 0 ? count : 0] = '\0';
	invocation_finish(&invocation);
	return code;
}

static void expect(const char *text)
{
	if (!strstr(printed, text))
		fail_msg("\"%s\" lacks \"%s\"", printed, text);
}

static void expect_logged(const char *text)
{
	if (!captured_log_count(text))
		fail_msg("\"%s\" lacks \"%s\"", captured_log_first(), text);
	captured_log_clear();
}

static void test_status_before(void **state)
{
	(void)state;
	assert_int_equal(pl("status", NULL), EX_UNAVAILABLE);
	expect("state      operating\n");
	expect("loaded     nothing by twobit since the start\n");
	expect("identity   what is in the PL was not loaded by twobit");
	expect("registers  /dev/uio0\n");
	expect("memory     zocl\n");
	expect("board.bit\n");
}

static void test_load(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(pl("load", board_path("board.bit")), EX_OK);
	expect("for 7z020clg400 of ");
	expect("identity   version 1.0 with overlay, DMA, scan-out; 100 MHz; of commit 1a2b3c4d\n");
	assert_true(board_get(MANAGER "/firmware", text, sizeof(text)) > 0);
	assert_int_equal(pl("status", NULL), EX_OK);
	expect("/board.bit\nidentity   version 1.0 ");
	/* The file is replaced: status does not load it. */
	put_bitstream("board.bit", "7z020clg400", 1);
	board_put(MANAGER "/firmware", "");
	assert_int_equal(pl("status", NULL), EX_OK);
	assert_int_equal(board_get(MANAGER "/firmware", text, sizeof(text)), 0);
	board_put("proc/sys/kernel/random/boot_id", "99999999-2222-3333-4444-555555555555\n");
	assert_int_equal(pl("status", NULL), EX_UNAVAILABLE);
	expect("nothing by twobit since the start\n");
}

/* Another design than twobit's can be loaded, too: it has no identity. */
static void test_load_other(void **state)
{
	(void)state;
	put_identity(0, 0);
	assert_int_equal(pl("load", board_path("board.bit")), EX_OK);
	expect("loaded     ");
	expect_logged("another design");
	put_identity(BOARD_IDENTITY, 2U << 16);
	assert_int_equal(pl("status", NULL), EX_UNAVAILABLE);
	expect("the PL holds version 2.0");
}

static void expect_failure(int code, const char *path, const char *text)
{
	assert_int_equal(pl("load", path), code);
	expect_logged(text);
}

static void test_load_fails(void **state)
{
	(void)state;
	expect_failure(EX_NOINPUT, "/nothing/board.bit", "/nothing/board.bit");
	put_bitstream("other.bit", "7z010clg400", 0);
	expect_failure(EX_DATAERR, board_path("other.bit"), "supports the XC7Z020 only");
	board_put(MANAGER "/state", "write error\n");
	expect_failure(EX_UNAVAILABLE, board_path("board.bit"), "reports \"write error\"");
	board_remove("lib/firmware");
	expect_failure(EX_UNAVAILABLE, board_path("board.bit"), "lib/firmware");
	board_remove("sys/class/fpga_manager");
	expect_failure(EX_UNAVAILABLE, board_path("board.bit"), "no fpga_manager");
	assert_int_equal(pl("status", NULL), EX_UNAVAILABLE);
	expect("state      no fpga_manager\n");
	expect("this is no board with a PL");
}

static void test_load_in_use(void **state)
{
	struct flock design = {.l_type = F_RDLCK, .l_start = 1 << 30, .l_len = 1};
	int fd = open(board_path("dev/uio1"), O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &design), 0);
	expect_failure(EX_UNAVAILABLE, board_path("board.bit"), "another program uses this PL");
	close(fd);
}

static void test_missing(void **state)
{
	(void)state;
	board_remove("sys/class/uio");
	board_remove("dev/dri");
	assert_int_equal(pl("status", NULL), EX_UNAVAILABLE);
	expect("registers  no UIO device is called \"fabric\"");
	expect("memory     there is no memory that the PL can reach");
	unsetenv("TWOBIT_BITSTREAM");
	setenv("XDG_DATA_HOME", board, 1);
	assert_int_equal(pl("status", NULL), EX_UNAVAILABLE);
	expect("bitstream  none; TWOBIT_BITSTREAM names one\n");
	unsetenv("XDG_DATA_HOME");
}

static void test_usage(void **state)
{
	(void)state;
	assert_int_equal(pl("load", NULL), EX_USAGE);
	assert_int_equal(pl("laod", NULL), EX_USAGE);
	expect_logged("did you mean load?");
	assert_int_equal(pl("status", "x"), EX_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_load_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_load_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_load_in_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_usage, set_up, tear_down),
	};

	return mkdtemp(board) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
