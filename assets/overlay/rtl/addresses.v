// SPDX-License-Identifier: MIT
// From a layer's steps to the array's operands. A step of cycle 0 reads the memories in cycle 5 (code_addresses,
// weight_address); their words come back in cycle 7; in cycle 8 codes, weights, mask and the array_* controls stand
// at the array. A word of endings goes the same way and is at `weights` in cycle 8 with ending_write.
// Input pixels outside the picture are zero.
`include "registers.vh"
module addresses (
	input clock,
	input reset,
	input [383:0] layer,
	input [11:0] input_base,
	input [11:0] tile_base,	  // first weight word of the step's tile
	input [12:0] ring_end,	  // 0: not in the ring
	input [11:0] ring_words,

	input step_valid,
	input step_ending,
	input step_first,
	input step_twice,
	input step_subtract,
	input step_take,
	input step_masked,
	input [3:0] step_code_plane,
	input [3:0] step_weight_plane,
	input [11:0] step_index,
	input [11:0] step_chunk,
	input [3:0] step_word,
	input [1:0] step_set,
	input signed [11:0] step_y,
	input signed [11:0] step_x,

	output code_read,
	output [95:0] code_addresses,
	output weight_read,
	output reg [11:0] weight_address,
	input [511:0] memory_codes,
	input [1023:0] memory_weights,

	output reg [511:0] codes,
	output reg [1023:0] weights,
	output reg [63:0] mask,
	output array_enable,
	output array_first,
	output array_twice,
	output array_subtract,
	output array_take,
	output ending_write,
	output [3:0] ending_word,
	output [1:0] ending_set
);
	wire [31:0] shape = layer[32*`WORD_SHAPE +: 32];
	wire [31:0] in = layer[32*`WORD_INPUT +: 32];
	wire [31:0] place = layer[32*`WORD_INPUT_PLACE +: 32];
	wire [31:0] in_step = layer[32*`WORD_INPUT_STEP +: 32];
	wire [31:0] chunks = layer[32*`WORD_CHUNKS +: 32];
	wire [11:0] block_words = in_step[`F_INPUT_STEP_BLOCK];
	genvar i;

	// Cycle 1: products of planes.
	reg [11:0] plane1, chunk1, weight_plane1, index1;
	reg [12:0] base1;
	(* keep *) reg signed [11:0] y1; // else yosys 0.23 puts it into a multiplier, and leaves its other readers nothing
	reg signed [11:0] x1;
	reg [3:0] endings;
	reg ending1;

	always @(posedge clock) begin
		endings <= shape[`F_SHAPE_ENDING] == `ENDING_THRESHOLDS ?
			   (4'd1 << shape[`F_SHAPE_OUTPUT_BITS]) - 4'd1 :
			   shape[`F_SHAPE_ENDING] == `ENDING_RESCALE ? 4'd3 : 4'd0;
		plane1 <= step_code_plane * place[`F_INPUT_PLACE_PLANE];
		chunk1 <= step_chunk;
		weight_plane1 <= step_weight_plane * chunks[`F_CHUNKS_PLANE];
		index1 <= step_index;
		base1 <= {1'b0, tile_base} + {9'd0, step_ending ? step_word : endings};
		ending1 <= step_ending;
		y1 <= step_y;
		x1 <= step_x;
	end

	// Cycle 2: products of rows and blocks of pixels.
	reg [11:0] row2, block2, sum2;
	reg [12:0] weight2;
	reg inside2;
	reg signed [11:0] x2;
	wire signed [11:0] block_of_x = x1 >>> 3;

	always @(posedge clock) begin
		row2 <= y1 * in_step[`F_INPUT_STEP_ROW];
		block2 <= block_of_x * block_words;
		sum2 <= input_base + plane1 + chunk1;
		weight2 <= ending1 ? base1 : base1 + {1'b0, weight_plane1} + {1'b0, index1};
		inside2 <= !y1[11] && y1[10:0] < {1'b0, in[`F_INPUT_HEIGHT]};
		x2 <= x1;
	end

	// Cycles 3 and 4: sums. The pixels of a step lie in this block of pixels and in the next.
	reg [11:0] offset3, sum3, next_sum3, this4, next4, weight4;
	reg [12:0] weight3;
	reg inside3, inside4;
	reg signed [11:0] x3, x4;

	always @(posedge clock) begin
		offset3 <= row2 + block2;
		sum3 <= sum2;
		next_sum3 <= sum2 + block_words;
		weight3 <= weight2;
		inside3 <= inside2;
		x3 <= x2;
		this4 <= sum3 + offset3;
		next4 <= next_sum3 + offset3;
		weight4 <= ring_end != 0 && weight3 >= ring_end ? weight3[11:0] - ring_words : weight3[11:0];
		inside4 <= inside3;
		x4 <= x3;
	end

	// Cycle 5: an address for each bank; which pixels lie inside.
	reg [7:0] inside5, inside6, inside7;
	reg [2:0] turn5, turn6;

	generate
		for (i = 0; i < 8; i = i + 1) begin : bank
			reg [11:0] address;
			wire signed [11:0] x = x4 + i;

			always @(posedge clock) begin
				address <= i < x4[2:0] ? next4 : this4;
				inside5[i] <= inside4 && !x[11] && x[10:0] < {1'b0, in[`F_INPUT_WIDTH]};
			end
			assign code_addresses[12*i +: 12] = address;
		end
	endgenerate
	always @(posedge clock) begin
		weight_address <= weight4;
		turn5 <= x4[2:0];
		turn6 <= turn5;
		inside6 <= inside5;
		inside7 <= inside6;
		weights <= memory_weights;
	end

	// Cycle 8: pixel i comes from bank i + turn.
	generate
		for (i = 0; i < 8; i = i + 1) begin : pixel
			reg [2:0] bank7;

			always @(posedge clock) begin
				bank7 <= turn6 + i;
				if (!inside7[i])
					codes[64*i +: 64] <= 0;
				else
					codes[64*i +: 64] <= memory_codes[64*bank7 +: 64];
			end
		end
	endgenerate

	// The controls, eight cycles later.
	reg [8:1] valid, ending, first, twice, subtract, take, masked;
	reg [31:0] words; // 8 x 4 bits, then 8 x 2
	reg [15:0] sets;
	wire [3:0] quarters = shape[`F_SHAPE_MASK];

	always @(posedge clock) begin
		valid <= {valid[7:1], step_valid};
		ending <= {ending[7:1], step_ending};
		first <= {first[7:1], step_first};
		twice <= {twice[7:1], step_twice};
		subtract <= {subtract[7:1], step_subtract};
		take <= {take[7:1], step_take};
		masked <= {masked[7:1], step_masked};
		words <= {words[27:0], step_word};
		sets <= {sets[13:0], step_set};
		mask <= masked[7] ? {{16{quarters[3]}}, {16{quarters[2]}}, {16{quarters[1]}}, {16{quarters[0]}}} :
				    {64{1'b1}};
		if (reset) begin
			valid <= 0;
			ending <= 0;
			take <= 0;
		end
	end
	assign code_read = valid[5];
	assign weight_read = valid[5] || ending[5];
	assign array_enable = valid[8];
	assign array_first = first[8];
	assign array_twice = twice[8];
	assign array_subtract = subtract[8];
	assign array_take = take[8];
	assign ending_write = ending[8];
	assign ending_word = words[31:28];
	assign ending_set = sets[15:14];
endmodule
