/* SPDX-License-Identifier: MIT */
#include "simulation.h"

#include "pl/overlay/registers.h"

#include <cstdio>
#include <cstdlib>

simulation::simulation()
{
	static const struct model_neighbours neighbours = {drive, take};

	model = model_create(&neighbours, this);
	if (!model)
		std::abort();
}

simulation::~simulation()
{
	model_destroy(model);
}

unsigned simulation::chance()
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state >> 8 & 255;
}

void simulation::drive(void *context, struct model_streams *streams)
{
	auto &s = *static_cast<simulation *>(context);

	s.offering = !s.sender_stuck && !s.to_send.empty() && (s.offering || s.chance() >= s.send_gaps);
	streams->in_valid = s.offering;
	streams->in_data = s.offering ? s.to_send.front().data : 0;
	streams->in_last = s.offering && s.to_send.front().last;
	streams->out_ready = !s.receiver_stuck && s.chance() >= s.receive_gaps;
}

void simulation::take(void *context, const struct model_streams *streams)
{
	auto &s = *static_cast<simulation *>(context);

	if (streams->in_taken) {
		s.to_send.pop_front();
		s.offering = false;
	}
	if (!streams->out_taken)
		return;
	s.received.push_back(streams->out_data);
	if (streams->out_last) {
		s.results.push_back(std::move(s.received));
		s.received.clear();
	}
}

void simulation::tick(unsigned count)
{
	model_clock(model, count);
}

bool simulation::interrupt() const
{
	return model_interrupt(model);
}

uint64_t simulation::cycles() const
{
	return model_cycles(model);
}

/* The bus must answer, whatever state the overlay is in. */
static void hung(const char *what, uint32_t address)
{
	std::fprintf(stderr, "the register bus hangs: %s 0x%03x\n", what, address);
	std::exit(1);
}

void simulation::write(uint32_t address, uint32_t value)
{
	if (!model_write(model, address, value))
		hung("write", address);
}

uint32_t simulation::read(uint32_t address)
{
	uint32_t value;

	if (!model_read(model, address, &value))
		hung("read", address);
	return value;
}

void simulation::reset_by_register()
{
	write(OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_RESET_SHIFT);
	to_send.clear();
	offering = false;
	tick(40);
	received.clear();
	results.clear();
}

void simulation::send(const std::vector<uint64_t> &transfer)
{
	for (size_t i = 0; i < transfer.size(); i++)
		to_send.push_back({transfer[i], i + 1 == transfer.size()});
}

bool simulation::receive(std::vector<uint64_t> *result, uint64_t limit)
{
	for (uint64_t end = cycles() + limit; results.empty() && cycles() < end;)
		tick();
	if (results.empty())
		return false;
	*result = std::move(results.front());
	results.pop_front();
	return true;
}
