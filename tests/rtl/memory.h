/* SPDX-License-Identifier: MIT */
/* One block of memory behind a port; a burst beside it breaks a rule. */
#ifndef RTL_MEMORY_H
#define RTL_MEMORY_H

#include "pl/bus/rtl/memory_port.h"

#include <vector>

class memory : public memory_port
{
      public:
	memory(uint32_t at, size_t size, uint32_t seed) : memory_port(seed), bytes(size), base(at)
	{
	}
	std::vector<uint8_t> bytes;
	const uint32_t base;

      protected:
	uint8_t *find(uint32_t address, size_t size) override
	{
		bool inside = address >= base && address - base + size <= bytes.size();

		rule(inside, "a burst stays within the memory");
		return &bytes[inside ? address - base : 0];
	}
};

#endif
