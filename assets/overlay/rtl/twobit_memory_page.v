// SPDX-License-Identifier: MIT
// A page of 16 banks of 512 x 64 bits that holds weights or codes: 512 weight words as wide as all banks, from word 512 *
// WEIGHTS, or 1024 code words as wide as eight, from word 512 * CODES, whose second half lies in banks 8-15.
// What was not read gives zero; in `data` a code word is in one of two halves, the other is zero.
`default_nettype none

module twobit_memory_page #(
	parameter WEIGHTS = 4,
	parameter CODES = 4
) (
	input wire clock,
	input wire codes_here,

	input wire weight_write,
	input wire [11:0] weight_write_address,
	input wire [3:0] weight_write_bank,
	input wire [63:0] weight_write_data,

	input wire [3:0] code_write, // quarters
	input wire [11:0] code_write_address,
	input wire [2:0] code_write_bank,
	input wire [63:0] code_write_data,

	input wire weight_read,
	input wire [11:0] weight_read_address,
	input wire code_read,
	input wire [95:0] code_read_addresses,
	output wire [1023:0] data
);
	genvar bank;

	generate
		for (bank = 0; bank < 16; bank = bank + 1) begin : banks
			wire [11:0] get_address = code_read_addresses[12*(bank%8) +: 12];
			wire put = {29'd0, code_write_address[11:9]} == CODES + bank / 8 &&
				   {29'd0, code_write_bank} == bank % 8;
			wire load = weight_write && weight_write_address[11:9] == WEIGHTS && weight_write_bank == bank;
			wire get = code_read && {29'd0, get_address[11:9]} == CODES + bank / 8;
			wire fetch = weight_read && weight_read_address[11:9] == WEIGHTS;

			twobit_memory_bank #(.PARTS(4), .PART_BITS(16)) memory (
				.clock(clock), .write(codes_here ? code_write & {4{put}} : {4{load}}),
				.write_address(codes_here ? code_write_address[8:0] : weight_write_address[8:0]),
				.write_data(codes_here ? code_write_data : weight_write_data),
				.read(codes_here ? get : fetch),
				.read_address(codes_here ? get_address[8:0] : weight_read_address[8:0]),
				.read_data(data[64*bank +: 64]));
		end
	endgenerate
endmodule

`default_nettype wire
