/* SPDX-License-Identifier: MIT */
/*
 * The board's scan-out from memory to the connector: a receiver decodes its TMDS words, and what it shows
 * must be what memory holds with the caption over it, every pixel.
 */
#include "memory.h"
#include "pl/board/registers.h"
#include "pl/bus/rtl/receiver.h"

#include "verilated.h"
#include "Vscanout.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

static const uint32_t base = 0x10000000, caption_at = 0x400000, size = 0x800000;
static const struct screen modes[] = {{1280, 720, 1650, 750, true}, {640, 480, 800, 525, false}};
/* Halves of clock periods in ps. The slower mode has a slower bus as well, to save time here. */
static const unsigned pixel_half[] = {6734, 19841}, bus_half[] = {5000, 12500};

static int failures;

static void check(bool right, const char *test, const char *what)
{
	if (!right && failures++ < 10)
		std::fprintf(stderr, "%s: %s\n", test, what);
}

struct settings {
	uint32_t format, address, stride;
	uint32_t look, caption, caption_stride; /* look: register CAPTION */
	unsigned x, y, width, height;		/* of the caption */
};

struct bench {
	Vscanout v;
	memory m;
	unsigned mode;
	std::unique_ptr<receiver> monitor;
	uint64_t next_bus = 0, next_pixel = 3;
	bool frame = false; /* has been received */

	explicit bench(unsigned which) : m(base, size, 7), mode(which), monitor(new receiver(modes[which]))
	{
		for (uint8_t &byte : m.bytes)
			byte = (uint8_t)(std::rand() >> 8);
		v.pixel_clock_locked = 1;
		v.reset = 1;
		bus();
		bus();
		v.reset = 0;
		for (int i = 0; i < 8; i++)
			bus();
	}
	void bus_edge()
	{
		struct axi_read r;

		m.drive(&r);
		v.m_arready = r.address_ready;
		v.m_rvalid = r.data_valid;
		v.m_rdata = r.data;
		v.m_rresp = r.response;
		v.eval();
		r.address = v.m_araddr;
		r.length = 15;
		r.address_valid = v.m_arvalid;
		r.data_ready = v.m_rready;
		m.take(r);
		v.clock = 1;
		v.eval();
		v.clock = 0;
		v.write = 0;
	}
	void pixel_edge()
	{
		v.pixel_clock = 1;
		v.eval();
		v.pixel_clock = 0;
		if (v.run && monitor->take(v.blue, v.green, v.red))
			frame = true;
	}
	/* Until the bus's next clock. */
	void bus()
	{
		while (next_pixel < next_bus) {
			pixel_edge();
			next_pixel += 2 * pixel_half[mode];
		}
		bus_edge();
		next_bus += 2 * bus_half[mode];
	}
	void write(uint32_t address, uint32_t value)
	{
		v.write = 1;
		v.write_address = address;
		v.write_data = value;
		bus();
	}
	uint32_t read(uint32_t address)
	{
		v.read_address = address;
		bus();
		return v.read_data;
	}
	void next_frame()
	{
		for (frame = false; !frame && m.wrong + monitor->wrong == 0;)
			bus();
	}
	void set(const struct settings &s)
	{
		write(BOARD_REG_SCANOUT_FORMAT, s.format);
		write(BOARD_REG_SCANOUT_ADDRESS, s.address);
		write(BOARD_REG_SCANOUT_STRIDE, s.stride);
		write(BOARD_REG_SCANOUT_CAPTION, s.look);
		write(BOARD_REG_SCANOUT_CAPTION_ADDRESS, s.caption);
		write(BOARD_REG_SCANOUT_CAPTION_STRIDE, s.caption_stride);
		write(BOARD_REG_SCANOUT_CAPTION_PLACE, s.y << 16 | s.x);
		write(BOARD_REG_SCANOUT_CAPTION_SIZE, s.height << 16 | s.width);
	}
	void enable(const struct settings &s)
	{
		write(BOARD_REG_SCANOUT_CONTROL, mode << BOARD_SCANOUT_CONTROL_MODE_SHIFT);
		for (int i = 0; i < 100; i++) /* the other pixel clock comes */
			bus();
		set(s);
		write(BOARD_REG_SCANOUT_MASK, 0x1f);
		write(BOARD_REG_SCANOUT_CONTROL, mode << BOARD_SCANOUT_CONTROL_MODE_SHIFT | 1);
	}
	uint32_t word(uint32_t address, unsigned bytes)
	{
		uint32_t value = 0;

		for (unsigned i = 0; i < bytes; i++)
			value |= (uint32_t)m.bytes[address - base + i] << 8 * i;
		return value;
	}
};

