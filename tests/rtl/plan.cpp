/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <cstdio>

std::vector<uint64_t> record(
	int type, bool last, int address, uint16_t sequence, const std::vector<uint64_t> &payload)
{
	std::vector<uint64_t> beats(payload.size() + 2);

	std::copy(payload.begin(), payload.end(), beats.begin() + 1);
	record_seal(beats.data(), type, last, address, sequence, payload.size());
	return beats;
}

plan::plan(const struct network *network, int first, int last, bool one_slot,
	const struct overlay_limits &limits)
{
	struct error e = {};

	if (program_create(network, first, last, &limits, one_slot, &p, &e))
		throw std::string(e.text);
}

plan::~plan()
{
	program_destroy(p);
}

register_writes plan::writes() const
{
	register_writes list;

	program_write(
		p,
		[](void *context, uint32_t offset, uint32_t value) {
			static_cast<register_writes *>(context)->emplace_back(offset, value);
		},
		&list);
	return list;
}

static std::vector<std::vector<uint64_t>> cut(const struct records &r, const uint64_t *beats)
{
	std::vector<std::vector<uint64_t>> list;

	for (int i = 0; i < r.count; i++)
		list.emplace_back(beats + r.transfers[i].offset / 8,
			beats + (r.transfers[i].offset + r.transfers[i].size) / 8);
	return list;
}

std::vector<std::vector<uint64_t>> plan::resident() const
{
	return cut(p->resident, p->resident.beats);
}

void plan::program(simulation &s) const
{
	for (const auto &one : writes())
		s.write(one.first, one.second);
	s.reset_by_register(); /* the ring begins at its new place */
	for (const auto &transfer : resident())
		s.send(transfer);
	while (!s.to_send.empty())
		s.tick();
	s.tick(8);
	s.write(OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_ENABLE_SHIFT);
}

std::vector<std::vector<uint64_t>> plan::transfers(const uint8_t *codes, uint16_t sequence) const
{
	std::vector<uint64_t> all(p->frame.beats, p->frame.beats + p->frame.size / 8);

	program_pack(p, codes, sequence, all.data());
	return cut(p->frame, all.data());
}

std::vector<uint64_t> plan::frame(const uint8_t *codes, uint16_t sequence) const
{
	auto list = transfers(codes, sequence);

	if (list.size() != 1)
		throw std::string("the frame is more than one transfer");
	return list[0];
}

void plan::send(simulation &s, const uint8_t *codes, uint16_t sequence) const
{
	for (const auto &transfer : transfers(codes, sequence))
		s.send(transfer);
}

bool plan::right(const std::vector<uint64_t> &result, uint16_t sequence, const void *expected) const
{
	const struct stage &last = p->stages[p->stage_count - 1];
	size_t size = shape_size(last.pool ? last.pool->out : last.layer->out) *
		      (last.layer->epilogue == EPILOGUE_SCORES ? sizeof(int32_t) : 1);
	std::vector<uint8_t> got(size);
	int failure;
	int rc = program_unpack(p, result.data(), result.size() * 8, sequence, got.data(), &failure);

	if (rc)
		std::fprintf(stderr, "not the result: %d, failure %d, %zu bytes instead of %zu\n", rc,
			failure, result.size() * 8, p->result_size);
	else if (std::memcmp(got.data(), expected, size) != 0)
		std::fprintf(stderr, "wrong values\n");
	return !rc && std::memcmp(got.data(), expected, size) == 0;
}
