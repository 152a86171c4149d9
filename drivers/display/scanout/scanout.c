/* SPDX-License-Identifier: MIT */
/*
 * The HDMI connector of a PYNQ board through the scan-out of our design in the PL (assets/board). Of three
 * buffers one is shown, one may wait for the end of the frame, and one is drawn in, so that drawing never
 * waits.
 *
 * At 1280x720 the picture has half the size, and the scan-out doubles its pixels: the processor writes a
 * quarter.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "display/canvas/canvas.h"
#include "display/drivers.h"
#include "display/keyboard.h"
#include "pl/board/identity.h"
#include "pl/bus/bus.h"
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
#define LOOK_TIME NS_PER_S	      /* between two looks at the hot-plug pin */

#define BIT(name) (UINT32_C(1) << BOARD_##name##_SHIFT)

static const struct scanout_mode {
	const char *name;
	int width, height;
	uint32_t number; /* BOARD_SCANOUT_MODE_… */
	int scale;	 /* pixels of the screen to one of the picture, each way */
} modes[] = {
	{"1280x720", 1280, 720, BOARD_SCANOUT_MODE_1280x720, 2},
	{"640x480", 640, 480, BOARD_SCANOUT_MODE_640x480, 1},
};

#define MODES (sizeof(modes) / sizeof(modes[0]))
#define RATE 60 /* Hz, of all */

struct scanout {
	struct bus *bus;
	const struct scanout_mode *mode;
	struct bus_memory memory[BUFFERS];
	struct canvas canvases[BUFFERS];
	int drawn;    /* the buffer that was given to the scan-out last */
	bool monitor; /* as the pin said last */
	int64_t look_next;
	uint64_t frames;
};

/* For the program's last moments: buffers are the kernel's again then. */
static struct bus *shown_on;

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
	int64_t deadline = clock_now() + SETTLE_TIME;

	while ((get(s, BOARD_REG_SCANOUT_STATUS) & bits) != wanted) {
		if (clock_now() >= deadline)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	return true;
}

/* --- modes --- */

/* -EINVAL: this cannot be a mode on any machine. */
static int read_mode(const char *text, int *width, int *height, double *rate, struct error *e)
{
	int end = 0;

	*rate = RATE;
	if (sscanf(text, "%dx%d%n@%lf%n", width, height, &end, rate, &end) < 2 || text[end])
		return error_refuse(
			e, text, -EINVAL, "'%s' is no mode; write it as 1280x720 or 1280x720@60", text);
	return 0;
}

/* text: NULL for the first. -EINVAL: this connector has no such mode. */
static int find_mode(const char *text, const struct scanout_mode **out, struct error *e)
{
	int width, height, rc;
	double rate;

	*out = &modes[0];
	if (!text)
		return 0;
	rc = read_mode(text, &width, &height, &rate, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < MODES; i++)
		if (modes[i].width == width && modes[i].height == height && rate == RATE) {
			*out = &modes[i];
			return 0;
		}
	return error_refuse(e, text, -EINVAL,
		"the board's scan-out has no mode '%s'; choose one of: 1280x720@60, 640x480@60", text);
}

/* Stops what an earlier program may have left, and selects the mode. */
static int set_mode(const struct scanout *s, struct error *e)
{
	set(s, BOARD_REG_SCANOUT_MASK, 0);
	set(s, BOARD_REG_SCANOUT_CONTROL, get(s, BOARD_REG_SCANOUT_CONTROL) & ~BIT(SCANOUT_CONTROL_ENABLE));
	if (!settles(s, BIT(SCANOUT_STATUS_RUNNING), 0))
		return error_set(e, -EIO, "the board's scan-out does not stop; load the design again");
	set(s, BOARD_REG_SCANOUT_CONTROL, s->mode->number << BOARD_SCANOUT_CONTROL_MODE_SHIFT);
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
	int width = s->mode->width / s->mode->scale, height = s->mode->height / s->mode->scale, rc = 0;
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
	bool doubled = s->mode->scale == 2;

	set(s, BOARD_REG_SCANOUT_FORMAT,
		BOARD_SCANOUT_PIXEL_XRGB8888 << BOARD_SCANOUT_FORMAT_PIXEL_SHIFT |
			(uint32_t)doubled << BOARD_SCANOUT_FORMAT_DOUBLE_SHIFT);
	set(s, BOARD_REG_SCANOUT_STRIDE, (uint32_t)s->canvases[0].stride);
	set(s, BOARD_REG_SCANOUT_CAPTION, 0);
	give(s, 0); /* black */
	shown_on = s->bus;
	set(s, BOARD_REG_SCANOUT_CONTROL,
		s->mode->number << BOARD_SCANOUT_CONTROL_MODE_SHIFT | BIT(SCANOUT_CONTROL_ENABLE));
}

/*
 * Waits until the last flip is done: then only the buffer that was given last is in use. The interrupt line
 * is the whole design's, so it is raised for the scan-out only while somebody waits for it.
 */
static bool flip_done(const struct scanout *s)
{
	int64_t deadline = clock_now() + FLIP_TIME;
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
	bool monitor = get(s, BOARD_REG_SCANOUT_STATUS) & BIT(SCANOUT_STATUS_MONITOR);

	s->look_next = clock_now() + LOOK_TIME;
	if (monitor == s->monitor)
		return;
	s->monitor = monitor;
	if (monitor)
		log_info("scanout: a monitor is plugged in");
	else
		log_warning(
			"scanout: the connector's hot-plug pin tells of no monitor; the picture goes out all "
			"the same");
}

static enum display_key scanout_poll_key(void *state)
{
	struct scanout *s = state;
	enum display_key key = KEY_NONE;
	int typed;

	if (clock_now() >= s->look_next)
		look_for_monitor(s);
	while (key == KEY_NONE && (typed = keyboard_read()) >= 0)
		key = display_key_of(typed);
	return key;
}

/* Keys, and the look at the hot-plug pin. */
static struct display_attention scanout_attention(const void *state)
{
	(void)state;
	return (struct display_attention){keyboard_descriptor(), LOOK_TIME};
}

/* --- opening and closing --- */

static bool scanout_available(void)
{
	return !display_on_desktop() && uio_has("twobit-scanout");
}

static int scanout_check(const struct display_options *options, struct error *e)
{
	int width, height;
	double rate;

	return options->mode ? read_mode(options->mode, &width, &height, &rate, e) : 0;
}

static void scanout_close(void *state)
{
	struct scanout *s = state;

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
	int rc = bus_open(&bus_uio, windows, 2, NULL, &s->bus, e);

	if (!rc)
		rc = board_identity_read(s->bus, WINDOW_IDENTITY, &identity, e);
	if (!rc && !identity.scanout)
		rc = error_set(e, -ENODEV, "the design in the PL has no scan-out");
	if (!rc && !(identity.modes >> s->mode->number & 1))
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
	rc = find_mode(options->mode, &s->mode, e);
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
	s->monitor = true; /* only its absence is worth a word */
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
		"scanout: HDMI of the board, %d×%d at %d Hz, pictures of %d×%d: %llu flips, %u black lines",
		s->mode->width, s->mode->height, RATE, s->canvases[0].width, s->canvases[0].height,
		(unsigned long long)s->frames, get(s, BOARD_REG_SCANOUT_UNDERRUNS));
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
