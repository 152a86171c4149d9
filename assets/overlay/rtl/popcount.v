// SPDX-License-Identifier: MIT
// How many of 64 bits are 1 in both of two words. Two cycles: one register after two rows of small look-up tables, one
// after the first row of adders; the last adder is not registered.
module popcount (
	input clock,
	input [63:0] a,
	input [63:0] b,
	output [6:0] count
);
`ifdef FAST_MODEL
	reg [6:0] first, second;

	always @(posedge clock) begin
		first <= 7'($countones(a & b));
		second <= first;
	end
	assign count = second;
`else
	// Three pairs make a two-bit count; six of those are added bit by bit; 4 x 18 pairs in all.
	wire [71:0] padded_a = {8'd0, a};
	wire [71:0] padded_b = {8'd0, b};
	wire [23:0] ones, twos;
	wire [4:0] sum [0:3];
	reg [5:0] left, right;
	genvar i;

	generate
		for (i = 0; i < 24; i = i + 1) begin : pairs
			count_pairs lut (.a(padded_a[3*i +: 3]), .b(padded_b[3*i +: 3]), .count({twos[i], ones[i]}));
		end
		for (i = 0; i < 4; i = i + 1) begin : groups
			wire [2:0] of_ones, of_twos;
			reg [2:0] ones_held, twos_held;

			count_six count_ones (.bits(ones[6*i +: 6]), .count(of_ones));
			count_six count_twos (.bits(twos[6*i +: 6]), .count(of_twos));
			always @(posedge clock) begin
				ones_held <= of_ones;
				twos_held <= of_twos;
			end
			add_doubled add (.a(ones_held), .doubled(twos_held), .sum(sum[i]));
		end
	endgenerate

	always @(posedge clock) begin
		left <= sum[0] + sum[1];
		right <= sum[2] + sum[3];
	end
	assign count = left + right;
`endif
endmodule
