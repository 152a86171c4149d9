// SPDX-License-Identifier: MIT
// The sum of six bits of weight 1 and six of weight 4. No register. Four look-up tables with a carry chain: count_six
// twice, the second one above the first.
module count_columns (
	input [5:0] ones,
	input [5:0] fours,
	output [4:0] sum
);
`ifdef XILINX_PRIMITIVES
	wire [3:0] sums, carries;
	wire [2:0] low = ones[0] + ones[1] + ones[2] + ones[3] + ones[4];
	wire [2:0] high = fours[0] + fours[1] + fours[2] + fours[3] + fours[4];

	CARRY4 chain (.CI(1'b0), .CYINIT(1'b0), .DI({high[2], fours[5], low[2], ones[5]}),
		      .S({high[1], ^fours, low[1], ^ones}), .O(sums), .CO(carries));
	assign sum = {carries[3], sums};
`else
	assign sum = ones[0] + ones[1] + ones[2] + ones[3] + ones[4] + ones[5] +
		     {fours[0] + 5'd0 + fours[1] + fours[2] + fours[3] + fours[4] + fours[5], 2'd0};
`endif
endmodule
