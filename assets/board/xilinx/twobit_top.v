// SPDX-License-Identifier: MIT
// The XC7Z020 of the PYNQ-Z1 and PYNQ-Z2: the processors' cell, clocks, and the connector's lanes around twobit_board. The
// first boot loader has set up the processors' side; FCLK0 has 100 MHz.
`ifndef TWOBIT_MONITOR_LEVEL
`define TWOBIT_MONITOR_LEVEL 1
`endif
`ifndef TWOBIT_BUILD
`define TWOBIT_BUILD 32'd0
`endif
`default_nettype none

module twobit_top (
	output wire [3:0] hdmi_p, // clock, red, green, blue
	output wire [3:0] hdmi_n,
	input wire hdmi_hot_plug
);
	wire [3:0] fclk, fclk_resetn;
	wire clock, reset, irq;
	wire vga, pixel_clock, serial_clock, locked, run;
	wire [9:0] blue, green, red;
	wire [1:0] gp_awaddr_top, gp_araddr_top; // always 01: the port's own place
	wire [11:0] gp_awid;
	wire [29:0] gp_awaddr;
	wire [3:0] gp_awlen;
	wire [1:0] gp_awsize;
	wire [1:0] gp_awburst;
	wire gp_awvalid;
	wire gp_awready;
	wire [31:0] gp_wdata;
	wire [3:0] gp_wstrb;
	wire gp_wvalid;
	wire gp_wready;
	wire [11:0] gp_bid;
	wire [1:0] gp_bresp;
	wire gp_bvalid;
	wire gp_bready;
	wire [11:0] gp_arid;
	wire [29:0] gp_araddr;
	wire [3:0] gp_arlen;
	wire [1:0] gp_arsize;
	wire [1:0] gp_arburst;
	wire gp_arvalid;
	wire gp_arready;
	wire [11:0] gp_rid;
	wire [31:0] gp_rdata;
	wire [1:0] gp_rresp;
	wire gp_rlast;
	wire gp_rvalid;
	wire gp_rready;
	wire [31:0] dma_araddr;
	wire [3:0] dma_arlen;
	wire dma_arvalid;
	wire dma_arready;
	wire [63:0] dma_rdata;
	wire [1:0] dma_rresp;
	wire dma_rvalid;
	wire dma_rready;
	wire [31:0] dma_awaddr;
	wire [3:0] dma_awlen;
	wire dma_awvalid;
	wire dma_awready;
	wire [63:0] dma_wdata;
	wire dma_wlast;
	wire dma_wvalid;
	wire dma_wready;
	wire [1:0] dma_bresp;
	wire dma_bvalid;
	wire dma_bready;
	wire [31:0] scanout_araddr;
	wire scanout_arvalid;
	wire scanout_arready;
	wire [63:0] scanout_rdata;
	wire [1:0] scanout_rresp;
	wire scanout_rvalid;
	wire scanout_rready;

	BUFG clock_buffer (.I(fclk[0]), .O(clock));
	twobit_reset reset_of_clock (.clock(clock), .resetn(fclk_resetn[0]), .reset(reset));
	twobit_clocks clocks (
		.clock(clock), .vga(vga), .pixel_clock(pixel_clock), .serial_clock(serial_clock), .locked(locked));
	twobit_lanes lanes (
		.pixel_clock(pixel_clock), .serial_clock(serial_clock), .run(run), .blue(blue), .green(green),
		.red(red), .p(hdmi_p), .n(hdmi_n));

	twobit_board #(.MONITOR_LEVEL(`TWOBIT_MONITOR_LEVEL), .BUILD(`TWOBIT_BUILD)) board (
		.clock(clock), .overlay_clock(clock), .reset(reset), .gp_awid(gp_awid), .gp_awaddr(gp_awaddr),
		.gp_awlen(gp_awlen), .gp_awsize(gp_awsize), .gp_awburst(gp_awburst), .gp_awvalid(gp_awvalid),
		.gp_awready(gp_awready), .gp_wdata(gp_wdata), .gp_wstrb(gp_wstrb), .gp_wvalid(gp_wvalid),
		.gp_wready(gp_wready), .gp_bid(gp_bid), .gp_bresp(gp_bresp), .gp_bvalid(gp_bvalid),
		.gp_bready(gp_bready), .gp_arid(gp_arid), .gp_araddr(gp_araddr), .gp_arlen(gp_arlen),
		.gp_arsize(gp_arsize), .gp_arburst(gp_arburst), .gp_arvalid(gp_arvalid),
		.gp_arready(gp_arready), .gp_rid(gp_rid), .gp_rdata(gp_rdata), .gp_rresp(gp_rresp),
		.gp_rlast(gp_rlast), .gp_rvalid(gp_rvalid), .gp_rready(gp_rready), .dma_araddr(dma_araddr),
		.dma_arlen(dma_arlen), .dma_arvalid(dma_arvalid), .dma_arready(dma_arready),
		.dma_rdata(dma_rdata), .dma_rresp(dma_rresp), .dma_rvalid(dma_rvalid),
		.dma_rready(dma_rready), .dma_awaddr(dma_awaddr), .dma_awlen(dma_awlen),
		.dma_awvalid(dma_awvalid), .dma_awready(dma_awready), .dma_wdata(dma_wdata),
		.dma_wlast(dma_wlast), .dma_wvalid(dma_wvalid), .dma_wready(dma_wready),
		.dma_bresp(dma_bresp), .dma_bvalid(dma_bvalid), .dma_bready(dma_bready),
		.scanout_araddr(scanout_araddr), .scanout_arvalid(scanout_arvalid),
		.scanout_arready(scanout_arready), .scanout_rdata(scanout_rdata),
		.scanout_rresp(scanout_rresp), .scanout_rvalid(scanout_rvalid),
		.scanout_rready(scanout_rready), .vga(vga), .pixel_clock(pixel_clock),
		.pixel_clock_locked(locked), .hot_plug(hdmi_hot_plug), .run(run), .blue(blue), .green(green),
		.red(red), .irq(irq));

	// keep: nothing in the chip reads what it drives on the processors' side.
	(* keep *) PS7 processors (
		.MAXIGP0AWID(gp_awid), .MAXIGP0AWADDR({gp_awaddr_top, gp_awaddr}), .MAXIGP0AWLEN(gp_awlen),
		.MAXIGP0AWSIZE(gp_awsize), .MAXIGP0AWBURST(gp_awburst), .MAXIGP0AWVALID(gp_awvalid),
		.MAXIGP0AWREADY(gp_awready), .MAXIGP0WDATA(gp_wdata), .MAXIGP0WSTRB(gp_wstrb),
		.MAXIGP0WVALID(gp_wvalid), .MAXIGP0WREADY(gp_wready), .MAXIGP0BID(gp_bid),
		.MAXIGP0BRESP(gp_bresp), .MAXIGP0BVALID(gp_bvalid), .MAXIGP0BREADY(gp_bready),
		.MAXIGP0ARID(gp_arid), .MAXIGP0ARADDR({gp_araddr_top, gp_araddr}), .MAXIGP0ARLEN(gp_arlen),
		.MAXIGP0ARSIZE(gp_arsize), .MAXIGP0ARBURST(gp_arburst), .MAXIGP0ARVALID(gp_arvalid),
		.MAXIGP0ARREADY(gp_arready), .MAXIGP0RID(gp_rid), .MAXIGP0RDATA(gp_rdata),
		.MAXIGP0RRESP(gp_rresp), .MAXIGP0RLAST(gp_rlast), .MAXIGP0RVALID(gp_rvalid),
		.MAXIGP0RREADY(gp_rready), .MAXIGP0ACLK(clock), .SAXIHP0ACLK(clock),
		.SAXIHP0ARADDR(dma_araddr), .SAXIHP0ARLEN(dma_arlen), .SAXIHP0ARVALID(dma_arvalid),
		.SAXIHP0ARREADY(dma_arready), .SAXIHP0RDATA(dma_rdata), .SAXIHP0RRESP(dma_rresp),
		.SAXIHP0RVALID(dma_rvalid), .SAXIHP0RREADY(dma_rready), .SAXIHP0AWADDR(dma_awaddr),
		.SAXIHP0AWLEN(dma_awlen), .SAXIHP0AWVALID(dma_awvalid), .SAXIHP0AWREADY(dma_awready),
		.SAXIHP0WDATA(dma_wdata), .SAXIHP0WLAST(dma_wlast), .SAXIHP0WVALID(dma_wvalid),
		.SAXIHP0WREADY(dma_wready), .SAXIHP0BRESP(dma_bresp), .SAXIHP0BVALID(dma_bvalid),
		.SAXIHP0BREADY(dma_bready), .SAXIHP0ARBURST(2'b01), .SAXIHP0ARSIZE(2'b11), .SAXIHP0ARID(6'd0),
		.SAXIHP0ARLOCK(2'b00), .SAXIHP0ARCACHE(4'b0011), .SAXIHP0ARPROT(3'b000), .SAXIHP0ARQOS(4'd0),
		.SAXIHP0AWBURST(2'b01), .SAXIHP0AWSIZE(2'b11), .SAXIHP0AWID(6'd0), .SAXIHP0AWLOCK(2'b00),
		.SAXIHP0AWCACHE(4'b0011), .SAXIHP0AWPROT(3'b000), .SAXIHP0AWQOS(4'd0), .SAXIHP0WID(6'd0),
		.SAXIHP0WSTRB(8'hff), .SAXIHP0WRISSUECAP1EN(1'b0), .SAXIHP0RDISSUECAP1EN(1'b0),
		.SAXIHP2ACLK(clock), .SAXIHP2ARADDR(scanout_araddr), .SAXIHP2ARVALID(scanout_arvalid),
		.SAXIHP2ARREADY(scanout_arready), .SAXIHP2RDATA(scanout_rdata), .SAXIHP2RRESP(scanout_rresp),
		.SAXIHP2RVALID(scanout_rvalid), .SAXIHP2RREADY(scanout_rready), .SAXIHP2ARLEN(4'd15),
		.SAXIHP2ARBURST(2'b01), .SAXIHP2ARSIZE(2'b11), .SAXIHP2ARID(6'd0), .SAXIHP2ARLOCK(2'b00),
		.SAXIHP2ARCACHE(4'b0011), .SAXIHP2ARPROT(3'b000), .SAXIHP2ARQOS(4'd0), .SAXIHP2AWVALID(1'b0),
		.SAXIHP2WVALID(1'b0), .SAXIHP2BREADY(1'b1), .SAXIHP2WRISSUECAP1EN(1'b0),
		.SAXIHP2RDISSUECAP1EN(1'b0), .IRQF2P({19'd0, irq}), .FCLKCLK(fclk), .FCLKRESETN(fclk_resetn));
endmodule

`default_nettype wire
