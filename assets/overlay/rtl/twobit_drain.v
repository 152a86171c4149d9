// SPDX-License-Identifier: MIT
// From the array's sums to codes or scores. `took` says that a block's sums stand still from now on; its pixels are
// taken one after another, in the time of OUTPUT_BITS cycles (thresholds), 32 (requantisation) or 8 (scores). Pixels
// that a stride leaves out are passed over, and so are those beyond the row's end.
//
// Out: codes of 8 bits, 16 channels of one pixel, with pixel_valid, in the order of tiles, rows, columns; or beats
// of two scores with score_valid. With TO_STREAM a pixel starts only while there is `room` for it.
// Latency: from a pixel's `select` to pixel_valid 4 + OUTPUT_BITS cycles, with requantisation 43.
`default_nettype none

module twobit_drain #(
	parameter BITS = 28
) (
	input wire clock,
	input wire reset,
	input wire start, // a layer

	// The layer's description.
	input wire [3:0] output_bits,
	input wire plus_minus_one,
	input wire thresholds,
	input wire requantises,
	input wire to_stream,
	input wire [1:0] stride,
	input wire [9:0] output_height,
	input wire [9:0] output_width,

	input wire took,
	input wire room,
	output wire draining,
	output wire quiet, // nothing is on its way either

	output wire [2:0] select,
	input wire [16*BITS-1:0] sums,
	input wire [BITS-1:0] all,

	input wire epilogue_write,
	input wire [3:0] epilogue_word,
	input wire [1:0] epilogue_set,
	// A word gives each lane 35 of 64 bits.
	// verilator lint_off UNUSEDSIGNAL
	input wire [1023:0] epilogues,
	// verilator lint_on UNUSEDSIGNAL

	output reg pixel_valid,
	output reg [127:0] pixel_codes,
	output reg score_valid,
	output wire [63:0] scores
);
	wire big_sets = !thresholds || output_bits > 3;
	genvar i;

	// The pixels of a block.
	reg [9:0] x, y;
	reg [1:0] set;
	reg active;
	reg [2:0] pixel;
	reg [4:0] phase;
	reg begun; // this pixel's first phase is over
	wire [4:0] last_phase = thresholds ? {1'b0, output_bits} - 5'd1 : requantises ? 5'd31 : 5'd7;
	wire [3:0] next_pixel = {1'b0, pixel} + (4'd1 << stride);
	wire [10:0] next_x = {1'b0, x} + {7'd0, next_pixel};
	wire ends_block = next_pixel[3] || next_x >= {1'b0, output_width};
	wire may_begin = begun || !to_stream || room;
	wire go = active && may_begin;
	wire ends_pixel = go && phase == last_phase;
	wire [10:0] next_block = {1'b0, x} + 11'd8;
	wire ends_row = next_block >= {1'b0, output_width};

	// Long enough for the last pixel of a layer to come out, of the pool, too.
	reg [3:0] settling;

	always @(posedge clock)
		if (reset)
			settling <= 0;
		else if (active || took)
			settling <= requantises ? 4'd12 : 4'd6;
		else if (settling != 0)
			settling <= settling - 4'd1;

	assign draining = active;
	assign quiet = settling == 0 && !active;
	assign select = pixel;
	always @(posedge clock) begin
		if (took) begin
			active <= 1;
			pixel <= 0;
			phase <= 0;
			begun <= 0;
		end else if (go) begin
			phase <= ends_pixel ? 5'd0 : phase + 5'd1;
			begun <= !ends_pixel;
			if (ends_pixel) begin
				pixel <= next_pixel[2:0];
				if (ends_block)
					active <= 0;
			end
		end
		if (ends_pixel && ends_block) begin
			pixel <= 0;
			x <= ends_row ? 10'd0 : next_block[9:0];
			if (ends_row) begin
				y <= y + 10'd1;
				if (y + 10'd1 == output_height) begin
					y <= 0;
					set <= set + 2'd1;
				end
			end
		end
		if (start) begin
			x <= 0;
			y <= 0;
			set <= 0;
		end
		if (reset)
			active <= 0;
	end

	// Two cycles later the sums are there, in the third the values. Odd channels are requantised two cycles after even
	// ones.
	reg [2:0] begins;
	reg [5:0] goes;
	reg [24:0] phases; // five of five bits
	reg [5:0] sets; // three of two bits
	reg [1:0] later_sets; // and two of their low bits
	reg [BITS-1:0] values [0:15];
	wire begin3 = begins[2], go3 = goes[2];
	wire [4:0] phase3 = phases[14:10], phase5 = phases[24:20];
	wire [1:0] set3 = sets[5:4];
	wire set5 = later_sets[1];

	always @(posedge clock) begin
		begins <= {begins[1:0], go && phase == 0};
		goes <= {goes[4:0], go};
		phases <= {phases[19:0], phase};
		sets <= {sets[3:0], set};
		later_sets <= {later_sets[0], set3[0]};
		if (reset) begin
			begins <= 0;
			goes <= 0;
		end
	end

	wire [3:0] codes [0:15];
	wire [34:0] words [0:15];
	wire [4:0] write_address = big_sets ? {epilogue_set[0], epilogue_word + 4'd1} :
					      {epilogue_set, epilogue_word[2:0] + 3'd1};
	wire [4:0] even_set = big_sets ? {set3[0], 4'd0} : {set3, 3'd0};
	wire [4:0] odd_set = requantises ? {set5, 4'd0} : even_set;
	wire [1:0] even_word = phase3[1:0] + 2'd1, odd_word = phase5[1:0] + 2'd1;

	generate
		for (i = 0; i < 16; i = i + 1) begin : channel
			wire [BITS-1:0] sum = sums[BITS*i +: BITS];

			always @(posedge clock)
				values[i] <= plus_minus_one ? {sum[BITS-2:0], 1'b0} - all : sum;
			twobit_lane #(.BITS(BITS)) lane (
				.clock(clock), .write(epilogue_write), .write_address(write_address),
				.epilogue_data(epilogues[64*i +: 35]), .value(values[i]), .begin_search(begin3),
				.set_address(i % 2 != 0 ? odd_set : even_set), .read_word(requantises),
				.word_number(i % 2 != 0 ? odd_word : even_word), .word(words[i]), .code(codes[i]));
		end
	endgenerate

	// Thresholds: `left` is 1 when the search is over.
	reg [3:0] left;
	wire [3:0] counted = 4'hf >> (4'd4 - output_bits);
	integer k;

	always @(posedge clock) begin
		left <= begin3 && thresholds ? output_bits : left != 0 ? left - 4'd1 : 4'd0;
		if (reset)
			left <= 0;
	end

	// One pair of channels after another: their values (scores: one pair a cycle) and, in four cycles, the words of their
	// requantisation. An even channel's three words come in the cycles 0, 1, 2 of four, an odd one's in 2, 3, 0.
	wire [2:0] even_pair = requantises ? phase3[4:2] : phase3[2:0];
	wire [2:0] odd_pair = requantises ? phase5[4:2] : phase3[2:0];
	reg signed [BITS-1:0] even_value, odd_value;
	reg [34:0] even4, odd4;
	reg [1:0] turn;
	wire signed [31:0] even_wide = {{(32-BITS){even_value[BITS-1]}}, even_value};
	wire signed [31:0] odd_wide = {{(32-BITS){odd_value[BITS-1]}}, odd_value};
	wire [34:0] first = turn[1] ? odd4 : even4;
	wire [31:0] other = turn[1] ? even4[31:0] : odd4[31:0];
	wire launch = turn == 2'd0 ? goes[3] : turn == 2'd2 && goes[5];
	wire [7:0] requantised;
	wire requantised_valid;
	reg [3:0] requantised_count;

	always @(posedge clock) begin
		even_value <= values[{even_pair, 1'b0}];
		odd_value <= values[{odd_pair, 1'b1}];
		even4 <= words[{even_pair, 1'b0}];
		odd4 <= words[{odd_pair, 1'b1}];
		turn <= phase3[1:0];
		score_valid <= go3 && !thresholds && !requantises && !reset;
	end
	assign scores = {odd_wide, even_wide};

	twobit_requantise requantise (
		.clock(clock), .reset(reset), .valid(launch && requantises), .sum(turn[1] ? odd_wide : even_wide),
		.words(first), .third(other), .bits(output_bits), .result_valid(requantised_valid),
		.result(requantised));

	always @(posedge clock) begin
		pixel_valid <= left == 4'd1 || requantised_valid && requantised_count == 4'd15;
		if (requantised_valid)
			requantised_count <= requantised_count + 4'd1;
		if (thresholds) begin
			for (k = 0; k < 16; k = k + 1)
				pixel_codes[8*k +: 8] <= {4'd0, codes[k] & counted};
		end else if (requantised_valid) begin
			pixel_codes <= {requantised, pixel_codes[127:8]};
		end
		if (reset || start) begin
			pixel_valid <= 0;
			requantised_count <= 0;
		end
	end

`ifdef ASSERTIONS
	always @(posedge clock)
		if (!reset && took && active && !(ends_pixel && ends_block)) begin
			$display("drain: sums are taken while others are still needed");
			$stop;
		end
`endif
endmodule

`default_nettype wire
