// SPDX-License-Identifier: MIT
// Brings bits that change one by one into another clock.
`default_nettype none

module twobit_sync #(
	parameter BITS = 1
) (
	input wire clock,
	input wire [BITS-1:0] in,
	output wire [BITS-1:0] out
);
	(* ASYNC_REG = "TRUE" *) reg [BITS-1:0] first, second;

	assign out = second;
	always @(posedge clock) begin
		first <= in;
		second <= first;
	end
endmodule

`default_nettype wire
