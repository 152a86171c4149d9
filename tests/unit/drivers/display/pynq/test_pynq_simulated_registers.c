/* SPDX-License-Identifier: MIT */
/*
 * `--display pynq` on a simulation of base.bit's registers: what their documents say of them, and no more. No
 * board has confirmed it.
 */
#include "base/error.h"
#include "display/display.h"
#include "display/pynq/registers.h"
#include "flow/frame.h"
#include "pl/bus/bus.h"
#include "support/captured_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PLACE 0x18000000U /* of the first buffer */
#define ROOM 0x00400000U  /* from one to the next */

static struct {
	uint32_t registers[VIDEO_BYTES / 4];
	uint32_t hot_plug;
	bool clock_locks, stops, starts, flips, resets;
	int flips_pending; /* reads until the flip is done */
	int allocations, allowed;
	uint8_t *buffers[4];
	uint32_t flushed; /* the address that was flushed last */
} chip;

static uint32_t *reg(uint32_t offset)
{
	return &chip.registers[offset / 4];
}

static int chip_open(
	const struct bus_window *windows, int count, const char *bitstream, void **state, struct error *e)
{
	(void)bitstream;
	(void)e;
	assert_int_equal(count, 2);
	assert_string_equal(windows[0].name, "base-video");
	assert_string_equal(windows[1].name, "base-hot-plug");
	*state = &chip;
	return 0;
}

static void chip_close(void *state)
{
	(void)state;
	assert_int_equal(chip.allocations, 0);
}

static uint32_t chip_read(void *state, int window, uint32_t offset)
{
	(void)state;
	if (window == 1)
		return chip.hot_plug;
	if (offset == VDMA_PARK && chip.flips && chip.flips_pending-- <= 0)
		*reg(offset) = VDMA_SHOWN(*reg(offset) & VDMA_PARK_MASK) | (*reg(offset) & VDMA_PARK_MASK);
	return *reg(offset);
}

static void control(uint32_t value)
{
	assert_int_equal(value & VDMA_STOPPED, VDMA_STOPPED);
	assert_int_equal(value & 2, 0); /* parked */
	if (value & 1)
		*reg(VDMA_STATUS) = chip.starts ? 0 : VDMA_HALTED;
	else if (chip.stops)
		*reg(VDMA_STATUS) |= VDMA_HALTED;
	if (value & VDMA_RESET && chip.resets)
		value = VDMA_STOPPED;
	*reg(VDMA_CONTROL) = value;
}

static void chip_write(void *state, int window, uint32_t offset, uint32_t value)
{
	(void)state;
	assert_int_equal(window, 0);
	switch (offset) {
	case VDMA_CONTROL:
		control(value);
		return;
	case VDMA_STATUS: /* write 1 to clear */
		*reg(offset) &= ~(value & VDMA_ERRORS);
		return;
	case VDMA_PARK:
		*reg(offset) = (*reg(offset) & ~VDMA_PARK_MASK) | (value & VDMA_PARK_MASK);
		return;
	case VDMA_HEIGHT: /* begins the transfer: all else must be there */
		assert_false(*reg(VDMA_STATUS) & VDMA_HALTED && chip.starts);
		assert_int_equal(*reg(VDMA_ADDRESS(2)), PLACE + 2 * ROOM);
		assert_true(*reg(VDMA_WIDTH) > 0 && *reg(VDMA_STRIDE) >= *reg(VDMA_WIDTH));
		break;
	case CLOCK_CONTROL:
		*reg(CLOCK_STATUS) = value & CLOCK_START && chip.clock_locks;
		break;
	case CLOCK_OUTPUT:
	case CLOCK_MULTIPLIER:
	case CLOCK_DIVIDER:
	case CLOCK_LOCK:
	case CLOCK_FILTER:
		assert_false(*reg(CLOCK_STATUS));
		break;
	default:
		break;
	}
	*reg(offset) = value;
}

static int chip_allocate(void *state, size_t size, struct bus_memory *out, struct error *e)
{
	(void)state;
	if (chip.allocations == chip.allowed)
		return error_set(e, -ENOMEM, "no more memory");
	assert_true(size <= ROOM);
	chip.buffers[chip.allocations] = calloc(1, size);
	*out = (struct bus_memory){.data = chip.buffers[chip.allocations],
		.address = PLACE + ROOM * (uint32_t)chip.allocations,
		.size = size};
	chip.allocations++;
	return 0;
}

