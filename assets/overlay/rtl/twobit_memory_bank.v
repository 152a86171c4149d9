// SPDX-License-Identifier: MIT
// A block memory with one writing and one reading port.
//
// Write: in the cycle in which `write` has a bit set, that part of `write_data` goes to `write_address`.
// Read: one cycle after `read` the word stands at `read_data`; one cycle after a cycle without `read` zero does, so
// that banks can be ORed. Reading what is written in the same cycle gives either word.
`default_nettype none

module twobit_memory_bank #(
	parameter DEPTH = 512,
	parameter PARTS = 1,       // parts of a word that are written on their own
	parameter PART_BITS = 64,
	parameter ADDRESS = $clog2(DEPTH)
) (
	input wire clock,
	input wire [PARTS-1:0] write,
	input wire [ADDRESS-1:0] write_address,
	input wire [PARTS*PART_BITS-1:0] write_data,
	input wire read,
	input wire [ADDRESS-1:0] read_address,
	output reg [PARTS*PART_BITS-1:0] read_data
);
	(* ram_style = "block" *) reg [PARTS*PART_BITS-1:0] words [0:DEPTH-1];
	integer i;

	always @(posedge clock) begin
		for (i = 0; i < PARTS; i = i + 1)
			if (write[i])
				words[write_address][i*PART_BITS +: PART_BITS] <= write_data[i*PART_BITS +: PART_BITS];
		if (read)
			read_data <= words[read_address];
		else
			read_data <= 0;
	end
endmodule

`default_nettype wire
