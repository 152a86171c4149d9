// SPDX-License-Identifier: MIT
// Weights and codes on the chip.
//
//   page  weight words     code words          (a code word: 8 pixels x 64 channels of one bit plane)
//   0-3   0 ... 2047       -
//   4     2048 ... 2559    2048 ... 3071       codes when partition = 2
//   5     2560 ... 3071    1024 ... 2047       codes when partition >= 1
//   6     -                0 ... 1023
//
// Pages 4 and 5 are 16 banks of 512 x 64 bits: as codes, 8 for the first half and 8 for the second. The others need not
// change: as deep as they are, so that their outputs need no look-up tables.
//
// Read: weights two cycles after weight_read and its address; codes two cycles after code_read and the eight addresses,
// one a pixel. Write: weights one 64-bit bank at a time; codes either one bank, whole (frame_*), or 16-bit quarters
// of one bank (code_*). A frame's write is lost in a cycle with code_write: its writer watches code_write.
`default_nettype none

module twobit_memory (
	input wire clock,
	input wire [1:0] partition,

	input wire weight_write,
	input wire [11:0] weight_write_address,
	input wire [3:0] weight_write_bank,
	input wire [63:0] weight_write_data,

	input wire frame_write,
	input wire [11:0] frame_address,
	input wire [2:0] frame_bank,
	input wire [63:0] frame_data,

	input wire [3:0] code_write, // quarters
	input wire [11:0] code_write_address,
	input wire [2:0] code_write_bank,
	input wire [15:0] code_write_data,

	input wire weight_read,
	input wire [11:0] weight_read_address,
	output reg [1023:0] weights,

	input wire code_read,
	input wire [95:0] code_read_addresses,
	output reg [511:0] codes
);
	wire [1023:0] weights0, page4, page5; // weights0: of pages 0-3
	wire [511:0] codes6;
	wire codes4 = partition == 2, codes5 = partition != 0;
	genvar bank, part;

	// One port to the codes: outputs of layers go first.
	wire [3:0] quarters = code_write != 0 ? code_write : {4{frame_write}};
	wire [11:0] put_address = code_write != 0 ? code_write_address : frame_address;
	wire [2:0] put_bank = code_write != 0 ? code_write_bank : frame_bank;
	wire [63:0] put_data = code_write != 0 ? {4{code_write_data}} : frame_data;

	twobit_memory_page #(.WEIGHTS(4), .CODES(4)) shared4 (
		.clock(clock), .codes_here(codes4), .weight_write(weight_write),
		.weight_write_address(weight_write_address), .weight_write_bank(weight_write_bank),
		.weight_write_data(weight_write_data), .code_write(quarters), .code_write_address(put_address),
		.code_write_bank(put_bank), .code_write_data(put_data), .weight_read(weight_read),
		.weight_read_address(weight_read_address), .code_read(code_read),
		.code_read_addresses(code_read_addresses), .data(page4));
	twobit_memory_page #(.WEIGHTS(5), .CODES(2)) shared5 (
		.clock(clock), .codes_here(codes5), .weight_write(weight_write),
		.weight_write_address(weight_write_address), .weight_write_bank(weight_write_bank),
		.weight_write_data(weight_write_data), .code_write(quarters), .code_write_address(put_address),
		.code_write_bank(put_bank), .code_write_data(put_data), .weight_read(weight_read),
		.weight_read_address(weight_read_address), .code_read(code_read),
		.code_read_addresses(code_read_addresses), .data(page5));
	generate
		for (bank = 0; bank < 16; bank = bank + 1) begin : weight_bank
			for (part = 0; part < 4; part = part + 1) begin : parts
				twobit_memory_bank #(.DEPTH(2048), .PARTS(1), .PART_BITS(16)) memory (
					.clock(clock),
					.write(weight_write && !weight_write_address[11] && weight_write_bank == bank),
					.write_address(weight_write_address[10:0]),
					.write_data(weight_write_data[16*part +: 16]),
					.read(weight_read && !weight_read_address[11]),
					.read_address(weight_read_address[10:0]),
					.read_data(weights0[64*bank+16*part +: 16]));
			end
		end
		for (bank = 0; bank < 8; bank = bank + 1) begin : code_bank
			wire [11:0] get_address = code_read_addresses[12*bank +: 12];

			for (part = 0; part < 2; part = part + 1) begin : parts
				twobit_memory_bank #(.DEPTH(1024), .PARTS(2), .PART_BITS(16)) memory (
					.clock(clock),
					.write(quarters[2*part +: 2] & {2{put_address[11:10] == 0 && put_bank == bank}}),
					.write_address(put_address[9:0]), .write_data(put_data[32*part +: 32]),
					.read(code_read && get_address[11:10] == 0), .read_address(get_address[9:0]),
					.read_data(codes6[64*bank+32*part +: 32]));
			end
		end
	endgenerate

	// What was not read gives zero. When page 4 holds codes, so does page 5.
	always @(posedge clock) begin
		weights <= weights0 | page4 & {1024{!codes4}} | page5 & {1024{!codes5}};
		codes <= codes6 | {512{codes5}} &
			 (page5[511:0] | page5[1023:512] | {512{codes4}} & (page4[511:0] | page4[1023:512]));
	end
endmodule

`default_nettype wire