static void chip_free(void *state, struct bus_memory *memory)
{
	(void)state;
	assert_true(*reg(VDMA_STATUS) & VDMA_HALTED);
	free(memory->data);
	chip.allocations--;
}

static void chip_to_design(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	(void)state;
	assert_int_equal(offset, 0);
	assert_int_equal(size, memory->size);
	chip.flushed = (uint32_t)memory->address;
}

static const struct bus_driver chip_bus = {
	.name = "chip",
	.open = chip_open,
	.close = chip_close,
	.read = chip_read,
	.write = chip_write,
	.allocate = chip_allocate,
	.free = chip_free,
	.to_design = chip_to_design,
};

int __real_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e);
int __wrap_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e);

int __wrap_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e)
{
	assert_ptr_equal(driver, &bus_base);
	return __real_bus_open(&chip_bus, windows, count, bitstream, out, e);
}

static int set_up(void **state)
{
	(void)state;
	memset(&chip, 0, sizeof(chip));
	chip.clock_locks = chip.stops = chip.starts = chip.flips = chip.resets = true;
	chip.hot_plug = 1;
	chip.allowed = 3;
	*reg(CLOCK_STATUS) = CLOCK_RUNNING; /* a notebook left its picture */
	captured_log_clear();
	return 0;
}

static struct display *open_mode(const char *mode)
{
	const struct display_options options = {.width = 640, .height = 480, .mode = mode};
	struct display *display = NULL;
	struct error e = {0};

	if (display_open("pynq", &options, &display, &e))
		fail_msg("%s", e.text);
	return display;
}

