// SPDX-License-Identifier: MIT
// Weights and codes on the chip, in pages of 16 banks of 512 x 64 bits.
//
//   page  weight words     code words          (a code word: 8 pixels x 64 channels of one bit plane)
//   0-3   0 ... 2047       -
//   4     2048 ... 2559    2048 ... 3071       codes when partition = 2
//   5     2560 ... 3071    1024 ... 2047       codes when partition >= 1
//   6     -                0 ... 1023
//
// Read: weights two cycles after weight_read and its address; codes two cycles after code_read and the eight addresses,
// one a pixel. Write: weights one 64-bit bank at a time; codes either one bank, whole (picture_*), or 16-bit quarters
// of one bank (code_*). A picture's write is lost in a cycle with code_write: its writer watches code_write.
module memory (
	input clock,
	input [1:0] partition,

	input weight_write,
	input [11:0] weight_write_address,
	input [3:0] weight_write_bank,
	input [63:0] weight_write_data,

	input picture_write,
	input [11:0] picture_address,
	input [2:0] picture_bank,
	input [63:0] picture_data,

	input [3:0] code_write, // quarters
	input [11:0] code_write_address,
	input [2:0] code_write_bank,
	input [15:0] code_write_data,

	input weight_read,
	input [11:0] weight_read_address,
	output reg [1023:0] weights,

	input code_read,
	input [95:0] code_read_addresses,
	output reg [511:0] codes
);
	wire [1023:0] fixed_weights [0:3];
	wire [1023:0] shared [4:6];
	wire [1:0] is_codes = {partition != 0, partition == 2}; // pages 5, 4
	genvar page, bank;

	// One port to the codes: outputs of layers go first.
	wire [3:0] quarters = code_write != 0 ? code_write : {4{picture_write}};
	wire [11:0] put_address = code_write != 0 ? code_write_address : picture_address;
	wire [2:0] put_bank = code_write != 0 ? code_write_bank : picture_bank;
	wire [63:0] put_data = code_write != 0 ? {4{code_write_data}} : picture_data;

	generate
		for (page = 0; page < 4; page = page + 1) begin : weight_page
			for (bank = 0; bank < 16; bank = bank + 1) begin : banks
				memory_bank #(.PARTS(1), .PART_BITS(64)) one_bank (
					.clock(clock),
					.write(weight_write && weight_write_address[11:9] == page &&
					       weight_write_bank == bank),
					.write_address(weight_write_address[8:0]), .write_data(weight_write_data),
					.read(weight_read && weight_read_address[11:9] == page),
					.read_address(weight_read_address[8:0]),
					.read_data(fixed_weights[page][64*bank +: 64]));
			end
		end
		for (page = 4; page < 7; page = page + 1) begin : shared_page
			// Where the page's two halves lie among code words, in units of 512.
			localparam FIRST = page == 6 ? 0 : page == 5 ? 2 : 4;
			wire codes_here;

			if (page == 6) begin : always_codes
				assign codes_here = 1'b1;
			end else begin : sometimes_codes
				assign codes_here = is_codes[page - 4];
			end
			for (bank = 0; bank < 16; bank = bank + 1) begin : banks
				wire [11:0] get_address = code_read_addresses[12*(bank%8) +: 12];
				wire put = put_address[11:9] == FIRST + bank / 8 && put_bank == bank % 8;
				wire load = page != 6 && weight_write && weight_write_address[11:9] == page &&
					    weight_write_bank == bank;
				wire get = code_read && get_address[11:9] == FIRST + bank / 8;
				wire fetch = page != 6 && weight_read && weight_read_address[11:9] == page;

				memory_bank #(.PARTS(4), .PART_BITS(16)) one_bank (
					.clock(clock),
					.write(codes_here ? quarters & {4{put}} : {4{load}}),
					.write_address(codes_here ? put_address[8:0] : weight_write_address[8:0]),
					.write_data(codes_here ? put_data : weight_write_data),
					.read(codes_here ? get : fetch),
					.read_address(codes_here ? get_address[8:0] : weight_read_address[8:0]),
					.read_data(shared[page][64*bank +: 64]));
			end
		end
	endgenerate

	// A bank that was not read gives zero.
	always @(posedge clock) begin
		weights <= fixed_weights[0] | fixed_weights[1] | fixed_weights[2] | fixed_weights[3] |
			   (shared[4] & {1024{!is_codes[0]}}) | (shared[5] & {1024{!is_codes[1]}});
		codes <= (shared[4][511:0] | shared[4][1023:512]) & {512{is_codes[0]}} |
			 (shared[5][511:0] | shared[5][1023:512]) & {512{is_codes[1]}} |
			 shared[6][511:0] | shared[6][1023:512];
	end
endmodule
