// SPDX-License-Identifier: MIT
// The registers of one direction of the DMA. A write of the length starts a transfer if RUN is 1 and nothing is under
// way. The first error clears RUN; only a reset sets it again.
`include "board.vh"
`default_nettype none

module twobit_dma_registers (
	input wire clock,
	input wire reset, // from outside, or the end of one that was asked for
	input wire write,
	input wire [11:0] write_address,
	input wire [31:0] write_data,
	input wire [11:0] read_address,
	output reg [31:0] read_data, // of this cycle's address
	output wire irq,

	output wire asks_reset,
	input wire draining,
	output reg start,
	output wire [28:0] address, // words of 8 bytes
	output wire [22:0] beats,
	input wire busy,
	input wire done,    // for one cycle: all is well
	input wire overrun, // for one cycle, as are the next two
	input wire slave,
	input wire decode,
	input wire [22:0] came // beats of the transfer that is done
);
	reg run, on_done, on_error;
	reg is_done, failed, is_internal, is_slave, is_decode;
	reg [31:0] address_low, address_high;
	reg [25:0] length;
	wire idle = !busy && !start;
	wire starts = write && write_address == `BOARD_REG_DMA_TO_LENGTH && run && idle && !draining;
	wire crooked = write_data[25:0] == 0 || write_data[2:0] != 0 || address_low[2:0] != 0;
	wire beyond = address_high != 0;
	wire stopped = is_internal || is_slave || is_decode; // acknowledging a failure does not make it undone
	wire error = overrun || slave || decode || (starts && (crooked || beyond));

	assign asks_reset = write && write_address == `BOARD_REG_DMA_TO_CONTROL && write_data[`BOARD_F_DMA_CONTROL_RESET];
	assign address = address_low[31:3];
	assign beats = length[25:3];
	assign irq = (is_done && on_done) || (failed && on_error);

	always @(posedge clock) begin
		start <= 0;
		if (write)
			case (write_address)
			`BOARD_REG_DMA_TO_CONTROL: begin
				run <= write_data[`BOARD_F_DMA_CONTROL_RUN] && !stopped;
				on_done <= write_data[`BOARD_F_DMA_CONTROL_ON_DONE];
				on_error <= write_data[`BOARD_F_DMA_CONTROL_ON_ERROR];
			end
			`BOARD_REG_DMA_TO_STATUS: begin
				if (write_data[`BOARD_F_DMA_STATUS_DONE])
					is_done <= 0;
				if (write_data[`BOARD_F_DMA_STATUS_FAILED])
					failed <= 0;
			end
			`BOARD_REG_DMA_TO_ADDRESS: address_low <= write_data;
			`BOARD_REG_DMA_TO_ADDRESS_HIGH: address_high <= write_data;
			default: ;
			endcase
		if (starts) begin
			length <= write_data[25:0];
			start <= !crooked && !beyond;
			is_internal <= crooked;
			is_decode <= !crooked && beyond;
		end
		if (done) begin
			is_done <= 1;
			length <= {came, 3'd0};
		end
		if (overrun)
			is_internal <= 1;
		if (slave)
			is_slave <= 1;
		if (decode)
			is_decode <= 1;
		if (error) begin
			failed <= 1;
			run <= 0;
		end
		if (reset) begin
			run <= 0;
			on_done <= 0;
			on_error <= 0;
			is_done <= 0;
			failed <= 0;
			is_internal <= 0;
			is_slave <= 0;
			is_decode <= 0;
			start <= 0;
			address_low <= 0;
			address_high <= 0;
			length <= 0;
		end
	end

	always @(*)
		case (read_address)
		`BOARD_REG_DMA_TO_CONTROL:
			read_data = {16'd1, 1'b0, on_error, 1'b0, on_done, 9'd0, draining, 1'b1, run};
		`BOARD_REG_DMA_TO_STATUS:
			read_data = {17'd0, failed, 1'b0, is_done, 5'd0, is_decode, is_slave, is_internal, 2'd0,
				     run && idle, !run && idle};
		`BOARD_REG_DMA_TO_ADDRESS: read_data = address_low;
		`BOARD_REG_DMA_TO_ADDRESS_HIGH: read_data = address_high;
		`BOARD_REG_DMA_TO_LENGTH: read_data = {6'd0, length};
		default: read_data = 0;
		endcase
endmodule

`default_nettype wire
