// SPDX-License-Identifier: MIT
// CRC-32 as in zlib, PNG and Ethernet (reflected polynomial 0xEDB88320), eight bytes a cycle, least significant byte
// first. `clear` begins a new one, with this cycle's `valid` data as its first. `crc` holds two cycles after the data.
`default_nettype none

module twobit_crc32 (
	input wire clock,
	input wire clear,
	input wire valid,
	input wire [63:0] data,
	output wire [31:0] crc
);
	// Which bits of the data make each bit of the next CRC, bit 31 first; the CRC before counts as part of its low half.
	localparam [2047:0] TAPS = {
		64'h826880efa40da72d, 64'hc35cc098760b74bb, 64'he3c6e0a39f081d70, 64'h71e37051cf840eb8,
		64'hba9938c743cfa071, 64'hdf241c8c05ea7715, 64'h6f920e4602f53b8a, 64'hb5a187cca5773ae8,
		64'hd8b84309f6b63a59, 64'h6c5c2184fb5b1d2c, 64'hb446902dd9a029bb, 64'hd84bc8f948ddb3f0,
		64'hee4d649300637ed5, 64'h7726b2498031bf6a, 64'h3b935924c018dfb5, 64'h1dc9ac92600c6fda,
		64'h8c8c56a6940b90c0, 64'h46462b534a05c860, 64'h232315a9a502e430, 64'h11918ad4d2817218,
		64'h08c8c56a6940b90c, 64'h046462b534a05c86, 64'h805ab1b53e5d896e, 64'hc245d8353b23639a,
		64'h6122ec1a9d91b1cd, 64'h3091760d4ec8d8e6, 64'h9a203be90369cb5e, 64'h4d101df481b4e5af,
		64'h26880efa40da72d7, 64'h1344077d206d396b, 64'h09a203be90369cb5, 64'h04d101df481b4e5a
	};
	reg [31:0] contribution, state;
	reg valid1, clear1;
	wire [31:0] previous = clear1 ? 32'hffffffff : state;
	genvar i;

	generate
		for (i = 0; i < 32; i = i + 1) begin : bits
			always @(posedge clock) begin
				contribution[i] <= ^(data & TAPS[64*i +: 64]);
				if (valid1)
					state[i] <= contribution[i] ^ ^(previous & TAPS[64*i +: 32]);
				else if (clear1)
					state[i] <= 1'b1;
			end
		end
	endgenerate
	always @(posedge clock) begin
		valid1 <= valid;
		clear1 <= clear;
	end
	assign crc = ~state;
endmodule

`default_nettype wire
