// SPDX-License-Identifier: MIT
// From a layer's steps to the array's operands. A step of cycle 0 reads the memories in cycle 5 (code_addresses,
// weight_address); their words come back in cycle 7; in cycle 8 codes, weights, mask and the array_* controls stand
// at the array. A word of an epilogue goes the same way and is at `weights` in cycle 8 with epilogue_write.
// Input pixels outside the frame are zero.
`default_nettype none

module twobit_addresses (
	input wire clock,
	input wire reset,

	// The layer's description.
	input wire [3:0] epilogue_words,
	input wire [3:0] mask_quarters,
	input wire [9:0] input_height,
	input wire [9:0] input_width,
	input wire [11:0] input_base,
	input wire [11:0] input_plane,
	input wire [11:0] input_row,
	input wire [11:0] input_block,
	input wire [11:0] weight_plane,

	input wire [11:0] tile_base,	  // first weight word of the step's tile
	input wire [12:0] ring_end,	  // 0: not in the ring
	input wire [11:0] ring_words,

	input wire step_valid,
	input wire step_epilogue,
	input wire step_first,
	input wire step_twice,
	input wire step_subtract,
	input wire step_take,
	input wire step_masked,
	input wire [3:0] step_code_plane,
	input wire [3:0] step_weight_plane,
	input wire [11:0] step_index,
	input wire [11:0] step_chunk,
	input wire [3:0] step_word,
	input wire [1:0] step_set,
	input wire signed [11:0] step_y,
	input wire signed [11:0] step_x,

	output wire code_read,
	output wire [95:0] code_addresses,
	output wire weight_read,
	output reg [11:0] weight_address,
	input wire [511:0] memory_codes,
	input wire [1023:0] memory_weights,

	output reg [511:0] codes,
	output reg [1023:0] weights,
	output reg [63:0] mask,
	output wire array_enable,
	output wire array_first,
	output wire array_twice,
	output wire array_subtract,
	output wire array_take,
	output wire epilogue_write,
	output wire [3:0] epilogue_word,
	output wire [1:0] epilogue_set
);
	genvar i;

	// Cycle 1: products of planes.
	reg [11:0] plane1, chunk1, weight_plane1, index1;
	reg [12:0] base1;
	(* keep *) reg signed [11:0] y1; // else yosys 0.23 puts it into a multiplier, and leaves its other readers nothing
	reg signed [11:0] x1;
	reg epilogue1;

	always @(posedge clock) begin
		plane1 <= step_code_plane * input_plane;
		chunk1 <= step_chunk;
		weight_plane1 <= step_weight_plane * weight_plane;
		index1 <= step_index;
		base1 <= {1'b0, tile_base} + {9'd0, step_epilogue ? step_word : epilogue_words};
		epilogue1 <= step_epilogue;
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
		row2 <= y1 * input_row;
		block2 <= block_of_x * input_block;
		sum2 <= input_base + plane1 + chunk1;
		weight2 <= epilogue1 ? base1 : base1 + {1'b0, weight_plane1} + {1'b0, index1};
		inside2 <= !y1[11] && y1[10:0] < {1'b0, input_height};
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
		next_sum3 <= sum2 + input_block;
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
				inside5[i] <= inside4 && !x[11] && x[10:0] < {1'b0, input_width};
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
	reg [8:1] valid, epilogue, first, twice, subtract, take;
	reg [7:1] masked;
	reg [31:0] words; // 8 x 4 bits, then 8 x 2
	reg [15:0] sets;

	always @(posedge clock) begin
		valid <= {valid[7:1], step_valid};
		epilogue <= {epilogue[7:1], step_epilogue};
		first <= {first[7:1], step_first};
		twice <= {twice[7:1], step_twice};
		subtract <= {subtract[7:1], step_subtract};
		take <= {take[7:1], step_take};
		masked <= {masked[6:1], step_masked};
		words <= {words[27:0], step_word};
		sets <= {sets[13:0], step_set};
		mask <= masked[7] ? {{16{mask_quarters[3]}}, {16{mask_quarters[2]}}, {16{mask_quarters[1]}},
				     {16{mask_quarters[0]}}} : {64{1'b1}};
		if (reset) begin
			valid <= 0;
			epilogue <= 0;
			take <= 0;
		end
	end
	assign code_read = valid[5];
	assign weight_read = valid[5] || epilogue[5];
	assign array_enable = valid[8];
	assign array_first = first[8];
	assign array_twice = twice[8];
	assign array_subtract = subtract[8];
	assign array_take = take[8];
	assign epilogue_write = epilogue[8];
	assign epilogue_word = words[31:28];
	assign epilogue_set = sets[15:14];
endmodule

`default_nettype wire
