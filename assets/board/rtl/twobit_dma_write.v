// SPDX-License-Identifier: MIT
// Stream to memory. A burst is asked for when all of its beats are in the FIFO, so that it never holds up the memory.
// It reaches to the next border of 128 bytes, or less far at the stream's end. A stream that is longer than the
// buffer is an error; what fits is written.
`default_nettype none

module twobit_dma_write (
	input wire clock,
	input wire reset, // only while `quiet`, or with the memory's port
	input wire draining, // takes the stream and drops it
	input wire start,
	input wire [28:0] address, // words of 8 bytes
	input wire [22:0] beats, // that fit
	output wire busy,
	output wire done,
	output wire overrun,
	output wire slave,
	output wire decode,
	output reg [22:0] came, // beats of the stream
	output wire quiet, // no burst is under way

	output reg [31:0] m_awaddr,
	output reg [3:0] m_awlen,
	output reg m_awvalid,
	input wire m_awready,
	output wire [63:0] m_wdata,
	output wire m_wlast,
	output wire m_wvalid,
	input wire m_wready,
	input wire [1:0] m_bresp,
	input wire m_bvalid,
	output wire m_bready,

	input wire [63:0] in_data,
	input wire in_last,
	input wire in_valid,
	output wire in_ready
);
	localparam [3:0] MOST = 4'd8; // bursts that wait for their responses
	(* ram_style = "distributed" *) reg [63:0] fifo [0:31];
	reg [5:0] put, got;
	reg [28:0] at; // words of 8 bytes
	reg [4:0] to_send; // beats of the burst under way
	reg [3:0] unanswered;
	reg [4:0] to_border;
	reg active, ended, overran, failed;

	wire [5:0] held = put - got;
	wire full = held >= {1'b0, to_border};
	wire [4:0] burst = full ? to_border : held[4:0];
	wire asks = active && !failed && !draining && to_send == 0 && !m_awvalid && unanswered != MOST &&
		    (full || (ended && held != 0));
	wire takes = in_valid && in_ready && !draining;
	wire fits = came != beats;
	wire sends = m_wvalid && m_wready;
	wire answer = m_bvalid && m_bready;
	wire wrong = answer && m_bresp[1];
	// After an error what is in the FIFO stays there until the reset.
	wire finished = active && quiet && (failed || (ended && held == 0));

	assign in_ready = draining || (active && !ended && !failed && held != 6'd32);
	assign m_wdata = fifo[got[4:0]];
	assign m_wlast = to_send == 5'd1;
	assign m_wvalid = to_send != 0;
	assign m_bready = 1'b1;
	assign busy = active;
	assign done = finished && !failed && !overran;
	assign overrun = finished && !failed && overran;
	assign slave = wrong && !m_bresp[0] && !draining;
	assign decode = wrong && m_bresp[0] && !draining;
	assign quiet = to_send == 0 && unanswered == 0 && !m_awvalid;

	always @(posedge clock) begin
		to_border <= 5'd16 - {1'b0, at[3:0]};
		if (m_awready)
			m_awvalid <= 0;
		if (start) begin
			at <= address;
			came <= 0;
			ended <= 0;
			overran <= 0;
			active <= 1;
		end
		if (takes) begin
			if (fits) begin
				fifo[put[4:0]] <= in_data;
				put <= put + 6'd1;
				came <= came + 23'd1;
			end else
				overran <= 1;
			ended <= in_last || !fits;
		end
		if (asks) begin
			m_awaddr <= {at, 3'd0};
			m_awlen <= burst[3:0] - 4'd1;
			m_awvalid <= 1;
			to_send <= burst;
			at <= at + {24'd0, burst};
		end
		if (sends) begin
			got <= got + 6'd1;
			to_send <= to_send - 5'd1;
		end
		unanswered <= unanswered + {3'd0, asks} - {3'd0, answer};
		if (wrong)
			failed <= 1;
		if (finished)
			active <= 0;
		if (reset) begin
			put <= 0;
			got <= 0;
			to_send <= 0;
			unanswered <= 0;
			active <= 0;
			ended <= 0;
			failed <= 0;
			overran <= 0;
			m_awvalid <= 0;
		end
	end

`ifdef PROVE_DMA_WRITE
`include "twobit_dma_write.vh"
`endif
endmodule

`default_nettype wire
