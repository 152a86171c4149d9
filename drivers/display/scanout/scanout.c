/* SPDX-License-Identifier: MIT */
/*
 * The HDMI connector of a PYNQ board through the scan-out of our design in the PL (assets/board). Of three
 * buffers one is shown, one may wait for the end of the frame, and one is drawn in, so that drawing never
 * waits.
 *
 * At 1280x720 the picture has half the size, and the scan-out doubles its pixels: the processor writes a
 * quarter.
 *
 * The board can be a simulated one; then the file that is asked for gets what its connector shows last.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "display/canvas/canvas.h"
#include "display/connector/connector.h"
#include "display/drivers.h"
#include "display/keyboard.h"
#include "image/picture_write.h"
#include "pl/board/identity.h"
#include "pl/bus/bus.h"
#include "pl/bus/rtl_screen.h"
#include "pl/bus/uio/uio.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WINDOW_IDENTITY, WINDOW_SCANOUT };

#define BUFFERS 3

#define SETTLE_TIME (100 * NS_PER_MS) /* for what takes a millisecond at most */
#define FLIP_TIME (100 * NS_PER_MS)   /* six frames */
#define SIMULATION 2000		      /* how much longer a simulated board may take: seconds a frame */

#define BIT(name) (UINT32_C(1) << BOARD_##name##_SHIFT)

/* The connector's modes stand in the order of the design's numbers. */
_Static_assert(BOARD_SCANOUT_MODE_1280x720 == 0 && BOARD_SCANOUT_MODE_640x480 == 1, "modes in order");

struct scanout {
	struct bus *bus;
	const struct connector_mode *mode;
	uint32_t number; /* of the mode */
	int scale;	 /* pixels of the screen to one of the picture, each way */
	const char *png; /* NULL: a real board */
	struct bus_memory memory[BUFFERS];
	struct canvas canvases[BUFFERS];
	int drawn; /* the buffer that was given to the scan-out last */
	struct connector_monitor monitor;
	uint64_t frames;
};

/* For the program's last moments: buffers are the kernel's again then. */
static struct bus *shown_on;

/* ns from now on */
static int64_t deadline_in(const struct scanout *s, int64_t time)
{
	return clock_now() + (s->png ? SIMULATION * time : time);
}

static uint32_t get(const struct scanout *s, uint32_t offset)
{
	return bus_read(s->bus, WINDOW_SCANOUT, offset);
}

static void set(const struct scanout *s, uint32_t offset, uint32_t value)
{
	bus_write(s->bus, WINDOW_SCANOUT, offset, value);
}

/* Async-signal-safe. The mode stays: it must not change while lines are shown. */
static void switch_off(void)
{
	uint32_t control;

	if (!shown_on)
		return;
	control = bus_read(shown_on, WINDOW_SCANOUT, BOARD_REG_SCANOUT_CONTROL);
	bus_write(
		shown_on, WINDOW_SCANOUT, BOARD_REG_SCANOUT_CONTROL, control & ~BIT(SCANOUT_CONTROL_ENABLE));
}

