// SPDX-License-Identifier: MIT
// The layers' descriptors: the memory that holds them, the one that runs, taken apart into its fields, and the next
// one, which is fetched meanwhile (13 cycles) and checked. Behind the last one comes the first. No other module knows
// where a field lies (registers.txt).
//
// `advance`, in a cycle with `ready`, makes the next descriptor the one that runs: from the cycle after it number,
// fields and `sound` are the new one's, epilogue_words one cycle later. Descriptors are written 32 bits at a time while
// none runs; a write begins again with the first.
`include "overlay.vh"
`default_nettype none

module twobit_descriptor (
	input wire clock,
	input wire reset,
	input wire write,
	input wire [8:0] write_address,
	input wire [31:0] write_data,
	output reg ready, // the next descriptor is complete
	input wire advance,
	input wire [11:0] frame_base, // of the slot that the next descriptor would read

	output reg [4:0] number,
	output reg sound, // in the cycle after `advance`: it makes sense
	output wire last,
	output wire releases,

	// The sums and what becomes of them.
	output wire [3:0] input_bits,
	output wire [3:0] weight_bits,
	output wire [3:0] output_bits,
	output wire plus_minus_one,
	output wire thresholds,
	output wire requantises,
	output wire scores,
	output reg [3:0] epilogue_words, // of a tile
	output wire to_stream,

	// Loops.
	output wire [3:0] kernel_rows,
	output wire [3:0] kernel_steps,
	output wire [3:0] kernel_advance,
	output wire [3:0] pad_top,
	output wire [3:0] pad_left,
	output wire [1:0] stride,
	output wire mask_step,
	output wire [3:0] mask_quarters,
	output wire [11:0] chunks,
	output wire [11:0] tiles,
	output wire [9:0] output_height,
	output wire [9:0] output_width,

	// Where the input lies, and the weights.
	output wire [9:0] input_height,
	output wire [9:0] input_width,
	output reg [11:0] input_base, // the frame's slot included
	output wire [11:0] input_plane,
	output wire [11:0] input_row,
	output wire [11:0] input_block,
	output wire streamed,
	output wire [11:0] weight_base,
	output wire [11:0] weight_plane,
	output wire [11:0] tile_words,

	// The max pool, and where the output goes.
	output wire [1:0] pool_size,
	output wire pool_left,
	output wire pool_top,
	output wire [9:0] pooled_height,
	output wire [9:0] pooled_width,
	output wire [11:0] output_base,
	output wire [11:0] output_plane,
	output wire [11:0] output_row,
	output wire [11:0] output_block,
	output wire [11:0] first_tile
);
	localparam BITS = 32 * `OVERLAY_DESCRIPTOR_USED;
	(* ram_style = "block" *) reg [31:0] descriptors [0:511];
	reg [31:0] fetched;
	reg [4:0] next_number;
	reg [3:0] word;
	reg [BITS-1:0] next;
	// The one that runs. Some of its bits are no field, some fields have done their work before.
	// verilator lint_off UNUSEDSIGNAL
	reg [BITS-1:0] layer;
	// verilator lint_on UNUSEDSIGNAL

	always @(posedge clock) begin
		if (write)
			descriptors[write_address] <= write_data;
		fetched <= descriptors[{next_number, word}];
		// A word comes a cycle after its address: they go through the last place to theirs.
		if (!ready) begin
			word <= word + 4'd1;
			if (word != 0)
				next <= {fetched, next[BITS-1:32]};
			ready <= word == `OVERLAY_DESCRIPTOR_USED;
		end
		if (advance) begin
			next_number <= next[`OVERLAY_F_SHAPE_LAST] ? 5'd0 : next_number + 5'd1;
			ready <= 0;
			word <= 0;
		end
		if (reset || write) begin
			next_number <= 0;
			ready <= 0;
			word <= 0;
		end
	end

	always @(posedge clock) begin
		if (advance) begin
			layer <= next;
			number <= next_number;
			input_base <= next[`OVERLAY_F_INPUT_PLACE_BASE] + (next[`OVERLAY_F_SHAPE_FROM_FRAME] ? frame_base : 12'd0);
		end
		epilogue_words <= thresholds ? (4'd1 << output_bits) - 4'd1 : requantises ? 4'd3 : 4'd0;
	end

	// What would make the loops endless or the pace wrong.
	wire next_scores = next[`OVERLAY_F_SHAPE_EPILOGUE] == `OVERLAY_EPILOGUE_SCORES;
	wire [3:0] most_bits = next[`OVERLAY_F_SHAPE_EPILOGUE] == `OVERLAY_EPILOGUE_REQUANTISE ? 4'd8 : 4'd4;

	always @(posedge clock)
		sound <= next[`OVERLAY_F_SHAPE_INPUT_BITS] != 0 && next[`OVERLAY_F_SHAPE_INPUT_BITS] <= 8 &&
			 next[`OVERLAY_F_SHAPE_WEIGHT_BITS] != 0 && next[`OVERLAY_F_SHAPE_WEIGHT_BITS] <= 8 &&
			 next[`OVERLAY_F_SHAPE_EPILOGUE] != 2'd3 && next[`OVERLAY_F_SHAPE_STRIDE] != 2'd3 &&
			 next[`OVERLAY_F_SHAPE_POOL] != 2'd1 &&
			 (next_scores ||
			  (next[`OVERLAY_F_SHAPE_OUTPUT_BITS] != 0 && next[`OVERLAY_F_SHAPE_OUTPUT_BITS] <= most_bits)) &&
			 !(next_scores && !next[`OVERLAY_F_SHAPE_TO_STREAM]) &&
			 next[`OVERLAY_F_KERNEL_ROWS] != 0 && next[`OVERLAY_F_KERNEL_STEPS] != 0 &&
			 next[`OVERLAY_F_CHUNKS_COUNT] != 0 && next[`OVERLAY_F_TILES_COUNT] != 0 &&
			 next[`OVERLAY_F_OUTPUT_HEIGHT] != 0 && next[`OVERLAY_F_OUTPUT_WIDTH] != 0 &&
			 next[`OVERLAY_F_POOLED_HEIGHT] != 0 && next[`OVERLAY_F_POOLED_WIDTH] != 0 &&
			 (next[`OVERLAY_F_SHAPE_POOL] == 0 || next[`OVERLAY_F_POOLED_WIDTH] <= 64) &&
			 (next[`OVERLAY_F_SHAPE_LAST] || next_number != 5'd31);

	assign last = layer[`OVERLAY_F_SHAPE_LAST];
	assign releases = layer[`OVERLAY_F_SHAPE_RELEASES];
	assign input_bits = layer[`OVERLAY_F_SHAPE_INPUT_BITS];
	assign weight_bits = layer[`OVERLAY_F_SHAPE_WEIGHT_BITS];
	assign output_bits = layer[`OVERLAY_F_SHAPE_OUTPUT_BITS];
	assign plus_minus_one = layer[`OVERLAY_F_SHAPE_PLUS_MINUS_ONE];
	assign thresholds = layer[`OVERLAY_F_SHAPE_EPILOGUE] == `OVERLAY_EPILOGUE_THRESHOLDS;
	assign requantises = layer[`OVERLAY_F_SHAPE_EPILOGUE] == `OVERLAY_EPILOGUE_REQUANTISE;
	assign scores = layer[`OVERLAY_F_SHAPE_EPILOGUE] == `OVERLAY_EPILOGUE_SCORES;
	assign to_stream = layer[`OVERLAY_F_SHAPE_TO_STREAM];
	assign kernel_rows = layer[`OVERLAY_F_KERNEL_ROWS];
	assign kernel_steps = layer[`OVERLAY_F_KERNEL_STEPS];
	assign kernel_advance = layer[`OVERLAY_F_KERNEL_ADVANCE];
	assign pad_top = layer[`OVERLAY_F_KERNEL_PAD_TOP];
	assign pad_left = layer[`OVERLAY_F_KERNEL_PAD_LEFT];
	assign stride = layer[`OVERLAY_F_SHAPE_STRIDE];
	assign mask_step = layer[`OVERLAY_F_SHAPE_MASK_STEP];
	assign mask_quarters = layer[`OVERLAY_F_SHAPE_MASK];
	assign chunks = layer[`OVERLAY_F_CHUNKS_COUNT];
	assign tiles = layer[`OVERLAY_F_TILES_COUNT];
	assign output_height = layer[`OVERLAY_F_OUTPUT_HEIGHT];
	assign output_width = layer[`OVERLAY_F_OUTPUT_WIDTH];
	assign input_height = layer[`OVERLAY_F_INPUT_HEIGHT];
	assign input_width = layer[`OVERLAY_F_INPUT_WIDTH];
	assign input_plane = layer[`OVERLAY_F_INPUT_PLACE_PLANE];
	assign input_row = layer[`OVERLAY_F_INPUT_STEP_ROW];
	assign input_block = layer[`OVERLAY_F_INPUT_STEP_BLOCK];
	assign streamed = layer[`OVERLAY_F_SHAPE_STREAMED];
	assign weight_base = layer[`OVERLAY_F_WEIGHTS_BASE];
	assign weight_plane = layer[`OVERLAY_F_CHUNKS_PLANE];
	assign tile_words = layer[`OVERLAY_F_WEIGHTS_TILE];
	assign pool_size = layer[`OVERLAY_F_SHAPE_POOL];
	assign pool_left = layer[`OVERLAY_F_SHAPE_POOL_LEFT];
	assign pool_top = layer[`OVERLAY_F_SHAPE_POOL_TOP];
	assign pooled_height = layer[`OVERLAY_F_POOLED_HEIGHT];
	assign pooled_width = layer[`OVERLAY_F_POOLED_WIDTH];
	assign output_base = layer[`OVERLAY_F_OUTPUT_PLACE_BASE];
	assign output_plane = layer[`OVERLAY_F_OUTPUT_PLACE_PLANE];
	assign output_row = layer[`OVERLAY_F_OUTPUT_STEP_ROW];
	assign output_block = layer[`OVERLAY_F_OUTPUT_STEP_BLOCK];
	assign first_tile = layer[`OVERLAY_F_TILES_FIRST];
endmodule

`default_nettype wire
