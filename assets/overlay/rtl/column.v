// SPDX-License-Identifier: MIT
// One output channel of the array: PIXELS accumulators that share a word of weights.
//
// codes, weights and the controls beside them belong together, every cycle:
//   enable    accumulate: add how many bits are 1 in both words, per pixel
//   clear     ... to zero instead of to what is there
//   twice    ... to double what is there: the next lower bit plane begins
//   subtract  ... with a minus sign: the sign's bit plane of two's complement
//   take      this was a sum's last step: five cycles later the sums stand still, until the next `take`
// sum is the standing sum of the pixel that `select` named two cycles before.
module column #(
	parameter PIXELS = 8,
	parameter BITS = 28
) (
	input clock,
	input [64*PIXELS-1:0] codes,
	input [63:0] weights,
	input enable,
	input clear,
	input twice,
	input subtract,
	input take,
	input [$clog2(PIXELS)-1:0] select,
	output reg [BITS-1:0] sum
);
	localparam SELECT = $clog2(PIXELS);
	wire enable3, clear3, twice3, subtract2, subtract3, take3, take4;
	wire [SELECT-1:0] select1;
	wire [BITS*PIXELS-1:0] standing;
	wire [4:0] stage1, stage2, stage3;
	genvar i;

	column_control #(.BITS(5)) control1 (
		.clock(clock), .in({enable, clear, twice, subtract, take}), .out(stage1));
	column_control #(.BITS(5)) control2 (.clock(clock), .in(stage1), .out(stage2));
	column_control #(.BITS(5)) control3 (.clock(clock), .in(stage2), .out(stage3));
	column_control #(.BITS(1 + SELECT)) control4 (
		.clock(clock), .in({take3, select}), .out({take4, select1}));
	assign subtract2 = stage2[1];
	assign {enable3, clear3, twice3, subtract3, take3} = stage3;

	generate
		for (i = 0; i < PIXELS; i = i + 1) begin : pixel
			wire [6:0] count;
			reg [7:0] value;
			reg [BITS-1:0] accumulator, taken;
			wire [BITS-1:0] base, next;

			popcount popcount (.clock(clock), .a(codes[64*i +: 64]), .b(weights), .count(count));
			assign base = clear3 ? {BITS{1'b0}} :
				      twice3 ? {accumulator[BITS-2:0], 1'b0} : accumulator;
			accumulate #(.BITS(BITS)) add (.base(base), .value({{(BITS-8){value[7]}}, value}),
						       .carry(subtract3), .sum(next));
			always @(posedge clock) begin
				value <= {1'b0, count} ^ {8{subtract2}}; // -count - 1, and subtract3 adds 1
				if (enable3)
					accumulator <= next;
				if (take4)
					taken <= accumulator;
			end
			assign standing[BITS*i +: BITS] = taken;
		end
	endgenerate

	always @(posedge clock)
		sum <= standing[BITS*select1 +: BITS];
endmodule
