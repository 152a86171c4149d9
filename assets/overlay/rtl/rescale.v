// SPDX-License-Identifier: MIT
// clamp(round(sum * multiplier / 2^shift) + offset, 0, 2^bits - 1), exactly: one result a cycle, LATENCY = 8 cycles later.
// Halves go to the even neighbour, or up.
module rescale (
	input clock,
	input reset,
	input valid,
	input signed [31:0] sum,
	input signed [31:0] multiplier,
	input [5:0] shift,
	input signed [31:0] offset,
	input round_up,
	input [3:0] bits,
	output result_valid,
	output reg [7:0] result
);
	// 1-3: the product, from four of half the width.
	reg signed [16:0] sum_low, multiplier_low;
	reg signed [15:0] sum_high, multiplier_high;
	reg signed [33:0] low, middle_a, middle_b;
	reg signed [31:0] high;
	reg signed [63:0] product;
	wire signed [34:0] middle = middle_a + middle_b;

	always @(posedge clock) begin
		sum_low <= {1'b0, sum[15:0]};
		sum_high <= sum[31:16];
		multiplier_low <= {1'b0, multiplier[15:0]};
		multiplier_high <= multiplier[31:16];
		low <= sum_low * multiplier_low;
		middle_a <= sum_low * multiplier_high;
		middle_b <= sum_high * multiplier_low;
		high <= sum_high * multiplier_high;
		product <= {high, low[31:0]} + {{13{middle[34]}}, middle, 16'd0};
	end

	// 4: half of the divisor added. 5, 6: divided by 64 powers of two in two rows; a tie leaves only zeros behind.
	reg [7:1] at;
	reg [29:0] shifts;   // of the last five cycles
	reg [191:0] offsets; // of the last six
	wire [5:0] shift3 = shifts[17:12], shift4 = shifts[23:18], shift5 = shifts[29:24];
	reg signed [63:0] biased, coarse, fine;
	reg zeros5, tie6;

	always @(posedge clock) begin
		at <= {at[6:1], valid};
		shifts <= {shifts[23:0], shift};
		offsets <= {offsets[159:0], offset};
		if (reset)
			at <= 0;
		biased <= product + $signed((64'd1 << shift3) >> 1);
		coarse <= biased >>> {shift4[5:3], 3'd0};
		zeros5 <= (biased & ~({64{1'b1}} << {shift4[5:3], 3'd0})) == 0;
		fine <= coarse >>> shift5[2:0];
		tie6 <= zeros5 && (coarse[7:0] & ~(8'hff << shift5[2:0])) == 0 && shift5 != 0;
	end

	// 7: a tie to even; the offset. 8: clamped.
	reg signed [63:0] moved;
	wire signed [63:0] even = {fine[63:1], fine[0] && !(tie6 && !round_up)};
	wire signed [31:0] offset6 = offsets[191:160];
	wire [7:0] largest = 8'hff >> (4'd8 - bits);

	always @(posedge clock) begin
		moved <= even + offset6;
		result <= moved[63] ? 8'd0 : moved[62:8] != 0 || moved[7:0] > largest ? largest : moved[7:0];
	end
	reg valid8;

	always @(posedge clock)
		valid8 <= at[7] && !reset;
	assign result_valid = valid8;
endmodule
