// SPDX-License-Identifier: MIT
// In the overlay's place for tests of what is around it: one register at every address, and a stream that goes back as it
// comes, each beat one higher. Bit 0 of the register raises the interrupt.
`default_nettype none

module twobit_overlay (
	input wire aclk,
	input wire aresetn,
	input wire [11:0] s_axi_awaddr,
	input wire s_axi_awvalid,
	output wire s_axi_awready,
	input wire [31:0] s_axi_wdata,
	input wire s_axi_wvalid,
	output wire s_axi_wready,
	output wire [1:0] s_axi_bresp,
	output reg s_axi_bvalid,
	input wire s_axi_bready,
	input wire [11:0] s_axi_araddr,
	input wire s_axi_arvalid,
	output wire s_axi_arready,
	output reg [31:0] s_axi_rdata,
	output wire [1:0] s_axi_rresp,
	output reg s_axi_rvalid,
	input wire s_axi_rready,
	input wire [63:0] s_axis_tdata,
	input wire s_axis_tvalid,
	input wire s_axis_tlast,
	output wire s_axis_tready,
	output reg [63:0] m_axis_tdata,
	output wire [7:0] m_axis_tkeep,
	output reg m_axis_tvalid,
	output reg m_axis_tlast,
	input wire m_axis_tready,
	output wire irq
);
	reg [31:0] value;
	reg [11:0] written;
	wire writes = s_axi_awvalid && s_axi_wvalid && !s_axi_bvalid;

	assign s_axi_awready = writes;
	assign s_axi_wready = writes;
	assign s_axi_arready = !s_axi_rvalid;
	assign s_axi_bresp = 2'b00;
	assign s_axi_rresp = 2'b00;
	assign m_axis_tkeep = 8'hff;
	assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
	assign irq = value[0];

	always @(posedge aclk) begin
		if (s_axi_bready)
			s_axi_bvalid <= 0;
		if (writes) begin
			value <= s_axi_wdata;
			written <= s_axi_awaddr;
			s_axi_bvalid <= 1;
		end
		if (s_axi_rready)
			s_axi_rvalid <= 0;
		if (s_axi_arvalid && s_axi_arready) begin
			s_axi_rdata <= s_axi_araddr == written ? value : ~{20'd0, s_axi_araddr};
			s_axi_rvalid <= 1;
		end
		if (s_axis_tready) begin
			m_axis_tvalid <= s_axis_tvalid;
			m_axis_tdata <= s_axis_tdata + 64'd1;
			m_axis_tlast <= s_axis_tlast;
		end
		if (!aresetn) begin
			value <= 0;
			written <= 0;
			s_axi_bvalid <= 0;
			s_axi_rvalid <= 0;
			m_axis_tvalid <= 0;
		end
	end
endmodule

`default_nettype wire
