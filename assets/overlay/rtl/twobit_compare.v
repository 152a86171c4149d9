// SPDX-License-Identifier: MIT
// Whether a > b, or a >= b; neither has a sign. No register. A look-up table compares two bits: its one output says
// whether they are the same, then the carry chain hands on what the bits below said; its other one which is more.
`default_nettype none

module twobit_compare #(
	parameter BITS = 8,
	parameter OR_EQUAL = 0
) (
	input wire [BITS-1:0] a,
	input wire [BITS-1:0] b,
	output wire result
);
`ifdef XILINX_PRIMITIVES
	localparam PARTS = (BITS + 7) / 8;
	wire [8*PARTS-1:0] first = {{(8*PARTS-BITS){1'b0}}, a};
	wire [8*PARTS-1:0] second = {{(8*PARTS-BITS){1'b0}}, b};
	wire [4*PARTS-1:0] same, more;
	// Nobody reads the sums, and of the carries only those between the parts and the last one.
	// verilator lint_off UNUSEDSIGNAL
	wire [4*PARTS-1:0] carries, sums;
	// verilator lint_on UNUSEDSIGNAL
	genvar i;

	generate
		for (i = 0; i < 4 * PARTS; i = i + 1) begin : pair
			assign same[i] = first[2*i +: 2] == second[2*i +: 2];
			assign more[i] = first[2*i+1] ^ second[2*i+1] ? first[2*i+1] : first[2*i];
		end
		for (i = 0; i < PARTS; i = i + 1) begin : part
			if (i == 0) begin : low
				CARRY4 chain (.CI(1'b0), .CYINIT(OR_EQUAL != 0), .DI(more[3:0]), .S(same[3:0]),
					      .O(sums[3:0]), .CO(carries[3:0]));
			end else begin : high
				CARRY4 chain (.CI(carries[4*i-1]), .CYINIT(1'b0), .DI(more[4*i +: 4]),
					      .S(same[4*i +: 4]), .O(sums[4*i +: 4]),
					      .CO(carries[4*i +: 4]));
			end
		end
	endgenerate
	assign result = carries[4*PARTS-1];
`else
	assign result = OR_EQUAL != 0 ? a >= b : a > b;
`endif
endmodule

`default_nettype wire
