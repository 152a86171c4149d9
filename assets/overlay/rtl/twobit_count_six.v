// SPDX-License-Identifier: MIT
// How many of six bits are 1. No register. Two look-up tables with half a carry chain: the second holds half of the sum
// of five bits, in both of its outputs, and what the sixth bit carries over comes through the chain.
`default_nettype none

module twobit_count_six (
	input wire [5:0] bits,
	output wire [2:0] count
);
`ifdef XILINX_PRIMITIVES
	wire odd;
	// Half of the chain is not read; bit 0 of the sum of five is part of the parity of six.
	// verilator lint_off UNUSEDSIGNAL
	wire [3:0] sums, carries;
	wire [2:0] five = {2'd0, bits[0]} + {2'd0, bits[1]} + {2'd0, bits[2]} + {2'd0, bits[3]} + {2'd0, bits[4]};
	// verilator lint_on UNUSEDSIGNAL

	LUT6 #(.INIT(64'h6996966996696996)) parity (
		.I0(bits[0]), .I1(bits[1]), .I2(bits[2]), .I3(bits[3]), .I4(bits[4]), .I5(bits[5]), .O(odd));
	CARRY4 chain (.CI(1'b0), .CYINIT(1'b0), .DI({2'b0, five[2], bits[5]}), .S({2'b0, five[1], odd}),
		      .O(sums), .CO(carries));
	assign count = {carries[1], sums[1:0]};
`else
	assign count = {2'd0, bits[0]} + {2'd0, bits[1]} + {2'd0, bits[2]} +
		       {2'd0, bits[3]} + {2'd0, bits[4]} + {2'd0, bits[5]};
`endif
endmodule

`default_nettype wire
