// SPDX-License-Identifier: MIT
// From a general-purpose port of the PS (AXI3, 12-bit ids) to AXI4-Lite: a burst becomes one access after another. One
// read and one write at a time; a port that waits holds up only itself. Fixed, incrementing and wrapping bursts of up to
// 16 beats and up to 4 bytes a beat. A burst's worst response is the response of the whole write.
//
// The 64 KB window begins where all upper address bits but those of the port's own place are 0; `outside` says that an
// access lies beyond it.
`default_nettype none

module twobit_bridge (
	input wire clock,
	input wire reset,

	input wire [11:0] s_awid,
	input wire [29:0] s_awaddr,
	input wire [3:0] s_awlen,
	input wire [1:0] s_awsize,
	input wire [1:0] s_awburst,
	input wire s_awvalid,
	output wire s_awready,
	input wire [31:0] s_wdata,
	input wire [3:0] s_wstrb,
	input wire s_wvalid,
	output wire s_wready,
	output reg [11:0] s_bid,
	output reg [1:0] s_bresp,
	output wire s_bvalid,
	input wire s_bready,
	input wire [11:0] s_arid,
	input wire [29:0] s_araddr,
	input wire [3:0] s_arlen,
	input wire [1:0] s_arsize,
	input wire [1:0] s_arburst,
	input wire s_arvalid,
	output wire s_arready,
	output reg [11:0] s_rid,
	output reg [31:0] s_rdata,
	output reg [1:0] s_rresp,
	output wire s_rlast,
	output wire s_rvalid,
	input wire s_rready,

	output wire m_awoutside,
	output wire [15:0] m_awaddr,
	output reg m_awvalid,
	input wire m_awready,
	output reg [31:0] m_wdata,
	output reg [3:0] m_wstrb,
	output reg m_wvalid,
	input wire m_wready,
	input wire [1:0] m_bresp,
	input wire m_bvalid,
	output wire m_bready,
	output wire m_aroutside,
	output wire [15:0] m_araddr,
	output wire m_arvalid,
	input wire m_arready,
	input wire [31:0] m_rdata,
	input wire [1:0] m_rresp,
	input wire m_rvalid,
	output wire m_rready
);
	localparam FREE = 2'd0, ASK = 2'd1, WAIT = 2'd2, GIVE = 2'd3;

	// Reads: ask for a beat, wait for it, give it.
	reg [1:0] read_state;
	reg [29:0] read_at;
	reg [3:0] read_left;
	reg [3:0] read_length;
	reg [1:0] read_size;
	reg [1:0] read_burst;
	wire [29:0] read_next;

	twobit_burst_address read_address (
		.at(read_at),
		.length(read_length),
		.size(read_size),
		.burst(read_burst),
		.next(read_next)
	);

	assign s_arready = read_state == FREE;
	assign m_arvalid = read_state == ASK;
	assign m_araddr = {read_at[15:2], 2'b00};
	assign m_aroutside = read_at[29:16] != 0;
	assign m_rready = read_state == WAIT;
	assign s_rvalid = read_state == GIVE;
	assign s_rlast = read_left == 0;

	always @(posedge clock) begin
		case (read_state)
		FREE:
			if (s_arvalid) begin
				s_rid <= s_arid;
				read_at <= s_araddr;
				read_left <= s_arlen;
				read_length <= s_arlen;
				read_size <= s_arsize;
				read_burst <= s_arburst;
				read_state <= ASK;
			end
		ASK:
			if (m_arready)
				read_state <= WAIT;
		WAIT:
			if (m_rvalid) begin
				s_rdata <= m_rdata;
				s_rresp <= m_rresp;
				read_state <= GIVE;
			end
		GIVE:
			if (s_rready) begin
				read_at <= read_next;
				read_left <= read_left - 4'd1;
				read_state <= s_rlast ? FREE : ASK;
			end
		endcase
		if (reset)
			read_state <= FREE;
	end

	// Writes: take a beat, write it, wait for its response; the last one's is the burst's.
	reg [1:0] write_state;
	reg [29:0] write_at;
	reg [3:0] write_left;
	reg [3:0] write_length;
	reg [1:0] write_size;
	reg [1:0] write_burst;
	wire [29:0] write_next;

	twobit_burst_address write_address (
		.at(write_at),
		.length(write_length),
		.size(write_size),
		.burst(write_burst),
		.next(write_next)
	);

	assign s_awready = write_state == FREE;
	assign s_wready = write_state == ASK;
	assign m_awaddr = {write_at[15:2], 2'b00};
	assign m_awoutside = write_at[29:16] != 0;
	assign m_bready = write_state == WAIT && !m_awvalid && !m_wvalid;
	assign s_bvalid = write_state == GIVE;

	always @(posedge clock) begin
		if (m_awready)
			m_awvalid <= 0;
		if (m_wready)
			m_wvalid <= 0;
		case (write_state)
		FREE:
			if (s_awvalid) begin
				s_bid <= s_awid;
				s_bresp <= 2'b00;
				write_at <= s_awaddr;
				write_left <= s_awlen;
				write_length <= s_awlen;
				write_size <= s_awsize;
				write_burst <= s_awburst;
				write_state <= ASK;
			end
		ASK:
			if (s_wvalid) begin
				m_wdata <= s_wdata;
				m_wstrb <= s_wstrb;
				m_awvalid <= 1;
				m_wvalid <= 1;
				write_state <= WAIT;
			end
		WAIT:
			if (m_bready && m_bvalid) begin
				s_bresp <= s_bresp | m_bresp;
				write_at <= write_next;
				write_left <= write_left - 4'd1;
				write_state <= write_left == 0 ? GIVE : ASK;
			end
		GIVE:
			if (s_bready)
				write_state <= FREE;
		endcase
		if (reset) begin
			write_state <= FREE;
			m_awvalid <= 0;
			m_wvalid <= 0;
		end
	end

`ifdef PROVE_BRIDGE
`include "twobit_bridge.vh"
`endif
endmodule

`default_nettype wire
