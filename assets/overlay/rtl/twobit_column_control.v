// SPDX-License-Identifier: MIT
// A column's own copy of the array's controls, one cycle late: kept apart, so that synthesis does not merge the
// copies back into one register with the fan-out of all columns.
`default_nettype none

(* keep_hierarchy *)
module twobit_column_control #(
	parameter BITS = 6
) (
	input wire clock,
	input wire [BITS-1:0] in,
	output reg [BITS-1:0] out
);
	always @(posedge clock)
		out <= in;
endmodule

`default_nettype wire
