// SPDX-License-Identifier: MIT
// The DMA between memory (an AXI3 port of 64 bits) and the overlay's streams: one transfer at a time each way, with the
// registers of AMD's AXI DMA in direct mode. Bursts stay within 128 bytes, so they have at most 16 beats and never
// cross 4 KB. A reset waits until no burst is under way and drops what comes meanwhile.
`include "board.vh"
`default_nettype none

module twobit_dma (
	input wire clock,
	input wire reset,

	input wire write,
	input wire [11:0] write_address,
	input wire [31:0] write_data,
	input wire [11:0] read_address,
	output reg [31:0] read_data,
	output wire irq,

	output wire [31:0] m_araddr,
	output wire [3:0] m_arlen,
	output wire m_arvalid,
	input wire m_arready,
	input wire [63:0] m_rdata,
	input wire [1:0] m_rresp,
	input wire m_rvalid,
	output wire m_rready,
	output wire [31:0] m_awaddr,
	output wire [3:0] m_awlen,
	output wire m_awvalid,
	input wire m_awready,
	output wire [63:0] m_wdata,
	output wire m_wlast,
	output wire m_wvalid,
	input wire m_wready,
	input wire [1:0] m_bresp,
	input wire m_bvalid,
	output wire m_bready,

	output wire [63:0] to_data,
	output wire to_last,
	output wire to_valid,
	input wire to_ready,
	input wire [63:0] from_data,
	input wire from_last,
	input wire from_valid,
	output wire from_ready
);
	localparam [11:0] FROM = `BOARD_REG_DMA_FROM_CONTROL;
	wire [11:0] write_from = write_address - FROM;
	wire [11:0] read_from = read_address - FROM;
	wire to_start, to_busy, to_done, to_slave, to_decode, to_asks_reset, to_interrupt, to_quiet;
	wire from_start, from_busy, from_done, from_overrun, from_slave, from_decode, from_asks_reset, from_interrupt;
	wire from_quiet;
	wire [31:0] to_read, from_read;
	wire [28:0] to_address, from_address;
	wire [22:0] to_beats, from_beats, from_came;
	reg draining;
	wire quiet = to_quiet && from_quiet;
	wire clear = reset || (draining && quiet);

	assign irq = to_interrupt || from_interrupt;

	always @(posedge clock) begin
		if (to_asks_reset || from_asks_reset)
			draining <= 1;
		if (clear)
			draining <= 0;
		read_data <= read_address < FROM ? to_read : read_from < FROM ? from_read : 32'd0;
	end

	twobit_dma_registers to_registers (
		.clock(clock), .reset(clear), .write(write && write_address < FROM), .write_address(write_address),
		.write_data(write_data), .read_address(read_address), .read_data(to_read),
		.irq(to_interrupt), .asks_reset(to_asks_reset), .draining(draining), .start(to_start),
		.address(to_address), .beats(to_beats), .busy(to_busy), .done(to_done), .overrun(1'b0),
		.slave(to_slave), .decode(to_decode), .came(to_beats));

	twobit_dma_registers from_registers (
		.clock(clock), .reset(clear), .write(write && write_address >= FROM), .write_address(write_from),
		.write_data(write_data), .read_address(read_from), .read_data(from_read),
		.irq(from_interrupt), .asks_reset(from_asks_reset), .draining(draining), .start(from_start),
		.address(from_address), .beats(from_beats), .busy(from_busy), .done(from_done),
		.overrun(from_overrun), .slave(from_slave), .decode(from_decode), .came(from_came));

	twobit_dma_read read_side (
		.clock(clock), .reset(clear), .draining(draining), .start(to_start), .address(to_address),
		.beats(to_beats), .busy(to_busy), .done(to_done), .slave(to_slave), .decode(to_decode),
		.quiet(to_quiet), .m_araddr(m_araddr), .m_arlen(m_arlen), .m_arvalid(m_arvalid),
		.m_arready(m_arready), .m_rdata(m_rdata), .m_rresp(m_rresp), .m_rvalid(m_rvalid),
		.m_rready(m_rready), .out_data(to_data), .out_last(to_last), .out_valid(to_valid),
		.out_ready(to_ready));

	twobit_dma_write write_side (
		.clock(clock), .reset(clear), .draining(draining), .start(from_start), .address(from_address),
		.beats(from_beats), .busy(from_busy), .done(from_done), .overrun(from_overrun), .slave(from_slave),
		.decode(from_decode), .came(from_came), .quiet(from_quiet), .m_awaddr(m_awaddr), .m_awlen(m_awlen),
		.m_awvalid(m_awvalid), .m_awready(m_awready), .m_wdata(m_wdata), .m_wlast(m_wlast),
		.m_wvalid(m_wvalid), .m_wready(m_wready), .m_bresp(m_bresp), .m_bvalid(m_bvalid),
		.m_bready(m_bready), .in_data(from_data), .in_last(from_last), .in_valid(from_valid),
		.in_ready(from_ready));
endmodule

`default_nettype wire
