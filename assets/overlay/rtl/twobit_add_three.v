// SPDX-License-Identifier: MIT
// a + b + c in one carry chain: a look-up table a bit adds the three bits and what the bit below handed on (two of
// three: the other output of its table). No register.
`default_nettype none

module twobit_add_three #(
	parameter BITS = 7 // at most 8
) (
	input wire [BITS-1:0] a,
	input wire [BITS-1:0] b,
	input wire [BITS-1:0] c,
	output wire [BITS-1:0] sum
);
`ifdef XILINX_PRIMITIVES
	wire [7:0] handed = {{(8-BITS){1'b0}}, (a & b) | (a & c) | (b & c)} << 1;
	wire [7:0] halves = {{(8-BITS){1'b0}}, a ^ b ^ c} ^ handed;
	// Bits above the sum's, and carries within a chain, are not read.
	// verilator lint_off UNUSEDSIGNAL
	wire [7:0] sums, carries;
	// verilator lint_on UNUSEDSIGNAL

	CARRY4 low (.CI(1'b0), .CYINIT(1'b0), .DI(handed[3:0]), .S(halves[3:0]), .O(sums[3:0]), .CO(carries[3:0]));
	CARRY4 high (.CI(carries[3]), .CYINIT(1'b0), .DI(handed[7:4]), .S(halves[7:4]), .O(sums[7:4]),
		     .CO(carries[7:4]));
	assign sum = sums[BITS-1:0];
`else
	assign sum = a + b + c;
`endif
endmodule

`default_nettype wire
