// SPDX-License-Identifier: MIT
// Sends ten bits a pixel on each of three lanes, bit 0 first, and the pixel clock on the fourth. Without `run` all are in
// reset: no signal.
`default_nettype none

module twobit_lanes (
	input wire pixel_clock,
	input wire serial_clock, // five times that; both edges
	input wire run,
	input wire [9:0] blue,
	input wire [9:0] green,
	input wire [9:0] red,
	output wire [3:0] p, // clock, red, green, blue
	output wire [3:0] n
);
	wire [39:0] words = {10'b0000011111, red, green, blue};
	reg [3:0] held;
	genvar i;

	always @(posedge pixel_clock)
		held <= run ? {held[2:0], 1'b0} : 4'hf;

	generate
		for (i = 0; i < 4; i = i + 1) begin : lanes
			wire [9:0] d = words[10*i +: 10];
			wire serial, shift1, shift2;

			OSERDESE2 #(
				.DATA_RATE_OQ("DDR"), .DATA_RATE_TQ("SDR"), .DATA_WIDTH(10), .SERDES_MODE("MASTER"), .TRISTATE_WIDTH(1)
			) first (
				.OQ(serial), .CLK(serial_clock), .CLKDIV(pixel_clock), .D1(d[0]), .D2(d[1]), .D3(d[2]), .D4(d[3]),
				.D5(d[4]), .D6(d[5]), .D7(d[6]), .D8(d[7]), .OCE(1'b1), .TCE(1'b0), .RST(held[3]),
				.SHIFTIN1(shift1), .SHIFTIN2(shift2), .T1(1'b0), .T2(1'b0), .T3(1'b0), .T4(1'b0), .TBYTEIN(1'b0));

			OSERDESE2 #(
				.DATA_RATE_OQ("DDR"), .DATA_RATE_TQ("SDR"), .DATA_WIDTH(10), .SERDES_MODE("SLAVE"), .TRISTATE_WIDTH(1)
			) last (
				.SHIFTOUT1(shift1), .SHIFTOUT2(shift2), .CLK(serial_clock), .CLKDIV(pixel_clock), .D1(1'b0),
				.D2(1'b0), .D3(d[8]), .D4(d[9]), .D5(1'b0), .D6(1'b0), .D7(1'b0), .D8(1'b0), .OCE(1'b1),
				.TCE(1'b0), .RST(held[3]), .SHIFTIN1(1'b0), .SHIFTIN2(1'b0), .T1(1'b0), .T2(1'b0), .T3(1'b0),
				.T4(1'b0), .TBYTEIN(1'b0));

			OBUFDS #(.IOSTANDARD("TMDS_33")) pins (.I(serial), .O(p[i]), .OB(n[i]));
		end
	endgenerate
endmodule

`default_nettype wire
