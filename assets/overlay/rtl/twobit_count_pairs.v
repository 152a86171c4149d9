// SPDX-License-Identifier: MIT
// Of three pairs of bits, how many are 1 both. Two six-input look-up tables; no register.
`default_nettype none

module twobit_count_pairs (
	input wire [2:0] a,
	input wire [2:0] b,
	output wire [1:0] count
);
`ifdef XILINX_PRIMITIVES
	LUT6 #(.INIT(64'h963c5af066ccaa00)) low (
		.I0(a[0]), .I1(a[1]), .I2(a[2]), .I3(b[0]), .I4(b[1]), .I5(b[2]), .O(count[0]));
	LUT6 #(.INIT(64'he8c0a00088000000)) high (
		.I0(a[0]), .I1(a[1]), .I2(a[2]), .I3(b[0]), .I4(b[1]), .I5(b[2]), .O(count[1]));
`else
	wire [2:0] both = a & b;

	assign count = {1'b0, both[0]} + {1'b0, both[1]} + {1'b0, both[2]};
`endif
endmodule

`default_nettype wire
