// SPDX-License-Identifier: MIT
// Runs a frame through the layers' descriptors, one after another: starts a layer, waits until its last pixel is
// written, and goes on to the next; behind the last one comes the first, of the next frame. Begins when a frame
// waits and `enable` is 1.
`default_nettype none

module twobit_sequencer (
	input wire clock,
	input wire reset,
	input wire enable,
	input wire stop, // another part failed: begin nothing more

	input wire [1:0] full, // frame slots
	input wire two_slots,
	input wire [11:0] slot0,
	input wire [11:0] slot1,
	input wire [15:0] sequence_id0,
	input wire [15:0] sequence_id1,
	output reg [1:0] release_slot,
	output wire [11:0] frame_base,

	input wire descriptor_ready,
	output wire advance,
	input wire sound,
	input wire [4:0] number,
	input wire last,
	input wire releases,
	input wire scores,

	output reg start, // a layer
	input wire issued,
	input wire [1:0] in_flight,
	input wire quiet,
	input wire written,

	input wire result_ready,
	output reg result_begin,
	output reg result_end,
	output reg [15:0] sequence_id,
	output reg [31:0] frame_cycles,

	output wire computing,
	output reg error,	 // for one cycle
	output reg layer_ended, // for one cycle, with its number and cycles
	output reg [4:0] ended,
	output reg [31:0] ended_cycles
);
	localparam IDLE = 2'd0, BEGIN = 2'd1, RUN = 2'd2, FINISH = 2'd3;
	reg [1:0] state;
	reg broken; // nothing begins until the reset
	reg slot;
	reg [31:0] layer_cycles;
	wire finished = issued && !start && in_flight == 0 && quiet && (scores || written);
	wire begins = state == IDLE && enable && !stop && !broken && full[slot] && result_ready;

	assign advance = descriptor_ready && (begins || (state == RUN && finished && !last));
	assign frame_base = slot ? slot1 : slot0;
	assign computing = state != IDLE;
	always @(posedge clock) begin
		start <= 0;
		error <= 0;
		result_begin <= 0;
		result_end <= 0;
		release_slot <= 0;
		layer_ended <= 0;
		frame_cycles <= frame_cycles + 32'd1;
		layer_cycles <= advance ? 32'd1 : layer_cycles + 32'd1;
		case (state)
		IDLE:
			if (advance) begin
				result_begin <= 1;
				sequence_id <= slot ? sequence_id1 : sequence_id0;
				frame_cycles <= 1;
				state <= BEGIN;
			end
		BEGIN:
			if (sound) begin
				start <= 1;
				state <= RUN;
			end else begin
				error <= 1;
				broken <= 1;
				state <= IDLE;
			end
		RUN:
			if (finished && (last || descriptor_ready)) begin
				layer_ended <= 1;
				ended <= number;
				ended_cycles <= layer_cycles;
				if (releases) begin
					release_slot[slot] <= 1;
					slot <= two_slots && !slot;
				end
				state <= last ? FINISH : BEGIN;
			end
		FINISH:
			if (result_ready) begin
				result_end <= 1;
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

`default_nettype wire
