/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <cstdio>
#include <cstring>

/* Bursts that a port of the PS takes at a time. */
static const size_t most_bursts = 8;

memory::memory(uint32_t at, size_t size, uint32_t seed) : bytes(size), base(at), random(seed)
{
}

bool memory::busy()
{
	return random() % 256 < gaps;
}

void memory::rule(bool kept, const char *what)
{
	if (!kept && wrong++ < 5)
		std::fprintf(stderr, "the port: %s\n", what);
}

bool memory::idle() const
{
	return reads.empty() && writes.empty() && answers.empty();
}

struct memory::burst memory::begin(uint32_t address, unsigned length, uint64_t now)
{
	uint32_t size = 8 * (length + 1);
	bool inside = address >= base && address - base + size <= bytes.size();
	bool bad = address < bad_to && address + size > bad_from;

	rule(length < 16 && address % 8 == 0, "a burst has up to 16 whole beats");
	rule(address % 4096 + size <= 4096, "a burst stays within 4 KB");
	rule(inside, "a burst stays within the memory");
	bursts++;
	return {inside ? address : base, length + 1,
		now + latency_least + random() % (latency_most - latency_least + 1), bad ? bad_response : 0};
}

void memory::drive(struct axi_read *r)
{
	r->address_ready = reads.size() < most_bursts && !busy();
	offers_data = !reads.empty() && reads_clock >= reads.front().when && (offers_data || !busy());
	r->data_valid = offers_data;
	r->data = random();
	r->response = 0;
	if (!offers_data)
		return;
	std::memcpy(&r->data, &bytes[reads.front().address - base], sizeof(r->data));
	r->response = reads.front().response;
}

void memory::take(const struct axi_read &r)
{
	const struct axi_read &before = read_before;
	bool waited = before.address_valid && !before.address_ready;

	rule(!waited || (r.address_valid && r.address == before.address && r.length == before.length),
		"a read's address stays until it is taken");
	if (r.address_valid && r.address_ready)
		reads.push_back(begin(r.address, r.length, reads_clock));
	if (r.data_valid && r.data_ready) {
		reads.front().address += 8;
		if (--reads.front().left == 0)
			reads.pop_front();
		offers_data = false;
	}
	read_before = r;
	reads_clock++;
}

void memory::drive(struct axi_write *w)
{
	w->address_ready = writes.size() < most_bursts && !busy();
	w->data_ready = !writes.empty() && !busy();
	offers_answer =
		!answers.empty() && writes_clock >= answers.front().when && (offers_answer || !busy());
	w->response_valid = offers_answer;
	w->response = offers_answer ? answers.front().response : 0;
}

void memory::take(const struct axi_write &w)
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
		if (b.response == 0)
			std::memcpy(&bytes[b.address - base], &w.data, sizeof(w.data));
		b.address += 8;
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
