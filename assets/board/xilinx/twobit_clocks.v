// SPDX-License-Identifier: MIT
// Of 100 MHz the pixel clocks of both modes and five times them: 74.25 and 25.2 MHz, each from an MMCM of its own.
`default_nettype none

module twobit_clocks (
	input wire clock,
	input wire vga,
	output wire pixel_clock,
	output wire serial_clock,
	output wire locked
);
	wire [1:0] back, pixel, serial, stable;

	// 742.5 MHz: / 10, / 2.
	MMCME2_BASE #(
		.CLKIN1_PERIOD(10.0), .DIVCLK_DIVIDE(5), .CLKFBOUT_MULT_F(37.125), .CLKOUT0_DIVIDE_F(10.0), .CLKOUT1_DIVIDE(2)
	) of_1280x720 (
		.CLKIN1(clock), .CLKFBIN(back[0]), .CLKFBOUT(back[0]), .CLKOUT0(pixel[0]), .CLKOUT1(serial[0]),
		.LOCKED(stable[0]), .PWRDWN(1'b0), .RST(1'b0));

	// 630 MHz: / 25, / 5.
	MMCME2_BASE #(
		.CLKIN1_PERIOD(10.0), .DIVCLK_DIVIDE(5), .CLKFBOUT_MULT_F(31.5), .CLKOUT0_DIVIDE_F(25.0), .CLKOUT1_DIVIDE(5)
	) of_640x480 (
		.CLKIN1(clock), .CLKFBIN(back[1]), .CLKFBOUT(back[1]), .CLKOUT0(pixel[1]), .CLKOUT1(serial[1]),
		.LOCKED(stable[1]), .PWRDWN(1'b0), .RST(1'b0));

	assign locked = vga ? stable[1] : stable[0];
	BUFGMUX pixel_buffer (.I0(pixel[0]), .I1(pixel[1]), .S(vga), .O(pixel_clock));
	BUFGMUX serial_buffer (.I0(serial[0]), .I1(serial[1]), .S(vga), .O(serial_clock));
endmodule

`default_nettype wire