static void expect_refusal(const char *mode, int code, const char *text)
{
	const struct display_options options = {.width = 640, .height = 480, .mode = mode};
	struct display *display;
	struct error e = {0};

	assert_int_equal(display_open("pynq", &options, &display, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
	assert_int_equal(chip.allocations, 0);
}

/* Shows a picture of one colour. */
static int show(struct display *display, uint32_t colour)
{
	static struct frame frame;
	struct error e = {0};

	assert_int_equal(picture_resize(&frame.picture, 64, 36), 0);
	for (size_t i = 0; i < (size_t)64 * 36; i++)
		memcpy(frame.picture.data + 4 * i, &colour, 4);
	int rc = display_show(display, &frame, &e);
	picture_finish(&frame.picture);
	return rc;
}

/* The pixel in the middle of the buffer that the VDMA reads. */
static uint32_t shown(void)
{
	uint32_t number = chip_read(NULL, 0, VDMA_PARK) >> 16, value;

	assert_true(number < 3);
	memcpy(&value,
		chip.buffers[number] + (size_t)*reg(VDMA_HEIGHT) / 2 * *reg(VDMA_STRIDE) +
			*reg(VDMA_WIDTH) / 8 * 4,
		4);
	return value & 0xffffff;
}

/* The frequency of axi_dynclk's output in kHz, of its counters' high and low times. */
static uint32_t pixel_kilohertz(void)
{
	uint32_t output = *reg(CLOCK_OUTPUT), by = *reg(CLOCK_MULTIPLIER), divider = *reg(CLOCK_DIVIDER);
	uint32_t whole = 100000 * ((by >> 6 & 63) + (by & 63)) / ((divider >> 6 & 63) + (divider & 63));

	/* An odd counter has its edge bit, and the voltage-controlled oscillator its limits (AMD DS187). */
	assert_int_equal(by >> 23 & 1, (by & 63) != (by >> 6 & 63));
	assert_int_equal(divider >> 13 & 1, (divider & 63) != (divider >> 6 & 63));
	assert_in_range(whole, 600000, 1200000);
	return whole / ((output >> 6 & 63) + (output & 63)) / 5;
}

static void test_pictures(void **state)
{
	struct display *display = open_mode(NULL);
	char text[200];

	(void)state;
	assert_int_equal(display_capabilities(display).width, 1280);
	assert_int_equal(display_capabilities(display).height, 720);
	assert_int_equal(shown(), 0); /* black */
	for (uint32_t i = 1; i < 8; i++) {
		assert_int_equal(show(display, i * 0x202020), 0);
		assert_int_equal(chip.flushed, PLACE + ROOM * (i % 3));
		assert_in_range(i * 0x202020 - shown(), 0, 0x030303); /* scaling rounds down */
	}
	display_describe(display, text, sizeof(text));
	assert_non_null(strstr(text, "base.bit, 1280×720 at 60 Hz: 7 flips"));
	display_close(display);
	assert_int_equal(*reg(CLOCK_CONTROL), 0);
}

/* CTA-861's modes 4 and 1: lines a second, frames a second, and where the syncs are. */
static void test_modes(void **state)
{
	struct display *display = open_mode("1280x720@60");

	(void)state;
	assert_in_range(pixel_kilohertz(), 74250 - 74250 / 200, 74250 + 74250 / 200); /* ±0.5 % */
	assert_int_equal(*reg(TIMING_SIZE), 720 << 16 | 1280);
	assert_int_equal(*reg(TIMING_LINE), 1650);
	assert_int_equal(*reg(TIMING_FRAME), 750 << 16 | 750);
	assert_int_equal(*reg(TIMING_LINE_SYNC), 1430 << 16 | 1390);
	assert_int_equal(*reg(TIMING_FRAME_SYNC), 729 << 16 | 724);
	assert_int_equal(*reg(TIMING_POLARITY), 0x3f);
	assert_int_equal(*reg(TIMING_CONTROL) & 7, 7);
	display_close(display);
	display = open_mode("640x480");
	assert_in_range(pixel_kilohertz(), 25200 - 25200 / 200, 25200 + 25200 / 200);
	assert_int_equal(*reg(TIMING_SIZE), 480 << 16 | 640);
	assert_int_equal(*reg(TIMING_LINE), 800);
	assert_int_equal(*reg(TIMING_FRAME_SYNC), 491 << 16 | 489);
	assert_int_equal(*reg(TIMING_POLARITY), 0x30);
	assert_int_equal(*reg(VDMA_HEIGHT), 480);
	assert_int_equal(*reg(VDMA_WIDTH), 640 * 4);
	assert_int_equal(*reg(UNPACK_MODE), UNPACK_32_BITS);
	for (uint32_t i = 0; i < COLOUR_COEFFICIENTS; i++)
		assert_int_equal(*reg(COLOUR_COEFFICIENT(i)), i == 0 || i == 4 || i == 8 ? 256 : 0);
	display_close(display);
}

/* Pictures that come faster than the screen shows them wait for it; a stopped VDMA is told. */
static void test_waiting(void **state)
{
	struct display *display = open_mode(NULL);

	(void)state;
	chip.flips_pending = 3;
	assert_int_equal(show(display, 0x101010), 0);
	assert_int_equal(show(display, 0x202020), 0);
	*reg(VDMA_STATUS) |= VDMA_ERRORS;
	assert_int_equal(show(display, 0x303030), 0);
	assert_int_equal(*reg(VDMA_STATUS) & VDMA_ERRORS, 0);
	chip.flips = false;
	assert_int_equal(show(display, 0x404040), -ENODEV);
	*reg(VDMA_STATUS) |= VDMA_HALTED;
	assert_int_equal(show(display, 0x505050), -ENODEV);
	display_close(display);
}

static void test_monitor(void **state)
{
	struct display *display;

	(void)state;
	chip.hot_plug = 0;
	display = open_mode(NULL);
	assert_int_equal(captured_log_count("hot-plug pin tells of no monitor"), 1);
	assert_int_equal(display_poll_key(display), KEY_NONE);
	assert_int_equal(show(display, 1), 0); /* all the same */
	display_close(display);
	assert_int_equal(captured_log_count("monitor"), 1);
}

static void test_refusals(void **state)
{
	(void)state;
	expect_refusal("1920x1080", -EINVAL, "1280x720@60, 640x480@60");
	expect_refusal("720p", -EINVAL, "is no mode");
	chip.allowed = 2;
	expect_refusal(NULL, -ENOMEM, "no more memory");
	chip.allowed = 3;
	chip.clock_locks = false;
	expect_refusal(NULL, -EIO, "pixel clock of the image's HDMI output does not start");
	chip.clock_locks = true;
	chip.starts = false;
	expect_refusal(NULL, -EIO, "does not start (status 0x1)");
	chip.resets = false;
	expect_refusal(NULL, -EIO, "cannot be reset");
	chip.stops = false;
	*reg(VDMA_STATUS) = 0;
	expect_refusal(NULL, -EIO, "does not stop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pictures, set_up),
		cmocka_unit_test_setup(test_modes, set_up),
		cmocka_unit_test_setup(test_waiting, set_up),
		cmocka_unit_test_setup(test_monitor, set_up),
		cmocka_unit_test_setup(test_refusals, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
