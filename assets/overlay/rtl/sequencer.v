// SPDX-License-Identifier: MIT
// Runs a picture through the layers' descriptors, one after another: starts a layer, waits until its last pixel is
// written. Meanwhile the next descriptor is fetched (13 cycles) and checked; behind the last one comes the first, of the
// next picture. Begins when a picture waits and `enable` is 1.
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
	localparam IDLE = 2'd0, BEGIN = 2'd1, RUN = 2'd2, FINISH = 2'd3;
	(* ram_style = "block" *) reg [31:0] descriptors [0:511];
	reg [31:0] fetched;
	reg [383:0] next; // descriptor
	reg [4:0] next_number;
	reg [3:0] word;
	reg here; // `next` is complete
	reg [1:0] state;
	reg broken; // nothing begins until the reset
	reg slot;
	reg [31:0] layer_cycles;
	wire [31:0] shape = next[32*`WORD_SHAPE +: 32];
	wire [31:0] place = next[32*`WORD_INPUT_PLACE +: 32];
	wire [31:0] kernel = next[32*`WORD_KERNEL +: 32];
	wire [31:0] tiles = next[32*`WORD_TILES +: 32];
	wire [31:0] chunks = next[32*`WORD_CHUNKS +: 32];
	wire [31:0] out = next[32*`WORD_OUTPUT +: 32];
	wire [31:0] pooled = next[32*`WORD_POOLED +: 32];
	wire [31:0] running = layer[32*`WORD_SHAPE +: 32];
	wire last = running[`F_SHAPE_LAST];
	wire scores = shape[`F_SHAPE_ENDING] == `ENDING_SCORES;
	wire [3:0] bits = shape[`F_SHAPE_OUTPUT_BITS];
	wire load; // `next` becomes `layer`

	always @(posedge clock) begin
		if (descriptor_write)
			descriptors[descriptor_address] <= descriptor_data;
		fetched <= descriptors[{next_number, word}];
		// A word comes a cycle after its address: they go through the last place to theirs.
		if (!here) begin
			word <= word + 4'd1;
			if (word != 0)
				next <= {fetched, next[383:32]};
			here <= word == `DESCRIPTOR_USED;
		end
		if (load) begin
			next_number <= shape[`F_SHAPE_LAST] ? 5'd0 : next_number + 5'd1;
			here <= 0;
			word <= 0;
		end
		if (reset || descriptor_write) begin
			next_number <= 0;
			here <= 0;
			word <= 0;
		end
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
			 (shape[`F_SHAPE_LAST] || next_number != 5'd31);

	wire finished = issued && !start && in_flight == 0 && quiet &&
			(running[`F_SHAPE_ENDING] == `ENDING_SCORES || written);
	wire begins = state == IDLE && enable && !stop && !broken && full[slot] && answer_ready;

	assign load = here && (begins || (state == RUN && finished && !last));
	assign computing = state != IDLE;
	always @(posedge clock) begin
		start <= 0;
		error <= 0;
		answer_begin <= 0;
		answer_end <= 0;
		release_slot <= 0;
		layer_ended <= 0;
		picture_cycles <= picture_cycles + 32'd1;
		layer_cycles <= layer_cycles + 32'd1;
		if (load) begin
			layer <= next;
			number <= next_number;
			input_base <= place[`F_INPUT_PLACE_BASE] +
				      (!shape[`F_SHAPE_FROM_PICTURE] ? 12'd0 : slot ? slot1 : slot0);
			layer_cycles <= 1;
		end
		case (state)
		IDLE:
			if (load) begin
				answer_begin <= 1;
				serial <= slot ? serial1 : serial0;
				picture_cycles <= 1;
				state <= BEGIN;
			end
		BEGIN: // `sound` is that of `layer`
			if (sound) begin
				start <= 1;
				state <= RUN;
			end else begin
				error <= 1;
				broken <= 1;
				state <= IDLE;
			end
		RUN:
			if (finished && (last || here)) begin
				layer_ended <= 1;
				ended <= number;
				ended_cycles <= layer_cycles;
				if (running[`F_SHAPE_RELEASES]) begin
					release_slot[slot] <= 1;
					slot <= two_slots && !slot;
				end
				state <= last ? FINISH : BEGIN;
			end
		FINISH:
			if (answer_ready) begin
				answer_end <= 1;
				state <= IDLE;
			end
		endcase
		if (stop) begin
			state <= IDLE;
			start <= 0;
		end
		if (reset) begin
			state <= IDLE;
			broken <= 0;
			slot <= 0;
		end
	end
endmodule
