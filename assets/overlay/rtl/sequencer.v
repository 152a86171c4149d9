// SPDX-License-Identifier: MIT
// Runs a picture through the layers' descriptors, one after another: fetches a descriptor (13 cycles), checks it, starts
// the layer, waits until its last pixel is written. Begins when a picture waits and `enable` is 1.
//
// Descriptors are written 32 bits at a time while no picture is computed.
`include "registers.vh"
module sequencer (
	input clock,
	input reset,
	input enable,
	input stop, // another part failed: begin nothing more

	input descriptor_write,
	input [8:0] descriptor_address,
	input [31:0] descriptor_data,

	input [1:0] full, // picture slots
	input two_slots,
	input [11:0] slot0,
	input [11:0] slot1,
	input [15:0] serial0,
	input [15:0] serial1,
	output reg [1:0] release_slot,

	output reg start, // a layer
	output reg [383:0] layer,
	output reg [11:0] input_base,
	input issued,
	input [1:0] in_flight,
	input quiet,
	input written,

	input answer_ready,
	output reg answer_begin,
	output reg answer_end,
	output reg [15:0] serial,
	output reg [31:0] picture_cycles,

	output computing,
	output reg [4:0] number, // of the layer
	output reg error,	 // for one cycle
	output reg layer_ended, // for one cycle, with its number and cycles
	output reg [4:0] ended,
	output reg [31:0] ended_cycles
);
	localparam IDLE = 3'd0, FETCH = 3'd1, CHECK = 3'd2, BEGIN = 3'd3, RUN = 3'd4, FINISH = 3'd5, FAILED = 3'd6;
	(* ram_style = "block" *) reg [31:0] descriptors [0:511];
	reg [31:0] fetched;
	reg [2:0] state;
	reg [3:0] word;
	reg slot;
	reg [31:0] layer_cycles;
	wire [31:0] shape = layer[32*`WORD_SHAPE +: 32];
	wire [31:0] place = layer[32*`WORD_INPUT_PLACE +: 32];
	wire [31:0] kernel = layer[32*`WORD_KERNEL +: 32];
	wire [31:0] tiles = layer[32*`WORD_TILES +: 32];
	wire [31:0] chunks = layer[32*`WORD_CHUNKS +: 32];
	wire [31:0] out = layer[32*`WORD_OUTPUT +: 32];
	wire [31:0] pooled = layer[32*`WORD_POOLED +: 32];
	wire last = shape[`F_SHAPE_LAST];
	wire scores = shape[`F_SHAPE_ENDING] == `ENDING_SCORES;
	wire [3:0] bits = shape[`F_SHAPE_OUTPUT_BITS];

	always @(posedge clock) begin
		if (descriptor_write)
			descriptors[descriptor_address] <= descriptor_data;
		fetched <= descriptors[{number, word}];
	end

	// What would make the loops endless or the pace wrong.
	reg sound;

	always @(posedge clock)
		sound <= shape[`F_SHAPE_INPUT_BITS] != 0 && shape[`F_SHAPE_INPUT_BITS] <= 8 &&
			 shape[`F_SHAPE_WEIGHT_BITS] != 0 && shape[`F_SHAPE_WEIGHT_BITS] <= 8 &&
			 shape[`F_SHAPE_ENDING] != 2'd3 && shape[`F_SHAPE_STRIDE] != 2'd3 &&
			 shape[`F_SHAPE_POOL] != 2'd1 &&
			 (scores || (bits != 0 && bits <= (shape[`F_SHAPE_ENDING] == `ENDING_RESCALE ? 8 : 4))) &&
			 !(scores && !shape[`F_SHAPE_TO_STREAM]) &&
			 kernel[`F_KERNEL_ROWS] != 0 && kernel[`F_KERNEL_STEPS] != 0 &&
			 chunks[`F_CHUNKS_COUNT] != 0 && tiles[`F_TILES_COUNT] != 0 &&
			 out[`F_OUTPUT_HEIGHT] != 0 && out[`F_OUTPUT_WIDTH] != 0 &&
			 pooled[`F_POOLED_HEIGHT] != 0 && pooled[`F_POOLED_WIDTH] != 0 &&
			 (shape[`F_SHAPE_POOL] == 0 || pooled[`F_POOLED_WIDTH] <= 64) &&
			 (last || number != 5'd31);

	wire finished = issued && !start && in_flight == 0 && quiet && (scores || written);

	assign computing = state != IDLE && state != FAILED;
	always @(posedge clock) begin
		start <= 0;
		error <= 0;
		answer_begin <= 0;
		answer_end <= 0;
		release_slot <= 0;
		layer_ended <= 0;
		picture_cycles <= picture_cycles + 32'd1;
		layer_cycles <= layer_cycles + 32'd1;
		case (state)
		IDLE:
			if (enable && !stop && full[slot] && answer_ready) begin
				answer_begin <= 1;
				serial <= slot ? serial1 : serial0;
				number <= 0;
				picture_cycles <= 1;
				layer_cycles <= 1;
				state <= FETCH;
			end
		FETCH: begin
			// A word comes a cycle after its address: they go through the last place to theirs.
			if (word != 0)
				layer[383:0] <= {fetched, layer[383:32]};
			if (word == `DESCRIPTOR_USED)
				state <= CHECK;
		end
		CHECK: begin
			input_base <= place[`F_INPUT_PLACE_BASE] +
				      (!shape[`F_SHAPE_FROM_PICTURE] ? 12'd0 : slot ? slot1 : slot0);
			state <= BEGIN;
		end
		BEGIN:
			if (sound) begin
				start <= 1;
				state <= RUN;
			end else begin
				error <= 1;
				state <= FAILED;
			end
		RUN:
			if (finished) begin
				layer_ended <= 1;
				ended <= number;
				ended_cycles <= layer_cycles;
				layer_cycles <= 1;
				if (!last)
					number <= number + 5'd1;
				if (shape[`F_SHAPE_RELEASES]) begin
					release_slot[slot] <= 1;
					slot <= two_slots && !slot;
				end
				state <= last ? FINISH : FETCH;
			end
		FINISH:
			if (answer_ready) begin
				answer_end <= 1;
				state <= IDLE;
			end
		default: ;
		endcase
		if (state == FETCH)
			word <= word + 4'd1;
		else
			word <= 0;
		if (stop)
			state <= FAILED;
		if (reset) begin
			state <= IDLE;
			slot <= 0;
		end
	end
endmodule
