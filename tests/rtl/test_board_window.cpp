/* SPDX-License-Identifier: MIT */
/*
 * The board's whole design, seen from the processors: every access goes through the AXI3 port with random
 * gaps, in bursts or alone, and reaches the register that registers.txt names.
 */
#include "memory.h"
#include "pl/board/registers.h"
#include "pl/overlay/registers.h"

#include "Vchip.h"
#include "verilated.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

static const uint32_t base = 0x10000000;
static const int patience = 4000;

static int failures;

static void check(bool right, const char *what)
{
	if (!right && failures++ < 10)
		std::fprintf(stderr, "%s\n", what);
}

struct bench {
	Vchip v;
	memory data, picture;
	std::mt19937 random;

	bench() : data(base, 0x10000, 3), picture(base, 0x400000, 4), random(5)
	{
		data.gaps = picture.gaps = 80;
		v.pixel_clock_locked = 1;
		v.reset = 1;
		for (int i = 0; i < 4; i++)
			clock();
		v.reset = 0;
	}
	void ports(bool takes)
	{
		static struct axi_read r, s;
		static struct axi_write w;

		if (!takes) {
			data.drive(&r);
			data.drive(&w);
			picture.drive(&s);
			v.dma_arready = r.address_ready;
			v.dma_rvalid = r.data_valid;
			v.dma_rdata = r.data;
			v.dma_rresp = r.response;
			v.dma_awready = w.address_ready;
			v.dma_wready = w.data_ready;
			v.dma_bvalid = w.response_valid;
			v.dma_bresp = w.response;
			v.scanout_arready = s.address_ready;
			v.scanout_rvalid = s.data_valid;
			v.scanout_rdata = s.data;
			v.scanout_rresp = s.response;
			v.eval();
			return;
		}
		r.address = v.dma_araddr;
		r.length = v.dma_arlen;
		r.address_valid = v.dma_arvalid;
		r.data_ready = v.dma_rready;
		w.address = v.dma_awaddr;
		w.length = v.dma_awlen;
		w.address_valid = v.dma_awvalid;
		w.data = v.dma_wdata;
		w.last = v.dma_wlast;
		w.data_valid = v.dma_wvalid;
		w.response_ready = v.dma_bready;
		s.address = v.scanout_araddr;
		s.length = 15;
		s.address_valid = v.scanout_arvalid;
		s.data_ready = v.scanout_rready;
		data.take(r);
		data.take(w);
		picture.take(s);
	}
	/* One clock; all clocks run alike here. */
	void clock()
	{
		ports(false);
		ports(true);
		v.clock = v.overlay_clock = v.pixel_clock = 1;
		v.eval();
		v.clock = v.overlay_clock = v.pixel_clock = 0;
		v.eval();
	}
	/* Offers or takes with a gap now and then, until it is taken. */
	template <typename R> void handshake(CData *mine, const R &other)
	{
		int wait = patience;

		for (unsigned gap = random() % 4; gap; gap--)
			clock();
		*mine = 1;
		for (bool taken = false; !taken && wait; wait--) {
			ports(false);
			taken = other();
			ports(true);
			v.clock = v.overlay_clock = v.pixel_clock = 1;
			v.eval();
			v.clock = v.overlay_clock = v.pixel_clock = 0;
			v.eval();
		}
		*mine = 0;
		v.eval();
		check(wait > 0, "an access is not answered");
	}
	std::vector<uint32_t> read(uint32_t address, unsigned beats = 1)
	{
		std::vector<uint32_t> values;
		unsigned id = random() % 4096;

		v.gp_arid = (SData)id;
		v.gp_araddr = address;
		v.gp_arlen = (CData)(beats - 1);
		v.gp_arsize = 2;
		v.gp_arburst = 1;
		handshake(&v.gp_arvalid, [this] { return v.gp_arready; });
		for (unsigned i = 0; i < beats; i++)
			handshake(&v.gp_rready, [&, this] {
				if (v.gp_rvalid) {
					values.push_back(v.gp_rdata);
					check(v.gp_rresp == 0 && v.gp_rid == id, "a wrong answer");
					check(v.gp_rlast == (i == beats - 1), "a wrong last beat");
				}
				return v.gp_rvalid;
			});
		return values;
	}
	void write(uint32_t address, const std::vector<uint32_t> &values, unsigned strobe = 15)
	{
		unsigned id = random() % 4096;

		v.gp_awid = (SData)id;
		v.gp_awaddr = address;
		v.gp_awlen = (CData)(values.size() - 1);
		v.gp_awsize = 2;
		v.gp_awburst = 1;
		handshake(&v.gp_awvalid, [this] { return v.gp_awready; });
		for (uint32_t value : values) {
			v.gp_wdata = value;
			v.gp_wstrb = (CData)strobe;
			handshake(&v.gp_wvalid, [this] { return v.gp_wready; });
		}
		handshake(&v.gp_bready, [&, this] {
			check(!v.gp_bvalid || (v.gp_bresp == 0 && v.gp_bid == id), "a wrong response");
			return v.gp_bvalid;
		});
	}
};

