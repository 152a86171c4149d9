// SPDX-License-Identifier: MIT
// The board's design between the ports of the PS and the connector's lanes: all but the chip's own cells. README.md says
// what is where.
`include "board.vh"
`default_nettype none

module twobit_board #(
	parameter MONITOR_LEVEL = 1, // of the hot-plug pin when a monitor is there
	parameter [31:0] BUILD = 0
) (
	input wire clock,
	input wire overlay_clock, // the same; a simulation stops it while the overlay rests
	input wire reset,

	input wire [11:0] gp_awid,
	input wire [29:0] gp_awaddr,
	input wire [3:0] gp_awlen,
	input wire [1:0] gp_awsize,
	input wire [1:0] gp_awburst,
	input wire gp_awvalid,
	output wire gp_awready,
	input wire [31:0] gp_wdata,
	input wire [3:0] gp_wstrb,
	input wire gp_wvalid,
	output wire gp_wready,
	output wire [11:0] gp_bid,
	output wire [1:0] gp_bresp,
	output wire gp_bvalid,
	input wire gp_bready,
	input wire [11:0] gp_arid,
	input wire [29:0] gp_araddr,
	input wire [3:0] gp_arlen,
	input wire [1:0] gp_arsize,
	input wire [1:0] gp_arburst,
	input wire gp_arvalid,
	output wire gp_arready,
	output wire [11:0] gp_rid,
	output wire [31:0] gp_rdata,
	output wire [1:0] gp_rresp,
	output wire gp_rlast,
	output wire gp_rvalid,
	input wire gp_rready,

	output wire [31:0] dma_araddr,
	output wire [3:0] dma_arlen,
	output wire dma_arvalid,
	input wire dma_arready,
	input wire [63:0] dma_rdata,
	input wire [1:0] dma_rresp,
	input wire dma_rvalid,
	output wire dma_rready,
	output wire [31:0] dma_awaddr,
	output wire [3:0] dma_awlen,
	output wire dma_awvalid,
	input wire dma_awready,
	output wire [63:0] dma_wdata,
	output wire dma_wlast,
	output wire dma_wvalid,
	input wire dma_wready,
	input wire [1:0] dma_bresp,
	input wire dma_bvalid,
	output wire dma_bready,

	output wire [31:0] scanout_araddr, // always 16 beats
	output wire scanout_arvalid,
	input wire scanout_arready,
	input wire [63:0] scanout_rdata,
	input wire [1:0] scanout_rresp,
	input wire scanout_rvalid,
	output wire scanout_rready,

	output wire vga, // the pixel clock of 640x480 is wanted
	input wire pixel_clock,
	input wire pixel_clock_locked,
	input wire hot_plug,
	output wire run,
	output wire [9:0] blue,
	output wire [9:0] green,
	output wire [9:0] red,

	output wire irq
);
	localparam [15:0] DMA = `BOARD_DMA_AT, SCANOUT = `BOARD_SCANOUT_AT, IDENTITY = `BOARD_IDENTITY_AT;
	wire lite_awoutside, lite_awvalid, lite_awready, lite_wvalid, lite_wready, lite_bvalid, lite_bready;
	wire lite_aroutside, lite_arvalid, lite_arready, lite_rvalid, lite_rready;
	wire [15:0] lite_awaddr, lite_araddr;
	wire [31:0] lite_wdata, lite_rdata;
	wire [3:0] lite_wstrb;
	wire [11:0] overlay_awaddr, overlay_araddr;
	wire [31:0] overlay_wdata, overlay_rdata;
	wire overlay_awvalid, overlay_awready, overlay_wvalid, overlay_wready, overlay_bvalid, overlay_bready;
	wire overlay_arvalid, overlay_arready, overlay_rvalid, overlay_rready;
	wire write;
	wire [15:0] write_address, read_address;
	wire [31:0] write_data, dma_read, scanout_read, identity_read;
	wire [63:0] to_data, from_data;
	wire to_valid, to_last, to_ready, from_valid, from_last, from_ready;
	wire [1:0] unused_bresp, unused_rresp; // always OKAY
	wire [7:0] unused_keep;		       // always all bytes
	wire overlay_irq, dma_irq, scanout_irq;

	assign irq = overlay_irq || dma_irq || scanout_irq;

	twobit_bridge bridge (
		.clock(clock), .reset(reset), .s_awid(gp_awid), .s_awaddr(gp_awaddr), .s_awlen(gp_awlen),
		.s_awsize(gp_awsize), .s_awburst(gp_awburst), .s_awvalid(gp_awvalid), .s_awready(gp_awready),
		.s_wdata(gp_wdata), .s_wstrb(gp_wstrb), .s_wvalid(gp_wvalid), .s_wready(gp_wready),
		.s_bid(gp_bid), .s_bresp(gp_bresp), .s_bvalid(gp_bvalid), .s_bready(gp_bready),
		.s_arid(gp_arid), .s_araddr(gp_araddr), .s_arlen(gp_arlen), .s_arsize(gp_arsize),
		.s_arburst(gp_arburst), .s_arvalid(gp_arvalid), .s_arready(gp_arready), .s_rid(gp_rid),
		.s_rdata(gp_rdata), .s_rresp(gp_rresp), .s_rlast(gp_rlast), .s_rvalid(gp_rvalid),
		.s_rready(gp_rready), .m_awoutside(lite_awoutside), .m_awaddr(lite_awaddr),
		.m_awvalid(lite_awvalid), .m_awready(lite_awready), .m_wdata(lite_wdata),
		.m_wstrb(lite_wstrb), .m_wvalid(lite_wvalid), .m_wready(lite_wready), .m_bresp(2'b00),
		.m_bvalid(lite_bvalid), .m_bready(lite_bready), .m_aroutside(lite_aroutside),
		.m_araddr(lite_araddr), .m_arvalid(lite_arvalid), .m_arready(lite_arready),
		.m_rdata(lite_rdata), .m_rresp(2'b00), .m_rvalid(lite_rvalid), .m_rready(lite_rready));

	wire [31:0] read_data = read_address[15:12] == DMA[15:12]      ? dma_read :
				read_address[15:12] == SCANOUT[15:12]  ? scanout_read :
				read_address[15:12] == IDENTITY[15:12] ? identity_read :
									 32'd0;

	twobit_windows windows (
		.clock(clock), .reset(reset), .s_awoutside(lite_awoutside), .s_awaddr(lite_awaddr),
		.s_awvalid(lite_awvalid), .s_awready(lite_awready), .s_wdata(lite_wdata),
		.s_wstrb(lite_wstrb), .s_wvalid(lite_wvalid), .s_wready(lite_wready), .s_bvalid(lite_bvalid),
		.s_bready(lite_bready), .s_aroutside(lite_aroutside), .s_araddr(lite_araddr),
		.s_arvalid(lite_arvalid), .s_arready(lite_arready), .s_rdata(lite_rdata),
		.s_rvalid(lite_rvalid), .s_rready(lite_rready), .overlay_awaddr(overlay_awaddr),
		.overlay_awvalid(overlay_awvalid), .overlay_awready(overlay_awready),
		.overlay_wdata(overlay_wdata), .overlay_wvalid(overlay_wvalid),
		.overlay_wready(overlay_wready), .overlay_bvalid(overlay_bvalid),
		.overlay_bready(overlay_bready), .overlay_araddr(overlay_araddr),
		.overlay_arvalid(overlay_arvalid), .overlay_arready(overlay_arready),
		.overlay_rdata(overlay_rdata), .overlay_rvalid(overlay_rvalid),
		.overlay_rready(overlay_rready), .write(write), .write_address(write_address),
		.write_data(write_data), .read_address(read_address), .read_data(read_data));

	twobit_overlay overlay (
		.aclk(overlay_clock), .aresetn(!reset), .s_axi_awaddr(overlay_awaddr),
		.s_axi_awvalid(overlay_awvalid), .s_axi_awready(overlay_awready), .s_axi_wdata(overlay_wdata),
		.s_axi_wvalid(overlay_wvalid), .s_axi_wready(overlay_wready), .s_axi_bresp(unused_bresp),
		.s_axi_bvalid(overlay_bvalid), .s_axi_bready(overlay_bready), .s_axi_araddr(overlay_araddr),
		.s_axi_arvalid(overlay_arvalid), .s_axi_arready(overlay_arready), .s_axi_rdata(overlay_rdata),
		.s_axi_rresp(unused_rresp), .s_axi_rvalid(overlay_rvalid), .s_axi_rready(overlay_rready),
		.s_axis_tdata(to_data), .s_axis_tvalid(to_valid), .s_axis_tlast(to_last),
		.s_axis_tready(to_ready), .m_axis_tdata(from_data), .m_axis_tkeep(unused_keep),
		.m_axis_tvalid(from_valid), .m_axis_tlast(from_last), .m_axis_tready(from_ready),
		.irq(overlay_irq));

	twobit_dma dma (
		.clock(clock), .reset(reset), .write(write && write_address[15:12] == DMA[15:12]),
		.write_address(write_address[11:0]), .write_data(write_data),
		.read_address(read_address[11:0]), .read_data(dma_read), .irq(dma_irq), .m_araddr(dma_araddr),
		.m_arlen(dma_arlen), .m_arvalid(dma_arvalid), .m_arready(dma_arready), .m_rdata(dma_rdata),
		.m_rresp(dma_rresp), .m_rvalid(dma_rvalid), .m_rready(dma_rready), .m_awaddr(dma_awaddr),
		.m_awlen(dma_awlen), .m_awvalid(dma_awvalid), .m_awready(dma_awready), .m_wdata(dma_wdata),
		.m_wlast(dma_wlast), .m_wvalid(dma_wvalid), .m_wready(dma_wready), .m_bresp(dma_bresp),
		.m_bvalid(dma_bvalid), .m_bready(dma_bready), .to_data(to_data), .to_last(to_last),
		.to_valid(to_valid), .to_ready(to_ready), .from_data(from_data), .from_last(from_last),
		.from_valid(from_valid), .from_ready(from_ready));

	twobit_scanout #(.MONITOR_LEVEL(MONITOR_LEVEL)) scanout (
		.clock(clock), .reset(reset), .write(write && write_address[15:12] == SCANOUT[15:12]),
		.write_address(write_address[11:0]), .write_data(write_data),
		.read_address(read_address[11:0]), .read_data(scanout_read), .irq(scanout_irq),
		.m_araddr(scanout_araddr), .m_arvalid(scanout_arvalid), .m_arready(scanout_arready),
		.m_rdata(scanout_rdata), .m_rresp(scanout_rresp), .m_rvalid(scanout_rvalid),
		.m_rready(scanout_rready), .vga(vga), .pixel_clock(pixel_clock),
		.pixel_clock_locked(pixel_clock_locked), .hot_plug(hot_plug), .run(run), .blue(blue),
		.green(green), .red(red));

	twobit_identity #(.BUILD(BUILD)) identity (
		.clock(clock), .reset(reset), .write(write && write_address[15:12] == IDENTITY[15:12]),
		.write_address(write_address[11:0]), .write_data(write_data),
		.read_address(read_address[11:0]), .read_data(identity_read),
		.interrupts({scanout_irq, dma_irq, overlay_irq}));
endmodule

`default_nettype wire
