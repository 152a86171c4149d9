// SPDX-License-Identifier: MIT
// Reads the stream of records (README.md) into the memories, checks each, and says which rule a stream broke.
//
// Streamed weights wait (no stream_ready) until the ring has room, frames until their slot is free. After an error
// everything is swallowed until the reset, so that whoever sends comes to an end. A record's
// CRC is known three cycles after its trailer.
`include "overlay.vh"
`default_nettype none

module twobit_loader (
	input wire clock,
	input wire reset,
	input wire [63:0] stream_data,
	input wire stream_valid,
	input wire stream_last,
	output wire stream_ready,

	input wire [12:0] weight_depth,
	input wire [12:0] code_depth,
	input wire [11:0] ring_first,
	input wire [11:0] ring_words,
	input wire [11:0] slot0,
	input wire [11:0] slot1,
	input wire two_slots,
	input wire [23:0] frame_beats,
	input wire stop, // another part failed: swallow as after an error

	// The ring: tiles consumed, and a little later their words free.
	input wire consumed,
	input wire freed,
	input wire [11:0] consumed_words,
	input wire [11:0] freed_words,
	output wire [12:0] available, // whole words that wait in the ring

	// Frames.
	output reg [1:0] full,
	output reg [15:0] sequence_id0,
	output reg [15:0] sequence_id1,
	input wire [1:0] release_slot,

	output reg weight_write,
	output reg [11:0] weight_address,
	output reg [3:0] weight_bank,
	output reg frame_write,
	output reg [11:0] frame_address,
	output reg [2:0] frame_bank,
	output reg [63:0] data,
	input wire code_write, // takes the memory's port from a frame in this cycle

	output reg [3:0] error, // for one cycle
	output reg [23:0] beats, // of the record so far
	output wire loading,
	output reg [31:0] records,
	output reg [31:0] loaded_crc
);
	localparam HEADER = 3'd0, RANGE = 3'd1, PAYLOAD = 3'd2, TRAILER = 3'd3, CHECK = 3'd4, FAILED = 3'd5;
	reg [2:0] state;
	reg [2:0] kind;
	reg last_record;
	reg [11:0] address, at;
	reg [23:0] length, left;
	reg [15:0] sequence_id;
	reg [3:0] bank;
	reg [1:0] checking;
	reg [31:0] claimed;
	reg fill; // slot of the next frame
	reg [12:0] reserved, present;
	reg [11:0] ring_at;
	wire [31:0] crc;

	wire streamed = kind == `OVERLAY_RECORD_STREAMED;
	wire frame = kind == `OVERLAY_RECORD_FRAME;
	wire room = streamed ? bank != 0 || reserved < {1'b0, ring_words} :
		    frame ? !full[fill] && !(frame_write && code_write) : 1'b1;
	wire beat = stream_valid && stream_ready;
	wire payload = beat && state == PAYLOAD;
	wire ends_word = frame ? bank == 4'd7 : bank == 4'd15;
	wire [12:0] ring_end = {1'b0, ring_first} + {1'b0, ring_words};
	wire [24:0] resident_end = {13'd0, address} + {5'd0, length[23:4]};
	wire [24:0] frame_end = {13'd0, fill ? slot1 : slot0} + {4'd0, length[23:3]};
	reg fits;

	assign stream_ready = state == HEADER || (state == PAYLOAD && room) || state == TRAILER || state == FAILED;
	assign loading = state != HEADER && state != FAILED;
	assign available = present;

	twobit_crc32 check (
		.clock(clock), .clear(beat && state == HEADER),
		.valid(beat && (state == HEADER || state == PAYLOAD)), .data(stream_data), .crc(crc));

	always @*
		case (kind)
		`OVERLAY_RECORD_WEIGHTS: fits = length[3:0] == 0 && resident_end <= {12'd0, weight_depth};
		`OVERLAY_RECORD_STREAMED: fits = length[3:0] == 0 && ring_words != 0 && ring_end <= weight_depth;
		default: fits = length == frame_beats && length[2:0] == 0 && frame_end <= {12'd0, code_depth};
		endcase

	always @(posedge clock) begin
		error <= `OVERLAY_ERROR_NONE;
		if (beat && state != FAILED)
			beats <= state == HEADER ? 24'd1 : beats + 24'd1;
		case (state)
		HEADER:
			if (beat) begin
				kind <= stream_data[`OVERLAY_F_HEADER_TYPE];
				last_record <= stream_data[`OVERLAY_F_HEADER_LAST];
				address <= stream_data[`OVERLAY_F_HEADER_ADDRESS];
				length <= stream_data[`OVERLAY_F_HEADER_LENGTH];
				sequence_id <= stream_data[`OVERLAY_F_HEADER_SEQUENCE_ID];
				state <= RANGE;
				if (stream_data[`OVERLAY_F_HEADER_MAGIC] != `OVERLAY_RECORD_MAGIC ||
				    stream_data[`OVERLAY_F_HEADER_TYPE] < `OVERLAY_RECORD_WEIGHTS ||
				    stream_data[`OVERLAY_F_HEADER_TYPE] > `OVERLAY_RECORD_FRAME)
					error <= `OVERLAY_ERROR_HEADER;
				else if (stream_last)
					error <= `OVERLAY_ERROR_SHORT;
			end
		RANGE: begin
			state <= PAYLOAD;
			left <= length - 24'd1;
			bank <= 0;
			at <= streamed ? ring_at : frame ? (fill ? slot1 : slot0) : address;
			if (length == 0 || !fits)
				error <= `OVERLAY_ERROR_RANGE;
		end
		PAYLOAD:
			if (beat) begin
				left <= left - 24'd1;
				bank <= ends_word ? 4'd0 : bank + 4'd1;
				if (ends_word)
					at <= streamed && {1'b0, at} + 13'd1 == ring_end ? ring_first : at + 12'd1;
				if (left == 0)
					state <= TRAILER;
				if (stream_last)
					error <= `OVERLAY_ERROR_SHORT;
			end
		TRAILER:
			if (beat) begin
				claimed <= stream_data[`OVERLAY_F_TRAILER_CRC];
				checking <= 2'd2;
				state <= CHECK;
				if (stream_last && !last_record)
					error <= `OVERLAY_ERROR_SHORT;
				else if (!stream_last && last_record)
					error <= `OVERLAY_ERROR_LONG;
			end
		CHECK: begin
			if (checking != 0)
				checking <= checking - 2'd1;
			if (checking == 0 && !frame_write) begin
				state <= HEADER;
				if (crc != claimed) begin
					error <= `OVERLAY_ERROR_CRC;
				end else begin
					records <= records + 32'd1;
					loaded_crc <= crc;
					if (frame) begin
						full[fill] <= 1;
						if (fill)
							sequence_id1 <= sequence_id;
						else
							sequence_id0 <= sequence_id;
						fill <= two_slots && !fill;
					end
				end
			end
		end
		default: ;
		endcase
		if (release_slot[0])
			full[0] <= 0;
		if (release_slot[1])
			full[1] <= 0;
		if (error != `OVERLAY_ERROR_NONE || stop) begin
			state <= FAILED;
			error <= `OVERLAY_ERROR_NONE;
		end
		if (reset) begin
			state <= HEADER;
			error <= `OVERLAY_ERROR_NONE;
			full <= 0;
			fill <= 0;
			records <= 0;
			beats <= 0;
			loaded_crc <= 0;
		end
	end

	always @(posedge clock) begin
		if (reset) begin
			reserved <= 0;
			present <= 0;
			ring_at <= ring_first;
		end else begin
			reserved <= reserved + {12'd0, payload && streamed && bank == 0} -
				    (freed ? {1'b0, freed_words} : 13'd0);
			present <= present + {12'd0, payload && streamed && ends_word} -
				   (consumed ? {1'b0, consumed_words} : 13'd0);
			if (payload && streamed && ends_word)
				ring_at <= {1'b0, ring_at} + 13'd1 == ring_end ? ring_first : ring_at + 12'd1;
		end
	end

	// A frame's word stays until the memory's port is free for it.
	always @(posedge clock) begin
		weight_write <= payload && !frame && !reset;
		if (payload) begin
			data <= stream_data;
			weight_address <= at;
			weight_bank <= bank;
			frame_address <= at;
			frame_bank <= bank[2:0];
		end
		frame_write <= ((payload && frame) || (frame_write && code_write)) && !reset;
	end

`ifdef ASSERTIONS
	always @(posedge clock)
		if (!reset && (reserved > {1'b0, ring_words} || present > reserved)) begin
			$display("loader: %0d words reserved and %0d present in a ring of %0d", reserved, present, ring_words);
			$stop;
		end
`endif
endmodule

`default_nettype wire
