// SPDX-License-Identifier: MIT
// The sum of six bits of weight 1 and six of weight 4. No register. Four look-up tables with a carry chain: count_six
// twice, the second one above the first.
`default_nettype none

module twobit_count_columns (
	input wire [5:0] ones,
	input wire [5:0] fours,
	output wire [4:0] sum
);
`ifdef XILINX_PRIMITIVES
	wire [3:0] sums;
	// Carries within the chain are not read; bit 0 of a sum of five is part of the parity of six.
	// verilator lint_off UNUSEDSIGNAL
	wire [3:0] carries;
	wire [2:0] low = {2'd0, ones[0]} + {2'd0, ones[1]} + {2'd0, ones[2]} + {2'd0, ones[3]} + {2'd0, ones[4]};
	wire [2:0] high = {2'd0, fours[0]} + {2'd0, fours[1]} + {2'd0, fours[2]} + {2'd0, fours[3]} + {2'd0, fours[4]};
	// verilator lint_on UNUSEDSIGNAL

	CARRY4 chain (.CI(1'b0), .CYINIT(1'b0), .DI({high[2], fours[5], low[2], ones[5]}),
		      .S({high[1], ^fours, low[1], ^ones}), .O(sums), .CO(carries));
	assign sum = {carries[3], sums};
`else
	wire [2:0] low = {2'd0, ones[0]} + {2'd0, ones[1]} + {2'd0, ones[2]} +
			 {2'd0, ones[3]} + {2'd0, ones[4]} + {2'd0, ones[5]};
	wire [2:0] high = {2'd0, fours[0]} + {2'd0, fours[1]} + {2'd0, fours[2]} +
			  {2'd0, fours[3]} + {2'd0, fours[4]} + {2'd0, fours[5]};

	assign sum = {2'd0, low} + {high, 2'd0};
`endif
endmodule

`default_nettype wire
