/* SPDX-License-Identifier: MIT */
/*
 * The HDMI connector of a PYNQ board through the design that PYNQ's image loads when it starts (base.bit):
 * a VDMA reads pictures from memory (AMD PG020), two converters make pixels of them, a timing controller
 * (VTC, PG016) makes a screen's lines, and Digilent's axi_dynclk the pixel clock, five times over. Numbers
 * are from these documents and from PYNQ's pynq.lib.video.
 *
 * Of three buffers one is shown, one may wait for the end of the frame, and one is drawn in.
 */
#include "base/clock.h"
#include "base/error.h"
#include "display/canvas/canvas.h"
#include "display/connector/connector.h"
#include "display/drivers.h"
#include "display/keyboard.h"
#include "display/pynq/registers.h"
#include "pl/bus/bus.h"
#include "pl/bus/uio/uio.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WINDOW_VIDEO, WINDOW_HOT_PLUG };

#define BUFFERS 3

#define SETTLE_TIME (100 * NS_PER_MS) /* for what takes a few milliseconds at most */
#define FLIP_TIME (100 * NS_PER_MS)   /* six frames */

struct pynq {
	struct bus *bus;
	const struct connector_mode *mode;
	struct bus_memory memory[BUFFERS];
	struct canvas canvases[BUFFERS];
	int drawn; /* the buffer that was given to the VDMA last */
	struct connector_monitor monitor;
	uint64_t frames;
};

/* For the program's last moments: buffers are the kernel's again then. */
static struct bus *shown_on;

static uint32_t get(const struct pynq *p, uint32_t offset)
{
	return bus_read(p->bus, WINDOW_VIDEO, offset);
}

static void set(const struct pynq *p, uint32_t offset, uint32_t value)
{
	bus_write(p->bus, WINDOW_VIDEO, offset, value);
}

/* Async-signal-safe. */
static void switch_off(void)
{
	if (shown_on)
		bus_write(shown_on, WINDOW_VIDEO, VDMA_CONTROL, VDMA_STOPPED);
}

/* Waits until these bits of a register are `wanted`. */
static bool settles(const struct pynq *p, uint32_t offset, uint32_t bits, uint32_t wanted, int64_t time)
{
	int64_t deadline = clock_now() + time;

	while ((get(p, offset) & bits) != wanted) {
		if (clock_now() >= deadline)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	}
	return true;
}

/* --- modes --- */

/*
 * The clock's MMCM makes of 100 MHz five times the pixel clock: 100 · multiplier / (divider · output), in the
 * order of connector_modes: 74.29 MHz (of 74.25) and 25.24 MHz (of 25.2).
 */
static const struct pynq_clock {
	uint32_t divider, multiplier, output;
} clocks[CONNECTOR_MODES] = {{7, 52, 2}, {7, 53, 6}};

/* High and low time of a divided clock; an odd one has a half more of the one (XAPP888). */
static uint32_t clock_times(uint32_t divider, int edge)
{
	return (divider & 1) << edge | divider / 2 << 6 | (divider + 1) / 2;
}

static int set_clock(const struct pynq *p, struct error *e)
{
	const struct pynq_clock *clock = &clocks[p->mode - connector_modes];

	set(p, CLOCK_CONTROL, 0);
	settles(p, CLOCK_STATUS, CLOCK_RUNNING, 0, SETTLE_TIME);
	set(p, CLOCK_OUTPUT, clock_times(clock->output, CLOCK_COUNTER_EDGE));
	set(p, CLOCK_MULTIPLIER, clock_times(clock->multiplier, CLOCK_COUNTER_EDGE));
	set(p, CLOCK_HIGH, 0);
	set(p, CLOCK_DIVIDER, clock_times(clock->divider, CLOCK_DIVIDER_EDGE));
	set(p, CLOCK_LOCK, CLOCK_LOCK_52);
	set(p, CLOCK_FILTER, CLOCK_FILTER_52);
	set(p, CLOCK_CONTROL, CLOCK_START);
	return settles(p, CLOCK_STATUS, CLOCK_RUNNING, CLOCK_RUNNING, SETTLE_TIME)
		       ? 0
		       : error_set(e, -EIO,
				 "the pixel clock of the image's HDMI output does not start: the design in "
				 "the PL is not base.bit");
}

static uint32_t pair(int low, int high)
{
	return (uint32_t)high << 16 | (uint32_t)low;
}

