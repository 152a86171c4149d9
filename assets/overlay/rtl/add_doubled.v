// SPDX-License-Identifier: MIT
// a + 2 * doubled, where a and doubled are 0 ... 6. Five six-input look-up tables; no register.
module add_doubled (
	input [2:0] a,
	input [2:0] doubled,
	output [4:0] sum
);
`ifdef XILINX_PRIMITIVES
	wire [5:0] x = {doubled, a};

	assign sum[0] = a[0];
	LUT6 #(.INIT(64'h33cc33cc33cc33cc)) bit1 (
		.I0(x[0]), .I1(x[1]), .I2(x[2]), .I3(x[3]), .I4(x[4]), .I5(x[5]), .O(sum[1]));
	LUT6 #(.INIT(64'hc30f3cf0c30f3cf0)) bit2 (
		.I0(x[0]), .I1(x[1]), .I2(x[2]), .I3(x[3]), .I4(x[4]), .I5(x[5]), .O(sum[2]));
	LUT6 #(.INIT(64'h030f3ffffcf0c000)) bit3 (
		.I0(x[0]), .I1(x[1]), .I2(x[2]), .I3(x[3]), .I4(x[4]), .I5(x[5]), .O(sum[3]));
	LUT6 #(.INIT(64'hfcf0c00000000000)) bit4 (
		.I0(x[0]), .I1(x[1]), .I2(x[2]), .I3(x[3]), .I4(x[4]), .I5(x[5]), .O(sum[4]));
`else
	assign sum = {2'd0, a} + {1'b0, doubled, 1'b0};
`endif
endmodule
