// SPDX-License-Identifier: MIT
// The steps of one layer: for each tile of output channels, the words of its epilogue, then for each block of PIXELS
// output pixels, pairs of bit planes from the most significant sum of planes down, kernel rows, kernel steps, chunks of
// channels: one step a cycle.
//
// `start` begins a layer, whose description stands still until `issued` is 1. The step of a cycle with step_valid
// (array) or step_epilogue (a word of an epilogue) is described by the other step_* outputs. A block's last step
// (step_take) waits until the block before will have been drained in time, TAKE_LATENCY cycles later; an epilogue waits
// until nobody needs what it overwrites.
`default_nettype none

module twobit_steps #(
	parameter PIXELS = 8
) (
	input wire clock,
	input wire reset,
	input wire start,
	output wire issued,

	// The layer's description.
	input wire [3:0] input_bits,
	input wire [3:0] weight_bits,
	input wire [3:0] output_bits,
	input wire plus_minus_one,
	input wire thresholds,
	input wire [3:0] epilogue_words,
	input wire to_stream,
	input wire streamed,
	input wire [3:0] kernel_rows,
	input wire [3:0] kernel_steps,
	input wire [3:0] kernel_advance,
	input wire [3:0] pad_top,
	input wire [3:0] pad_left,
	input wire [1:0] stride,
	input wire mask_step,
	input wire [11:0] chunks,
	input wire [11:0] tiles,
	input wire [9:0] output_height,
	input wire [9:0] output_width,

	input wire block_ready,	  // the ring holds a whole tile
	output wire tile_finished,	  // the last step of a tile goes out
	output wire took,	  // a block's sums stand still from now on
	output reg [1:0] in_flight, // blocks whose sums are on their way there
	input wire draining,

	output wire step_valid,
	output wire step_epilogue,
	output wire step_first,	   // of a block
	output wire step_twice,	   // first of a lower bit plane
	output wire step_subtract,
	output wire step_take,	   // last of a block
	output wire step_masked,	   // MASK holds
	output wire [3:0] step_code_plane,
	output wire [3:0] step_weight_plane,
	output wire [11:0] step_index,  // of a word within a plane of weights
	output wire [11:0] step_chunk,
	output reg [3:0] step_word,	   // of the epilogue
	output reg [1:0] step_set,	   // tiles mod 4
	output wire signed [11:0] step_y,	   // input pixel that the kernel step meets
	output wire signed [11:0] step_x,
	output wire stalled		   // waiting for weights
);
	// Cycles from step_take to standing sums: 8 to the array (twobit_addresses.v), 5 in it (twobit_column.v).
	localparam TAKE_LATENCY = 13;
	wire quick = thresholds && !to_stream; // drained at a known pace
	wire big_sets = !thresholds || output_bits > 3;

	localparam IDLE = 2'd0, WAIT = 2'd1, EPILOGUE = 2'd2, STEPS = 2'd3;
	reg [1:0] state;
	reg [3:0] code_plane, weight_plane, row, column;
	reg [11:0] chunk, index, tile;
	reg [9:0] out_x, out_y;
	reg signed [11:0] corner_y, corner_x, kernel_x;
	reg first, twice;

	// Where the loops end; the layer stands still for two cycles before it starts.
	reg [11:0] end_chunk, end_tile;
	reg [9:0] end_y;
	reg [3:0] end_column, end_row, end_weight_plane, end_code_plane;

	always @(posedge clock) begin
		end_chunk <= chunks - 12'd1;
		end_tile <= tiles - 12'd1;
		end_y <= output_height - 10'd1;
		end_column <= kernel_steps - 4'd1;
		end_row <= kernel_rows - 4'd1;
		end_weight_plane <= weight_bits - 4'd1;
		end_code_plane <= input_bits - 4'd1;
	end
	wire last_chunk = chunk == end_chunk;
	wire last_column = column == end_column;
	wire last_row = row == end_row;
	wire last_tap = last_chunk && last_column && last_row;
	wire last_pair = code_plane == 0 && weight_plane == 0;
	wire [10:0] next_x = {1'b0, out_x} + PIXELS;
	wire last_block_of_row = next_x >= {1'b0, output_width};
	wire last_block = last_block_of_row && out_y == end_y;
	wire last_tile = tile == end_tile;

	// The pair of planes that comes next: as significant, if there is one; else the next lower.
	wire [4:0] lower = {1'b0, code_plane} + {1'b0, weight_plane} - 5'd1;
	wire as_significant = code_plane != 0 && weight_plane != end_weight_plane;
	wire [3:0] highest_code_plane = lower > {1'b0, end_code_plane} ? end_code_plane : lower[3:0];
	wire [3:0] highest_weight_plane = lower[3:0] - highest_code_plane;

	// Pace: `owed` cycles until the blocks issued are drained, `older` without the newest.
	reg [6:0] owed, older;
	wire [9:0] columns_left = output_width - out_x;
	wire [3:0] pixels = columns_left > PIXELS ? PIXELS : columns_left[3:0];
	wire [6:0] drain = pixels * output_bits + 7'd1;
	wire may_take = quick ? owed <= TAKE_LATENCY : in_flight == 0 && !draining;
	wire may_overwrite = !(quick && big_sets) || older == 0;

	wire ends_block = last_tap && last_pair;
	wire go = state == STEPS && (!ends_block || may_take);
	wire epilogue_goes = state == EPILOGUE && may_overwrite;

	assign issued = state == IDLE;
	assign step_valid = go;
	assign step_epilogue = epilogue_goes;
	assign step_first = first;
	assign step_twice = twice;
	assign step_subtract = !plus_minus_one && weight_bits != 1 &&
			       weight_plane == end_weight_plane;
	assign step_take = go && ends_block;
	assign step_masked = last_chunk && (!mask_step || last_column);
	assign step_code_plane = code_plane;
	assign step_weight_plane = weight_plane;
	assign step_index = index;
	assign step_chunk = chunk;
	assign step_y = corner_y + {8'd0, row};
	assign step_x = corner_x + kernel_x;
	assign tile_finished = step_take && last_block;
	assign stalled = state == WAIT;

	wire [1:0] begin_tile = streamed ? WAIT : epilogue_words != 0 ? EPILOGUE : STEPS;

	always @(posedge clock) begin
		if (reset) begin
			state <= IDLE;
		end else begin
			case (state)
			IDLE:
				if (start)
					state <= WAIT;
			WAIT:
				if (!streamed || block_ready)
					state <= epilogue_words != 0 ? EPILOGUE : STEPS;
			EPILOGUE:
				if (epilogue_goes && step_word + 4'd1 == epilogue_words)
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
			corner_x <= -$signed({8'd0, pad_left});
			corner_y <= -$signed({8'd0, pad_top});
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
		if (epilogue_goes)
			step_word <= step_word + 4'd1;
		if (go) begin
			first <= 0;
			twice <= 0;
			index <= index + 12'd1;
			chunk <= last_chunk ? 12'd0 : chunk + 12'd1;
			if (last_chunk) begin
				column <= last_column ? 4'd0 : column + 4'd1;
				kernel_x <= last_column ? 12'd0 : kernel_x + {8'd0, kernel_advance};
				if (last_column)
					row <= last_row ? 4'd0 : row + 4'd1;
			end
			if (last_tap) begin
				index <= 0;
				code_plane <= as_significant ? code_plane - 4'd1 : highest_code_plane;
				weight_plane <= as_significant ? weight_plane + 4'd1 : highest_weight_plane;
				twice <= !as_significant;
			end
			if (ends_block) begin
				code_plane <= end_code_plane;
				weight_plane <= end_weight_plane;
				first <= 1;
				twice <= 0;
				out_x <= last_block_of_row ? 10'd0 : next_x[9:0];
				corner_x <= last_block_of_row ? -$signed({8'd0, pad_left}) :
							      corner_x + PIXELS;
				if (last_block_of_row) begin
					out_y <= last_block ? 10'd0 : out_y + 10'd1;
					corner_y <= last_block ? -$signed({8'd0, pad_top}) :
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

	// Sums on their way from a block's last step.
	reg [TAKE_LATENCY-1:0] taking;

	assign took = taking[TAKE_LATENCY-1];
	always @(posedge clock) begin
		taking <= reset ? {TAKE_LATENCY{1'b0}} : {taking[TAKE_LATENCY-2:0], step_take};
		in_flight <= reset ? 2'd0 : in_flight + {1'b0, step_take} - {1'b0, took};
	end

	always @(posedge clock) begin
		if (reset || state == IDLE) begin
			owed <= 0;
			older <= 0;
		end else if (step_take) begin
			owed <= TAKE_LATENCY + drain;
			older <= owed == 0 ? 7'd0 : owed - 7'd1;
		end else begin
			owed <= owed == 0 ? 7'd0 : owed - 7'd1;
			older <= older == 0 ? 7'd0 : older - 7'd1;
		end
	end
endmodule

`default_nettype wire
