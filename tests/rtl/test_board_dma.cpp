/* SPDX-License-Identifier: MIT */
/*
 * The board's DMA against a memory with random latencies, back-pressure and errors: what goes out by one
 * direction comes back by the other. Every byte, every status and the port's rules are checked:
 * test_board_dma ROUNDS SEED
 */
#include "memory.h"
#include "pl/board/registers.h"

#include "Vdma.h"
#include "verilated.h"

#include <cstdio>
#include <cstdlib>
#include <random>

static const uint32_t base = 0x10000000, back_at = 0x8000, size = 0x20000;
static const uint32_t run = 1, reset = 4, on_done = 1 << 12, on_error = 1 << 14;
static const uint32_t halted = 1, idle = 2, internal = 1 << 4, slave = 1 << 5, decode = 1 << 6;
static const uint32_t done = 1 << 12, failed = 1 << 14;
static const unsigned long patience = 50000; /* clocks */

static int failures;

static void check(bool right, const char *what, unsigned round)
{
	if (!right && failures++ < 10)
		std::fprintf(stderr, "round %u: %s\n", round, what);
}

struct beat {
	uint64_t data;
	bool last;
};

struct bench {
	Vdma v;
	memory m;
	std::mt19937 random;
	std::deque<beat> loop; /* what has come from the DMA and not gone back */
	unsigned gaps = 0;     /* of 256 clocks, those in which the stream's other end is busy */
	bool offering = false;
	unsigned long to_beats = 0;

	explicit bench(uint32_t seed) : m(base, size, seed), random(seed)
	{
		v.reset = 1;
		tick();
		tick();
		v.reset = 0;
	}
	void tick()
	{
		struct axi_read r;
		struct axi_write w;

		m.drive(&r);
		m.drive(&w);
		offering = !loop.empty() && (offering || random() % 256 >= gaps);
		v.m_arready = r.address_ready;
		v.m_rvalid = r.data_valid;
		v.m_rdata = r.data;
		v.m_rresp = r.response;
		v.m_awready = w.address_ready;
		v.m_wready = w.data_ready;
		v.m_bvalid = w.response_valid;
		v.m_bresp = w.response;
		v.to_ready = loop.size() < 20 && random() % 256 >= gaps;
		v.from_valid = offering;
		v.from_data = offering ? loop.front().data : 0;
		v.from_last = offering && loop.front().last;
		v.clock = 0;
		v.eval();
		r.address = v.m_araddr;
		r.length = v.m_arlen;
		r.address_valid = v.m_arvalid;
		r.data_ready = v.m_rready;
		w.address = v.m_awaddr;
		w.length = v.m_awlen;
		w.address_valid = v.m_awvalid;
		w.data = v.m_wdata;
		w.last = v.m_wlast;
		w.data_valid = v.m_wvalid;
		w.response_ready = v.m_bready;
		m.take(r);
		m.take(w);
		if (offering && v.from_ready) {
			loop.pop_front();
			offering = false;
		}
		if (v.to_valid && v.to_ready) {
			loop.push_back({v.to_data, (bool)v.to_last});
			to_beats++;
		}
		v.clock = 1;
		v.eval();
		v.write = 0;
	}
	void write(uint32_t address, uint32_t value)
	{
		v.write = 1;
		v.write_address = address;
		v.write_data = value;
		tick();
	}
	uint32_t read(uint32_t address)
	{
		v.read_address = address;
		tick();
		return v.read_data;
	}
	bool until(uint32_t address, uint32_t bits)
	{
		for (unsigned long i = 0; i < patience; i++)
			if (read(address) & bits)
				return true;
		return false;
	}
	bool resets()
	{
		write(random() % 2 ? BOARD_REG_DMA_TO_CONTROL : BOARD_REG_DMA_FROM_CONTROL, reset);
		unsigned long i = 0;
		while (read(BOARD_REG_DMA_TO_CONTROL) & reset && i < patience)
			i++;
		loop.clear(); /* the overlay is reset with it */
		offering = false;
		return i < patience && m.idle() && read(BOARD_REG_DMA_TO_CONTROL) == 0x00010002 &&
		       read(BOARD_REG_DMA_FROM_CONTROL) == 0x00010002 &&
		       read(BOARD_REG_DMA_TO_STATUS) == halted && read(BOARD_REG_DMA_FROM_STATUS) == halted &&
		       !v.irq;
	}
	void start(uint32_t to, uint32_t to_length, uint32_t from, uint32_t room)
	{
		write(BOARD_REG_DMA_TO_CONTROL, run | on_done | on_error);
		write(BOARD_REG_DMA_FROM_CONTROL, run | on_done | on_error);
		write(BOARD_REG_DMA_FROM_ADDRESS, from);
		write(BOARD_REG_DMA_FROM_LENGTH, room);
		write(BOARD_REG_DMA_TO_ADDRESS, to);
		write(BOARD_REG_DMA_TO_LENGTH, to_length);
	}
};

/* One transfer there and back; what is around it must not change. */
static void transfer(struct bench *b, unsigned round)
{
	uint32_t n = 8 * (1 + b->random() % 300), room = n + 8 * (b->random() % 3);
	uint32_t out = 8 * (b->random() % 600), in = back_at + 8 * (b->random() % 600);
	std::vector<uint8_t> expected;

	for (uint8_t &byte : b->m.bytes)
		byte = (uint8_t)b->random();
	expected = b->m.bytes;
	std::copy_n(expected.begin() + out, n, expected.begin() + in);
	b->start(base + out, n, base + in, room);
	check(b->until(BOARD_REG_DMA_FROM_STATUS, done | failed), "the transfer hangs", round);
	check(b->m.bytes == expected, "wrong bytes, or not all of them when the end was told", round);
	check(b->read(BOARD_REG_DMA_FROM_LENGTH) == n, "wrong length", round);
	check(b->read(BOARD_REG_DMA_TO_STATUS) == (done | idle), "wrong status there", round);
	check(b->read(BOARD_REG_DMA_FROM_STATUS) == (done | idle), "wrong status back", round);
	check(b->v.irq, "no interrupt", round);
	b->write(BOARD_REG_DMA_TO_STATUS, done);
	b->write(BOARD_REG_DMA_FROM_STATUS, done);
	check(!b->v.irq && b->read(BOARD_REG_DMA_TO_STATUS) == idle, "the interrupt cannot be cleared",
		round);
}

