/* SPDX-License-Identifier: MIT */
/*
 * A memory behind an AXI3 port of 64 bits: random latency, back-pressure and errors; it counts what breaks
 * the port's rules. One clock is drive(), the design's evaluation, then take().
 */
#ifndef RTL_MEMORY_H
#define RTL_MEMORY_H

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

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

class memory
{
      public:
	memory(uint32_t at, size_t size, uint32_t seed);
	std::vector<uint8_t> bytes;
	const uint32_t base;

	/* Of 256 cycles, those in which the memory is busy; cycles until a burst's first beat, at least and
	 * at most. */
	unsigned gaps = 0, latency_least = 20, latency_most = 20;
	/* Bursts that touch this range are answered with `bad_response`. */
	uint32_t bad_from = 0, bad_to = 0;
	unsigned bad_response = 0;

	void drive(struct axi_read *r);
	void take(const struct axi_read &r);
	void drive(struct axi_write *w);
	void take(const struct axi_write &w);
	bool idle() const; /* nothing is owed */

	unsigned wrong = 0; /* the first ones are told on stderr */
	unsigned long bursts = 0;

      private:
	struct burst {
		uint32_t address;
		unsigned left;
		uint64_t when;
		unsigned response;
	};
	std::mt19937 random;
	uint64_t reads_clock = 0, writes_clock = 0;
	std::deque<burst> reads, writes, answers;
	struct axi_read read_before = {};
	struct axi_write write_before = {};
	bool offers_data = false, offers_answer = false;
	bool busy();
	void rule(bool kept, const char *what);
	burst begin(uint32_t address, unsigned length, uint64_t now);
};

#endif
