// SPDX-License-Identifier: MIT
// One channel's epilogue: the words of its thresholds (or of its requantisation), and the search for a code.
//
// Words: `write` puts `epilogue_data` (a threshold, bit 32: invert) at write_address. Thresholds lie as in a heap: word
// 1 is the middle one, word 2n + 1 the middle of those above word n's, word 2n of those below.
// Search: `begin_search` says that `value` stands in this cycle for the first of `bits` cycles; in the cycle after the
// last, `code` is right for one cycle; only its low `bits` bits count. `read_word` (instead of searching) reads a word.
`default_nettype none

module twobit_lane #(
	parameter BITS = 28
) (
	input wire clock,
	input wire write,
	input wire [4:0] write_address,
	input wire [34:0] epilogue_data,
	input wire signed [BITS-1:0] value,
	input wire begin_search,
	input wire [4:0] set_address, // high bits of the address; the low ones, that are 0, come from the search
	input wire read_word,
	input wire [1:0] word_number,
	output wire [34:0] word, // no register
	output wire [3:0] code
);
	(* ram_style = "distributed" *) reg [34:0] words [0:31];
	reg [3:0] node;
	reg inverted;
	wire [3:0] number = read_word ? {2'd0, word_number} : begin_search ? 4'd1 : node;
	wire [34:0] here = words[set_address | {1'b0, number}];
	wire reached; // value >= here[31:0]; with both signs turned over no sign is left

	twobit_compare #(.BITS(32), .OR_EQUAL(1)) compare (
		.a({~value[BITS-1], {(32-BITS){value[BITS-1]}}, value[BITS-2:0]}), .b({~here[31], here[30:0]}),
		.result(reached));

	always @(posedge clock) begin
		if (write)
			words[write_address] <= epilogue_data;
		node <= {number[2:0], reached};
		inverted <= here[32];
	end
	assign word = here;
	assign code = node ^ {4{inverted}};
endmodule

`default_nettype wire
