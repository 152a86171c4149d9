/* SPDX-License-Identifier: MIT */
/* The HDMI connector of a board: the scan-out's registers are simulated as assets/board/README.md describes
 * them. */
#include "base/clock.h"
#include "base/error.h"
#include "display/display.h"
#include "flow/frame.h"
#include "pl/board/identity.h"
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

#define BIT(name) (UINT32_C(1) << BOARD_##name##_SHIFT)
#define PLACE 0x10000000U /* of the first buffer */
#define ROOM 0x00400000U  /* from one to the next */

static struct {
	uint32_t identity[BOARD_BLOCK / 4], registers[BOARD_BLOCK / 4];
	uint32_t address, format, stride; /* taken over at the last flip */
	bool locks, gone, flips, stops;
	int flips_pending; /* reads of the status until the flip is done */
	int allocations, allowed, waits;
	uint8_t *buffers[4];
	size_t flushed;
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
	assert_string_equal(windows[0].name, "twobit-identity");
	assert_string_equal(windows[1].name, "twobit-scanout");
	*state = &chip;
	return 0;
}

static void chip_close(void *state)
{
	(void)state;
	assert_int_equal(chip.allocations, 0);
	if (*reg(BOARD_REG_SCANOUT_MASK) != UINT32_MAX && chip.stops) /* else it was not touched */
		assert_int_equal(*reg(BOARD_REG_SCANOUT_CONTROL) & BIT(SCANOUT_CONTROL_ENABLE), 0);
}

static void take_over(void)
{
	chip.address = *reg(BOARD_REG_SCANOUT_ADDRESS);
	chip.format = *reg(BOARD_REG_SCANOUT_FORMAT);
	chip.stride = *reg(BOARD_REG_SCANOUT_STRIDE);
	*reg(BOARD_REG_SCANOUT_STATUS) &= ~BIT(SCANOUT_STATUS_PENDING);
	*reg(BOARD_REG_SCANOUT_INTERRUPT) |= BIT(SCANOUT_INTERRUPT_FLIPPED);
}

static uint32_t chip_read(void *state, int window, uint32_t offset)
{
	(void)state;
	if (chip.gone)
		return BUS_ALL_ONES;
	if (window == 0)
		return chip.identity[offset / 4];
	if (offset == BOARD_REG_SCANOUT_STATUS && *reg(offset) & BIT(SCANOUT_STATUS_PENDING) && chip.flips &&
		chip.flips_pending-- <= 0)
		take_over();
	return *reg(offset);
}

static void control(uint32_t value)
{
	uint32_t *status = reg(BOARD_REG_SCANOUT_STATUS);
	bool was = *reg(BOARD_REG_SCANOUT_CONTROL) & BIT(SCANOUT_CONTROL_ENABLE);
	bool is = value & BIT(SCANOUT_CONTROL_ENABLE);

	if (BOARD_FIELD(value, SCANOUT_CONTROL_MODE) !=
		BOARD_FIELD(*reg(BOARD_REG_SCANOUT_CONTROL), SCANOUT_CONTROL_MODE))
		assert_false(*status & BIT(SCANOUT_STATUS_RUNNING));
	*status = chip.locks ? *status | BIT(SCANOUT_STATUS_LOCKED) : *status;
	if (is && !was)
		take_over();
	if (is)
		*status |= BIT(SCANOUT_STATUS_RUNNING);
	else if (chip.stops)
		*status &= ~BIT(SCANOUT_STATUS_RUNNING);
}

static void chip_write(void *state, int window, uint32_t offset, uint32_t value)
{
	(void)state;
	assert_int_equal(window, 1);
	if (offset >= BOARD_REG_SCANOUT_FORMAT) /* settings are for a frame that does not wait */
		assert_false(*reg(BOARD_REG_SCANOUT_STATUS) & BIT(SCANOUT_STATUS_PENDING));
	if (offset == BOARD_REG_SCANOUT_CONTROL)
		control(value);
	if (offset == BOARD_REG_SCANOUT_FLIP)
		*reg(BOARD_REG_SCANOUT_STATUS) |= BIT(SCANOUT_STATUS_PENDING);
	*reg(offset) = offset == BOARD_REG_SCANOUT_INTERRUPT ? *reg(offset) & ~value : value;
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
	assert_true(!(*reg(BOARD_REG_SCANOUT_STATUS) & BIT(SCANOUT_STATUS_RUNNING)) || !chip.stops);
	free(memory->data);
	chip.allocations--;
}

static void chip_to_design(void *state, const struct bus_memory *memory, size_t offset, size_t size)
{
	(void)state;
	(void)memory;
	assert_int_equal(offset, 0);
	chip.flushed = size;
}

