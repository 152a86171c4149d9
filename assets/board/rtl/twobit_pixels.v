// SPDX-License-Identifier: MIT
// From lines of memory to TMDS words, in the pixel clock: takes the pixels of picture and caption out of the beats of
// their lines, blends and encodes them. A line that is not there when it begins is black as a whole.
//
// The settings belong to another clock: they change behind a frame's last line only, and are stable before the next one's
// first line.
`default_nettype none

module twobit_pixels (
	input wire clock,
	input wire run,
	input wire vga,
	input wire [3:0] ready, // of each fourth line; settled for this clock
	output wire notice,
	output wire [10:0] line,
	output reg underrun, // changes when a line is not there

	input wire rgb565,
	input wire doubled,
	input wire caption_shown,
	input wire [7:0] caption_alpha,
	input wire [10:0] caption_x,
	input wire [10:0] caption_y,
	input wire [10:0] caption_width,
	input wire [10:0] caption_height,

	output reg [1:0] picture_line,
	output reg [9:0] picture_beat,
	input wire [63:0] picture_data, // two cycles later
	output reg [1:0] caption_line,
	output reg [9:0] caption_beat,
	input wire [63:0] caption_data,

	output wire [9:0] blue,
	output wire [9:0] green,
	output wire [9:0] red
);
	localparam BLEND = 4; // cycles
	wire [10:0] x, next_y;
	wire [2:0] row;
	wire active, hsync, vsync, line_ends;

	twobit_timing timing (
		.clock(clock), .run(run), .vga(vga), .x(x), .row(row), .active(active), .hsync(hsync), .vsync(vsync),
		.line_ends(line_ends), .next_y(next_y), .notice(notice), .line(line));

	// Of the line that is shown.
	wire in_picture = next_y < (vga ? 11'd480 : 11'd720);
	wire [10:0] below = next_y - caption_y;
	reg there, covered;

	always @(posedge clock) begin
		if (line_ends) begin
			there <= in_picture && ready[next_y[1:0]];
			covered <= caption_shown && next_y >= caption_y && below < caption_height;
			if (run && in_picture && !ready[next_y[1:0]])
				underrun <= !underrun;
		end
		if (!run)
			there <= 0;
	end

	// Which pixels: of the picture's beat one of two or four, of the caption's one of two.
	wire [10:0] column = doubled ? {1'b0, x[10:1]} : x;
	wire [10:0] right = x - caption_x;
	reg [1:0] part, part2, part3;
	reg caption_part, caption_part2, caption_part3;
	reg shows, shows2, shows3;
	reg on_caption, on_caption2, on_caption3;

	always @(posedge clock) begin
		picture_line <= doubled ? row[2:1] : row[1:0];
		picture_beat <= rgb565 ? {1'b0, column[10:2]} : column[10:1];
		part <= rgb565 ? column[1:0] : {column[0], 1'b0};
		caption_line <= row[1:0];
		caption_beat <= right[10:1];
		caption_part <= right[0];
		shows <= active && there;
		on_caption <= active && there && covered && x >= caption_x && right < caption_width;

		{part3, part2} <= {part2, part};
		{caption_part3, caption_part2} <= {caption_part2, caption_part};
		{shows3, shows2} <= {shows2, shows};
		{on_caption3, on_caption2} <= {on_caption2, on_caption};
	end

	// part counts 16-bit words: a pixel of 32 bits begins at an even one.
	wire [15:0] word = picture_data[16*part3 +: 16];
	wire [7:0] third = picture_data[32*part3[1] + 16 +: 8];
	reg [23:0] picture;
	reg [31:0] caption;
	wire [23:0] blended;

	always @(posedge clock) begin
		picture <= !shows3 ? 24'd0 :
			   rgb565  ? {word[15:11], word[15:13], word[10:5], word[10:9], word[4:0], word[4:2]} :
				     {third, word};
		caption <= on_caption3 ? caption_data[32*caption_part3 +: 32] : 32'd0;
	end

	twobit_blend blend (
		.clock(clock), .picture(picture), .caption(caption), .alpha(caption_alpha), .out(blended));

	// What goes with the pixels is as late as they are.
	localparam LATE = 4 + BLEND;
	reg [LATE-1:0] active_late, hsync_late, vsync_late;
	wire shown = active_late[LATE-1];

	always @(posedge clock) begin
		active_late <= {active_late[LATE-2:0], active};
		hsync_late <= {hsync_late[LATE-2:0], hsync};
		vsync_late <= {vsync_late[LATE-2:0], vsync};
	end

	twobit_tmds blue_lane (
		.clock(clock), .active(shown), .control({vsync_late[LATE-1], hsync_late[LATE-1]}), .data(blended[7:0]),
		.word(blue));

	twobit_tmds green_lane (
		.clock(clock), .active(shown), .control(2'd0), .data(blended[15:8]), .word(green));

	twobit_tmds red_lane (
		.clock(clock), .active(shown), .control(2'd0), .data(blended[23:16]), .word(red));
endmodule

`default_nettype wire
