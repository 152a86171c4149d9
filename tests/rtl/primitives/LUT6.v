// SPDX-License-Identifier: MIT
// What the vendor's six-input look-up table does.
module LUT6 #(
	parameter [63:0] INIT = 64'd0
) (
	input I0, I1, I2, I3, I4, I5,
	output O
);
	assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule
