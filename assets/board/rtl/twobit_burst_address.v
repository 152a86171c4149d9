// SPDX-License-Identifier: MIT
// The address of an AXI burst's next beat. A beat has 1 << size bytes; `length` is beats - 1.
`default_nettype none

module twobit_burst_address (
	input wire [29:0] at,
	input wire [3:0] length,
	input wire [1:0] size,
	input wire [1:0] burst,
	output wire [29:0] next
);
	localparam FIXED = 2'd0, WRAP = 2'd2;
	wire [29:0] step = 30'd1 << size;
	wire [29:0] after = (at & ~(step - 30'd1)) + step;
	wire [29:0] around = ({26'd0, length} << size) | (step - 30'd1); // within a burst that wraps

	assign next = burst == FIXED ? at : burst == WRAP ? (at & ~around) | (after & around) : after;

`ifdef PROVE_BURST_ADDRESS
`include "twobit_burst_address.vh"
`endif
endmodule

`default_nettype wire
