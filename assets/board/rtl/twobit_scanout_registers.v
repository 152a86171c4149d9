// SPDX-License-Identifier: MIT
// The scan-out's registers: settings, and those of the frame that is shown; state, counters and the interrupt.
`include "board.vh"
`default_nettype none

module twobit_scanout_registers (
	input wire clock,
	input wire reset,
	input wire write,
	input wire [11:0] write_address,
	input wire [31:0] write_data,
	input wire [11:0] read_address,
	output reg [31:0] read_data,
	output wire irq,

	output reg enable,
	output reg vga, // the mode is 640x480
	input wire locked,
	input wire busy, // lines are shown or bursts are under way
	input wire hot_plug,
	input wire monitor,
	input wire notice, // for one cycle, as are the next four
	input wire [10:0] line,
	input wire [10:0] height,
	input wire frame_ends,
	input wire underrun,
	input wire failed,

	// Of the frame that is shown. Addresses and strides: in units of 128 bytes.
	output reg rgb565,
	output reg doubled,
	output reg [24:0] picture,
	output reg [8:0] picture_stride,
	output reg caption_shown,
	output reg [7:0] caption_alpha,
	output reg [24:0] caption,
	output reg [8:0] caption_stride,
	output reg [10:0] caption_x,
	output reg [10:0] caption_y,
	output reg [10:0] caption_width,
	output reg [10:0] caption_height
);
	localparam [15:0] NONE = 16'hffff;
	// Of the next one.
	reg [1:0] next_format;
	reg [24:0] next_picture, next_caption;
	reg [8:0] next_picture_stride, next_caption_stride;
	reg [8:0] next_look; // alpha, shown
	reg [21:0] next_place, next_size; // y, x; height, width

	reg pending, first, monitor_before;
	reg [4:0] causes, allowed;
	reg [31:0] frames, underruns;
	reg [15:0] shown_line;
	wire enables = write && write_address == `BOARD_REG_SCANOUT_CONTROL && write_data[`BOARD_F_SCANOUT_CONTROL_ENABLE] &&
		       !enable;
	wire clears = write && write_address == `BOARD_REG_SCANOUT_INTERRUPT;
	wire ends = notice && line == height;

	assign irq = (causes & allowed) != 0;

	always @(posedge clock) begin
		if (write)
			case (write_address)
			`BOARD_REG_SCANOUT_CONTROL: begin
				enable <= write_data[`BOARD_F_SCANOUT_CONTROL_ENABLE];
				if (!busy && !enable)
					vga <= write_data[`BOARD_F_SCANOUT_CONTROL_MODE] == `BOARD_SCANOUT_MODE_640x480;
			end
			`BOARD_REG_SCANOUT_MASK: allowed <= write_data[4:0];
			`BOARD_REG_SCANOUT_FORMAT:
				next_format <= {write_data[`BOARD_F_SCANOUT_FORMAT_DOUBLE],
						write_data[`BOARD_F_SCANOUT_FORMAT_PIXEL]};
			`BOARD_REG_SCANOUT_ADDRESS: next_picture <= write_data[31:7];
			`BOARD_REG_SCANOUT_STRIDE: next_picture_stride <= write_data[15:7];
			`BOARD_REG_SCANOUT_CAPTION:
				next_look <= {write_data[`BOARD_F_SCANOUT_CAPTION_ALPHA],
					      write_data[`BOARD_F_SCANOUT_CAPTION_SHOW]};
			`BOARD_REG_SCANOUT_CAPTION_ADDRESS: next_caption <= write_data[31:7];
			`BOARD_REG_SCANOUT_CAPTION_STRIDE: next_caption_stride <= write_data[15:7];
			`BOARD_REG_SCANOUT_CAPTION_PLACE:
				next_place <= {write_data[`BOARD_F_SCANOUT_CAPTION_PLACE_Y],
					       write_data[`BOARD_F_SCANOUT_CAPTION_PLACE_X]};
			`BOARD_REG_SCANOUT_CAPTION_SIZE:
				next_size <= {write_data[`BOARD_F_SCANOUT_CAPTION_SIZE_HEIGHT],
					      write_data[`BOARD_F_SCANOUT_CAPTION_SIZE_WIDTH]};
			default: ;
			endcase
		if (reset) begin
			enable <= 0;
			vga <= 0;
			allowed <= 0;
			next_format <= 0;
			next_picture <= 0;
			next_picture_stride <= 0;
			next_look <= 0;
			next_caption <= 0;
			next_caption_stride <= 0;
			next_place <= 0;
			next_size <= 0;
		end
	end

	// The frame's end.
	always @(posedge clock) begin
		if (frame_ends) begin
			pending <= 0;
			if (pending) begin
				{doubled, rgb565} <= next_format;
				picture <= next_picture;
				picture_stride <= next_picture_stride;
				{caption_alpha, caption_shown} <= next_look;
				caption <= next_caption;
				caption_stride <= next_caption_stride;
				{caption_y, caption_x} <= next_place;
				{caption_height, caption_width} <= next_size;
			end
		end
		if ((write && write_address == `BOARD_REG_SCANOUT_FLIP && enable) || enables)
			pending <= 1;
		if (ends) begin
			first <= 0;
			if (!first)
				frames <= frames + 32'd1;
		end
		if (underrun)
			underruns <= underruns + 32'd1;
		if (notice)
			shown_line <= ends ? NONE : {5'd0, line};
		if (enables) begin
			first <= 1;
			frames <= 0;
			underruns <= 0;
		end
		if (!enable) begin
			shown_line <= NONE;
			pending <= enables;
		end
		if (reset) begin
			pending <= 0;
			frames <= 0;
			underruns <= 0;
			shown_line <= NONE;
			picture <= 0;
			caption <= 0;
		end
	end

	always @(posedge clock) begin
		monitor_before <= monitor;
		causes <= (causes & ~(clears ? write_data[4:0] : 5'd0)) |
			  {monitor != monitor_before, failed, underrun, frame_ends && pending, ends && !first};
		if (reset)
			causes <= 0;
	end

	always @(posedge clock)
		case (read_address)
		`BOARD_REG_SCANOUT_CONTROL: read_data <= {27'd0, vga, 3'd0, enable};
		`BOARD_REG_SCANOUT_STATUS:
			read_data <= {26'd0, hot_plug, monitor, shown_line == NONE, pending, locked, enable || busy};
		`BOARD_REG_SCANOUT_INTERRUPT: read_data <= {27'd0, causes};
		`BOARD_REG_SCANOUT_MASK: read_data <= {27'd0, allowed};
		`BOARD_REG_SCANOUT_FORMAT: read_data <= {27'd0, next_format[1], 3'd0, next_format[0]};
		`BOARD_REG_SCANOUT_ADDRESS: read_data <= {next_picture, 7'd0};
		`BOARD_REG_SCANOUT_STRIDE: read_data <= {16'd0, next_picture_stride, 7'd0};
		`BOARD_REG_SCANOUT_CAPTION: read_data <= {16'd0, next_look[8:1], 7'd0, next_look[0]};
		`BOARD_REG_SCANOUT_CAPTION_ADDRESS: read_data <= {next_caption, 7'd0};
		`BOARD_REG_SCANOUT_CAPTION_STRIDE: read_data <= {16'd0, next_caption_stride, 7'd0};
		`BOARD_REG_SCANOUT_CAPTION_PLACE: read_data <= {5'd0, next_place[21:11], 5'd0, next_place[10:0]};
		`BOARD_REG_SCANOUT_CAPTION_SIZE: read_data <= {5'd0, next_size[21:11], 5'd0, next_size[10:0]};
		`BOARD_REG_SCANOUT_FRAMES: read_data <= frames;
		`BOARD_REG_SCANOUT_UNDERRUNS: read_data <= underruns;
		`BOARD_REG_SCANOUT_LINE: read_data <= {16'd0, shown_line};
		`BOARD_REG_SCANOUT_SHOWN: read_data <= {picture, 7'd0};
		`BOARD_REG_SCANOUT_CAPTION_SHOWN: read_data <= {caption, 7'd0};
		default: read_data <= 0;
		endcase
endmodule

`default_nettype wire
