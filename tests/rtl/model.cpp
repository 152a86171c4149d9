/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "verilated.h"
#include "Voverlay.h"

#include <new>

/* Clocks in which a register access must be answered, whatever else runs. */
static const int timeout = 16;

struct model {
	VerilatedContext context;
	Voverlay top{&context};
	const struct model_neighbours *neighbours;
	void *of_neighbours;
	struct model_streams streams = {};
	uint64_t cycles = 0;
};

static void clock_once(struct model *m)
{
	Voverlay &top = m->top;
	struct model_streams &s = m->streams;

	m->neighbours->drive(m->of_neighbours, &s);
	top.s_axis_tvalid = s.in_valid;
	top.s_axis_tdata = s.in_data;
	top.s_axis_tlast = s.in_last;
	top.m_axis_tready = s.out_ready;
	top.aclk = 0;
	top.eval();
	s.in_taken = s.in_valid && top.s_axis_tready;
	s.out_taken = s.out_ready && top.m_axis_tvalid;
	s.out_data = top.m_axis_tdata;
	s.out_last = top.m_axis_tlast;
	top.aclk = 1;
	top.eval();
	m->cycles++;
	m->neighbours->take(m->of_neighbours, &s);
}

/* Settles inputs that have changed since the last edge. */
static void settle(struct model *m)
{
	m->top.aclk = 0;
	m->top.eval();
}

struct model *model_create(const struct model_neighbours *neighbours, void *context)
{
	auto *m = new (std::nothrow) struct model;

	if (!m)
		return nullptr;
	m->neighbours = neighbours;
	m->of_neighbours = context;
	m->top.aresetn = 0;
	m->top.s_axi_bready = 1;
	m->top.s_axi_rready = 1;
	model_clock(m, 4);
	m->top.aresetn = 1;
	model_clock(m, 40);
	return m;
}

void model_destroy(struct model *m)
{
	if (m)
		m->top.final();
	delete m;
}

void model_clock(struct model *m, unsigned count)
{
	while (count--)
		clock_once(m);
}

bool model_read(struct model *m, uint32_t address, uint32_t *value)
{
	bool taken = false;

	m->top.s_axi_araddr = address;
	m->top.s_axi_arvalid = 1;
	for (int i = 0; i < timeout && !taken; i++) {
		settle(m);
		taken = m->top.s_axi_arready;
		clock_once(m);
	}
	m->top.s_axi_arvalid = 0;
	bool answered = taken && m->top.s_axi_rvalid;
	*value = m->top.s_axi_rdata;
	clock_once(m);
	return answered;
}

bool model_write(struct model *m, uint32_t address, uint32_t value)
{
	bool taken = false;

	m->top.s_axi_awaddr = address;
	m->top.s_axi_wdata = value;
	m->top.s_axi_awvalid = m->top.s_axi_wvalid = 1;
	for (int i = 0; i < timeout && !taken; i++) {
		settle(m);
		taken = m->top.s_axi_awready && m->top.s_axi_wready;
		clock_once(m);
	}
	m->top.s_axi_awvalid = m->top.s_axi_wvalid = 0;
	bool answered = taken && m->top.s_axi_bvalid;
	clock_once(m);
	return answered;
}

bool model_interrupt(const struct model *m)
{
	return m->top.irq;
}

uint64_t model_cycles(const struct model *m)
{
	return m->cycles;
}
