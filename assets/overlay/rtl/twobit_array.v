// SPDX-License-Identifier: MIT
// PIXELS x CHANNELS accumulators, and one more column that adds up the codes themselves (where `mask` is 1): weights
// of +1 and -1 are 2P - S, P being the sum where the weight's bit is 1 and S the sum of all.
// Protocol and latency: twobit_column.v.
`default_nettype none

module twobit_array #(
	parameter PIXELS = 8,
	parameter CHANNELS = 16,
	parameter BITS = 28
) (
	input wire clock,
	input wire [64*PIXELS-1:0] codes,
	input wire [64*CHANNELS-1:0] weights,
	input wire [63:0] mask,
	input wire enable,
	input wire clear,
	input wire twice,
	input wire subtract,
	input wire take,
	input wire [$clog2(PIXELS)-1:0] select,
	output wire [BITS*CHANNELS-1:0] sums,
	output wire [BITS-1:0] all
);
	wire [64*CHANNELS+63:0] words = {mask, weights};
	reg subtracted; // by the step before
	wire flip = clear ? subtract : subtract ^ subtracted;
	genvar i;

	always @(posedge clock)
		if (enable)
			subtracted <= subtract;

	generate
		for (i = 0; i <= CHANNELS; i = i + 1) begin : channel
			wire [BITS-1:0] sum;

			twobit_column #(.PIXELS(PIXELS), .BITS(BITS)) column (
				.clock(clock), .codes(codes), .weights(words[64*i +: 64]), .enable(enable),
				.clear(clear), .twice(twice), .subtract(subtract), .flip(flip),
				.take(take), .select(select), .sum(sum));
			if (i < CHANNELS) begin : weighted
				assign sums[BITS*i +: BITS] = sum;
			end else begin : unweighted
				assign all = sum;
			end
		end
	endgenerate

`ifdef ASSERTIONS
	always @(posedge clock)
		if (take && subtract) begin
			$display("array: a sum is taken that stands as its complement");
			$stop;
		end
`endif
endmodule

`default_nettype wire
