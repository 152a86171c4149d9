// SPDX-License-Identifier: MIT
// The TMDS encoder of DVI 1.0, section 3.2.2: of a byte of a colour ten bits with few changes and, over time, as many ones
// as zeros; outside the picture one of four words for the two controls. Takes two cycles.
`default_nettype none

module twobit_tmds (
	input wire clock,
	input wire active,
	input wire [1:0] control,
	input wire [7:0] data,
	output reg [9:0] word // bit 0 is sent first
);
	function [3:0] ones(input [7:0] bits);
		integer i;
		begin
			ones = 0;
			for (i = 0; i < 8; i = i + 1)
				ones = ones + {3'd0, bits[i]};
		end
	endfunction

	// Few changes: each bit is the data's exclusive or with the bit before, or that one's complement.
	wire [3:0] in_data = ones(data);
	wire complements = in_data > 4'd4 || (in_data == 4'd4 && !data[0]);
	wire [7:0] chain;
	genvar i;

	generate
		for (i = 0; i < 8; i = i + 1) begin : bits
			assign chain[i] = (^data[i:0]) ^ (complements && i % 2 == 1);
		end
	endgenerate

	reg [8:0] minimised;
	reg signed [4:0] excess; // ones over zeros in its lower eight bits
	reg active_then;
	reg [1:0] control_then;
	reg signed [4:0] balance; // ones over zeros that were sent in this line
	wire level = balance == 0 || excess == 0;
	wire same = (balance > 0) == (excess > 0);
	wire inverts = level ? !minimised[8] : same;
	wire signed [4:0] extra = inverts ? {3'd0, minimised[8], 1'b0} : -{3'd0, !minimised[8], 1'b0};

	always @(posedge clock) begin
		minimised <= {!complements, chain};
		excess <= $signed({ones(chain), 1'b0}) - 5'sd8;
		active_then <= active;
		control_then <= control;
		if (active_then) begin
			word <= {inverts, minimised[8], inverts ? ~minimised[7:0] : minimised[7:0]};
			balance <= balance + (inverts ? -excess : excess) + (level ? 5'sd0 : extra);
		end else begin
			balance <= 0;
			case (control_then)
			2'd0: word <= 10'b1101010100;
			2'd1: word <= 10'b0010101011;
			2'd2: word <= 10'b0101010100;
			default: word <= 10'b1010101011;
			endcase
		end
	end
endmodule

`default_nettype wire
