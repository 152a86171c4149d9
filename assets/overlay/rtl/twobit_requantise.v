// SPDX-License-Identifier: MIT
// clamp((sum * multiplier + bias) >> shift, 0, 2^bits - 1), exactly: the sum of 64 bits is floored by the shift.
// One result in two cycles at most; seven cycles after `valid`.
//
// Three words say how, as a tile holds them (README.md). They come one after another: in the cycle of `valid` the first
// one stands at `words`, in the next the second; in the one after that the third stands at `third`.
`default_nettype none

module twobit_requantise (
	input wire clock,
	input wire reset,
	input wire valid,
	input wire signed [31:0] sum,
	input wire [34:0] words,
	input wire [31:0] third,
	input wire [3:0] bits,
	output wire result_valid,
	output reg [7:0] result
);
	// 1-3: the product, from four of half the width.
	reg signed [16:0] sum_low, multiplier_low;
	reg signed [15:0] sum_high, multiplier_high;
	reg signed [33:0] middle_a, middle_b;
	reg signed [31:0] high;
	reg [31:0] low;
	reg [63:0] product;
	wire signed [34:0] middle = middle_a + middle_b;

	always @(posedge clock) begin
		sum_low <= {1'b0, sum[15:0]};
		sum_high <= sum[31:16];
		multiplier_low <= {1'b0, words[15:0]};
		multiplier_high <= words[31:16];
		low <= sum_low * multiplier_low;
		middle_a <= sum_low * multiplier_high;
		middle_b <= sum_high * multiplier_low;
		high <= sum_high * multiplier_high;
		product <= {high, low} + {{13{middle[34]}}, middle, 16'd0};
	end

	// 4: the bias, whose halves have come meanwhile.
	reg [34:0] words1, words2;
	reg [2:0] shift3, shift5;
	reg [5:0] shift4;
	reg [31:0] third3;
	reg [63:0] total;

	always @(posedge clock) begin
		words1 <= words;
		words2 <= words1;
		shift3 <= words2[34:32];
		third3 <= third;
		total <= product + {third3, words2[31:0]};
		shift4 <= {words2[34:32], shift3};
		shift5 <= shift4[2:0];
	end

	// 5: two bytes, and whether anything is left above them. 6: the code and its overflow. 7: clamped.
	wire [71:0] padded = {8'd0, total};
	wire [2:0] skipped = shift4[5:3];
	wire [7:2] held = {total[63:56] != 0, total[55:48] != 0, total[47:40] != 0, total[39:32] != 0,
			   total[31:24] != 0, total[23:16] != 0};
	reg [15:0] window, fine;
	reg above5, above6, negative5, negative6;
	reg [7:1] at;
	wire [7:0] largest = 8'hff >> (4'd8 - bits);

	always @(posedge clock) begin
		at <= {at[6:1], valid};
		window <= padded[8*skipped +: 16];
		above5 <= (held >> skipped) != 0;
		negative5 <= total[63];
		fine <= window >> shift5;
		above6 <= above5;
		negative6 <= negative5;
		result <= negative6 ? 8'd0 : above6 || fine[15:8] != 0 || fine[7:0] > largest ? largest : fine[7:0];
		if (reset)
			at <= 0;
	end
	assign result_valid = at[7];
endmodule

`default_nettype wire