static int chip_wait(void *state, int window, int64_t deadline)
{
	(void)state;
	(void)deadline;
	assert_int_equal(window, 1);
	assert_int_equal(*reg(BOARD_REG_SCANOUT_MASK), BIT(SCANOUT_INTERRUPT_FLIPPED));
	chip.waits++;
	return -EIO; /* the board's device has no interrupt: the registers decide */
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
	.wait = chip_wait,
};

int __real_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e);
int __wrap_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e);

int __wrap_bus_open(const struct bus_driver *driver, const struct bus_window *windows, int count,
	const char *bitstream, struct bus **out, struct error *e)
{
	assert_ptr_equal(driver, &bus_uio);
	return __real_bus_open(&chip_bus, windows, count, bitstream, out, e);
}

static int set_up(void **state)
{
	(void)state;
	memset(&chip, 0, sizeof(chip));
	chip.locks = chip.flips = chip.stops = true;
	chip.allowed = 3;
	chip.identity[BOARD_REG_IDENTITY / 4] = BOARD_IDENTITY;
	chip.identity[BOARD_REG_VERSION / 4] = BOARD_VERSION_MAJOR << 16 | BOARD_VERSION_MINOR;
	chip.identity[BOARD_REG_PARTS / 4] = 3 << BOARD_PARTS_MODES_SHIFT | BIT(PARTS_SCANOUT);
	*reg(BOARD_REG_SCANOUT_STATUS) = BIT(SCANOUT_STATUS_MONITOR) | BIT(SCANOUT_STATUS_RUNNING);
	*reg(BOARD_REG_SCANOUT_CONTROL) =
		BOARD_SCANOUT_MODE_640x480 << BOARD_SCANOUT_CONTROL_MODE_SHIFT | BIT(SCANOUT_CONTROL_ENABLE);
	*reg(BOARD_REG_SCANOUT_MASK) = UINT32_MAX; /* an earlier program was killed */
	captured_log_clear();
	return 0;
}

static struct display *open_mode(const char *mode)
{
	const struct display_options options = {.width = 640, .height = 480, .mode = mode};
	struct display *display = NULL;
	struct error e = {0};

	if (display_open("scanout", &options, &display, &e))
		fail_msg("%s", e.text);
	return display;
}

