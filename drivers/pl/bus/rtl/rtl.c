/* SPDX-License-Identifier: MIT */
/*
 * The bus to the whole design of the board (assets/board) as Verilator simulates it: every access passes the
 * processors' port and the bridge, every transfer the DMA and the port to its memory.
 */
#include "base/error.h"
#include "pl/board/registers.h"
#include "pl/bus/bus.h"
#include "pl/bus/rtl/board.h"
#include "pl/bus/rtl/faults.h"
#include "pl/overlay/registers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct bus_window devices[RTL_WINDOWS] = {
	[RTL_OVERLAY] = {"twobit-overlay", OVERLAY_WINDOW},
	[RTL_DMA] = {"twobit-dma", BOARD_BLOCK},
	[RTL_SCANOUT] = {"twobit-scanout", BOARD_BLOCK},
	[RTL_IDENTITY] = {"twobit-identity", BOARD_BLOCK},
};
static const uint32_t places[RTL_WINDOWS] = {
	[RTL_OVERLAY] = BOARD_OVERLAY_AT,
	[RTL_DMA] = BOARD_DMA_AT,
	[RTL_SCANOUT] = BOARD_SCANOUT_AT,
	[RTL_IDENTITY] = BOARD_IDENTITY_AT,
};

struct rtl {
	struct rtl_board *board;
	unsigned windows; /* a set */
	enum rtl_window devices[BUS_WINDOWS];
};

static int find_windows(struct rtl *rtl, const struct bus_window *windows, int count, struct error *e)
{
	for (int i = 0; i < count; i++) {
		int device = 0;

		while (device < RTL_WINDOWS && strcmp(devices[device].name, windows[i].name) != 0)
			device++;
		if (device == RTL_WINDOWS || windows[i].size > devices[device].size)
			return error_set(e, -ENODEV,
				"the simulated board has no device \"%s\" with %zu bytes of registers",
				windows[i].name, windows[i].size);
		rtl->devices[i] = (enum rtl_window)device;
		rtl->windows |= 1U << device;
	}
	return 0;
}

static int rtl_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	struct rtl *rtl = calloc(1, sizeof(*rtl));
	int rc;

	(void)bitstream;
	if (!rtl)
		return error_set(e, -ENOMEM, "simulated board: no memory");
	rc = find_windows(rtl, windows, count, e);
	if (!rc)
		rc = board_attach(rtl->windows, &rtl->board, e);
	if (rc) {
		free(rtl);
		return rc;
	}
	*state = rtl;
	return 0;
}

static void rtl_close(void *state)
{
	struct rtl *rtl = state;

	board_detach(rtl->board, rtl->windows);
	free(rtl);
}

static uint32_t rtl_read(void *state, int window, uint32_t offset)
{
	struct rtl *rtl = state;
	enum rtl_window device = rtl->devices[window];
	uint32_t value = BUS_ALL_ONES;

	board_begin(rtl->board);
	if (!board_stands_still(rtl->board) && !board_read(rtl->board, places[device] + offset, &value))
		value = BUS_ALL_ONES;
	board_end(rtl->board);
	if (device == RTL_OVERLAY && offset == OVERLAY_REG_VERSION && faults_active(RTL_WRONG_VERSION))
		value += 1U << OVERLAY_VERSION_MAJOR_SHIFT;
	return value;
}

/* The lengths of transfers to the overlay can be wrong on their way. */
static uint32_t length_written(uint32_t length)
{
	faults_transfer();
	return faults_active(RTL_LAST_LATE)    ? length + 8
	       : faults_active(RTL_LAST_EARLY) ? length / 16 * 8
					       : length;
}

/* What the faults of the memory need to know of the DMA; returns the value that reaches it. */
static uint32_t note_transfer(struct rtl_board *b, uint32_t offset, uint32_t value)
{
	bool to = offset < BOARD_REG_DMA_FROM_CONTROL;
	struct board_transfer *t = to ? &b->to_overlay : &b->from_overlay;

	switch (to ? offset : offset - BOARD_REG_DMA_FROM_CONTROL) {
	case BOARD_REG_DMA_TO_CONTROL:
		if (!(value & 1U << BOARD_DMA_CONTROL_RESET_SHIFT))
			break;
		faults_reset();
		b->to_overlay.started = b->from_overlay.started = false;
		break;
	case BOARD_REG_DMA_TO_ADDRESS:
		t->address = value;
		break;
	case BOARD_REG_DMA_TO_LENGTH:
		value = to ? length_written(value) : value;
		t->length = value;
		t->started = true;
		break;
	default:
		break;
	}
	return value;
}

static void rtl_write(void *state, int window, uint32_t offset, uint32_t value)
{
	struct rtl *rtl = state;
	enum rtl_window device = rtl->devices[window];

	board_begin(rtl->board);
	if (!board_stands_still(rtl->board)) {
		if (device == RTL_DMA)
			value = note_transfer(rtl->board, offset, value);
		board_write(rtl->board, places[device] + offset, value);
	}
	board_end(rtl->board);
}

static int rtl_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	int rc = board_allocate(((struct rtl *)state)->board, size, out);

	return rc ? error_set(e, rc, "simulated board: no memory for a buffer of %zu bytes", size) : 0;
}

static void rtl_free(void *state, struct bus_memory *memory)
{
	board_release(((struct rtl *)state)->board, memory);
}

/* The simulation uses the same memory as the processor, after the register accesses that start it. */
static void no_sync_needed(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	(void)state;
	(void)memory;
	(void)offset;
	(void)size;
}

/* As on the board, all windows have one interrupt. */
static int rtl_wait(void *state, int window, int64_t deadline)
{
	(void)window;
	return board_wait(((struct rtl *)state)->board, deadline);
}

static int rtl_program(void *state, struct error *e)
{
	struct rtl_board *b = ((struct rtl *)state)->board;

	if (!faults_program())
		return error_set(e, -EIO, "the simulated board is set to refuse its programming");
	board_begin(b);
	int rc = board_program(b);
	board_end(b);
	if (rc == -EBUSY)
		return error_set(e, rc, "another part of this program uses the simulated board");
	return rc ? error_set(e, rc, "simulated board: no memory") : 0;
}

const struct bus_driver bus_rtl = {
	.name = "rtl",
	.open = rtl_open,
	.close = rtl_close,
	.read = rtl_read,
	.write = rtl_write,
	.allocate = rtl_allocate,
	.free = rtl_free,
	.to_design = no_sync_needed,
	.from_design = no_sync_needed,
	.wait = rtl_wait,
	.program = rtl_program,
};
