// SPDX-License-Identifier: MIT
// The AXI4-Lite side: settings, state, counters, errors, the interrupt and the reset that software asks for.
//
// Every read and write is answered with OKAY, one cycle after it is taken; a write is taken when address and data
// are there. Unknown addresses read 0. Byte strobes are not looked at: software writes 32 bits.
`include "overlay.vh"
`default_nettype none

module twobit_registers #(
	parameter BITS = 28
) (
	input wire clock,
	input wire reset_n,
	// Every access is 32 bits wide: nobody reads the lowest bits of an address.
	// verilator lint_off UNUSEDSIGNAL
	input wire [11:0] axi_awaddr,
	// verilator lint_on UNUSEDSIGNAL
	input wire axi_awvalid,
	output wire axi_awready,
	input wire [31:0] axi_wdata,
	input wire axi_wvalid,
	output wire axi_wready,
	output reg axi_bvalid,
	input wire axi_bready,
	// verilator lint_off UNUSEDSIGNAL
	input wire [11:0] axi_araddr,
	// verilator lint_on UNUSEDSIGNAL
	input wire axi_arvalid,
	output wire axi_arready,
	output reg [31:0] axi_rdata,
	output reg axi_rvalid,
	input wire axi_rready,
	output reg interrupt,

	output wire resetting,
	output reg enable,
	output reg [1:0] partition,
	output reg [11:0] ring_first,
	output reg [11:0] ring_words,
	output reg [11:0] slot0,
	output reg [11:0] slot1,
	output reg two_slots,
	output reg [23:0] frame_beats,
	output wire descriptor_write,
	output wire [8:0] descriptor_address,

	input wire [3:0] loader_error,
	input wire [23:0] loader_beats,
	input wire loading,
	input wire [31:0] records,
	input wire [31:0] loaded_crc,
	input wire [1:0] full,
	input wire descriptor_error,
	input wire computing,
	input wire stalled,
	input wire [4:0] layer_number,
	input wire layer_ended,
	input wire [4:0] ended,
	input wire [31:0] ended_cycles,
	input wire [15:0] sequence_id,
	input wire [31:0] frame_cycles,
	input wire frame_begins,
	input wire frame_ends,
	input wire sending,
	input wire result_done,
	input wire progress,

	output wire failed,
	output reg [3:0] error
);
	localparam [7:0] PIXELS = 8, CHANNELS = 16, CHUNK = 64, ACCUMULATOR = BITS;
	localparam [15:0] WEIGHT_WORDS = 3072, CODE_WORDS = 1024, MAJOR = `OVERLAY_VERSION_MAJOR, MINOR = `OVERLAY_VERSION_MINOR;
	reg [31:0] watchdog, waited, cycles, idle, stall, stalls, last_cycles, frames;
	reg [15:0] last_sequence_id, error_record;
	reg [23:0] error_beat;
	reg [7:0] error_layer;
	reg [1:0] pending, allowed;
	reg [5:0] reset_left;
	(* ram_style = "distributed" *) reg [31:0] layer_cycles [0:31];

	wire write = axi_awvalid && axi_wvalid && (!axi_bvalid || axi_bready);
	wire [11:0] to = {axi_awaddr[11:2], 2'b00};
	wire [11:0] from = {axi_araddr[11:2], 2'b00};

	assign axi_awready = write;
	assign axi_wready = write;
	assign axi_arready = !axi_rvalid || axi_rready;
	assign descriptor_write = write && axi_awaddr[11];
	assign descriptor_address = axi_awaddr[10:2];
	assign resetting = reset_left != 0;
	assign failed = error != `OVERLAY_ERROR_NONE;

	always @(posedge clock) begin
		if (axi_bready)
			axi_bvalid <= 0;
		if (write)
			axi_bvalid <= 1;
		if (axi_rready)
			axi_rvalid <= 0;
		if (axi_arvalid && axi_arready)
			axi_rvalid <= 1;
		if (reset_left != 0)
			reset_left <= reset_left - 6'd1;
		if (write)
			case (to)
			`OVERLAY_REG_CONTROL: begin
				enable <= axi_wdata[`OVERLAY_F_CONTROL_ENABLE];
				if (axi_wdata[`OVERLAY_F_CONTROL_RESET])
					reset_left <= 6'd32;
			end
			`OVERLAY_REG_INTERRUPT_MASK: allowed <= axi_wdata[1:0];
			`OVERLAY_REG_PARTITION: partition <= axi_wdata[1:0] == 2'd3 ? 2'd2 : axi_wdata[1:0];
			`OVERLAY_REG_RING: begin
				ring_first <= axi_wdata[`OVERLAY_F_RING_FIRST];
				ring_words <= axi_wdata[`OVERLAY_F_RING_WORDS];
			end
			`OVERLAY_REG_FRAME: begin
				slot0 <= axi_wdata[`OVERLAY_F_FRAME_SLOT0];
				slot1 <= axi_wdata[`OVERLAY_F_FRAME_SLOT1];
				two_slots <= axi_wdata[`OVERLAY_F_FRAME_SLOTS];
			end
			`OVERLAY_REG_FRAME_BEATS: frame_beats <= axi_wdata[23:0];
			`OVERLAY_REG_WATCHDOG: watchdog <= axi_wdata;
			default: ;
			endcase
		if (!reset_n) begin
			axi_bvalid <= 0;
			axi_rvalid <= 0;
			reset_left <= 6'd32;
			enable <= 0;
			allowed <= 0;
			partition <= 0;
			ring_first <= 0;
			ring_words <= 0;
			slot0 <= 0;
			slot1 <= 0;
			two_slots <= 0;
			frame_beats <= 0;
			watchdog <= 32'd100_000_000;
		end
	end

	wire [1:0] waiting = {1'b0, full[0]} + {1'b0, full[1]};
	wire [31:0] status = {19'd0, layer_number, 1'b0, waiting, resetting, failed, sending, loading, computing};

	always @(posedge clock)
		if (axi_arvalid && axi_arready)
			case (from)
			`OVERLAY_REG_IDENTITY: axi_rdata <= `OVERLAY_IDENTITY;
			`OVERLAY_REG_VERSION: axi_rdata <= {MAJOR, MINOR};
			`OVERLAY_REG_GEOMETRY: axi_rdata <= {ACCUMULATOR, CHUNK, CHANNELS, PIXELS};
			`OVERLAY_REG_MEMORY: axi_rdata <= {CODE_WORDS, WEIGHT_WORDS};
			`OVERLAY_REG_LIMITS: axi_rdata <= {12'd512, 4'd2, 8'd64, 8'd32};
			`OVERLAY_REG_CONTROL: axi_rdata <= {31'd0, enable};
			`OVERLAY_REG_STATUS: axi_rdata <= status;
			`OVERLAY_REG_INTERRUPT: axi_rdata <= {30'd0, pending};
			`OVERLAY_REG_INTERRUPT_MASK: axi_rdata <= {30'd0, allowed};
			`OVERLAY_REG_ERROR: axi_rdata <= {error_record, error_layer, 4'd0, error};
			`OVERLAY_REG_ERROR_BEAT: axi_rdata <= {8'd0, error_beat};
			`OVERLAY_REG_PARTITION: axi_rdata <= {30'd0, partition};
			`OVERLAY_REG_RING: axi_rdata <= {4'd0, ring_words, 4'd0, ring_first};
			`OVERLAY_REG_FRAME: axi_rdata <= {two_slots, 3'd0, slot1, 4'd0, slot0};
			`OVERLAY_REG_FRAME_BEATS: axi_rdata <= {8'd0, frame_beats};
			`OVERLAY_REG_WATCHDOG: axi_rdata <= watchdog;
			`OVERLAY_REG_CYCLES: axi_rdata <= cycles;
			`OVERLAY_REG_IDLE_CYCLES: axi_rdata <= idle;
			`OVERLAY_REG_STALL_CYCLES: axi_rdata <= stall;
			`OVERLAY_REG_FRAME_CYCLES: axi_rdata <= last_cycles;
			`OVERLAY_REG_FRAMES: axi_rdata <= frames;
			`OVERLAY_REG_SEQUENCE_ID: axi_rdata <= {16'd0, last_sequence_id};
			`OVERLAY_REG_RECORDS: axi_rdata <= records;
			`OVERLAY_REG_LOADED_CRC: axi_rdata <= loaded_crc;
			default: axi_rdata <= from[11:7] == 5'd2 ? layer_cycles[from[6:2]] : 32'd0;
			endcase

	// Errors: the first one counts.
	wire works = computing || loading || sending;
	wire timed_out = watchdog != 0 && waited == watchdog;

	always @(posedge clock) begin
		waited <= !works || progress || failed ? 32'd0 : waited + 32'd1;
		if (!failed && (loader_error != 0 || descriptor_error || timed_out)) begin
			error <= loader_error != 0 ? loader_error :
				 descriptor_error ? `OVERLAY_ERROR_DESCRIPTOR : `OVERLAY_ERROR_WATCHDOG;
			error_record <= records[15:0];
			error_layer <= {3'd0, layer_number};
			error_beat <= loader_beats;
		end
		if (resetting) begin
			error <= `OVERLAY_ERROR_NONE;
			error_record <= 0;
			error_layer <= 0;
			error_beat <= 0;
			waited <= 0;
		end
	end

	reg failed_before;

	always @(posedge clock) begin
		failed_before <= failed;
		pending <= (pending & ~(write && to == `OVERLAY_REG_INTERRUPT ? axi_wdata[1:0] : 2'd0)) |
			   {failed && !failed_before, result_done};
		interrupt <= (pending & allowed) != 0;
		if (resetting) begin
			pending <= 0;
			interrupt <= 0;
			failed_before <= 0;
		end
	end

	always @(posedge clock) begin
		if (layer_ended)
			layer_cycles[ended] <= ended_cycles;
		cycles <= cycles + 32'd1;
		if (!computing)
			idle <= idle + 32'd1;
		stalls <= frame_begins ? 32'd0 : stalls + {31'd0, stalled};
		if (frame_ends) begin
			last_cycles <= frame_cycles;
			last_sequence_id <= sequence_id;
			stall <= stalls;
			frames <= frames + 32'd1;
		end
		if (resetting) begin
			cycles <= 0;
			idle <= 0;
			stall <= 0;
			last_cycles <= 0;
			last_sequence_id <= 0;
			frames <= 0;
		end
	end
endmodule

`default_nettype wire
