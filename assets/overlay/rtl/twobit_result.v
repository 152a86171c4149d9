// SPDX-License-Identifier: MIT
// The stream out: a result is a header, beats of scores or codes, and a trailer with CRC, cycles and TLAST. A
// failure sends one beat of its own, with TLAST, so that whoever receives comes to an end.
//
// Beats go into a FIFO of 64; `room` says that at least 32 more fit, `ready` that a header or trailer may come: not in
// the three cycles after another beat.
`include "overlay.vh"
`default_nettype none

module twobit_result (
	input wire clock,
	input wire reset,
	input wire begin_result,
	input wire end_result,
	input wire [15:0] sequence_id,
	input wire [31:0] cycles,
	input wire beat_valid,
	input wire [63:0] beat,
	input wire failed,
	input wire [3:0] error,
	output wire room,
	output wire ready,
	output wire busy,
	output wire done, // the last beat leaves

	output reg [63:0] stream_data,
	output reg stream_last,
	output reg stream_valid,
	input wire stream_ready
);
	localparam [7:0] MAGIC = `OVERLAY_RECORD_MAGIC;
	localparam [2:0] RESULT = `OVERLAY_RECORD_RESULT, FAILURE = `OVERLAY_RECORD_FAILURE;
	(* ram_style = "distributed" *) reg [64:0] fifo [0:63];
	reg [6:0] put, got;
	wire [6:0] count = put - got;
	reg [2:0] resting;
	reg reported, put_valid;
	reg [64:0] putting;
	wire [31:0] crc;
	wire reports = failed && !reported && room && !put_valid;
	wire [63:0] header = {sequence_id, 24'd0, 12'd0, 1'b1, RESULT, MAGIC};
	wire [63:0] failure = {sequence_id, 24'd0, 8'd0, error, 1'b1, FAILURE, MAGIC};
	wire takes = count != 0 && (!stream_valid || stream_ready);

	assign room = count < 7'd32;
	assign ready = room && resting == 0 && !put_valid && !begin_result && !end_result;
	assign busy = count != 0 || put_valid || stream_valid;
	assign done = stream_valid && stream_ready && stream_last;

	twobit_crc32 check (
		.clock(clock), .clear(begin_result), .valid(begin_result || beat_valid),
		.data(begin_result ? header : beat), .crc(crc));

	always @(posedge clock) begin
		resting <= begin_result || beat_valid ? 3'd3 : resting != 0 ? resting - 3'd1 : 3'd0;
		put_valid <= (begin_result || beat_valid || end_result) && !failed || reports;
		putting <= reports ? {1'b1, failure} : begin_result ? {1'b0, header} :
			   end_result ? {1'b1, cycles, crc} : {1'b0, beat};
		if (put_valid) begin
			fifo[put[5:0]] <= putting;
			put <= put + 7'd1;
		end
		if (reports)
			reported <= 1;
		if (!stream_valid || stream_ready)
			stream_valid <= count != 0;
		if (takes) begin
			{stream_last, stream_data} <= fifo[got[5:0]];
			got <= got + 7'd1;
		end
		if (reset) begin
			put <= 0;
			got <= 0;
			resting <= 0;
			reported <= 0;
			put_valid <= 0;
			stream_valid <= 0;
		end
	end

`ifdef ASSERTIONS
	always @(posedge clock)
		if (!reset && put_valid && count == 7'd64) begin
			$display("result: the FIFO overflows");
			$stop;
		end
`endif

`ifdef ASSERTIONS
	reg offered;
	reg [64:0] offer;

	always @(posedge clock) begin
		offered <= stream_valid && !stream_ready && !reset;
		offer <= {stream_last, stream_data};
		if (offered && !reset && (!stream_valid || offer != {stream_last, stream_data})) begin
			$display("result: a beat that was offered is gone");
			$stop;
		end
	end
`endif
endmodule

`default_nettype wire
