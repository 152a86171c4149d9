/* SPDX-License-Identifier: MIT */
#include "pl/bus/rtl/memory_port.h"

#include <cstdio>
#include <cstring>

/* Bursts that a port of the PS takes at a time. */
static const size_t most_bursts = 8;

static const unsigned decode_error = 3;
static const size_t beat_size = 8;
static const uint64_t flipped_bit = UINT64_C(1) << 13;

memory_port::memory_port(uint32_t seed) : random(seed * 0x9E3779B9U | 1)
{
}

uint32_t memory_port::chance()
{
	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	return random >> 8;
}

bool memory_port::busy()
{
	return gaps && (chance() & 255) < gaps;
}

void memory_port::rule(bool kept, const char *what)
{
	if (!kept && wrong++ < 5)
		std::fprintf(stderr, "the port: %s\n", what);
}

bool memory_port::idle() const
{
	return reads.empty() && writes.empty() && answers.empty();
}

struct memory_port::burst memory_port::begin(uint32_t address, unsigned length, uint64_t now)
{
	uint32_t size = (uint32_t)beat_size * (length + 1);
	uint8_t *data = find(address, size);
	bool bad = address < bad_to && address + size > bad_from;

	rule(length < 16 && address % beat_size == 0, "a burst has up to 16 whole beats");
	rule(address % 4096 + size <= 4096, "a burst stays within 4 KB");
	bursts++;
	return {data, address, length + 1,
		now + latency_least + chance() % (latency_most - latency_least + 1),
		bad	? bad_response
		: !data ? decode_error
			: 0};
}

void memory_port::forget(const uint8_t *data, size_t size)
{
	for (std::deque<burst> *bursts_there : {&reads, &writes, &answers})
		for (burst &b : *bursts_there)
			if (b.data >= data && b.data < data + size) {
				b.data = nullptr;
				b.response = decode_error;
			}
}

uint64_t memory_port::beat(const burst &b)
{
	uint64_t value;
	const uint8_t *from = b.data;

	if (!from)
		return chance();
	if (late_from && b.address >= late_from) {
		from = find(b.address - (uint32_t)beat_size, beat_size);
		from = from ? from : b.data;
	}
	std::memcpy(&value, from, sizeof(value));
	return value ^ (flip_read && b.address == flip_read ? flipped_bit : 0);
}

void memory_port::drive(struct axi_read *r)
{
	r->address_ready = !reads_stand && reads.size() < most_bursts && !busy();
	offers_data = !reads.empty() && reads_clock >= reads.front().when &&
		      (offers_data || (!reads_stand && !busy()));
	r->data_valid = offers_data;
	r->response = 0;
	if (!offers_data) {
		r->data = chance();
		return;
	}
	r->data = beat(reads.front());
	r->response = reads.front().response;
}

void memory_port::take(const struct axi_read &r)
{
	const struct axi_read &before = read_before;
	bool waited = before.address_valid && !before.address_ready;

	rule(!waited || (r.address_valid && r.address == before.address && r.length == before.length),
		"a read's address stays until it is taken");
	if (r.address_valid && r.address_ready)
		reads.push_back(begin(r.address, r.length, reads_clock));
	if (r.data_valid && r.data_ready) {
		struct burst &b = reads.front();
		b.address += (uint32_t)beat_size;
		b.data += b.data ? beat_size : 0;
		if (--b.left == 0)
			reads.pop_front();
		offers_data = false;
	}
	read_before = r;
	reads_clock++;
}

void memory_port::drive(struct axi_write *w)
{
	w->address_ready = !writes_stand && writes.size() < most_bursts && !busy();
	w->data_ready = !writes_stand && !writes.empty() && !busy();
	offers_answer = !answers.empty() && writes_clock >= answers.front().when &&
			(offers_answer || (!writes_stand && !busy()));
	w->response_valid = offers_answer;
	w->response = offers_answer ? answers.front().response : 0;
}

void memory_port::take(const struct axi_write &w)
{
	const struct axi_write &before = write_before;
	bool address_waited = before.address_valid && !before.address_ready;
	bool data_waited = before.data_valid && !before.data_ready;

	rule(!address_waited || (w.address_valid && w.address == before.address && w.length == before.length),
		"a write's address stays until it is taken");
	rule(!data_waited || (w.data_valid && w.data == before.data && w.last == before.last),
		"a write's data stay until they are taken");
	if (w.data_valid && w.data_ready) {
		struct burst &b = writes.front();
		uint64_t value = w.data ^ (flip_written && b.address == flip_written ? flipped_bit : 0);
		if (b.data && b.response == 0)
			std::memcpy(b.data, &value, sizeof(value));
		b.address += (uint32_t)beat_size;
		b.data += b.data ? beat_size : 0;
		b.left--;
		rule(w.last == (b.left == 0), "a burst's last beat is marked, and no other");
		if (b.left == 0) {
			b.when = writes_clock + latency_least;
			answers.push_back(b);
			writes.pop_front();
		}
	}
	if (w.address_valid && w.address_ready)
		writes.push_back(begin(w.address, w.length, writes_clock));
	if (w.response_valid && w.response_ready) {
		answers.pop_front();
		offers_answer = false;
	}
	write_before = w;
	writes_clock++;
}
