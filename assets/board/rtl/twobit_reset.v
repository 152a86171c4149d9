// SPDX-License-Identifier: MIT
// A reset that comes at once and ends with the clock.
`default_nettype none

module twobit_reset (
	input wire clock,
	input wire resetn, // of no clock
	output wire reset
);
	(* ASYNC_REG = "TRUE" *) reg [3:0] held;

	assign reset = held[3];
	always @(posedge clock or negedge resetn)
		if (!resetn)
			held <= 4'hf;
		else
			held <= {held[2:0], 1'b0};
endmodule

`default_nettype wire