static unsigned by_255(unsigned v)
{
	return (2 * v + 255) / 510;
}

static uint32_t picture_pixel(struct bench *b, const struct settings &s, unsigned x, unsigned y)
{
	bool doubled = s.format >> BOARD_SCANOUT_FORMAT_DOUBLE_SHIFT, rgb565 = s.format & 1;
	uint32_t line = s.address + (y >> doubled) * s.stride;

	if (!rgb565)
		return b->word(line + 4 * (x >> doubled), 4) & 0xffffff;
	uint32_t word = b->word(line + 2 * (x >> doubled), 2), r = word >> 11, g = word >> 5 & 63,
		 l = word & 31;
	return (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (l << 3 | l >> 2);
}

static uint32_t pixel(struct bench *b, const struct settings &s, unsigned x, unsigned y)
{
	uint32_t below = picture_pixel(b, s, x, y), out = 0;
	unsigned alpha = s.look >> BOARD_SCANOUT_CAPTION_ALPHA_SHIFT;

	if (!(s.look & 1) || x < s.x || x >= s.x + s.width || y < s.y || y >= s.y + s.height)
		return below;
	uint32_t c = b->word(s.caption + (y - s.y) * s.caption_stride + 4 * (x - s.x), 4);
	unsigned rest = 255 - by_255((c >> 24) * alpha);
	for (unsigned shift = 0; shift < 24; shift += 8) {
		unsigned sum = by_255((c >> shift & 255) * alpha) + by_255((below >> shift & 255) * rest);
		out |= std::min(255u, sum) << shift;
	}
	return out;
}

/* How many lines are black as a whole; all others must be right. */
static unsigned compare(struct bench *b, const struct settings &s, const char *test)
{
	const struct screen &screen = modes[b->mode];
	const std::vector<uint32_t> &got = b->monitor->picture;
	unsigned black = 0;

	check(got.size() == (size_t)screen.width * screen.height, test, "no whole frame");
	for (unsigned y = 0; y < screen.height && got.size() >= (size_t)screen.width * screen.height; y++) {
		const uint32_t *line = &got[(size_t)y * screen.width];
		if (std::all_of(line, line + screen.width, [](uint32_t p) { return p == 0; })) {
			black++;
			continue;
		}
		bool right = true;
		for (unsigned x = 0; x < screen.width; x++)
			right = right && line[x] == pixel(b, s, x, y);
		check(right, test, "a line is wrong");
	}
	return black;
}

static void ends(struct bench *b, const char *test)
{
	check(b->m.wrong == 0 && b->monitor->wrong == 0, test, "rules were broken");
	b->v.final();
}

/* The whole screen in both modes, with slow and busy memory; then a flip in the middle of a frame. */
static void shows(unsigned mode, const char *test)
{
	bench b(mode);
	struct settings s = {0, base, 0, 0xff01, base + caption_at, 1280 * 4, 37, 41, 301, 53};

	s.stride = modes[mode].width * 4 + 128;
	b.m.gaps = 60;
	b.m.latency_most = 60;
	b.enable(s);
	b.next_frame();
	check(compare(&b, s, test) == 0, test, "black lines");
	check(b.read(BOARD_REG_SCANOUT_FRAMES) == 1 && b.read(BOARD_REG_SCANOUT_UNDERRUNS) == 0, test,
		"counters");
	check(b.v.irq && b.read(BOARD_REG_SCANOUT_INTERRUPT) == 3, test, "no interrupt: frame and flip");
	b.write(BOARD_REG_SCANOUT_INTERRUPT, 3);
	check(!b.v.irq, test, "the interrupt cannot be cleared");
	ends(&b, test);
}

static void flips()
{
	static const char test[] = "flips";
	bench b(BOARD_SCANOUT_MODE_640x480);
	struct settings before = {0x11, base, 320 * 2, 0, 0, 0, 0, 0, 0, 0};
	/* Another picture, and a caption that reaches over the right and lower edges. */
	struct settings after = {
		0x10, base + 0x100000, 320 * 4, 0x8001, base + caption_at, 512, 600, 440, 100, 90};

	b.enable(before);
	while (b.read(BOARD_REG_SCANOUT_LINE) != 100)
		;
	b.write(BOARD_REG_SCANOUT_INTERRUPT, 0x1f);
	b.set(after);
	b.write(BOARD_REG_SCANOUT_FLIP, 1);
	check(b.read(BOARD_REG_SCANOUT_STATUS) & 1 << BOARD_SCANOUT_STATUS_PENDING_SHIFT, test,
		"nothing is pending");
	check(b.read(BOARD_REG_SCANOUT_SHOWN) == before.address, test, "it flipped within a frame");
	b.next_frame();
	check(compare(&b, before, test) == 0, test, "black lines in the frame before");
	check(b.read(BOARD_REG_SCANOUT_SHOWN) == after.address, test, "it did not flip");
	check(b.read(BOARD_REG_SCANOUT_INTERRUPT) == 3, test, "no interrupt");
	check(!(b.read(BOARD_REG_SCANOUT_STATUS) & 1 << BOARD_SCANOUT_STATUS_PENDING_SHIFT), test,
		"still pending");
	b.next_frame();
	check(compare(&b, after, test) == 0, test, "black lines in the frame after");
	check(b.read(BOARD_REG_SCANOUT_FRAMES) == 2, test, "frames");
	ends(&b, test);
}

/* Memory that stops for some lines, then answers with errors; switched off in the end. */
static void disturbed()
{
	static const char test[] = "disturbed";
	bench b(BOARD_SCANOUT_MODE_640x480);
	struct settings s = {0x01, base, 640 * 2, 0, 0, 0, 0, 0, 0, 0};

	b.enable(s);
	while (b.read(BOARD_REG_SCANOUT_LINE) != 50)
		;
	b.m.latency_least = b.m.latency_most = 12000; /* some 9 lines */
	while (b.read(BOARD_REG_SCANOUT_LINE) != 60)
		;
	b.m.latency_least = b.m.latency_most = 20;
	b.next_frame();
	unsigned black = compare(&b, s, test);
	check(black > 3 && black < 30, test, "another number of black lines than memory was late for");
	check(b.read(BOARD_REG_SCANOUT_UNDERRUNS) == black, test, "their count");
	check(b.read(BOARD_REG_SCANOUT_INTERRUPT) & 1 << BOARD_SCANOUT_INTERRUPT_UNDERRUN_SHIFT, test,
		"its interrupt");
	b.write(BOARD_REG_SCANOUT_INTERRUPT, 0x1f);
	b.m.bad_from = s.address + 200 * s.stride;
	b.m.bad_to = b.m.bad_from + s.stride;
	b.m.bad_response = 2;
	b.next_frame();
	check(compare(&b, s, test) == 1 && b.monitor->picture[200 * 640 + 320] == 0, test,
		"data with an error are shown");
	check(b.read(BOARD_REG_SCANOUT_UNDERRUNS) == black, test, "an error is no underrun");
	check(b.read(BOARD_REG_SCANOUT_INTERRUPT) & 1 << BOARD_SCANOUT_INTERRUPT_MEMORY_SHIFT, test,
		"an error is not told");
	b.write(BOARD_REG_SCANOUT_CONTROL, 1 << BOARD_SCANOUT_CONTROL_MODE_SHIFT);
	for (int i = 0; i < 3000; i++)
		b.bus();
	check(!(b.read(BOARD_REG_SCANOUT_STATUS) & 1) && b.m.idle() && !b.v.run, test,
		"it cannot be switched off");
	b.v.hot_plug = 1;
	for (int i = 0; i < 10; i++)
		b.bus();
	check(b.read(BOARD_REG_SCANOUT_INTERRUPT) & 1 << BOARD_SCANOUT_INTERRUPT_MONITOR_SHIFT, test,
		"no monitor came");
	ends(&b, test);
}

int main()
{
	shows(BOARD_SCANOUT_MODE_1280x720, "1280x720");
	shows(BOARD_SCANOUT_MODE_640x480, "640x480");
	flips();
	disturbed();
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
