// SPDX-License-Identifier: MIT
// How many of 64 bits are 1 in both of two words. Two cycles: a register after two rows of counters, one after the
// third; the last adder is not registered.
`default_nettype none

module twobit_popcount (
	input wire clock,
	input wire [63:0] a,
	input wire [63:0] b,
	output wire [6:0] count
);
`ifdef FAST_MODEL
	reg [6:0] first, second;

	always @(posedge clock) begin
		first <= 7'($countones(a & b));
		second <= first;
	end
	assign count = second;
`else
	// Three pairs make a two-bit count: 21 ones and 21 twos, and the last pair's one.
	wire [21:0] ones;
	wire [20:0] twos;
	genvar i;

	generate
		for (i = 0; i < 21; i = i + 1) begin : pairs
			twobit_count_pairs lut (.a(a[3*i +: 3]), .b(b[3*i +: 3]), .count({twos[i], ones[i]}));
		end
	endgenerate
	assign ones[21] = a[63] & b[63];

	// Six of a weight make a three-bit count: four ones stay over, three twos make a two-bit count.
	wire [8:0] of_ones, of_twos;
	reg [6:0] weight1;
	reg [6:0] weight2;
	reg [6:0] weight4;
	reg [2:0] weight8;

	generate
		for (i = 0; i < 3; i = i + 1) begin : sixes
			twobit_count_six count_ones (.bits(ones[6*i +: 6]), .count(of_ones[3*i +: 3]));
			twobit_count_six count_twos (.bits(twos[6*i +: 6]), .count(of_twos[3*i +: 3]));
		end
	endgenerate
	always @(posedge clock) begin
		weight1 <= {ones[21:18], of_ones[6], of_ones[3], of_ones[0]};
		weight2 <= {^twos[20:18], of_twos[6], of_twos[3], of_twos[0], of_ones[7], of_ones[4], of_ones[1]};
		weight4 <= {(twos[20] & twos[19]) | (twos[20] & twos[18]) | (twos[19] & twos[18]),
			    of_twos[7], of_twos[4], of_twos[1], of_ones[8], of_ones[5], of_ones[2]};
		weight8 <= {of_twos[8], of_twos[5], of_twos[2]};
	end

	// Six of weight 1 and of weight 4, six of weight 2 and all of weight 8; one of 1, 2, 4 each stays over.
	wire [4:0] odd, even;
	reg [4:0] odd_held, even_held;
	reg [2:0] left;

	twobit_count_columns count_odd (.ones(weight1[5:0]), .fours(weight4[5:0]), .sum(odd));
	twobit_count_columns count_even (.ones(weight2[5:0]), .fours({3'd0, weight8}), .sum(even));
	always @(posedge clock) begin
		odd_held <= odd;
		even_held <= even;
		left <= {weight4[6], weight2[6], weight1[6]};
	end
	twobit_add_three #(.BITS(7)) add (.a({2'd0, odd_held}), .b({1'b0, even_held, 1'b0}), .c({4'd0, left}), .sum(count));
`endif
endmodule

`default_nettype wire
