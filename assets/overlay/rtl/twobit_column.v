// SPDX-License-Identifier: MIT
// One output channel of the array: PIXELS accumulators that share a word of weights.
//
// codes, weights and the controls beside them belong together, every cycle:
//   enable    accumulate: add how many bits are 1 in both words, per pixel
//   clear     ... to zero instead of to what is there
//   twice     ... to double what is there: the next lower bit plane begins
//   subtract  ... with a minus sign: the sign's bit plane of two's complement
//   flip      with clear: subtract; else: this step subtracts and the one before did not, or the other way round
//   take      this was a sum's last step, which must not subtract: five cycles later the sums stand still, until
//             the next `take`
// sum is the standing sum of the pixel that `select` named two cycles before.
//
// a - b is ~(~a + b): an accumulator holds the complement of its sum after a step that subtracts, and the next step
// turns it over on its way to the adder.
`default_nettype none

module twobit_column #(
	parameter PIXELS = 8,
	parameter BITS = 28
) (
	input wire clock,
	input wire [64*PIXELS-1:0] codes,
	input wire [63:0] weights,
	input wire enable,
	input wire clear,
	input wire twice,
	input wire subtract,
	input wire flip,
	input wire take,
	input wire [$clog2(PIXELS)-1:0] select,
	output reg [BITS-1:0] sum
);
	localparam SELECT = $clog2(PIXELS);
	wire enable3, clear3, twice3, subtract3, flip3, take3, take4;
	wire [SELECT-1:0] select1;
	wire [PIXELS*BITS-1:0] standing; // bit by bit, of all pixels
	wire [5:0] stage1, stage2, stage3;
	genvar i, j;

	twobit_column_control #(.BITS(6)) control1 (
		.clock(clock), .in({enable, clear, twice, subtract, flip, take}), .out(stage1));
	twobit_column_control #(.BITS(6)) control2 (.clock(clock), .in(stage1), .out(stage2));
	twobit_column_control #(.BITS(6)) control3 (.clock(clock), .in(stage2), .out(stage3));
	twobit_column_control #(.BITS(1 + SELECT)) control4 (
		.clock(clock), .in({take3, select}), .out({take4, select1}));
	assign {enable3, clear3, twice3, subtract3, flip3, take3} = stage3;

	generate
		for (i = 0; i < PIXELS; i = i + 1) begin : pixel
			wire [6:0] count;
			reg [6:0] value;
			reg [BITS-1:0] accumulator, taken;
			wire [BITS-1:0] base, next;

			twobit_popcount popcount (.clock(clock), .a(codes[64*i +: 64]), .b(weights), .count(count));
			assign base[BITS-1:1] = (clear3 ? {(BITS-1){1'b0}} :
						 twice3 ? accumulator[BITS-2:0] : accumulator[BITS-1:1]) ^
						{(BITS-1){flip3}};
			assign base[0] = clear3 || twice3 ? subtract3 : accumulator[0] ^ flip3;
			twobit_accumulate #(.BITS(BITS)) add (.base(base), .value({{(BITS-7){1'b0}}, value}), .sum(next));
			always @(posedge clock) begin
				value <= count;
				if (enable3)
					accumulator <= next;
				if (take4)
					taken <= accumulator;
			end
			for (j = 0; j < BITS; j = j + 1) begin : bits
				assign standing[PIXELS*j+i] = taken[j];
			end
		end
		for (j = 0; j < BITS; j = j + 1) begin : chosen
			wire [PIXELS-1:0] bits = standing[PIXELS*j +: PIXELS];

			always @(posedge clock)
				sum[j] <= bits[select1];
		end
	endgenerate
endmodule

`default_nettype wire