static void set_timing(const struct pynq *p)
{
	const struct connector_mode *m = p->mode;
	/* Of vertical syncs the controller counts lines from 0. */
	int sync_begin = m->frame.sync_begin - 1, sync_end = m->frame.sync_end - 1;

	set(p, TIMING_CONTROL, 0);
	set(p, TIMING_SIZE, pair(m->width, m->height));
	set(p, TIMING_POLARITY,
		TIMING_POLARITY_DATA | (m->positive ? TIMING_POLARITY_BLANKS | TIMING_POLARITY_SYNCS : 0));
	set(p, TIMING_LINE, (uint32_t)m->line.total);
	set(p, TIMING_FRAME, pair(m->frame.total, m->frame.total));
	set(p, TIMING_LINE_SYNC, pair(m->line.sync_begin, m->line.sync_end));
	set(p, TIMING_BLANK_PLACE, pair(m->width, m->width));
	set(p, TIMING_FRAME_SYNC, pair(sync_begin, sync_end));
	set(p, TIMING_SYNC_PLACE, pair(m->line.sync_begin, m->line.sync_begin));
	set(p, TIMING_CONTROL, TIMING_FROM_REGISTERS | TIMING_GENERATE | TIMING_UPDATE | TIMING_RUN);
}

/* Pixels are bytes B, G, R and one that is not shown; the colours stay as they are. */
static void set_pixels(const struct pynq *p)
{
	set(p, UNPACK_MODE, UNPACK_32_BITS);
	for (uint32_t i = 0; i < COLOUR_COEFFICIENTS; i++)
		set(p, COLOUR_COEFFICIENT(i), i < 9 && i % 4 == 0 ? COLOUR_ONE : 0);
}

/* --- pictures --- */

static int create_buffers(struct pynq *p, struct error *e)
{
	int width = p->mode->width, height = p->mode->height, rc = 0;

	for (int i = 0; i < BUFFERS && !rc; i++) {
		rc = bus_allocate(p->bus, (size_t)width * 4 * (size_t)height, &p->memory[i], e);
		p->canvases[i] = (struct canvas){
			.data = p->memory[i].data, .width = width, .height = height, .stride = width * 4};
	}
	return rc;
}

static int stop_reading(const struct pynq *p, struct error *e)
{
	set(p, VDMA_CONTROL, VDMA_STOPPED);
	return settles(p, VDMA_STATUS, VDMA_HALTED, VDMA_HALTED, SETTLE_TIME)
		       ? 0
		       : error_set(e, -EIO, "the VDMA of the image's HDMI output does not stop");
}

/* After a reset, which ends what an error may have left. The write of the height begins it. */
static int begin_reading(const struct pynq *p, struct error *e)
{
	const struct canvas *canvas = &p->canvases[0];

	set(p, VDMA_CONTROL, VDMA_STOPPED | VDMA_RESET);
	if (!settles(p, VDMA_CONTROL, VDMA_RESET, 0, SETTLE_TIME))
		return error_set(e, -EIO, "the VDMA of the image's HDMI output cannot be reset");
	set(p, VDMA_CONTROL, VDMA_STOPPED | VDMA_RUN);
	for (uint32_t i = 0; i < BUFFERS; i++)
		set(p, VDMA_ADDRESS(i), (uint32_t)p->memory[i].address);
	set(p, VDMA_PARK, 0);
	set(p, VDMA_STRIDE, (uint32_t)canvas->stride);
	set(p, VDMA_WIDTH, (uint32_t)canvas->width * 4);
	set(p, VDMA_HEIGHT, (uint32_t)canvas->height);
	return settles(p, VDMA_STATUS, VDMA_HALTED, 0, SETTLE_TIME)
		       ? 0
		       : error_set(e, -EIO,
				 "the VDMA of the image's HDMI output does not start (status 0x%x)",
				 get(p, VDMA_STATUS));
}

/* Waits until the last flip is done: then only the buffer that was given last is in use. */
static bool flip_done(const struct pynq *p)
{
	set(p, VDMA_STATUS, VDMA_ERRORS); /* after an error the number below stands still until then */
	return settles(p, VDMA_PARK, VDMA_SHOWN(VDMA_PARK_MASK), VDMA_SHOWN((uint32_t)p->drawn), FLIP_TIME);
}

