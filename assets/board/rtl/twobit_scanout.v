// SPDX-License-Identifier: MIT
// Shows a picture with a caption: reads both from memory line by line, in the bus's clock, and makes TMDS words of them
// in the pixel clock.
`default_nettype none

module twobit_scanout #(
	parameter MONITOR_LEVEL = 1 // of the hot-plug pin when a monitor is there
) (
	input wire clock,
	input wire reset,
	input wire write,
	input wire [11:0] write_address,
	input wire [31:0] write_data,
	input wire [11:0] read_address,
	output wire [31:0] read_data,
	output wire irq,

	output wire [31:0] m_araddr,
	output wire m_arvalid,
	input wire m_arready,
	input wire [63:0] m_rdata,
	input wire [1:0] m_rresp,
	input wire m_rvalid,
	output wire m_rready,

	output wire vga, // the pixel clock of 640x480 is wanted
	input wire pixel_clock,
	input wire pixel_clock_locked, // of no clock
	input wire hot_plug, // of no clock
	output wire run, // the words hold a picture; of pixel_clock
	output wire [9:0] blue,
	output wire [9:0] green,
	output wire [9:0] red
);
	wire [10:0] height = vga ? 11'd480 : 11'd720;
	wire enable, locked, pin, runs, busy, frame_ends, failed;
	wire rgb565, doubled, caption_shown;
	wire [24:0] picture, caption;
	wire [8:0] picture_stride, caption_stride;
	wire [7:0] caption_alpha;
	wire [10:0] caption_x, caption_y, caption_width, caption_height;
	wire [3:0] ready, ready_there;
	wire notice_there, notice_here, underrun_there, underrun_here;
	wire [10:0] line_there;
	reg notice_before, underrun_before, notice, underrun;
	reg [10:0] line;

	// A line's number is stable long before its notice arrives, and until long after.
	always @(posedge clock) begin
		notice_before <= notice_here;
		underrun_before <= underrun_here;
		notice <= notice_here != notice_before && !reset;
		underrun <= underrun_here != underrun_before && !reset;
		line <= line_there;
	end

	twobit_sync #(.BITS(5)) to_here (
		.clock(clock), .in({pixel_clock_locked, hot_plug, run, notice_there, underrun_there}),
		.out({locked, pin, runs, notice_here, underrun_here}));

	twobit_sync #(.BITS(5)) to_there (
		.clock(pixel_clock), .in({enable && locked, ready}), .out({run, ready_there}));

	twobit_scanout_registers registers (
		.clock(clock), .reset(reset), .write(write), .write_address(write_address), .write_data(write_data),
		.read_address(read_address), .read_data(read_data), .irq(irq), .enable(enable), .vga(vga),
		.locked(locked), .busy(runs || busy), .hot_plug(pin), .monitor(pin == (MONITOR_LEVEL != 0)),
		.notice(notice), .line(line), .height(height), .frame_ends(frame_ends), .underrun(underrun),
		.failed(failed), .rgb565(rgb565), .doubled(doubled), .picture(picture),
		.picture_stride(picture_stride), .caption_shown(caption_shown), .caption_alpha(caption_alpha),
		.caption(caption), .caption_stride(caption_stride), .caption_x(caption_x), .caption_y(caption_y),
		.caption_width(caption_width), .caption_height(caption_height));

	// A line of 1280 pixels of 32 bits has 40 bursts.
	wire [5:0] screen_bursts = vga ? 6'd20 : 6'd40;
	wire [5:0] plain_bursts = rgb565 ? screen_bursts >> 1 : screen_bursts;
	wire [10:0] caption_room = caption_width > 11'd1280 ? 11'd1280 : caption_width;
	wire [5:0] caption_bursts = caption_room[10:5] + {5'd0, caption_room[4:0] != 0};
	wire write_picture, write_caption;
	wire [1:0] write_line, picture_line, caption_line;
	wire [9:0] write_beat, picture_beat, caption_beat;
	wire [63:0] data, picture_data, caption_data;

	twobit_fetch fetch (
		.clock(clock), .reset(reset), .run(enable), .busy(busy), .notice(notice), .line(line),
		.height(height), .frame_ends(frame_ends), .ready(ready), .failed(failed), .doubled(doubled),
		.picture(picture), .picture_stride(picture_stride),
		.picture_bursts(doubled ? plain_bursts >> 1 : plain_bursts), .caption_shown(caption_shown),
		.caption(caption), .caption_stride(caption_stride), .caption_bursts(caption_bursts),
		.caption_y(caption_y), .caption_height(caption_height), .write_picture(write_picture),
		.write_caption(write_caption), .write_line(write_line), .write_beat(write_beat),
		.write_data(data), .m_araddr(m_araddr), .m_arvalid(m_arvalid), .m_arready(m_arready),
		.m_rdata(m_rdata), .m_rbad(m_rresp != 2'b00), .m_rvalid(m_rvalid), .m_rready(m_rready));

	twobit_line_memory picture_lines (
		.write_clock(clock), .write(write_picture), .write_line(write_line), .write_beat(write_beat),
		.write_data(data), .read_clock(pixel_clock), .read_line(picture_line), .read_beat(picture_beat),
		.read_data(picture_data));

	twobit_line_memory caption_lines (
		.write_clock(clock), .write(write_caption), .write_line(write_line), .write_beat(write_beat),
		.write_data(data), .read_clock(pixel_clock), .read_line(caption_line), .read_beat(caption_beat),
		.read_data(caption_data));

	twobit_pixels pixels (
		.clock(pixel_clock), .run(run), .vga(vga), .ready(ready_there), .notice(notice_there),
		.line(line_there), .underrun(underrun_there), .rgb565(rgb565), .doubled(doubled),
		.caption_shown(caption_shown), .caption_alpha(caption_alpha), .caption_x(caption_x),
		.caption_y(caption_y), .caption_width(caption_width), .caption_height(caption_height),
		.picture_line(picture_line), .picture_beat(picture_beat), .picture_data(picture_data),
		.caption_line(caption_line), .caption_beat(caption_beat), .caption_data(caption_data),
		.blue(blue), .green(green), .red(red));
endmodule

`default_nettype wire
