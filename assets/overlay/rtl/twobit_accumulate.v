// SPDX-License-Identifier: MIT
// base + value, in one carry chain whose only other input is `value`, a register: then whatever makes `base` fits into
// the look-up tables of the chain. No register.
`default_nettype none

module twobit_accumulate #(
	parameter BITS = 28
) (
	input wire [BITS-1:0] base,
	input wire [BITS-1:0] value,
	output wire [BITS-1:0] sum
);
`ifdef XILINX_PRIMITIVES
	localparam PARTS = (BITS + 3) / 4;
	wire [4*PARTS-1:0] values = {{(4*PARTS-BITS){1'b0}}, value};
	wire [4*PARTS-1:0] halves = {{(4*PARTS-BITS){1'b0}}, value ^ base};
	// Of the carries only those between the parts are read.
	// verilator lint_off UNUSEDSIGNAL
	wire [4*PARTS-1:0] sums, carries;
	// verilator lint_on UNUSEDSIGNAL
	genvar i;

	generate
		for (i = 0; i < PARTS; i = i + 1) begin : part
			if (i == 0) begin : low
				CARRY4 chain (.CI(1'b0), .CYINIT(1'b0), .DI(values[3:0]), .S(halves[3:0]),
					      .O(sums[3:0]), .CO(carries[3:0]));
			end else begin : high
				CARRY4 chain (.CI(carries[4*i-1]), .CYINIT(1'b0), .DI(values[4*i +: 4]),
					      .S(halves[4*i +: 4]), .O(sums[4*i +: 4]), .CO(carries[4*i +: 4]));
			end
		end
	endgenerate
	assign sum = sums[BITS-1:0];
`else
	assign sum = base + value;
`endif
endmodule

`default_nettype wire
