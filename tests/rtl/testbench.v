// SPDX-License-Identifier: MIT
// Plays what `test_networks dump` wrote, in any simulator, and wants the same result:
//   writes.hex   register writes, 64 bits each: address, value
//   stream.hex   beats with TLAST: 68 bits, bit 64 is TLAST
//   result.hex   beats of the result; the trailer's cycles count, too
`timescale 1ns / 1ns
`default_nettype none

module testbench;
	parameter WRITES = 1, BEATS = 1, RESULT = 1;
	reg clock, reset_n;
	reg [11:0] awaddr, araddr;
	reg awvalid, arvalid;
	reg [31:0] wdata;
	wire awready, wready, bvalid, arready, rvalid;
	wire [31:0] rdata;
	wire [63:0] out;
	wire out_valid, out_last, in_ready, irq;
	reg [63:0] writes [0:WRITES-1];
	reg [67:0] beats [0:BEATS-1];
	reg [63:0] result [0:RESULT-1];
	integer sent, got, i, wrong;
	reg sending;

	twobit_overlay overlay (
		.aclk(clock), .aresetn(reset_n), .s_axi_awaddr(awaddr), .s_axi_awvalid(awvalid),
		.s_axi_awready(awready), .s_axi_wdata(wdata), .s_axi_wvalid(awvalid), .s_axi_wready(wready),
		.s_axi_bresp(), .s_axi_bvalid(bvalid), .s_axi_bready(1'b1), .s_axi_araddr(araddr),
		.s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_rdata(rdata), .s_axi_rresp(),
		.s_axi_rvalid(rvalid), .s_axi_rready(1'b1), .s_axis_tdata(beats[sent][63:0]),
		.s_axis_tvalid(sending), .s_axis_tlast(beats[sent][64]), .s_axis_tready(in_ready),
		.m_axis_tdata(out), .m_axis_tkeep(), .m_axis_tvalid(out_valid), .m_axis_tlast(out_last),
		.m_axis_tready(1'b1), .irq(irq));

	always #5 clock = !clock;

	// Everything is driven between the rising edges.
	always @(posedge clock) begin
		if (sending && in_ready)
			sent <= #1 sent + 1;
		if (sending && in_ready && sent + 1 == BEATS)
			sending <= #1 0;
		if (out_valid) begin
			if (got >= RESULT || out !== result[got]) begin
				$display("beat %0d of the result is %h", got, out);
				wrong = wrong + 1;
			end
			got = got + 1;
			if (out_last) begin
				if (wrong == 0 && got == RESULT)
					$display("right: %0d beats", got);
				else
					$display("WRONG: %0d beats, %0d of them wrong", got, wrong);
				$finish;
			end
		end
	end

	initial begin
		$readmemh("writes.hex", writes);
		$readmemh("stream.hex", beats);
		$readmemh("result.hex", result);
		clock = 0;
		reset_n = 0;
		{awaddr, awvalid, wdata, araddr, arvalid, sending} = 0;
		sent = 0;
		got = 0;
		wrong = 0;
		repeat (8) @(negedge clock);
		reset_n = 1;
		repeat (48) @(negedge clock);
		for (i = 0; i < WRITES; i = i + 1) begin
			awaddr = writes[i][43:32];
			wdata = writes[i][31:0];
			awvalid = 1;
			@(negedge clock);
			awvalid = 0;
			repeat (awaddr == 12'h020 ? 48 : 1) @(negedge clock);
		end
		araddr = 0;
		arvalid = 1;
		@(negedge clock);
		arvalid = 0;
		if (!rvalid || rdata !== 32'h32626974) begin
			$display("WRONG: IDENTITY reads %h", rdata);
			$finish;
		end
		sending = 1;
		repeat (200000) @(negedge clock);
		$display("WRONG: no result");
		$finish;
	end
endmodule

`default_nettype wire
