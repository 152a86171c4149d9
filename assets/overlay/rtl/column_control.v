// SPDX-License-Identifier: MIT
// A column's own copy of the array's controls, one cycle late: kept apart, so that synthesis does not merge the
// copies back into one register with the fan-out of all columns.
(* keep_hierarchy *)
module column_control #(
	parameter BITS = 6
) (
	input clock,
	input [BITS-1:0] in,
	output reg [BITS-1:0] out
);
	always @(posedge clock)
		out <= in;
endmodule
