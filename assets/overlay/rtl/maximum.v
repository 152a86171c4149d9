// SPDX-License-Identifier: MIT
// The greater of two codes, for each of 16 channels. No register.
module maximum (
	input [127:0] a,
	input [127:0] b,
	output [127:0] greater
);
	genvar i;

	generate
		for (i = 0; i < 16; i = i + 1) begin : channel
			assign greater[8*i +: 8] = a[8*i +: 8] > b[8*i +: 8] ? a[8*i +: 8] : b[8*i +: 8];
		end
	endgenerate
endmodule
