/* SPDX-License-Identifier: MIT */
#include "support/pynq_image.h"

#include "display/pynq/registers.h"
#include "pl/board/registers.h"
#include "pl/bus/uio/uio.h"
#include "support/bitstream_builder.h"
#include "support/simulated_board.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CODE 0x03727093U
#define MANAGER "sys/class/fpga_manager/fpga0"
#define VIDEO 0x43000000L /* base.bit's, in /dev/mem */
#define LOCKED (UINT32_C(1) << BOARD_SCANOUT_STATUS_LOCKED_SHIFT)

const struct pynq_image pynq_images[PYNQ_IMAGES] = {
	{"5.15.19-xilinx-v2022.1", "dev/dri/renderD128", 0},
	{"6.6.10-xilinx-v2024.1", "dev/dri/renderD128", 1},
};

static bool no_contiguous_memory;

int __wrap_device_ioctl(int fd, unsigned long request, void *argument);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

/* zocl: buffer n is the n-th 4 MB of its node. */
int __wrap_device_ioctl(int fd, unsigned long request, void *argument)
{
	static uint32_t buffers;
	struct {
		int numbers[3];
		size_t size;
		char *name;
	} *version = argument;
	struct {
		uint64_t size;
		uint32_t handle, flags;
	} *create = argument;
	struct {
		uint32_t handle, padding;
		uint64_t offset;
	} *map = argument;
	struct {
		uint32_t handle, padding;
		uint64_t size, address;
	} *info = argument;

	(void)fd;
	switch (_IOC_NR(request)) {
	case 0:
		version->size = (size_t)snprintf(version->name, version->size, "zocl");
		return 0;
	case 0x40:
		create->handle = 1 + buffers++ % 8;
		return no_contiguous_memory ? -ENOMEM : 0;
	case 0x43:
		map->offset = (uint64_t)map->handle << 22;
		return 0;
	case 0x45:
		info->size = 1U << 22;
		info->address = 0x1A000000 + ((uint64_t)info->handle << 22);
		return 0;
	default:
		return 0;
	}
}

static uint32_t *memory; /* base.bit's registers; NULL: they do not change by themselves */

/* base.bit goes on while the program waits: a reset ends, a VDMA that is told to run runs. */
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time;
	(void)left;
	if (memory) {
		memory[VDMA_CONTROL / 4] &= ~VDMA_RESET;
		memory[VDMA_STATUS / 4] = memory[VDMA_CONTROL / 4] & 1 ? 0 : VDMA_HALTED;
		memory[CLOCK_STATUS / 4] = CLOCK_RUNNING;
	}
	usleep(1000);
	return 0;
}

const char *pynq_image_fabric(const struct pynq_image *image)
{
	static char path[32];

	snprintf(path, sizeof(path), "dev/uio%d", image->fabric);
	return path;
}

void pynq_image_put_word(const char *path, long at, uint32_t value)
{
	FILE *file = fopen(board_path(path), "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fwrite(&value, 4, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

void pynq_image_put_identity(
	const struct pynq_image *image, uint32_t identity, uint32_t major, uint32_t parts)
{
	const long at = BOARD_IDENTITY_AT;

	pynq_image_put_word(pynq_image_fabric(image), at + BOARD_REG_IDENTITY, identity);
	pynq_image_put_word(
		pynq_image_fabric(image), at + BOARD_REG_VERSION, major << 16 | BOARD_VERSION_MINOR);
	pynq_image_put_word(pynq_image_fabric(image), at + BOARD_REG_PARTS, parts);
	pynq_image_put_word(pynq_image_fabric(image), at + BOARD_REG_CLOCK, 100000);
	pynq_image_put_word(pynq_image_fabric(image), at + BOARD_REG_BUILD, 0x1a2b3c4d);
}

void pynq_image_put_scanout(const struct pynq_image *image, long offset, uint32_t value)
{
	pynq_image_put_word(pynq_image_fabric(image), BOARD_SCANOUT_AT + offset, value);
}

void pynq_image_put_bitstream(const char *part, size_t missing)
{
	uint8_t bytes[BITSTREAM_ROOM];
	size_t size = bitstream_build_bit(bytes, part, CODE);

	board_put_bytes("home/overlay.bit", bytes, size - missing);
}

void pynq_image_start(const struct pynq_image *image)
{
	static struct uio_settings settings = {.root = board};

	board_remove("");
	assert_int_equal(mkdir(board, 0755), 0);
	board_put_uio(image->fabric, "fabric\n", "0x00010000\n");
	board_put_uio(1 - image->fabric, "audio-codec-ctrl\n", "0x00010000\n");
	board_put(MANAGER "/name", "Xilinx Zynq FPGA Manager\n");
	board_put(MANAGER "/state", "operating\n");
	board_put(MANAGER "/firmware", "");
	board_put(MANAGER "/flags", "0\n");
	board_put("lib/firmware/other", "");
	board_put("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
	board_put("proc/sys/kernel/osrelease", image->release);
	board_put("run/other", "");
	board_put_empty(image->zocl, 64L << 20);
	board_put_empty("dev/mem", VIDEO + VIDEO_BYTES);
	pynq_image_put_bitstream("7z020clg400", 0);
	pynq_image_put_identity(image, BOARD_IDENTITY, BOARD_VERSION_MAJOR, 0x307);
	pynq_image_put_scanout(image, BOARD_REG_SCANOUT_STATUS, LOCKED);
	uio_configure(&settings);
	setenv("XDG_CONFIG_HOME", board, 1);
	setenv("TWOBIT_BITSTREAM", board_path("home/overlay.bit"), 1);
	no_contiguous_memory = false;
}

void pynq_image_set_memory(bool is_there)
{
	no_contiguous_memory = !is_there;
}

uint32_t *pynq_image_begin_base(void)
{
	int fd = open(board_path("dev/mem"), O_RDWR | O_CLOEXEC);

	memory = mmap(NULL, VIDEO_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, VIDEO);
	close(fd);
	assert_true(memory != MAP_FAILED);
	memory[VDMA_STATUS / 4] = VDMA_HALTED;
	return memory;
}

void pynq_image_end_base(void)
{
	if (memory)
		munmap(memory, VIDEO_BYTES);
	memory = NULL;
}
