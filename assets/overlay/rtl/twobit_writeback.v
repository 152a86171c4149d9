// SPDX-License-Identifier: MIT
// A layer's pixels go back to the memory of codes, one bit plane a cycle, or into the result as beats of four planes
// of 16 channels. Pixels must come at least OUTPUT_BITS cycles apart; the first plane leaves three cycles later.
`default_nettype none

module twobit_writeback (
	input wire clock,
	input wire reset,
	input wire start, // a layer

	// The layer's description.
	input wire [3:0] output_bits,
	input wire to_stream,
	input wire [9:0] pooled_height,
	input wire [9:0] pooled_width,
	input wire [11:0] output_base,
	input wire [11:0] output_plane,
	input wire [11:0] output_row,
	input wire [11:0] output_block,
	input wire [11:0] tiles,
	input wire [11:0] first_tile,

	input wire in_valid,
	input wire [127:0] in_codes,
	input wire [9:0] in_x,
	input wire [9:0] in_y,

	output reg [3:0] code_write,
	output reg [11:0] code_write_address,
	output reg [2:0] code_write_bank,
	output wire [15:0] code_write_data,
	output wire beat_valid,
	output wire [63:0] beat,
	output wire written // the layer's last pixel is
);
	// 1: products. 2: where the pixel's first plane goes.
	reg valid1, valid2;
	reg [127:0] codes1, codes2;
	reg [11:0] row1, block1, tile, slice, address2;
	reg [2:0] bank1, bank2;
	reg [1:0] quarter2;
	reg [11:0] chunk1;
	reg [1:0] quarter1;
	wire ends_tile = in_x + 10'd1 == pooled_width && in_y + 10'd1 == pooled_height;

	always @(posedge clock) begin
		valid1 <= in_valid && !reset;
		codes1 <= in_codes;
		row1 <= in_y * output_row;
		block1 <= in_x[9:3] * output_block;
		chunk1 <= {2'd0, slice[11:2]} + output_base;
		quarter1 <= slice[1:0];
		bank1 <= in_x[2:0];
		valid2 <= valid1 && !reset;
		codes2 <= codes1;
		address2 <= row1 + block1 + chunk1;
		quarter2 <= quarter1;
		bank2 <= bank1;
		if (in_valid && ends_tile) begin
			tile <= tile + 12'd1;
			slice <= slice + 12'd1;
		end
		if (reset || start) begin
			tile <= 0;
			slice <= first_tile;
		end
	end

	// 3: its planes; in codes3 the plane that goes is bit 0 of each channel.
	reg [127:0] codes3;
	reg [3:0] left3;
	reg [1:0] quarter3;
	wire busy = left3 > 4'd1;
	integer i;

	always @(posedge clock) begin
		code_write <= 0;
		if (valid2) begin
			codes3 <= codes2;
			left3 <= to_stream ? (output_bits > 4'd4 ? 4'd2 : 4'd1) : output_bits;
			quarter3 <= quarter2;
			code_write_address <= address2;
			code_write_bank <= bank2;
			code_write <= to_stream ? 4'd0 : 4'd1 << quarter2;
		end else begin
			left3 <= left3 != 0 ? left3 - 4'd1 : 4'd0;
			for (i = 0; i < 16; i = i + 1)
				codes3[8*i +: 8] <= codes3[8*i +: 8] >> (to_stream ? 4 : 1);
			code_write_address <= code_write_address + output_plane;
			code_write <= busy && !to_stream ? 4'd1 << quarter3 : 4'd0;
		end
		if (reset || start) begin
			left3 <= 0;
			code_write <= 0;
		end
	end

	assign beat_valid = to_stream && left3 != 0;
	assign written = tile == tiles && !valid1 && !valid2 && left3 == 0;
	genvar c, p;
	generate
		for (c = 0; c < 16; c = c + 1) begin : channel
			assign code_write_data[c] = codes3[8*c];
			for (p = 0; p < 4; p = p + 1) begin : plane
				assign beat[16*p + c] = codes3[8*c + p];
			end
		end
	endgenerate

`ifdef ASSERTIONS
	always @(posedge clock)
		if (!reset && !start && valid2 && busy) begin
			$display("writeback: a pixel comes too early");
			$stop;
		end
`endif
endmodule

`default_nettype wire
