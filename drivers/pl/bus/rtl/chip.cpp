/* SPDX-License-Identifier: MIT */
#include "pl/bus/rtl/chip.h"

#include "pl/board/registers.h"
#include "pl/bus/rtl/memory_port.h"
#include "pl/bus/rtl/receiver.h"

#include "Vchip.h"
#include "verilated.h"

#include <memory>
#include <new>

namespace
{

/* Clocks in which an access must be answered, whatever else runs. */
const int timeout = 64;

/* Clocks until a burst's first beat, at least and at most. */
const unsigned latency_least = 12, latency_most = 40;

/* Pixel clocks that go on after the signal ended, so that the design sees its end. */
const unsigned afterglow = 64;

/* In the order of the design's numbers. */
const struct screen modes[] = {{1280, 720, 1650, 750, true}, {640, 480, 800, 525, false}};

const uint32_t control_enable = 1U << BOARD_SCANOUT_CONTROL_ENABLE_SHIFT;

class found_memory : public memory_port
{
	chip_find *const finder;
	void *const context;

      public:
	found_memory(chip_find *f, void *c, uint32_t seed) : memory_port(seed), finder(f), context(c)
	{
		latency_least = ::latency_least;
		latency_most = ::latency_most;
	}

      protected:
	uint8_t *find(uint32_t address, size_t size) override
	{
		return finder(context, address, size);
	}
};

} // namespace

struct chip {
	VerilatedContext context;
	Vchip top{&context};
	found_memory dma, pictures; /* HP0, HP2 */
	struct axi_read dma_read = {}, picture_read = {};
	struct axi_write dma_write = {};
	uint32_t random = 1;
	bool enabled = false, slow_half = false, overlay_rests = false;
	unsigned pixel_clocks_left = 0;
	std::unique_ptr<receiver> monitor;
	unsigned mode = 0;
	uint64_t frames = 0;
	unsigned wrong_before = 0; /* of earlier receivers */

	chip(chip_find *find, void *of_find) : dma(find, of_find, 1), pictures(find, of_find, 2)
	{
		top.pixel_clock_locked = 1;
		top.hot_plug = 1;
		top.gp_arsize = top.gp_awsize = 2; /* 4 bytes */
		top.gp_arburst = top.gp_awburst = 1;
		top.gp_wstrb = 15;
		top.reset = 1;
		for (int i = 0; i < 4; i++)
			clock();
		top.reset = 0;
		for (int i = 0; i < 40; i++)
			clock();
	}
	~chip()
	{
		top.final();
	}
	unsigned chance(unsigned below)
	{
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		return (random >> 8) % below;
	}
	/* The first half of a clock: outputs settle. */
	void settle()
	{
		dma.drive(&dma_read);
		dma.drive(&dma_write);
		top.dma_arready = dma_read.address_ready;
		top.dma_rvalid = dma_read.data_valid;
		top.dma_rdata = dma_read.data;
		top.dma_rresp = (CData)dma_read.response;
		top.dma_awready = dma_write.address_ready;
		top.dma_wready = dma_write.data_ready;
		top.dma_bvalid = dma_write.response_valid;
		top.dma_bresp = (CData)dma_write.response;
		if (pixel_clocks_left) {
			pictures.drive(&picture_read);
			top.scanout_arready = picture_read.address_ready;
			top.scanout_rvalid = picture_read.data_valid;
			top.scanout_rdata = picture_read.data;
			top.scanout_rresp = (CData)picture_read.response;
		}
		top.clock = top.overlay_clock = top.pixel_clock = 0;
		top.eval();
	}
	/* The second half: all takes what was offered. */
	void edge()
	{
		dma_read.address = top.dma_araddr;
		dma_read.length = top.dma_arlen;
		dma_read.address_valid = top.dma_arvalid;
		dma_read.data_ready = top.dma_rready;
		dma.take(dma_read);
		dma_write.address = top.dma_awaddr;
		dma_write.length = top.dma_awlen;
		dma_write.address_valid = top.dma_awvalid;
		dma_write.data = top.dma_wdata;
		dma_write.last = top.dma_wlast;
		dma_write.data_valid = top.dma_wvalid;
		dma_write.response_ready = top.dma_bready;
		dma.take(dma_write);
		if (pixel_clocks_left) {
			picture_read.address = top.scanout_araddr;
			picture_read.length = 15;
			picture_read.address_valid = top.scanout_arvalid;
			picture_read.data_ready = top.scanout_rready;
			pictures.take(picture_read);
		}
		top.clock = 1;
		top.overlay_clock = !overlay_rests;
		top.pixel_clock = pixel_comes();
		top.eval();
		if (top.pixel_clock)
			show();
	}
	void clock()
	{
		settle();
		edge();
	}
	/* Both clocks are of one source here. The slower mode has half of the bus's, so that memory keeps up.
	 */
	bool pixel_comes()
	{
		if (!pixel_clocks_left)
			return false;
		slow_half = !slow_half;
		return !top.vga || slow_half;
	}
	void show()
	{
		pixel_clocks_left = enabled || top.run ? afterglow : pixel_clocks_left - 1;
		if (!top.run)
			return;
		if (!monitor || mode != top.vga) {
			wrong_before += monitor ? monitor->wrong : 0;
			mode = top.vga;
			monitor.reset(new receiver(modes[mode]));
			frames = 0;
		}
		frames += monitor->take(top.blue, top.green, top.red);
	}
	/* The signal ends in the middle of a frame, and the next one begins with another. */
	void enable(bool now)
	{
		if (now && !enabled) {
			wrong_before += monitor ? monitor->wrong : 0;
			monitor.reset();
			frames = 0;
		}
		enabled = now;
		pixel_clocks_left = afterglow;
	}
	/* Makes one handshake of the processors' port after a gap; false: it is not answered. */
	template <typename R> bool handshake(CData *mine, const R &other)
	{
		bool taken = false;

		for (unsigned gap = chance(3); gap; gap--)
			clock();
		*mine = 1;
		for (int i = 0; i < timeout && !taken; i++) {
			settle();
			taken = other();
			edge();
		}
		*mine = 0;
		return taken;
	}
};