static void identity(struct bench *b)
{
	static const uint32_t at = BOARD_IDENTITY_AT;
	std::vector<uint32_t> all = b->read(at, 8);

	check(all == std::vector<uint32_t>{BOARD_IDENTITY, BOARD_VERSION_MAJOR << 16 | BOARD_VERSION_MINOR,
			     0x307, 100000, 0, 0, 0, 0},
		"the identity, in one burst");
	b->write(at + BOARD_REG_SCRATCH, {0x12345678});
	b->write(at + BOARD_REG_SCRATCH, {0xffffffff}, 3);
	b->write(0x10000 + at + BOARD_REG_SCRATCH, {1});
	b->write(0x4000 + BOARD_REG_SCRATCH, {1});
	check(b->read(at + BOARD_REG_SCRATCH)[0] == 0x12345678, "a scratch register");
	check(b->read(0x4000)[0] == 0 && b->read(0xfffc)[0] == 0, "behind the blocks");
	check(b->read(0x10000 + at)[0] == 0, "behind the window");
}

static void overlay(struct bench *b)
{
	check(b->read(BOARD_OVERLAY_AT, 2) ==
			std::vector<uint32_t>{OVERLAY_IDENTITY,
				OVERLAY_VERSION_MAJOR << OVERLAY_VERSION_MAJOR_SHIFT | OVERLAY_VERSION_MINOR},
		"the overlay's registers, in one burst");
	b->write(OVERLAY_REG_WATCHDOG, {0x12345});
	b->write(OVERLAY_REG_WATCHDOG, {0x54321}, 7);
	check(b->read(OVERLAY_REG_WATCHDOG)[0] == 0x12345, "a register of the overlay");
	b->write(OVERLAY_REG_WATCHDOG, {0});
}

/* The overlay takes a transfer that is no record, and sends one beat that says so. */
static void dma(struct bench *b)
{
	static const uint32_t at = BOARD_DMA_AT, bytes = 1000;
	uint64_t came;

	std::memset(b->data.bytes.data(), 0x11, b->data.bytes.size());
	b->write(OVERLAY_REG_INTERRUPT_MASK, {2});
	b->write(at + BOARD_REG_DMA_FROM_CONTROL, {1 | 1 << 12});
	b->write(at + BOARD_REG_DMA_FROM_ADDRESS, {base + 0x8000});
	b->write(at + BOARD_REG_DMA_FROM_LENGTH, {bytes});
	b->write(at + BOARD_REG_DMA_TO_CONTROL, {1});
	b->write(at + BOARD_REG_DMA_TO_ADDRESS, {base});
	b->write(at + BOARD_REG_DMA_TO_LENGTH, {bytes});
	for (int i = 0; i < patience && b->read(at + BOARD_REG_DMA_FROM_LENGTH)[0] == bytes; i++)
		b->clock();
	check(b->read(BOARD_IDENTITY_AT + BOARD_REG_INTERRUPTS)[0] == 3 && b->v.irq,
		"the interrupts of the overlay and the DMA");
	check(b->read(OVERLAY_REG_ERROR)[0] % 16 == OVERLAY_ERROR_HEADER, "the overlay's error");
	std::memcpy(&came, &b->data.bytes[0x8000], 8);
	check((came & 255) == OVERLAY_RECORD_MAGIC && (came >> 8 & 7) == OVERLAY_RECORD_FAILURE &&
			b->data.bytes[0x8008] == 0x11,
		"what the overlay sent");
	b->write(at + BOARD_REG_DMA_FROM_STATUS, {1 << 12});
	check(b->read(BOARD_IDENTITY_AT + BOARD_REG_INTERRUPTS)[0] == 1, "the DMA's interrupt stays");
	b->write(OVERLAY_REG_CONTROL, {1 << OVERLAY_CONTROL_RESET_SHIFT});
	b->write(OVERLAY_REG_INTERRUPT_MASK, {0});
	check(!b->v.irq && b->read(at + BOARD_REG_DMA_FROM_LENGTH)[0] == 8, "the DMA's registers");
}

static void scanout(struct bench *b)
{
	static const uint32_t at = BOARD_SCANOUT_AT;

	b->write(at + BOARD_REG_SCANOUT_FORMAT, {0, base, 2560});
	b->write(at + BOARD_REG_SCANOUT_MASK, {1 << BOARD_SCANOUT_INTERRUPT_FLIPPED_SHIFT});
	b->write(at + BOARD_REG_SCANOUT_CONTROL, {1 << BOARD_SCANOUT_CONTROL_MODE_SHIFT});
	b->write(at + BOARD_REG_SCANOUT_CONTROL, {1 | 1 << BOARD_SCANOUT_CONTROL_MODE_SHIFT});
	for (int i = 0; i < patience && !b->v.irq; i++)
		b->clock();
	check(b->read(BOARD_IDENTITY_AT + BOARD_REG_INTERRUPTS)[0] == 4, "the scan-out's interrupt");
	check(b->read(at + BOARD_REG_SCANOUT_SHOWN)[0] == base && b->v.vga, "the scan-out's registers");
	for (int i = 0; i < 50000; i++)
		b->clock();
	check(b->picture.bursts >= 4 * 20, "the scan-out reads nothing");
	check(b->read(at + BOARD_REG_SCANOUT_LINE)[0] < 480, "the scan-out shows no line");
}

int main()
{
	bench b;

	identity(&b);
	overlay(&b);
	dma(&b);
	scanout(&b);
	check(b.data.wrong == 0 && b.picture.wrong == 0, "rules of the ports were broken");
	b.v.final();
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
