// SPDX-License-Identifier: MIT
// Four lines of 640 beats, written in one clock and read in another. Five block memories of 512 beats; a beat that is
// read comes after two cycles.
`default_nettype none

module twobit_line_memory (
	input wire write_clock,
	input wire write,
	input wire [1:0] write_line,
	input wire [9:0] write_beat,
	input wire [63:0] write_data,
	input wire read_clock,
	input wire [1:0] read_line,
	input wire [9:0] read_beat,
	output reg [63:0] read_data
);
	// A line begins at a multiple of 640.
	wire [11:0] put = {1'b0, write_line, 9'd0} + {3'd0, write_line, 7'd0} + {2'd0, write_beat};
	wire [11:0] get = {1'b0, read_line, 9'd0} + {3'd0, read_line, 7'd0} + {2'd0, read_beat};
	reg [63:0] read [0:4];
	reg [2:0] chosen;
	genvar i;

	generate
		for (i = 0; i < 5; i = i + 1) begin : banks
			(* ram_style = "block" *) reg [63:0] memory [0:511];

			always @(posedge write_clock)
				if (write && put[11:9] == i)
					memory[put[8:0]] <= write_data;

			always @(posedge read_clock)
				read[i] <= memory[get[8:0]];
		end
	endgenerate

	always @(posedge read_clock) begin
		chosen <= get[11:9];
		case (chosen)
		3'd0: read_data <= read[0];
		3'd1: read_data <= read[1];
		3'd2: read_data <= read[2];
		3'd3: read_data <= read[3];
		default: read_data <= read[4];
		endcase
	end
endmodule

`default_nettype wire