struct chip *chip_create(chip_find *find, void *context)
{
	return new (std::nothrow) struct chip(find, context);
}

void chip_destroy(struct chip *c)
{
	delete c;
}

void chip_clock(struct chip *c, unsigned count, bool overlay_rests)
{
	bool before = c->top.irq;

	c->overlay_rests = overlay_rests;
	while (count--) {
		c->clock();
		if (c->top.irq && !before)
			break;
		before = c->top.irq;
	}
	c->overlay_rests = false;
}

bool chip_read(struct chip *c, uint32_t address, uint32_t *value)
{
	bool right = false;

	c->top.gp_arid = (SData)c->chance(4096);
	c->top.gp_araddr = address;
	c->top.gp_arlen = 0;
	return c->handshake(&c->top.gp_arvalid, [c] {
		return c->top.gp_arready;
	}) && c->handshake(&c->top.gp_rready, [c, value, &right] {
		*value = c->top.gp_rdata;
		right = c->top.gp_rid == c->top.gp_arid && c->top.gp_rresp == 0 && c->top.gp_rlast;
		return c->top.gp_rvalid;
	}) && right;
}

bool chip_write(struct chip *c, uint32_t address, uint32_t value)
{
	bool right = false;

	c->top.gp_awid = (SData)c->chance(4096);
	c->top.gp_awaddr = address;
	c->top.gp_awlen = 0;
	c->top.gp_wdata = value;
	bool answered = c->handshake(&c->top.gp_awvalid, [c] { return c->top.gp_awready; }) &&
			c->handshake(&c->top.gp_wvalid, [c] { return c->top.gp_wready; }) &&
			c->handshake(&c->top.gp_bready, [c, &right] {
				right = c->top.gp_bid == c->top.gp_awid && c->top.gp_bresp == 0;
				return c->top.gp_bvalid;
			});
	if (address == BOARD_SCANOUT_AT + BOARD_REG_SCANOUT_CONTROL)
		c->enable(value & control_enable);
	return answered && right;
}

bool chip_interrupt(const struct chip *c)
{
	return c->top.irq;
}

bool chip_transfers(const struct chip *c)
{
	return !c->dma.idle() || c->top.dma_arvalid || c->top.dma_awvalid || c->top.dma_wvalid;
}

bool chip_shows(const struct chip *c)
{
	return c->pixel_clocks_left > 0;
}

void chip_disturb(struct chip *c, const struct chip_disturbance *d)
{
	memory_port &m = c->dma;

	m.reads_stand = d->reads_stand;
	m.writes_stand = d->writes_stand;
	m.flip_read = d->flip_read;
	m.flip_written = d->flip_written;
	m.late_from = d->late_from;
	m.bad_from = 0;
	m.bad_to = d->no_memory || d->refused ? UINT32_MAX : 0;
	m.bad_response = d->no_memory ? 3 : 2;
	m.gaps = c->pictures.gaps = d->gaps;
}

void chip_forget(struct chip *c, const uint8_t *data, size_t size)
{
	c->dma.forget(data, size);
	c->pictures.forget(data, size);
}

unsigned chip_faults(const struct chip *c)
{
	return c->dma.wrong + c->pictures.wrong + c->wrong_before + (c->monitor ? c->monitor->wrong : 0);
}

void chip_look(const struct chip *c, struct chip_screen *out)
{
	const struct screen &mode = modes[c->mode];

	*out = {mode.width, mode.height, c->frames, c->frames ? c->monitor->picture.data() : nullptr};
}
