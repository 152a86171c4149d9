// SPDX-License-Identifier: MIT
// A caption's premultiplied pixel over a picture's, each division by 255 rounded to nearest:
//   a' = a * alpha / 255, c' = c * alpha / 255, out = min(255, c' + p * (255 - a') / 255)
// Takes four cycles.
`default_nettype none

module twobit_blend (
	input wire clock,
	input wire [23:0] picture, // red, green, blue
	input wire [31:0] caption, // alpha, red, green, blue
	input wire [7:0] alpha,
	output wire [23:0] out
);
	// v / 255, rounded, for v up to 255 * 255.
	function [7:0] by_255(input [15:0] v);
		reg [15:0] near;
		begin
			near = v + 16'd128;
			near = near + {8'd0, near[15:8]};
			by_255 = near[15:8];
		end
	endfunction

	reg [15:0] product_a;
	reg [7:0] rest; // 255 - a'
	genvar i;

	always @(posedge clock) begin
		product_a <= caption[31:24] * alpha;
		rest <= ~by_255(product_a);
	end

	generate
		for (i = 0; i < 3; i = i + 1) begin : colours
			reg [15:0] product_c, product_p;
			reg [7:0] c, c_then, p, p_then, mixed;
			wire [8:0] sum = {1'b0, c_then} + {1'b0, by_255(product_p)};

			always @(posedge clock) begin
				product_c <= caption[8*i +: 8] * alpha;
				p <= picture[8*i +: 8];

				c <= by_255(product_c);
				p_then <= p;

				c_then <= c;
				product_p <= p_then * rest;

				mixed <= sum[8] ? 8'd255 : sum[7:0];
			end

			assign out[8*i +: 8] = mixed;
		end
	endgenerate
endmodule

`default_nettype wire
