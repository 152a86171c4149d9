/* SPDX-License-Identifier: MIT */
#include "simulation.h"

#include "registers.h"
#include "verilated.h"
#include "Voverlay.h"

#include <cstdio>
#include <cstdlib>

simulation::simulation() : context(new VerilatedContext), top(new Voverlay(context.get()))
{
	top->aclk = 0;
	top->aresetn = 0;
	top->s_axi_bready = 1;
	top->s_axi_rready = 1;
	tick(4);
	top->aresetn = 1;
	tick(40);
}

simulation::~simulation()
{
	top->final();
}

unsigned simulation::chance()
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state >> 8 & 255;
}

void simulation::tick(unsigned count)
{
	while (count--) {
		offering = !sender_stuck && !to_send.empty() && (offering || chance() >= send_gaps);
		top->s_axis_tvalid = offering;
		top->s_axis_tdata = offering ? to_send.front().data : 0;
		top->s_axis_tlast = offering && to_send.front().last;
		top->m_axis_tready = !receiver_stuck && chance() >= receive_gaps;
		top->eval();
		bool taken = offering && top->s_axis_tready;
		bool got = top->m_axis_tvalid && top->m_axis_tready;
		uint64_t data = top->m_axis_tdata;
		bool last = top->m_axis_tlast;

		top->aclk = 1;
		top->eval();
		top->aclk = 0;
		top->eval();
		cycles++;
		interrupt = top->irq;
		if (taken) {
			to_send.pop_front();
			offering = false;
		}
		if (got) {
			received.push_back(data);
			if (last) {
				answers.push_back(std::move(received));
				received.clear();
			}
		}
	}
}

/* The bus must answer, whatever happens elsewhere. */
static void hung(const char *what, uint32_t address)
{
	std::fprintf(stderr, "the register bus hangs: %s 0x%03x\n", what, address);
	std::exit(1);
}

void simulation::write(uint32_t address, uint32_t value)
{
	top->s_axi_awaddr = address;
	top->s_axi_awvalid = 1;
	top->s_axi_wdata = value;
	top->s_axi_wvalid = 1;
	for (int i = 0; i < 16; i++) {
		top->eval();
		bool taken = top->s_axi_awready && top->s_axi_wready;
		tick();
		if (taken) {
			top->s_axi_awvalid = 0;
			top->s_axi_wvalid = 0;
			if (!top->s_axi_bvalid)
				hung("no answer to a write at", address);
			tick();
			return;
		}
	}
	hung("write", address);
}

uint32_t simulation::read(uint32_t address)
{
	top->s_axi_araddr = address;
	top->s_axi_arvalid = 1;
	for (int i = 0; i < 16; i++) {
		top->eval();
		bool taken = top->s_axi_arready;
		tick();
		if (taken) {
			top->s_axi_arvalid = 0;
			if (!top->s_axi_rvalid)
				hung("no answer to a read at", address);
			uint32_t value = top->s_axi_rdata;
			tick();
			return value;
		}
	}
	hung("read", address);
	return 0;
}

void simulation::reset_by_register()
{
	write(OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_RESET_SHIFT);
	to_send.clear();
	offering = false;
	tick(40);
	received.clear();
	answers.clear();
}

void simulation::send(const std::vector<uint64_t> &transfer)
{
	for (size_t i = 0; i < transfer.size(); i++)
		to_send.push_back({transfer[i], i + 1 == transfer.size()});
}

bool simulation::receive(std::vector<uint64_t> *answer, uint64_t limit)
{
	for (uint64_t end = cycles + limit; answers.empty() && cycles < end;)
		tick();
	if (answers.empty())
		return false;
	*answer = std::move(answers.front());
	answers.pop_front();
	return true;
}
