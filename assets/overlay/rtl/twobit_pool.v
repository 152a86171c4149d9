// SPDX-License-Identifier: MIT
// Max pool of 2 x 2 or 3 x 3 pixels, stride 2, in the stream of a layer's pixels (or none: pixels pass). Windows may
// begin one row or column before the frame, and end behind it: there lies code 0. A row's last pixel must not
// both end a window and begin one that counts.
//
// In: 16 channels of one pixel with in_valid, in the order of tiles, rows, columns; any pace.
// Out: the pixel at (out_x, out_y) with out_valid, three cycles later.
`default_nettype none

module twobit_pool (
	input wire clock,
	input wire reset,
	input wire start, // a layer

	// The layer's description.
	input wire [1:0] pool_size,
	input wire pool_left,
	input wire pool_top,
	input wire [1:0] stride,
	input wire [9:0] output_height,
	input wire [9:0] output_width,
	input wire [9:0] pooled_height,
	input wire [9:0] pooled_width,

	input wire in_valid,
	input wire [127:0] in_codes,
	output reg out_valid,
	output reg [127:0] out_codes,
	output reg [9:0] out_x,
	output reg [9:0] out_y
);
	wire pools = pool_size != 0;
	wire three = pool_size == 3;
	wire [9:0] left = {9'd0, pools && pool_left};
	wire [9:0] top = {9'd0, pools && pool_top};
	genvar i;

	// a in the channels whose bit is 1, b in the others. What forbids a belongs into the bit: a look-up table with three
	// inputs shares its place with another one.
	function [127:0] choose(input [15:0] bits, input [127:0] a, input [127:0] b);
		integer k;

		for (k = 0; k < 16; k = k + 1)
			choose[8*k +: 8] = bits[k] ? a[8*k +: 8] : b[8*k +: 8];
	endfunction

	// Along the row. x and y count from the windows' first row and column.
	reg [9:0] x, y, last_x, last_y;
	reg [127:0] held;
	reg first_row;
	wire [15:0] held_greater;
	wire [9:0] pair = {1'b0, x[9:1]};
	wire ends_row = x == last_x;
	wire ends_window = three ? !x[0] && x != 0 : x[0];

	reg valid1, first1, last1;
	reg [9:0] x1, y1;
	reg [127:0] codes1;

	always @(posedge clock) begin
		last_x <= ((output_width - 10'd1) >> stride) + left;
		last_y <= output_height - 10'd1 + top;
		valid1 <= in_valid && (!pools || ends_window || ends_row);
		first1 <= first_row;
		last1 <= y == last_y;
		y1 <= y;
		x1 <= !pools ? x : three && ends_window ? pair - 10'd1 : pair;
		codes1 <= choose(held_greater & {16{pools && (x[0] || ends_window)}}, held, in_codes);
		if (in_valid) begin
			x <= ends_row ? left : x + 10'd1;
			held <= ends_row || (x[0] && !three) ? 128'd0 :
							       choose(held_greater & {16{x[0]}}, held, in_codes);
			if (ends_row) begin
				y <= y == last_y ? top : y + 10'd1;
				first_row <= y == last_y;
			end
		end
		if (reset || start) begin
			x <= left;
			y <= top;
			held <= 0;
			first_row <= 1;
			valid1 <= 0;
		end
	end

	// Down the columns: what the rows before gave, one word for each window.
	(* ram_style = "distributed" *) reg [127:0] rows [0:63];
	wire [127:0] above = rows[x1[5:0]];
	wire [15:0] above_greater;
	wire ends_column = three ? !y1[0] && y1 != 0 : y1[0];
	wire [9:0] pair_of_rows = {1'b0, y1[9:1]};
	wire [9:0] y_of_window = three && ends_column ? pair_of_rows - 10'd1 : pair_of_rows;
	wire counts = x1 < pooled_width && y_of_window < pooled_height;

	generate
		for (i = 0; i < 16; i = i + 1) begin : channel
			twobit_compare along (.a(held[8*i +: 8]), .b(in_codes[8*i +: 8]), .result(held_greater[i]));
			twobit_compare down (.a(above[8*i +: 8]), .b(codes1[8*i +: 8]), .result(above_greater[i]));
		end
	endgenerate
	always @(posedge clock) begin
		if (valid1)
			rows[x1[5:0]] <= choose(above_greater & {16{y1[0] && !first1}}, above, codes1);
		out_valid <= valid1 && (!pools || ((ends_column || last1) && counts)) && !reset;
		out_codes <= choose(above_greater & {16{pools && !first1 && (three || y1[0])}}, above, codes1);
		out_x <= x1;
		out_y <= pools ? y_of_window : y1;
	end
endmodule

`default_nettype wire
