// SPDX-License-Identifier: MIT
// Fetches the screen's lines from memory, up to four ahead of the one being shown: of each the picture's line, then the
// caption's where it covers the line. A line's address follows from its number; a line that comes too late is given up
// (the screen shows black), and the next one is right again.
//
// `notice` tells for one cycle that `line` begins on the screen; line `height` is the end of the frame. Then, as soon as
// nothing is under way, `frame_ends` asks for the next frame's settings, which hold from the cycle after it.
// Bursts are of 16 beats of 8 bytes at multiples of 128 bytes.
`default_nettype none

module twobit_fetch (
	input wire clock,
	input wire reset,
	input wire run,
	output wire busy,
	input wire notice,
	input wire [10:0] line,
	input wire [10:0] height,
	output wire frame_ends,
	output reg [3:0] ready, // of each fourth line: it is there
	output wire failed, // for one cycle: the memory answered with an error

	// The frame's settings.
	input wire doubled, // a picture's line is two of the screen
	input wire [24:0] picture, // addresses and strides: in units of 128 bytes
	input wire [8:0] picture_stride,
	input wire [5:0] picture_bursts, // of a line
	input wire caption_shown,
	input wire [24:0] caption,
	input wire [8:0] caption_stride,
	input wire [5:0] caption_bursts,
	input wire [10:0] caption_y,
	input wire [10:0] caption_height,

	output reg write_picture,
	output reg write_caption,
	output reg [1:0] write_line,
	output reg [9:0] write_beat,
	output reg [63:0] write_data,

	output wire [31:0] m_araddr,
	output reg m_arvalid,
	input wire m_arready,
	input wire [63:0] m_rdata,
	input wire m_rbad, // an error came with the data
	input wire m_rvalid,
	output wire m_rready
);
	localparam REST = 3'd0, PICTURE = 3'd1, CAPTION = 3'd2, MULTIPLY = 3'd3, ADD = 3'd4, ASK = 3'd5, WAIT = 3'd6;
	reg [2:0] state;
	reg [10:0] next;  // the line to fetch next
	reg [10:0] limit; // the last line that has a place
	reg [10:0] begun; // lines that have begun on the screen
	reg between;	  // the frame has ended and the next one's settings are not there yet
	reg of_caption;	  // what is being asked for
	reg [9:0] row;	  // of the picture or of the caption
	reg [9:0] have;	  // the picture's line that was fetched last
	reg have_valid;
	reg [8:0] stride;
	reg [18:0] product;
	reg [24:0] base, at;
	reg [5:0] to_ask;
	reg [10:0] picture_owed, caption_owed; // beats that were or will be asked for and have not come
	reg [9:0] beat;

	wire [9:0] picture_row = doubled ? next[10:1] : next[9:0];
	wire [10:0] below = next - caption_y;
	wire covered = caption_shown && next >= caption_y && below < caption_height;
	wire begins = run && !between && next >= begun && next < height && next <= limit;
	wire takes = m_rvalid && m_rready;
	wire takes_picture = takes && picture_owed != 0;
	wire done = state == WAIT && picture_owed == 0 && caption_owed == 0;
	wire late = next < begun;

	assign busy = state != REST;
	assign frame_ends = between && state == REST;
	assign failed = takes && m_rbad;
	assign m_araddr = {at, 7'd0};
	assign m_rready = 1'b1; // a line begins only where it has a place

	always @(posedge clock) begin
		if (m_arready)
			m_arvalid <= 0;
		case (state)
		REST:
			if (begins)
				state <= PICTURE;
			else if (late)
				next <= begun;
		PICTURE: begin
			of_caption <= 0;
			row <= picture_row;
			stride <= picture_stride;
			base <= picture;
			to_ask <= picture_bursts;
			beat <= 0;
			// Of two lines with one line of the picture the second finds it there.
			state <= have_valid && have == picture_row ? CAPTION : MULTIPLY;
			if (!(have_valid && have == picture_row))
				picture_owed <= {1'b0, picture_bursts, 4'd0};
		end
		CAPTION: begin
			of_caption <= 1;
			row <= below[9:0];
			stride <= caption_stride;
			base <= caption;
			to_ask <= caption_bursts;
			state <= covered && caption_bursts != 0 ? MULTIPLY : WAIT;
			if (covered)
				caption_owed <= {1'b0, caption_bursts, 4'd0};
		end
		MULTIPLY: begin
			product <= stride * row;
			state <= ADD;
		end
		ADD: begin
			at <= base + {6'd0, product} - 25'd1;
			state <= ASK;
		end
		ASK:
			if (!m_arvalid || m_arready) begin
				m_arvalid <= to_ask != 0;
				at <= at + 25'd1;
				to_ask <= to_ask - 6'd1;
				if (to_ask == 0)
					state <= of_caption ? WAIT : CAPTION;
			end
		default:
			if (done) begin
				have <= picture_row;
				have_valid <= 1;
				next <= next + 11'd1;
				state <= REST;
			end
		endcase

		write_picture <= takes_picture;
		write_caption <= takes && !takes_picture;
		write_line <= takes_picture ? picture_row[1:0] : next[1:0];
		write_beat <= beat;
		write_data <= m_rbad ? 64'd0 : m_rdata;
		if (takes) begin
			beat <= picture_owed == 11'd1 ? 10'd0 : beat + 10'd1;
			if (takes_picture)
				picture_owed <= picture_owed - 11'd1;
			else
				caption_owed <= caption_owed - 11'd1;
		end

		// A line's place is the one of the line that is four before it. A line that has begun is of no use any more.
		if (done && !late)
			ready[next[1:0]] <= 1;
		if (notice && line < height) begin
			begun <= line + 11'd1;
			limit <= line + 11'd3;
			if (line != 0)
				ready[line[1:0] - 2'd1] <= 0;
		end
		if (notice && line == height)
			between <= 1;
		if (between)
			ready <= 0;
		if (frame_ends) begin
			between <= 0;
			next <= 0;
			begun <= 0;
			limit <= 11'd3;
			have_valid <= 0;
		end
		if (!run) begin
			between <= 0;
			ready <= 0;
			next <= height;
		end
		if (reset) begin
			state <= REST;
			m_arvalid <= 0;
			picture_owed <= 0;
			caption_owed <= 0;
		end
	end
endmodule

`default_nettype wire
