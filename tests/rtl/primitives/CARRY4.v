// SPDX-License-Identifier: MIT
// What the vendor's four-bit carry chain does.
`default_nettype none

module CARRY4 (
	input wire CI,
	input wire CYINIT,
	input wire [3:0] DI,
	input wire [3:0] S,
	output wire [3:0] O,
	output wire [3:0] CO
);
	wire carry = CI | CYINIT;

	wire carry0 = S[0] ? carry : DI[0];
	wire carry1 = S[1] ? carry0 : DI[1];
	wire carry2 = S[2] ? carry1 : DI[2];
	wire carry3 = S[3] ? carry2 : DI[3];

	assign CO = {carry3, carry2, carry1, carry0};
	assign O = S ^ {carry2, carry1, carry0, carry};
endmodule

`default_nettype wire
