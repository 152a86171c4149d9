// SPDX-License-Identifier: MIT
// Leads AXI4-Lite accesses to the overlay or to the register port of all other blocks. A write of fewer than 32 bits
// goes nowhere. The bridge makes one read and one write at a time, so that a choice holds until the answer.
//
// The register port: `write` for one cycle with its address and data; data read belong to the `read_address` of the
// cycle before.
`include "board.vh"
`default_nettype none

module twobit_windows (
	input wire clock,
	input wire reset,

	input wire s_awoutside,
	input wire [15:0] s_awaddr,
	input wire s_awvalid,
	output wire s_awready,
	input wire [31:0] s_wdata,
	input wire [3:0] s_wstrb,
	input wire s_wvalid,
	output wire s_wready,
	output wire s_bvalid,
	input wire s_bready,
	input wire s_aroutside,
	input wire [15:0] s_araddr,
	input wire s_arvalid,
	output wire s_arready,
	output wire [31:0] s_rdata,
	output wire s_rvalid,
	input wire s_rready,

	output wire [11:0] overlay_awaddr,
	output wire overlay_awvalid,
	input wire overlay_awready,
	output wire [31:0] overlay_wdata,
	output wire overlay_wvalid,
	input wire overlay_wready,
	input wire overlay_bvalid,
	output wire overlay_bready,
	output wire [11:0] overlay_araddr,
	output wire overlay_arvalid,
	input wire overlay_arready,
	input wire [31:0] overlay_rdata,
	input wire overlay_rvalid,
	output wire overlay_rready,

	output wire write,
	output wire [15:0] write_address,
	output wire [31:0] write_data,
	output reg [15:0] read_address,
	input wire [31:0] read_data
);
	localparam [15:0] OVERLAY = `BOARD_OVERLAY_AT;
	wire write_overlay = !s_awoutside && s_wstrb == 4'hf && s_awaddr[15:12] == OVERLAY[15:12];
	wire read_overlay = !s_aroutside && s_araddr[15:12] == OVERLAY[15:12];
	reg writes_overlay, reads_overlay; // of the access that waits for its answer
	reg answer_write;
	reg [1:0] reading; // 1: the address is there, 2: the data are, 3: they are offered
	reg reads_nothing;
	reg [31:0] data;

	assign overlay_awaddr = s_awaddr[11:0];
	assign overlay_awvalid = s_awvalid && s_wvalid && write_overlay;
	assign overlay_wdata = s_wdata;
	assign overlay_wvalid = overlay_awvalid;
	assign overlay_bready = s_bready && writes_overlay;
	assign overlay_araddr = s_araddr[11:0];
	assign overlay_arvalid = s_arvalid && read_overlay;
	assign overlay_rready = s_rready && reads_overlay;

	// The overlay takes address and data together, and so does the port.
	wire write_port = s_awvalid && s_wvalid && !write_overlay && !answer_write;
	wire read_port = s_arvalid && !read_overlay && reading == 0;

	assign s_awready = write_overlay ? overlay_awready : write_port;
	assign s_wready = write_overlay ? overlay_wready : write_port;
	assign s_bvalid = writes_overlay ? overlay_bvalid : answer_write;
	assign s_arready = read_overlay ? overlay_arready : read_port;
	assign s_rvalid = reads_overlay ? overlay_rvalid : reading == 2'd3;
	assign s_rdata = reads_overlay ? overlay_rdata : data;

	assign write = write_port && !s_awoutside && s_wstrb == 4'hf;
	assign write_address = s_awaddr;
	assign write_data = s_wdata;

	always @(posedge clock) begin
		if (s_awvalid && s_awready)
			writes_overlay <= write_overlay;
		if (s_arvalid && s_arready)
			reads_overlay <= read_overlay;
		if (s_bready)
			answer_write <= 0;
		if (write_port)
			answer_write <= 1;
		if (reading == 2'd3 ? s_rready : reading != 0)
			reading <= reading + 2'd1;
		if (reading == 2'd2)
			data <= reads_nothing ? 32'd0 : read_data;
		if (read_port) begin
			read_address <= s_araddr;
			reads_nothing <= s_aroutside;
			reading <= 2'd1;
		end
		if (reset) begin
			writes_overlay <= 0;
			reads_overlay <= 0;
			answer_write <= 0;
			reading <= 2'd0;
		end
	end
endmodule

`default_nettype wire
