// SPDX-License-Identifier: MIT
// What the whole design is.
`include "board.vh"
`default_nettype none

module twobit_identity #(
	parameter [31:0] BUILD = 0 // first bits of the source's commit
) (
	input wire clock,
	input wire reset,
	input wire write,
	input wire [11:0] write_address,
	input wire [31:0] write_data,
	input wire [11:0] read_address,
	output reg [31:0] read_data,
	input wire [2:0] interrupts // of scan-out, DMA, overlay
);
	localparam [15:0] MAJOR = `BOARD_VERSION_MAJOR, MINOR = `BOARD_VERSION_MINOR;
	localparam [31:0] PARTS = 32'h307; // overlay, DMA, scan-out; both modes
	localparam [31:0] KILOHERTZ = 32'd100000;
	reg [31:0] scratch;

	always @(posedge clock) begin
		if (write && write_address == `BOARD_REG_SCRATCH)
			scratch <= write_data;
		if (reset)
			scratch <= 0;
		case (read_address)
		`BOARD_REG_IDENTITY: read_data <= `BOARD_IDENTITY;
		`BOARD_REG_VERSION: read_data <= {MAJOR, MINOR};
		`BOARD_REG_PARTS: read_data <= PARTS;
		`BOARD_REG_CLOCK: read_data <= KILOHERTZ;
		`BOARD_REG_BUILD: read_data <= BUILD;
		`BOARD_REG_INTERRUPTS: read_data <= {29'd0, interrupts};
		`BOARD_REG_SCRATCH: read_data <= scratch;
		default: read_data <= 0;
		endcase
	end
endmodule

`default_nettype wire
