// SPDX-License-Identifier: MIT
// One channel's ending: the words of its thresholds (or of its rescaling), and the search for a code.
//
// Words: `write` puts `ending_data` (a threshold, bit 32: invert) at write_address. Thresholds lie as in a heap: word 1 is
// the middle one, word 2n + 1 the middle of those above word n's, word 2n of those below.
// Search: `begin_search` says that `value` stands in this cycle for the first of `bits` cycles; in the cycle after the
// last, `code` is right for one cycle; only its low `bits` bits count. `read_word` (instead of searching) reads a word.
module lane #(
	parameter BITS = 28
) (
	input clock,
	input write,
	input [4:0] write_address,
	input [35:0] ending_data,
	input signed [BITS-1:0] value,
	input begin_search,
	input [4:0] set, // high bits of the address; the low ones, that are 0, come from the search
	input read_word,
	input [1:0] word_number,
	output [35:0] word, // no register
	output [3:0] code
);
	(* ram_style = "distributed" *) reg [35:0] words [0:31];
	reg [3:0] node;
	reg inverted;
	wire [3:0] number = read_word ? {2'd0, word_number} : begin_search ? 4'd1 : node;
	wire [35:0] here = words[set | {1'b0, number}];
	wire reached; // value >= here[31:0]; with both signs turned over no sign is left

	compare #(.BITS(32), .OR_EQUAL(1)) compare (
		.a({~value[BITS-1], {(32-BITS){value[BITS-1]}}, value[BITS-2:0]}), .b({~here[31], here[30:0]}),
		.result(reached));

	always @(posedge clock) begin
		if (write)
			words[write_address] <= ending_data;
		node <= {number[2:0], reached};
		inverted <= here[32];
	end
	assign word = here;
	assign code = node ^ {4{inverted}};
endmodule