static void expect_refusal(const char *mode, int code, const char *text)
{
	const struct display_options options = {.width = 640, .height = 480, .mode = mode};
	struct display *display;
	struct error e = {0};

	assert_int_equal(display_open("scanout", &options, &display, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
	assert_int_equal(chip.allocations, 0);
}

/* Shows a picture of one colour. */
static int show(struct display *display, int width, int height, uint32_t colour)
{
	static struct frame frame;
	struct error e = {0};

	assert_int_equal(picture_resize(&frame.picture, width, height), 0);
	for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
		memcpy(frame.picture.data + 4 * i, &colour, 4);
	int rc = display_show(display, &frame, &e);
	picture_finish(&frame.picture);
	return rc;
}

/* The pixel of the picture that the connector carries. */
static uint32_t pixel(int x, int y)
{
	uint32_t value;

	assert_true(chip.address >= PLACE && (chip.address - PLACE) % ROOM == 0);
	memcpy(&value, chip.buffers[(chip.address - PLACE) / ROOM] + (size_t)y * chip.stride + (size_t)x * 4,
		4);
	return value & 0xffffff;
}

/* Scaling rounds colours down. */
static void expect_pixel(int x, int y, uint32_t colour)
{
	uint32_t is = pixel(x, y);

	for (int shift = 0; shift < 24; shift += 8)
		assert_in_range((colour >> shift & 255) - (is >> shift & 255), 0, 3);
}

static void test_pictures(void **state)
{
	struct display *display = open_mode(NULL);
	struct display_capabilities capabilities = display_capabilities(display);
	char text[200];

	(void)state;
	assert_int_equal(capabilities.width, 640);
	assert_int_equal(capabilities.height, 360);
	assert_int_equal(*reg(BOARD_REG_SCANOUT_CONTROL), BIT(SCANOUT_CONTROL_ENABLE));
	assert_int_equal(*reg(BOARD_REG_SCANOUT_MASK), 0);
	assert_int_equal(chip.format, BIT(SCANOUT_FORMAT_DOUBLE));
	assert_int_equal(chip.stride % BOARD_SCANOUT_ALIGNMENT, 0);
	assert_int_equal(pixel(320, 180), 0); /* black */
	for (uint32_t colour = 0x102030; colour < 0x102040; colour++) {
		uint32_t before = chip.address;

		assert_int_equal(show(display, 640, 480, colour), 0);
		chip_read(NULL, 1, BOARD_REG_SCANOUT_STATUS);
		assert_int_not_equal(chip.address, before);
		expect_pixel(320, 180, colour);
		expect_pixel(80, 359, colour); /* 480 × 360 in the middle */
		assert_int_equal(pixel(79, 0), 0);
		assert_int_equal(chip.flushed, 640 * 360 * 4);
	}
	display_describe(display, text, sizeof(text));
	assert_non_null(strstr(text, "1280×720 at 60 Hz, pictures of 640×360: 16 flips, 0 black lines"));
	display_close(display);
}

static void test_other_mode(void **state)
{
	struct display *display = open_mode("640x480@60");

	(void)state;
	assert_int_equal(BOARD_FIELD(*reg(BOARD_REG_SCANOUT_CONTROL), SCANOUT_CONTROL_MODE),
		BOARD_SCANOUT_MODE_640x480);
	assert_int_equal(chip.format, 0);
	assert_int_equal(show(display, 320, 240, 0xabcdef), 0);
	chip_read(NULL, 1, BOARD_REG_SCANOUT_STATUS);
	expect_pixel(639, 479, 0xabcdef);
	display_close(display);
}

/* Pictures that come faster than the screen shows them wait for it. */
static void test_waiting(void **state)
{
	struct display *display = open_mode(NULL);

	(void)state;
	chip.flips_pending = 5;
	assert_int_equal(show(display, 640, 360, 1), 0);
	assert_int_equal(chip.waits, 0);
	assert_int_equal(show(display, 640, 360, 2), 0);
	assert_true(chip.waits > 0);
	assert_int_equal(*reg(BOARD_REG_SCANOUT_MASK), 0);
	assert_int_equal(pixel(0, 0), 1); /* drawn in a buffer that is not in use */
	chip.flips = false;
	assert_int_equal(show(display, 640, 360, 3), -ENODEV);
	chip.flips = true;
	display_close(display);
}

static void test_gone(void **state)
{
	struct display *display = open_mode(NULL);

	(void)state;
	*reg(BOARD_REG_SCANOUT_CONTROL) = 0; /* the design was loaded again */
	assert_int_equal(show(display, 640, 360, 1), -ENODEV);
	chip.gone = true;
	assert_int_equal(show(display, 640, 360, 1), -ENODEV);
	chip.gone = false;
	display_close(display);
}

static void test_monitor(void **state)
{
	struct display *display;

	(void)state;
	*reg(BOARD_REG_SCANOUT_STATUS) &= ~BIT(SCANOUT_STATUS_MONITOR);
	display = open_mode(NULL);
	assert_int_equal(captured_log_count("hot-plug pin tells of no monitor"), 1);
	assert_int_equal(display_poll_key(display), KEY_NONE);
	assert_int_equal(show(display, 640, 360, 1), 0); /* all the same */
	display_close(display);
	assert_int_equal(captured_log_count("monitor"), 1);
}

static void test_refusals(void **state)
{
	const struct display_options wrong = {.mode = "720p"}, other = {.mode = "1920x1080"};
	struct error e = {0};

	(void)state;
	expect_refusal("1920x1080", -EINVAL, "1280x720@60, 640x480@60");
	expect_refusal("1280x720@50", -EINVAL, "1280x720@60, 640x480@60");
	expect_refusal("720p", -EINVAL, "is no mode");
	assert_int_equal(display_check("scanout", &wrong, &e), -EINVAL);
	assert_int_equal(display_check("scanout", &other, &e), 0); /* another display may have it */
	chip.identity[BOARD_REG_PARTS / 4] &= ~(uint32_t)BIT(PARTS_MODES);
	expect_refusal(NULL, -ENODEV, "has no mode 1280x720");
	chip.identity[BOARD_REG_PARTS / 4] = 0;
	expect_refusal(NULL, -ENODEV, "has no scan-out");
	chip.identity[BOARD_REG_VERSION / 4] = 9 << 16;
	expect_refusal(NULL, -EPROTO, "version 9.0");
	chip.identity[BOARD_REG_IDENTITY / 4] = 1;
	expect_refusal(NULL, -ENODEV, "another design");
	set_up(NULL);
	chip.allowed = 2;
	expect_refusal(NULL, -ENOMEM, "no more memory");
	chip.locks = false;
	*reg(BOARD_REG_SCANOUT_STATUS) = 0;
	expect_refusal(NULL, -EIO, "does not start");
	chip.stops = false;
	*reg(BOARD_REG_SCANOUT_STATUS) = BIT(SCANOUT_STATUS_RUNNING);
	expect_refusal(NULL, -EIO, "does not stop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pictures, set_up),
		cmocka_unit_test_setup(test_other_mode, set_up),
		cmocka_unit_test_setup(test_waiting, set_up),
		cmocka_unit_test_setup(test_gone, set_up),
		cmocka_unit_test_setup(test_monitor, set_up),
		cmocka_unit_test_setup(test_refusals, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
