// SPDX-License-Identifier: MIT
// How many of six bits are 1. Three six-input look-up tables; no register.
module count_six (
	input [5:0] bits,
	output [2:0] count
);
`ifdef XILINX_PRIMITIVES
	LUT6 #(.INIT(64'h6996966996696996)) low (
		.I0(bits[0]), .I1(bits[1]), .I2(bits[2]), .I3(bits[3]), .I4(bits[4]), .I5(bits[5]), .O(count[0]));
	LUT6 #(.INIT(64'h8117177e177e7ee8)) middle (
		.I0(bits[0]), .I1(bits[1]), .I2(bits[2]), .I3(bits[3]), .I4(bits[4]), .I5(bits[5]), .O(count[1]));
	LUT6 #(.INIT(64'hfee8e880e8808000)) high (
		.I0(bits[0]), .I1(bits[1]), .I2(bits[2]), .I3(bits[3]), .I4(bits[4]), .I5(bits[5]), .O(count[2]));
`else
	assign count = {2'd0, bits[0]} + {2'd0, bits[1]} + {2'd0, bits[2]} +
		       {2'd0, bits[3]} + {2'd0, bits[4]} + {2'd0, bits[5]};
`endif
endmodule
