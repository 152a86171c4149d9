/* SPDX-License-Identifier: MIT */
/* The driver's program for a network, as the tests of the Verilog use it. */
#ifndef RTL_PLAN_H
#define RTL_PLAN_H

#include "simulation.h"

extern "C" {
#include "base/error.h"
#include "pl/overlay/program.h"
}

#include <cstring>
#include <string>
#include <utility>

using register_writes = std::vector<std::pair<uint32_t, uint32_t>>;

class plan
{
      public:
	/* Layers first ... last - 1. Throws the driver's message when they do not fit. */
	plan(const struct network *network, int first, int last, bool one_slot = false,
		const struct overlay_limits &limits = overlay_limits);
	~plan();
	plan(const plan &) = delete;
	plan &operator=(const plan &) = delete;

	void program(simulation &s) const; /* registers, descriptors, resident weights; then enabled */
	register_writes writes() const;	   /* address, value: what program() writes first */

	/* The transfers of a frame, usually one. */
	std::vector<std::vector<uint64_t>> transfers(const uint8_t *codes, uint16_t sequence) const;
	std::vector<uint64_t> frame(const uint8_t *codes, uint16_t sequence) const; /* the only one */
	void send(simulation &s, const uint8_t *codes, uint16_t sequence) const;

	/* True when the result is that of `expected` (codes or scores of the last layer). */
	bool right(const std::vector<uint64_t> &result, uint16_t sequence, const void *expected) const;

	bool streams() const
	{
		return p->streamed_words > 0;
	}
	std::vector<std::vector<uint64_t>> resident() const;

	struct program *p = nullptr;
};

/* A record of the overlay's. */
std::vector<uint64_t> record(
	int type, bool last, int address, uint16_t sequence, const std::vector<uint64_t> &payload);

#endif
