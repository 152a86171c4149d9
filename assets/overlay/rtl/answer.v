// SPDX-License-Identifier: MIT
// The stream out: an answer is a header, beats of scores or codes, and a trailer with CRC, cycles and TLAST. A
// failure sends one beat of its own, with TLAST, so that whoever receives comes to an end.
//
// Beats go into a FIFO of 64; `room` says that at least 32 more fit, `ready` that a header or trailer may come: not in
// the three cycles after another beat.
`include "registers.vh"
module answer (
	input clock,
	input reset,
	input begin_answer,
	input end_answer,
	input [15:0] serial,
	input [31:0] cycles,
	input beat_valid,
	input [63:0] beat,
	input failed,
	input [3:0] error,
	output room,
	output ready,
	output busy,
	output done, // the last beat leaves

	output reg [63:0] stream_data,
	output reg stream_last,
	output reg stream_valid,
	input stream_ready
);
	localparam [7:0] MAGIC = `RECORD_MAGIC;
	localparam [2:0] ANSWER = `RECORD_ANSWER, FAILURE = `RECORD_FAILURE;
	(* ram_style = "distributed" *) reg [64:0] fifo [0:63];
	reg [6:0] put, got;
	wire [6:0] count = put - got;
	reg [2:0] resting;
	reg told, put_valid;
	reg [64:0] putting;
	wire [31:0] crc;
	wire tells = failed && !told && room && !put_valid;
	wire [63:0] header = {serial, 24'd0, 12'd0, 1'b1, ANSWER, MAGIC};
	wire [63:0] failure = {serial, 24'd0, 8'd0, error, 1'b1, FAILURE, MAGIC};
	wire takes = count != 0 && (!stream_valid || stream_ready);

	assign room = count < 7'd32;
	assign ready = room && resting == 0 && !put_valid && !begin_answer && !end_answer;
	assign busy = count != 0 || put_valid || stream_valid;
	assign done = stream_valid && stream_ready && stream_last;

	crc32 check (.clock(clock), .clear(begin_answer), .valid(begin_answer || beat_valid),
		     .data(begin_answer ? header : beat), .crc(crc));

	always @(posedge clock) begin
		resting <= begin_answer || beat_valid ? 3'd3 : resting != 0 ? resting - 3'd1 : 3'd0;
		put_valid <= (begin_answer || beat_valid || end_answer) && !failed || tells;
		putting <= tells ? {1'b1, failure} : begin_answer ? {1'b0, header} :
			   end_answer ? {1'b1, cycles, crc} : {1'b0, beat};
		if (put_valid) begin
			fifo[put[5:0]] <= putting;
			put <= put + 7'd1;
		end
		if (tells)
			told <= 1;
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
			told <= 0;
			put_valid <= 0;
			stream_valid <= 0;
		end
	end

`ifdef ASSERTIONS
	always @(posedge clock)
		if (!reset && put_valid && count == 7'd64) begin
			$display("answer: the FIFO overflows");
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
			$display("answer: a beat that was offered is gone");
			$stop;
		end
	end
`endif
endmodule
