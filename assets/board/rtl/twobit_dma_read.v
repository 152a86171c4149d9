// SPDX-License-Identifier: MIT
// Memory to stream. Bursts are asked for as far as the FIFO of 64 beats has room for all that were asked for, so data
// are always taken at once. After an error nothing more is asked for and nothing more goes into the FIFO: the stream
// stops without its last beat.
`default_nettype none

module twobit_dma_read (
	input wire clock,
	input wire reset, // only while `quiet`, or with the memory's port
	input wire draining,
	input wire start,
	input wire [28:0] address, // words of 8 bytes
	input wire [22:0] beats,
	output wire busy,
	output wire done,
	output wire slave,
	output wire decode,
	output wire quiet, // no burst is under way

	output reg [31:0] m_araddr,
	output reg [3:0] m_arlen,
	output reg m_arvalid,
	input wire m_arready,
	input wire [63:0] m_rdata,
	input wire [1:0] m_rresp,
	input wire m_rvalid,
	output wire m_rready,

	output wire [63:0] out_data,
	output wire out_last,
	output wire out_valid,
	input wire out_ready
);
	(* ram_style = "distributed" *) reg [63:0] fifo [0:63];
	reg [5:0] put, got;
	reg [6:0] held; // beats in the FIFO
	reg [28:0] at; // words of 8 bytes
	reg [22:0] to_ask;
	reg [6:0] owed;	    // beats asked for that have not come
	reg active, failed;
	reg [4:0] burst; // beats of the next one, when `sized`
	reg sized;

	wire [4:0] to_border = 5'd16 - {1'b0, at[3:0]};
	wire [6:0] room = 7'd64 - held - owed;
	wire asks = sized && !failed && !draining && (!m_arvalid || m_arready) && room >= {2'd0, burst};
	wire takes = m_rvalid && m_rready;
	wire wrong = takes && m_rresp[1];
	wire keeps = takes && !m_rresp[1] && !failed;
	wire gives = out_valid && out_ready;

	assign m_rready = 1'b1;
	assign out_data = fifo[got];
	assign out_valid = held != 0;
	assign out_last = to_ask == 0 && owed == 0 && held == 7'd1 && !failed;
	assign busy = active;
	assign done = gives && out_last;
	assign slave = wrong && !m_rresp[0] && !draining;
	assign decode = wrong && m_rresp[0] && !draining;
	assign quiet = owed == 0 && !m_arvalid;

	always @(posedge clock) begin
		if (m_arready)
			m_arvalid <= 0;
		if (start) begin
			at <= address;
			to_ask <= beats;
			active <= 1;
		end
		if (!sized) begin
			burst <= to_ask < {18'd0, to_border} ? to_ask[4:0] : to_border;
			sized <= to_ask != 0;
		end
		if (asks) begin
			sized <= 0;
			m_araddr <= {at, 3'd0};
			m_arlen <= burst[3:0] - 4'd1;
			m_arvalid <= 1;
			at <= at + {24'd0, burst};
			to_ask <= to_ask - {18'd0, burst};
		end
		owed <= owed + (asks ? {2'd0, burst} : 7'd0) - {6'd0, takes};
		held <= held + {6'd0, keeps} - {6'd0, gives};
		if (keeps) begin
			fifo[put] <= m_rdata;
			put <= put + 6'd1;
		end
		if (wrong)
			failed <= 1;
		if (gives)
			got <= got + 6'd1;
		if (done || (failed && quiet))
			active <= 0;
		if (reset) begin
			put <= 0;
			got <= 0;
			held <= 0;
			owed <= 0;
			to_ask <= 0;
			sized <= 0;
			active <= 0;
			failed <= 0;
			m_arvalid <= 0;
		end
	end

`ifdef PROVE_DMA_READ
`include "twobit_dma_read.vh"
`endif
endmodule

`default_nettype wire