static int pynq_show(void *state, struct frame *frame, struct error *e)
{
	struct pynq *p = state;
	int next = (p->drawn + 1) % BUFFERS;

	canvas_draw(&p->canvases[next], &frame->picture);
	if (get(p, VDMA_STATUS) & VDMA_HALTED || !flip_done(p))
		return error_set(e, -ENODEV,
			"the image's HDMI output shows no frames: another program stopped it, or the PL was "
			"loaded again");
	bus_to_design(p->bus, &p->memory[next], 0, p->memory[next].size);
	set(p, VDMA_PARK, (uint32_t)next);
	p->drawn = next;
	p->frames++;
	return 0;
}

static void look_for_monitor(struct pynq *p)
{
	connector_looked(&p->monitor, "pynq", bus_read(p->bus, WINDOW_HOT_PLUG, 0) & 1);
}

static enum display_key pynq_poll_key(void *state)
{
	struct pynq *p = state;
	enum display_key key = KEY_NONE;
	int typed;

	if (connector_look_due(&p->monitor))
		look_for_monitor(p);
	while (key == KEY_NONE && (typed = keyboard_read()) >= 0)
		key = display_key_of(typed);
	return key;
}

static struct display_attention pynq_attention(const void *state)
{
	(void)state;
	return (struct display_attention){keyboard_descriptor(), CONNECTOR_LOOK_TIME};
}

/* --- opening and closing --- */

static bool pynq_available(void)
{
	return !display_on_desktop() && uio_has("fabric") && uio_base_noted();
}

static int pynq_check(const struct display_options *options, struct error *e)
{
	return connector_mode_check(options->mode, e);
}

static void release(struct pynq *p)
{
	for (int i = 0; p->bus && i < BUFFERS; i++)
		bus_free(p->bus, &p->memory[i]);
	bus_close(p->bus);
	free(p);
}

static void pynq_close(void *state)
{
	struct pynq *p = state;

	keyboard_close();
	shown_on = NULL;
	stop_reading(p, NULL); /* it reads its buffers until then */
	set(p, TIMING_CONTROL, 0);
	set(p, CLOCK_CONTROL, 0);
	release(p);
}

static int begin(struct pynq *p, struct error *e)
{
	static const struct bus_window windows[] = {
		[WINDOW_VIDEO] = {"base-video", VIDEO_BYTES},
		[WINDOW_HOT_PLUG] = {"base-hot-plug", 0x1000},
	};
	int rc = bus_open(&bus_base, windows, 2, NULL, &p->bus, e);

	if (!rc)
		rc = stop_reading(p, e);
	if (!rc)
		rc = create_buffers(p, e);
	if (rc)
		return rc;
	set_pixels(p);
	rc = set_clock(p, e);
	if (rc)
		return rc;
	set_timing(p);
	rc = begin_reading(p, e);
	if (rc)
		stop_reading(p, NULL);
	return rc;
}

static int pynq_open(const struct display_options *options, void **state, struct error *e)
{
	struct pynq *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return error_set(e, -ENOMEM, "no memory for a monitor");
	rc = connector_mode_find(options->mode, &p->mode, e);
	if (!rc && keyboard_active())
		rc = error_set(e, -EBUSY, "a monitor or a terminal is in use already");
	if (!rc)
		rc = begin(p, e);
	if (rc) {
		release(p);
		return rc;
	}
	p->monitor.there = true;
	look_for_monitor(p);
	shown_on = p->bus;
	keyboard_open(switch_off);
	*state = p;
	return 0;
}

static struct display_capabilities pynq_capabilities(const void *state)
{
	const struct canvas *canvas = ((const struct pynq *)state)->canvases;

	return (struct display_capabilities){.width = canvas->width, .height = canvas->height};
}

static void pynq_describe(const void *state, char *text, size_t size)
{
	const struct pynq *p = state;

	snprintf(text, size, "pynq: HDMI of the board by the image's base.bit, %d×%d at %d Hz: %llu flips",
		p->mode->width, p->mode->height, CONNECTOR_RATE, (unsigned long long)p->frames);
}

const struct display_driver display_pynq = {
	.name = "pynq",
	.summary = "the HDMI connector of a PYNQ board, by the image's base.bit",
	.available = pynq_available,
	.check = pynq_check,
	.open = pynq_open,
	.close = pynq_close,
	.show = pynq_show,
	.poll_key = pynq_poll_key,
	.attention = pynq_attention,
	.capabilities = pynq_capabilities,
	.describe = pynq_describe,
};
