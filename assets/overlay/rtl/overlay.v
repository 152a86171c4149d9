// SPDX-License-Identifier: MIT
// twobit's overlay: low-bit networks on bit planes. One clock. README.md says what goes in and out.
`include "registers.vh"
module overlay #(
	parameter BITS = 28 // of an accumulator
) (
	input aclk,
	input aresetn,
	input [11:0] s_axi_awaddr,
	input s_axi_awvalid,
	output s_axi_awready,
	input [31:0] s_axi_wdata,
	input s_axi_wvalid,
	output s_axi_wready,
	output [1:0] s_axi_bresp,
	output s_axi_bvalid,
	input s_axi_bready,
	input [11:0] s_axi_araddr,
	input s_axi_arvalid,
	output s_axi_arready,
	output [31:0] s_axi_rdata,
	output [1:0] s_axi_rresp,
	output s_axi_rvalid,
	input s_axi_rready,

	input [63:0] s_axis_tdata,
	input s_axis_tvalid,
	input s_axis_tlast,
	output s_axis_tready,

	output [63:0] m_axis_tdata,
	output [7:0] m_axis_tkeep,
	output m_axis_tvalid,
	output m_axis_tlast,
	input m_axis_tready,

	output irq
);
	localparam TAKEN = 13;
	wire clock = aclk;
	wire resetting;
	reg reset;

	always @(posedge clock)
		reset <= resetting || !aresetn;

	assign s_axi_bresp = 2'b00;
	assign s_axi_rresp = 2'b00;
	assign m_axis_tkeep = 8'hff;

	// Settings and state.
	wire enable, two_slots, loading, computing, stalled, failed, answering, answer_done, descriptor_write;
	wire descriptor_error, layer_ended, answer_begin, answer_end;
	wire [1:0] partition, full, release_slot;
	wire [11:0] ring_first, ring_words, slot0, slot1;
	wire [23:0] picture_beats, beats;
	wire [8:0] descriptor_address;
	wire [3:0] loader_error, error;
	wire [4:0] layer_number, ended;
	wire [31:0] ended_cycles, picture_cycles, records, loaded_crc;
	wire [15:0] serial, serial0, serial1;

	// Steps.
	wire start, issued, quiet, written, draining, took;
	wire [383:0] layer;
	wire [11:0] input_base;
	wire step_valid, step_ending, step_first, step_twice, step_subtract, step_take, step_masked, tile_finished;
	wire [3:0] step_code_plane, step_weight_plane, step_word;
	wire [11:0] step_index, step_chunk;
	wire [1:0] step_set;
	wire signed [11:0] step_y, step_x;
	reg [1:0] in_flight;

	// Memories and array.
	wire weight_write, picture_write, weight_read, code_read;
	wire [11:0] weight_write_address, picture_address, weight_address, code_write_address;
	wire [3:0] weight_bank, code_write;
	wire [2:0] picture_bank, code_write_bank, select;
	wire [15:0] code_write_data;
	wire [63:0] load_data, mask;
	wire [95:0] code_addresses;
	wire [511:0] memory_codes, codes;
	wire [1023:0] memory_weights, weights;
	wire array_enable, array_first, array_twice, array_subtract, array_take, ending_write;
	wire [3:0] ending_word;
	wire [1:0] ending_set;
	wire [16*BITS-1:0] sums;
	wire [BITS-1:0] all;

	// Endings.
	wire pixel_valid, pooled_valid, score_valid, beat_valid, room, answer_ready;
	wire [127:0] pixel_codes, pooled_codes;
	wire [9:0] pooled_x, pooled_y;
	wire [63:0] scores, beat;

	// The tile that the steps read: resident tiles follow each other, streamed ones go round in the ring.
	wire [31:0] shape = layer[32*`WORD_SHAPE +: 32];
	wire [31:0] weight_place = layer[32*`WORD_WEIGHTS +: 32];
	wire [11:0] tile_words = weight_place[`F_WEIGHTS_TILE];
	wire streamed = shape[`F_SHAPE_STREAMED];
	wire [12:0] ring_end = {1'b0, ring_first} + {1'b0, ring_words};
	wire [12:0] available;
	reg [11:0] tile_base, ring_tile;
	reg [8:0] freeing;
	wire [12:0] ring_next = {1'b0, ring_tile} + {1'b0, tile_words};
	wire consumed = tile_finished && streamed;

	always @(posedge clock) begin
		if (start)
			tile_base <= streamed ? ring_tile : weight_place[`F_WEIGHTS_BASE];
		else if (tile_finished)
			tile_base <= !streamed ? tile_base + tile_words :
				     ring_next >= ring_end ? ring_next[11:0] - ring_words : ring_next[11:0];
		if (reset)
			ring_tile <= ring_first;
		else if (consumed)
			ring_tile <= ring_next >= ring_end ? ring_next[11:0] - ring_words : ring_next[11:0];
		freeing <= reset ? 9'd0 : {freeing[7:0], consumed}; // its last words are still being read
	end

	// Sums on their way from a block's last step.
	reg [TAKEN-1:0] taking;

	assign took = taking[TAKEN-1];
	always @(posedge clock) begin
		taking <= reset ? {TAKEN{1'b0}} : {taking[TAKEN-2:0], step_take};
		in_flight <= reset ? 2'd0 : in_flight + {1'b0, step_take} - {1'b0, took};
	end

	registers #(.BITS(BITS)) registers (
		.clock(clock), .reset_n(aresetn), .axi_awaddr(s_axi_awaddr), .axi_awvalid(s_axi_awvalid),
		.axi_awready(s_axi_awready), .axi_wdata(s_axi_wdata), .axi_wvalid(s_axi_wvalid),
		.axi_wready(s_axi_wready), .axi_bvalid(s_axi_bvalid), .axi_bready(s_axi_bready),
		.axi_araddr(s_axi_araddr), .axi_arvalid(s_axi_arvalid), .axi_arready(s_axi_arready),
		.axi_rdata(s_axi_rdata), .axi_rvalid(s_axi_rvalid), .axi_rready(s_axi_rready),
		.interrupt(irq), .resetting(resetting), .enable(enable), .partition(partition),
		.ring_first(ring_first), .ring_words(ring_words), .slot0(slot0), .slot1(slot1),
		.two_slots(two_slots), .picture_beats(picture_beats), .descriptor_write(descriptor_write),
		.descriptor_address(descriptor_address), .loader_error(loader_error), .loader_beats(beats),
		.loading(loading), .records(records), .loaded_crc(loaded_crc), .full(full),
		.descriptor_error(descriptor_error), .computing(computing), .stalled(stalled),
		.layer_number(layer_number), .layer_ended(layer_ended), .ended(ended),
		.ended_cycles(ended_cycles), .serial(serial), .picture_cycles(picture_cycles),
		.picture_begins(answer_begin), .picture_ends(answer_end), .answering(answering),
		.answer_done(answer_done), .failed(failed), .error(error),
		.progress(step_valid || step_ending || (s_axis_tvalid && s_axis_tready) ||
			  (m_axis_tvalid && m_axis_tready) || layer_ended));

	loader loader (
		.clock(clock), .reset(reset), .stream_data(s_axis_tdata), .stream_valid(s_axis_tvalid),
		.stream_last(s_axis_tlast), .stream_ready(s_axis_tready),
		.weight_depth(13'd3072 - {2'd0, partition, 9'd0}),
		.code_depth(13'd1024 + {1'd0, partition, 10'd0}), .ring_first(ring_first),
		.ring_words(ring_words), .slot0(slot0), .slot1(slot1), .two_slots(two_slots),
		.picture_beats(picture_beats), .stop(failed), .consumed(consumed), .freed(freeing[8]),
		.consumed_words(tile_words), .freed_words(tile_words), .available(available), .full(full),
		.serial0(serial0), .serial1(serial1), .release_slot(release_slot),
		.weight_write(weight_write), .weight_address(weight_write_address), .weight_bank(weight_bank),
		.picture_write(picture_write), .picture_address(picture_address), .picture_bank(picture_bank),
		.data(load_data), .code_write(code_write != 0), .error(loader_error), .beats(beats),
		.loading(loading), .records(records), .loaded_crc(loaded_crc));

	sequencer sequencer (
		.clock(clock), .reset(reset), .enable(enable), .stop(failed), .descriptor_write(descriptor_write),
		.descriptor_address(descriptor_address), .descriptor_data(s_axi_wdata), .full(full),
		.two_slots(two_slots), .slot0(slot0), .slot1(slot1), .serial0(serial0),
		.serial1(serial1), .release_slot(release_slot), .start(start), .layer(layer),
		.input_base(input_base), .issued(issued), .in_flight(in_flight), .quiet(quiet), .written(written),
		.answer_ready(answer_ready), .answer_begin(answer_begin), .answer_end(answer_end),
		.serial(serial), .picture_cycles(picture_cycles), .computing(computing),
		.number(layer_number), .error(descriptor_error), .layer_ended(layer_ended), .ended(ended),
		.ended_cycles(ended_cycles));

	steps #(.TAKEN(TAKEN)) steps (
		.clock(clock), .reset(reset), .start(start), .layer(layer), .issued(issued),
		.block_ready(available >= {1'b0, tile_words}), .tile_finished(tile_finished),
		.in_flight(in_flight), .draining(draining), .step_valid(step_valid), .step_ending(step_ending),
		.step_first(step_first), .step_twice(step_twice), .step_subtract(step_subtract),
		.step_take(step_take), .step_masked(step_masked), .step_code_plane(step_code_plane),
		.step_weight_plane(step_weight_plane), .step_index(step_index), .step_chunk(step_chunk),
		.step_word(step_word), .step_set(step_set), .step_y(step_y), .step_x(step_x), .stalled(stalled));

	addresses addresses (
		.clock(clock), .reset(reset), .layer(layer), .input_base(input_base), .tile_base(tile_base),
		.ring_end(streamed ? ring_end : 13'd0), .ring_words(ring_words), .step_valid(step_valid),
		.step_ending(step_ending), .step_first(step_first), .step_twice(step_twice),
		.step_subtract(step_subtract), .step_take(step_take), .step_masked(step_masked),
		.step_code_plane(step_code_plane), .step_weight_plane(step_weight_plane),
		.step_index(step_index), .step_chunk(step_chunk), .step_word(step_word), .step_set(step_set),
		.step_y(step_y), .step_x(step_x), .code_read(code_read), .code_addresses(code_addresses),
		.weight_read(weight_read), .weight_address(weight_address), .memory_codes(memory_codes),
		.memory_weights(memory_weights), .codes(codes), .weights(weights), .mask(mask),
		.array_enable(array_enable), .array_first(array_first), .array_twice(array_twice),
		.array_subtract(array_subtract), .array_take(array_take), .ending_write(ending_write),
		.ending_word(ending_word), .ending_set(ending_set));

	memory memory (
		.clock(clock), .partition(partition), .weight_write(weight_write),
		.weight_write_address(weight_write_address), .weight_write_bank(weight_bank),
		.weight_write_data(load_data), .picture_write(picture_write), .picture_address(picture_address),
		.picture_bank(picture_bank), .picture_data(load_data), .code_write(code_write),
		.code_write_address(code_write_address), .code_write_bank(code_write_bank),
		.code_write_data(code_write_data), .weight_read(weight_read),
		.weight_read_address(weight_address), .weights(memory_weights), .code_read(code_read),
		.code_read_addresses(code_addresses), .codes(memory_codes));

	array #(.BITS(BITS)) array (
		.clock(clock), .codes(codes), .weights(weights), .mask(mask), .enable(array_enable),
		.clear(array_first), .twice(array_twice), .subtract(array_subtract), .take(array_take),
		.select(select), .sums(sums), .all(all));

	drain #(.BITS(BITS)) drain (
		.clock(clock), .reset(reset), .start(start), .layer(layer), .took(took), .room(room),
		.draining(draining), .quiet(quiet), .select(select), .sums(sums), .all(all),
		.ending_write(ending_write), .ending_word(ending_word), .ending_set(ending_set),
		.endings(weights), .pixel_valid(pixel_valid), .pixel_codes(pixel_codes),
		.score_valid(score_valid), .scores(scores));

	pool pool (
		.clock(clock), .reset(reset), .start(start), .layer(layer), .in_valid(pixel_valid),
		.in_codes(pixel_codes), .out_valid(pooled_valid), .out_codes(pooled_codes), .out_x(pooled_x),
		.out_y(pooled_y));

	writeback writeback (
		.clock(clock), .reset(reset), .start(start), .layer(layer), .in_valid(pooled_valid),
		.in_codes(pooled_codes), .in_x(pooled_x), .in_y(pooled_y), .code_write(code_write),
		.code_write_address(code_write_address), .code_write_bank(code_write_bank),
		.code_write_data(code_write_data), .beat_valid(beat_valid), .beat(beat), .written(written));

	answer answer (
		.clock(clock), .reset(reset), .begin_answer(answer_begin), .end_answer(answer_end),
		.serial(serial), .cycles(picture_cycles), .beat_valid(beat_valid || score_valid),
		.beat(score_valid ? scores : beat), .failed(failed), .error(error), .room(room),
		.ready(answer_ready), .busy(answering), .done(answer_done), .stream_data(m_axis_tdata),
		.stream_last(m_axis_tlast), .stream_valid(m_axis_tvalid), .stream_ready(m_axis_tready));
endmodule
