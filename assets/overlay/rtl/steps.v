// SPDX-License-Identifier: MIT
// The steps of one layer: for each tile of output channels, the words of its endings, then for each block of PIXELS
// output pixels, pairs of bit planes from the most significant sum of planes down, kernel rows, kernel steps, chunks of
// channels: one step a cycle.
//
// `start` begins the layer that `layer` describes until `issued` is 1. The step of a cycle with step_valid (array) or
// step_ending (a word of endings) is described by the other step_* outputs. A block's last step (step_take) waits until
// the block before will have been drained in time, TAKEN cycles later; endings wait until nobody needs what
// they overwrite.
`include "registers.vh"
module steps #(
	parameter PIXELS = 8,
	parameter TAKEN = 13 // cycles from step_take to standing sums
) (
	input clock,
	input reset,
	input start,
	input [383:0] layer,
	output issued,

	input block_ready,	  // the ring holds a whole tile
	output tile_finished,	  // the last step of a tile goes out
	input [1:0] in_flight,	  // sums taken and not yet standing
	input draining,

	output step_valid,
	output step_ending,
	output step_first,	   // of a block
	output step_twice,	   // first of a lower bit plane
	output step_subtract,
	output step_take,	   // last of a block
	output step_masked,	   // MASK holds
	output [3:0] step_code_plane,
	output [3:0] step_weight_plane,
	output [11:0] step_index,  // of a word within a plane of weights
	output [11:0] step_chunk,
	output reg [3:0] step_word,	   // of the endings
	output reg [1:0] step_set,	   // tiles mod 4
	output signed [11:0] step_y,	   // input pixel that the kernel step meets
	output signed [11:0] step_x,
	output stalled		   // waiting for weights
);
	wire [31:0] shape = layer[32*`WORD_SHAPE +: 32];
	wire [31:0] kernel = layer[32*`WORD_KERNEL +: 32];
	wire [31:0] out = layer[32*`WORD_OUTPUT +: 32];
	wire [31:0] chunks = layer[32*`WORD_CHUNKS +: 32];
	wire [31:0] tiles = layer[32*`WORD_TILES +: 32];
	wire [3:0] code_bits = shape[`F_SHAPE_INPUT_BITS];
	wire [3:0] weight_bits = shape[`F_SHAPE_WEIGHT_BITS];
	wire [1:0] ending = shape[`F_SHAPE_ENDING];
	wire [1:0] stride = shape[`F_SHAPE_STRIDE];
	wire quick = ending == `ENDING_THRESHOLDS && !shape[`F_SHAPE_TO_STREAM]; // drained at a known pace
	wire big_sets = ending != `ENDING_THRESHOLDS || shape[`F_SHAPE_OUTPUT_BITS] > 3;

	localparam IDLE = 2'd0, WAIT = 2'd1, ENDINGS = 2'd2, STEPS = 2'd3;
	reg [1:0] state;
	reg [3:0] code_plane, weight_plane, row, column, endings;
	reg [11:0] chunk, index, tile;
	reg [9:0] out_x, out_y;
	reg signed [11:0] corner_y, corner_x, kernel_x;
	reg first, twice;

	// Where the loops end; the layer stands still for two cycles before it starts.
	reg [11:0] end_chunk, end_tile;
	reg [9:0] end_y;
	reg [3:0] end_column, end_row, end_weight_plane, end_code_plane;

	always @(posedge clock) begin
		end_chunk <= chunks[`F_CHUNKS_COUNT] - 12'd1;
		end_tile <= tiles[`F_TILES_COUNT] - 12'd1;
		end_y <= out[`F_OUTPUT_HEIGHT] - 10'd1;
		end_column <= kernel[`F_KERNEL_STEPS] - 4'd1;
		end_row <= kernel[`F_KERNEL_ROWS] - 4'd1;
		end_weight_plane <= weight_bits - 4'd1;
		end_code_plane <= code_bits - 4'd1;
	end
	wire last_chunk = chunk == end_chunk;
	wire last_column = column == end_column;
	wire last_row = row == end_row;
	wire last_tap = last_chunk && last_column && last_row;
	wire last_pair = code_plane == 0 && weight_plane == 0;
	wire [10:0] next_x = {1'b0, out_x} + PIXELS;
	wire last_block_of_row = next_x >= {1'b0, out[`F_OUTPUT_WIDTH]};
	wire last_block = last_block_of_row && out_y == end_y;
	wire last_tile = tile == end_tile;

	// The pair of planes that comes next: as significant, if there is one; else the next lower.
	wire [4:0] lower = {1'b0, code_plane} + {1'b0, weight_plane} - 5'd1;
	wire as_significant = code_plane != 0 && weight_plane != end_weight_plane;
	wire [3:0] highest_code_plane = lower > {1'b0, end_code_plane} ? end_code_plane : lower[3:0];
	wire [4:0] highest_weight_plane = lower - {1'b0, highest_code_plane};

	// Pace: `owed` cycles until the blocks issued are drained, `older` without the newest.
	reg [6:0] owed, older;
	wire [9:0] columns_left = out[`F_OUTPUT_WIDTH] - out_x;
	wire [3:0] pixels = columns_left > PIXELS ? PIXELS : columns_left[3:0];
	wire [6:0] drain = pixels * shape[`F_SHAPE_OUTPUT_BITS] + 7'd1;
	wire may_take = quick ? owed <= TAKEN : in_flight == 0 && !draining;
	wire may_overwrite = !(quick && big_sets) || older == 0;

	wire ends_block = last_tap && last_pair;
	wire go = state == STEPS && (!ends_block || may_take);
	wire ending_goes = state == ENDINGS && may_overwrite;

	assign issued = state == IDLE;
	assign step_valid = go;
	assign step_ending = ending_goes;
	assign step_first = first;
	assign step_twice = twice;
	assign step_subtract = !shape[`F_SHAPE_PLUS_MINUS_ONE] && weight_bits != 1 &&
			       weight_plane == end_weight_plane;
	assign step_take = go && ends_block;
	assign step_masked = last_chunk && (!shape[`F_SHAPE_MASK_STEP] || last_column);
	assign step_code_plane = code_plane;
	assign step_weight_plane = weight_plane;
	assign step_index = index;
	assign step_chunk = chunk;
	assign step_y = corner_y + {8'd0, row};
	assign step_x = corner_x + kernel_x;
	assign tile_finished = step_take && last_block;
	assign stalled = state == WAIT;

	wire [1:0] begin_tile = shape[`F_SHAPE_STREAMED] ? WAIT : endings != 0 ? ENDINGS : STEPS;

	always @(posedge clock) begin
		endings <= ending == `ENDING_THRESHOLDS ? (4'd1 << shape[`F_SHAPE_OUTPUT_BITS]) - 4'd1 :
			   ending == `ENDING_RESCALE ? 4'd3 : 4'd0;
		if (reset) begin
			state <= IDLE;
		end else begin
			case (state)
			IDLE:
				if (start)
					state <= WAIT;
			WAIT:
				if (!shape[`F_SHAPE_STREAMED] || block_ready)
					state <= endings != 0 ? ENDINGS : STEPS;
			ENDINGS:
				if (ending_goes && step_word + 4'd1 == endings)
					state <= STEPS;
			STEPS:
				if (tile_finished)
					state <= last_tile ? IDLE : begin_tile;
			endcase
		end
	end

	// The loops.
	always @(posedge clock) begin
		if (state == IDLE) begin
			tile <= 0;
			step_set <= 0;
			step_word <= 0;
			out_x <= 0;
			out_y <= 0;
			corner_x <= -$signed({8'd0, kernel[`F_KERNEL_PAD_LEFT]});
			corner_y <= -$signed({8'd0, kernel[`F_KERNEL_PAD_TOP]});
			row <= 0;
			column <= 0;
			kernel_x <= 0;
			chunk <= 0;
			index <= 0;
			code_plane <= end_code_plane;
			weight_plane <= end_weight_plane;
			first <= 1;
			twice <= 0;
		end
		if (ending_goes)
			step_word <= step_word + 4'd1;
		if (go) begin
			first <= 0;
			twice <= 0;
			index <= index + 12'd1;
			chunk <= last_chunk ? 12'd0 : chunk + 12'd1;
			if (last_chunk) begin
				column <= last_column ? 4'd0 : column + 4'd1;
				kernel_x <= last_column ? 12'd0 : kernel_x + {8'd0, kernel[`F_KERNEL_ADVANCE]};
				if (last_column)
					row <= last_row ? 4'd0 : row + 4'd1;
			end
			if (last_tap) begin
				index <= 0;
				code_plane <= as_significant ? code_plane - 4'd1 : highest_code_plane;
				weight_plane <= as_significant ? weight_plane + 4'd1 : highest_weight_plane[3:0];
				twice <= !as_significant;
			end
			if (ends_block) begin
				code_plane <= end_code_plane;
				weight_plane <= end_weight_plane;
				first <= 1;
				twice <= 0;
				out_x <= last_block_of_row ? 10'd0 : next_x[9:0];
				corner_x <= last_block_of_row ? -$signed({8'd0, kernel[`F_KERNEL_PAD_LEFT]}) :
							      corner_x + PIXELS;
				if (last_block_of_row) begin
					out_y <= last_block ? 10'd0 : out_y + 10'd1;
					corner_y <= last_block ? -$signed({8'd0, kernel[`F_KERNEL_PAD_TOP]}) :
							       corner_y + $signed(12'd1 << stride);
				end
			end
			if (tile_finished) begin
				tile <= tile + 12'd1;
				step_set <= step_set + 2'd1;
				step_word <= 0;
			end
		end
	end

	always @(posedge clock) begin
		if (reset || state == IDLE) begin
			owed <= 0;
			older <= 0;
		end else if (step_take) begin
			owed <= TAKEN + drain;
			older <= owed == 0 ? 7'd0 : owed - 7'd1;
		end else begin
			owed <= owed == 0 ? 7'd0 : owed - 7'd1;
			older <= older == 0 ? 7'd0 : older - 7'd1;
		end
	end
endmodule