/* The direction at `status` fails with `kind`, takes no transfer any more, and is right after a reset. */
static void fails(struct bench *b, uint32_t status, uint32_t kind, const char *what, unsigned round)
{
	uint32_t control = status - BOARD_REG_DMA_TO_STATUS;

	check(b->until(status, failed | done), what, round);
	for (unsigned long i = 0; i < patience && !(b->read(status) & halted); i++)
		;
	check((b->read(status) & ~(uint32_t)halted) == (failed | kind), what, round);
	check(b->v.irq && !(b->read(control) & run), what, round);
	b->write(status, failed);
	b->write(control, run);
	check(!(b->read(control) & run) && (b->read(status) & halted), "an error was acknowledged away",
		round);
	check(b->resets(), "a reset after an error", round);
}

static void errors(struct bench *b, unsigned round)
{
	static const uint32_t from = base + back_at;
	bool is_decode = b->random() % 2;
	uint32_t kind = is_decode ? decode : slave, n = 8 * (40 + b->random() % 200);
	uint32_t at = 8 * (b->random() % (n / 8));

	b->m.bad_response = is_decode ? 3 : 2;
	b->m.bad_from = base + at;
	b->m.bad_to = base + at + 8;
	b->start(base, n, from, n);
	fails(b, BOARD_REG_DMA_TO_STATUS, kind, "an error of the memory when it is read", round);
	b->m.bad_from = from + at;
	b->m.bad_to = from + at + 8;
	b->start(base, n, from, n);
	fails(b, BOARD_REG_DMA_FROM_STATUS, kind, "an error of the memory when it is written", round);
	b->m.bad_from = b->m.bad_to = 0;

	b->m.bytes.assign(size, 0x5a);
	b->start(base, n, from, n - 8);
	for (uint32_t i = 0; i < n; i++)
		b->m.bytes[i] = (uint8_t)i;
	fails(b, BOARD_REG_DMA_FROM_STATUS, internal, "a stream that is longer than the buffer", round);
	for (uint32_t i = 0; i < n; i++)
		check(b->m.bytes[back_at + i] == (i < n - 8 ? (uint8_t)i : 0x5a),
			"what fits of a long stream", round);

	b->start(base, 0, from, n);
	fails(b, BOARD_REG_DMA_TO_STATUS, internal, "a length of 0", round);
	b->start(base, n + 4, from, n);
	fails(b, BOARD_REG_DMA_TO_STATUS, internal, "a length that is no multiple of 8", round);
	b->start(base + 4, n, from, n);
	fails(b, BOARD_REG_DMA_TO_STATUS, internal, "an address that is no multiple of 8", round);
	b->write(BOARD_REG_DMA_TO_ADDRESS_HIGH, 1);
	b->start(base, n, from, n);
	fails(b, BOARD_REG_DMA_TO_STATUS, decode, "an address of more than 32 bits", round);
}

/* Without RUN nothing starts; a second transfer does not disturb the first. */
static void ignored(struct bench *b, unsigned round)
{
	unsigned long before = b->to_beats;

	check(b->resets(), "a reset", round);
	b->write(BOARD_REG_DMA_TO_ADDRESS, base);
	b->write(BOARD_REG_DMA_TO_LENGTH, 64);
	for (int i = 0; i < 200; i++)
		b->tick();
	check(b->to_beats == before, "a transfer began without RUN", round);
	b->start(base, 256, base + back_at, 256);
	b->write(BOARD_REG_DMA_TO_LENGTH, 64);
	b->write(BOARD_REG_DMA_TO_CONTROL, on_done); /* the one under way goes on */
	check(b->until(BOARD_REG_DMA_FROM_STATUS, done), "it was disturbed", round);
	check(b->to_beats == before + 32, "a second transfer began", round);
	check(b->read(BOARD_REG_DMA_TO_STATUS) == (done | halted), "RUN was cleared meanwhile", round);
	check(b->resets(), "a reset", round);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)std::atoi(argv[1]) : 100;
	bench b(argc > 2 ? (uint32_t)std::atoi(argv[2]) : 1);

	check(b.resets(), "the first reset", 0);
	for (unsigned i = 0; i < rounds && failures < 10; i++) {
		b.gaps = b.random() % 200;
		b.m.gaps = b.random() % 200;
		b.m.latency_least = b.random() % 40;
		b.m.latency_most = b.m.latency_least + b.random() % 100;
		if (i % 8 == 7)
			errors(&b, i);
		if (i % 8 == 5)
			ignored(&b, i);
		if (i % 4 == 1) {
			b.start(base, 8 * 200, base + back_at, 8 * 200);
			for (unsigned long wait = b.random() % 1000; wait; wait--)
				b.tick();
			check(b.resets(), "a reset in the middle", i);
		}
		transfer(&b, i);
	}
	b.v.final();
	std::printf("%lu bursts, %u broken rules, %d failures\n", b.m.bursts, b.m.wrong, failures);
	return failures || b.m.wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
