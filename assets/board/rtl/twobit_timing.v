// SPDX-License-Identifier: MIT
// Where on the screen the pixel clock is: 1280x720 or 640x480 at 60 Hz. It begins at the end of a frame, and tells the
// memory's side, at each line's beginning, which line begins; the first line behind the picture is the end of the frame.
`default_nettype none

module twobit_timing (
	input wire clock,
	input wire run,
	input wire vga, // 640x480
	output reg [10:0] x,
	output wire [2:0] row, // the lowest bits of the line
	output wire active,
	output wire hsync, // as they are sent: negative for 640x480
	output reg vsync, // changes with the beginning of hsync
	output wire line_ends, // the line's last pixel
	output wire [10:0] next_y,
	output reg notice, // changes when a line begins
	output reg [10:0] line // the one that began: stable for all of it
);
	reg [10:0] y;
	wire [10:0] width = vga ? 11'd640 : 11'd1280;
	wire [10:0] height = vga ? 11'd480 : 11'd720;
	wire [10:0] before_hsync = vga ? 11'd655 : 11'd1389;
	wire [10:0] hsync_begins = vga ? 11'd656 : 11'd1390;
	wire [10:0] hsync_ends = vga ? 11'd752 : 11'd1430;
	wire [10:0] last_x = vga ? 11'd799 : 11'd1649;
	wire [10:0] vsync_begins = vga ? 11'd490 : 11'd725;
	wire [10:0] vsync_ends = vga ? 11'd492 : 11'd730;
	wire [10:0] last_y = vga ? 11'd524 : 11'd749;

	assign row = y[2:0];
	assign active = run && x < width && y < height;
	assign hsync = (x >= hsync_begins && x < hsync_ends) != vga;
	assign line_ends = x == last_x;
	assign next_y = y == last_y ? 11'd0 : y + 11'd1;

	always @(posedge clock) begin
		x <= line_ends ? 11'd0 : x + 11'd1;
		if (line_ends)
			y <= next_y;
		if (x == before_hsync)
			vsync <= (next_y >= vsync_begins && next_y < vsync_ends) != vga;
		if (run && x == 0 && y <= height) begin
			notice <= !notice;
			line <= y;
		end
		if (!run) begin
			x <= 0;
			y <= height;
			vsync <= vga;
		end
	end
endmodule

`default_nettype wire
