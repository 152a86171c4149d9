/* SPDX-License-Identifier: MIT */
/*
 * A memory behind an AXI3 port of 64 bits, as the processors of a Zynq have it: random latency, back-pressure
 * and errors; it counts what breaks the port's rules. One clock is drive(), the design's evaluation, then
 * take(): a memory offers and takes whatever the design does in the same clock.
 */
#ifndef PL_BUS_RTL_MEMORY_PORT_H
#define PL_BUS_RTL_MEMORY_PORT_H

#include <cstddef>
#include <cstdint>
#include <deque>

struct axi_read {
	/* from the design */
	uint32_t address;
	unsigned length; /* beats - 1 */
	bool address_valid, data_ready;
	/* from the memory */
	bool address_ready, data_valid;
	uint64_t data;
	unsigned response;
};

struct axi_write {
	/* from the design */
	uint32_t address;
	unsigned length;
	bool address_valid, data_valid, last, response_ready;
	uint64_t data;
	/* from the memory */
	bool address_ready, data_ready, response_valid;
	unsigned response;
};

class memory_port
{
      public:
	explicit memory_port(uint32_t seed);
	virtual ~memory_port() = default;
	memory_port(const memory_port &) = delete;
	memory_port &operator=(const memory_port &) = delete;

	/* Of 256 clocks, those in which the memory is busy; clocks until a burst's first beat, at least and
	 * at most. */
	unsigned gaps = 0, latency_least = 20, latency_most = 20;
	/* Bursts that touch this range are answered with `bad_response`. */
	uint32_t bad_from = 0, bad_to = 0;
	unsigned bad_response = 0;
	/* Nothing more is taken or offered, but for beats that were offered already. */
	bool reads_stand = false, writes_stand = false;
	/* The beat at this address has one bit inverted; from this address on, the beat before comes. 0: none
	 */
	uint32_t flip_read = 0, flip_written = 0, late_from = 0;

	void drive(struct axi_read *r);
	void take(const struct axi_read &r);
	void drive(struct axi_write *w);
	void take(const struct axi_write &w);
	bool idle() const; /* nothing is owed */

	/* This memory goes: bursts to it that are under way get a decode error. */
	void forget(const uint8_t *data, size_t size);

	unsigned wrong = 0; /* the first ones are told on stderr */
	unsigned long bursts = 0;

      protected:
	/* The memory at an address of the design; nullptr: none of that size is there. */
	virtual uint8_t *find(uint32_t address, size_t size) = 0;
	void rule(bool kept, const char *what);

      private:
	struct burst {
		uint8_t *data; /* nullptr: there is no memory */
		uint32_t address;
		unsigned left;
		uint64_t when;
		unsigned response;
	};
	uint32_t random;
	uint64_t reads_clock = 0, writes_clock = 0;
	std::deque<burst> reads, writes, answers;
	struct axi_read read_before = {};
	struct axi_write write_before = {};
	bool offers_data = false, offers_answer = false;
	uint32_t chance();
	bool busy();
	burst begin(uint32_t address, unsigned length, uint64_t now);
	uint64_t beat(const burst &b);
};

#endif