/* Waits until these bits of the status are `wanted`. */
static bool settles(const struct scanout *s, uint32_t bits, uint32_t wanted)
{
	int64_t deadline = deadline_in(s, SETTLE_TIME);

	while ((get(s, BOARD_REG_SCANOUT_STATUS) & bits) != wanted) {
		if (clock_now() >= deadline)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	return true;
}

/* Stops what an earlier program may have left, and selects the mode. */
static int set_mode(const struct scanout *s, struct error *e)
{
	set(s, BOARD_REG_SCANOUT_MASK, 0);
	set(s, BOARD_REG_SCANOUT_CONTROL, get(s, BOARD_REG_SCANOUT_CONTROL) & ~BIT(SCANOUT_CONTROL_ENABLE));
	if (!settles(s, BIT(SCANOUT_STATUS_RUNNING), 0))
		return error_set(e, -EIO, "the board's scan-out does not stop; load the design again");
	set(s, BOARD_REG_SCANOUT_CONTROL, s->number << BOARD_SCANOUT_CONTROL_MODE_SHIFT);
	if (!settles(s, BIT(SCANOUT_STATUS_LOCKED), BIT(SCANOUT_STATUS_LOCKED)))
		return error_set(e, -EIO,
			"the pixel clock of the board's scan-out does not start: the PL's clock FCLK0 is not "
			"100 MHz, or stands (docs/board.md)");
	set(s, BOARD_REG_SCANOUT_INTERRUPT, UINT32_MAX);
	return 0;
}

/* --- pictures --- */

static int create_buffers(struct scanout *s, struct error *e)
{
	int width = s->mode->width / s->scale, height = s->mode->height / s->scale, rc = 0;
	int stride =
		(width * 4 + BOARD_SCANOUT_ALIGNMENT - 1) / BOARD_SCANOUT_ALIGNMENT * BOARD_SCANOUT_ALIGNMENT;

	for (int i = 0; i < BUFFERS && !rc; i++) {
		rc = bus_allocate(s->bus, (size_t)stride * (size_t)height, &s->memory[i], e);
		s->canvases[i] = (struct canvas){
			.data = s->memory[i].data, .width = width, .height = height, .stride = stride};
	}
	return rc;
}

static void give(struct scanout *s, int buffer)
{
	bus_to_design(s->bus, &s->memory[buffer], 0, s->memory[buffer].size);
	set(s, BOARD_REG_SCANOUT_ADDRESS, (uint32_t)s->memory[buffer].address);
	s->drawn = buffer;
}

static void begin_scanout(struct scanout *s)
{
	bool doubled = s->scale == 2;

	set(s, BOARD_REG_SCANOUT_FORMAT,
		BOARD_SCANOUT_PIXEL_XRGB8888 << BOARD_SCANOUT_FORMAT_PIXEL_SHIFT |
			(uint32_t)doubled << BOARD_SCANOUT_FORMAT_DOUBLE_SHIFT);
	set(s, BOARD_REG_SCANOUT_STRIDE, (uint32_t)s->canvases[0].stride);
	set(s, BOARD_REG_SCANOUT_CAPTION, 0);
	give(s, 0); /* black */
	shown_on = s->bus;
	set(s, BOARD_REG_SCANOUT_CONTROL,
		s->number << BOARD_SCANOUT_CONTROL_MODE_SHIFT | BIT(SCANOUT_CONTROL_ENABLE));
}

/*
 * Waits until the last flip is done: then only the buffer that was given last is in use. The interrupt line
 * is the whole design's, so it is raised for the scan-out only while somebody waits for it.
 */
static bool flip_done(const struct scanout *s)
{
	int64_t deadline = deadline_in(s, FLIP_TIME);
	bool pending = get(s, BOARD_REG_SCANOUT_STATUS) & BIT(SCANOUT_STATUS_PENDING);

	if (pending)
		set(s, BOARD_REG_SCANOUT_MASK, BIT(SCANOUT_INTERRUPT_FLIPPED));
	while (pending && clock_now() < deadline) {
		int rc = bus_wait(s->bus, WINDOW_SCANOUT, deadline);

		pending = get(s, BOARD_REG_SCANOUT_STATUS) & BIT(SCANOUT_STATUS_PENDING);
		if (rc == -EIO) /* without an interrupt */
			nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	}
	set(s, BOARD_REG_SCANOUT_MASK, 0);
	set(s, BOARD_REG_SCANOUT_INTERRUPT, BIT(SCANOUT_INTERRUPT_FLIPPED));
	return !pending;
}

/* Another program loaded another design, or this one loaded its own again: is this still the scan-out? */
static int check_running(struct scanout *s, struct error *e)
{
	uint32_t control = get(s, BOARD_REG_SCANOUT_CONTROL);

	if (control != BUS_ALL_ONES && control & BIT(SCANOUT_CONTROL_ENABLE))
		return 0;
	return error_set(e, -ENODEV, "the board's scan-out is gone: the PL was loaded again");
}

static int scanout_show(void *state, struct frame *frame, struct error *e)
{
	struct scanout *s = state;
	int next = (s->drawn + 1) % BUFFERS, rc = check_running(s, e);

	if (rc)
		return rc;
	canvas_draw(&s->canvases[next], &frame->picture);
	if (!flip_done(s))
		return error_set(e, -ENODEV, "the board's scan-out shows no frames: its clock stands");
	give(s, next);
	set(s, BOARD_REG_SCANOUT_FLIP, 1);
	s->frames++;
	return 0;
}

/* --- the monitor --- */

static void look_for_monitor(struct scanout *s)
{
	connector_looked(
		&s->monitor, "scanout", get(s, BOARD_REG_SCANOUT_STATUS) & BIT(SCANOUT_STATUS_MONITOR));
}

static enum display_key scanout_poll_key(void *state)
{
	struct scanout *s = state;
	enum display_key key = KEY_NONE;
	int typed;

	if (connector_look_due(&s->monitor))
		look_for_monitor(s);
	while (key == KEY_NONE && (typed = keyboard_read()) >= 0)
		key = display_key_of(typed);
	return key;
}

/* Keys, and the look at the hot-plug pin. */
static struct display_attention scanout_attention(const void *state)
{
	(void)state;
	return (struct display_attention){keyboard_descriptor(), CONNECTOR_LOOK_TIME};
}

/* --- opening and closing --- */

static bool scanout_available(void)
{
	return !display_on_desktop() && uio_has("twobit-scanout");
}

static int scanout_check(const struct display_options *options, struct error *e)
{
	return connector_mode_check(options->mode, e);
}

/* What a monitor at the simulated connector shows: the whole frame that has begun by now, or begins next. */
static void write_screen(const struct scanout *s)
{
	struct rtl_screen screen = {0};
	struct error e = {0};
	int rc = flip_done(s) && settles(s, BIT(SCANOUT_STATUS_BLANK), 0)
			 ? rtl_screen_read(&screen, deadline_in(s, FLIP_TIME), &e)
			 : error_set(&e, -ETIMEDOUT, "the simulated board shows no frames");

	if (!rc) {
		const struct picture picture = {
			.width = screen.width, .height = screen.height, .data = screen.pixels};

		rc = picture_write(s->png, &picture, &e);
		free(screen.pixels);
	}
	if (rc)
		log_error("%s", e.text);
}

static void scanout_close(void *state)
{
	struct scanout *s = state;

	if (s->png)
		write_screen(s);
	keyboard_close();
	shown_on = NULL;
	settles(s, BIT(SCANOUT_STATUS_RUNNING), 0); /* it reads its buffers until then */
	for (int i = 0; i < BUFFERS; i++)
		bus_free(s->bus, &s->memory[i]);
	bus_close(s->bus);
	free(s);
}

static int open_design(struct scanout *s, struct error *e)
{
	static const struct bus_window windows[] = {
		[WINDOW_IDENTITY] = BOARD_IDENTITY_WINDOW,
		[WINDOW_SCANOUT] = {"twobit-scanout", BOARD_BLOCK},
	};
	struct board_identity identity;
	int rc = bus_open(s->png ? &bus_rtl : &bus_uio, windows, 2, NULL, &s->bus, e);

	if (!rc)
		rc = board_identity_read(s->bus, WINDOW_IDENTITY, &identity, e);
	if (!rc && !identity.scanout)
		rc = error_set(e, -ENODEV, "the design in the PL has no scan-out");
	if (!rc && !(identity.modes >> s->number & 1))
		rc = error_set(e, -ENODEV, "the scan-out in the PL has no mode %s; choose another by --mode",
			s->mode->name);
	return rc;
}

static int scanout_open(const struct display_options *options, void **state, struct error *e)
{
	struct scanout *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_set(e, -ENOMEM, "no memory for a monitor");
	rc = connector_mode_find(options->mode, &s->mode, e);
	s->number = (uint32_t)(s->mode - connector_modes);
	s->scale = s->mode->height > 480 ? 2 : 1;
	s->png = options->scanout_png;
	if (!rc && keyboard_active())
		rc = error_set(e, -EBUSY, "a monitor or a terminal is in use already");
	if (!rc)
		rc = open_design(s, e);
	if (!rc)
		rc = set_mode(s, e);
	if (!rc)
		rc = create_buffers(s, e);
	if (rc) {
		for (int i = 0; s->bus && i < BUFFERS; i++)
			bus_free(s->bus, &s->memory[i]);
		bus_close(s->bus);
		free(s);
		return rc;
	}
	s->monitor.there = true;
	look_for_monitor(s);
	begin_scanout(s);
	keyboard_open(switch_off);
	*state = s;
	return 0;
}

static struct display_capabilities scanout_capabilities(const void *state)
{
	const struct canvas *canvas = ((const struct scanout *)state)->canvases;

	return (struct display_capabilities){.width = canvas->width, .height = canvas->height};
}

static void scanout_describe(const void *state, char *text, size_t size)
{
	const struct scanout *s = state;

	snprintf(text, size,
		"scanout: HDMI of the %sboard, %d×%d at %d Hz, pictures of %d×%d: %llu flips, %u black lines",
		s->png ? "simulated " : "", s->mode->width, s->mode->height, CONNECTOR_RATE,
		s->canvases[0].width, s->canvases[0].height, (unsigned long long)s->frames,
		get(s, BOARD_REG_SCANOUT_UNDERRUNS));
}

const struct display_driver display_scanout = {
	.name = "scanout",
	.summary = "the HDMI connector of a PYNQ board, by twobit's own design",
	.available = scanout_available,
	.check = scanout_check,
	.open = scanout_open,
	.close = scanout_close,
	.show = scanout_show,
	.poll_key = scanout_poll_key,
	.attention = scanout_attention,
	.capabilities = scanout_capabilities,
	.describe = scanout_describe,
};
