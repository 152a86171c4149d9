// SPDX-License-Identifier: MIT
// twobit's overlay: low-bit networks on bit planes. One clock. README.md says what goes in and out.
`default_nettype none

module twobit_overlay #(
	parameter BITS = 28 // of an accumulator
) (
	input wire aclk,
	input wire aresetn,
	input wire [11:0] s_axi_awaddr,
	input wire s_axi_awvalid,
	output wire s_axi_awready,
	input wire [31:0] s_axi_wdata,
	input wire s_axi_wvalid,
	output wire s_axi_wready,
	output wire [1:0] s_axi_bresp,
	output wire s_axi_bvalid,
	input wire s_axi_bready,
	input wire [11:0] s_axi_araddr,
	input wire s_axi_arvalid,
	output wire s_axi_arready,
	output wire [31:0] s_axi_rdata,
	output wire [1:0] s_axi_rresp,
	output wire s_axi_rvalid,
	input wire s_axi_rready,

	input wire [63:0] s_axis_tdata,
	input wire s_axis_tvalid,
	input wire s_axis_tlast,
	output wire s_axis_tready,

	output wire [63:0] m_axis_tdata,
	output wire [7:0] m_axis_tkeep,
	output wire m_axis_tvalid,
	output wire m_axis_tlast,
	input wire m_axis_tready,

	output wire irq
);
	wire clock = aclk;
	wire resetting;
	reg reset;

	always @(posedge clock)
		reset <= resetting || !aresetn;

	assign s_axi_bresp = 2'b00;
	assign s_axi_rresp = 2'b00;
	assign m_axis_tkeep = 8'hff;

	// Settings and state.
	wire enable, two_slots, loading, computing, stalled, failed, sending, result_done, descriptor_write;
	wire descriptor_error, layer_ended, result_begin, result_end;
	wire [1:0] partition, full, release_slot;
	wire [11:0] ring_first, ring_words, slot0, slot1;
	wire [23:0] frame_beats, beats;
	wire [8:0] descriptor_address;
	wire [3:0] loader_error, error;
	wire [4:0] layer_number, ended;
	wire [31:0] ended_cycles, frame_cycles, records, loaded_crc;
	wire [15:0] sequence_id, sequence_id0, sequence_id1;

	// The descriptor of the layer that runs.
	wire descriptor_ready, advance, sound, last, releases, plus_minus_one, thresholds, requantises, gives_scores;
	wire to_stream, streamed, mask_step, pool_left, pool_top;
	wire [1:0] stride, pool_size;
	wire [3:0] input_bits, weight_bits, output_bits, epilogue_words, mask_quarters;
	wire [3:0] kernel_rows, kernel_steps, kernel_advance, pad_top, pad_left;
	wire [9:0] input_height, input_width, output_height, output_width, pooled_height, pooled_width;
	wire [11:0] frame_base, input_base, input_plane, input_row, input_block, chunks, tiles, first_tile;
	wire [11:0] weight_base, weight_plane, tile_words, output_base, output_plane, output_row, output_block;

	// Steps.
	wire start, issued, quiet, written, draining, took;
	wire step_valid, step_epilogue, step_first, step_twice, step_subtract, step_take, step_masked, tile_finished;
	wire [3:0] step_code_plane, step_weight_plane, step_word;
	wire [11:0] step_index, step_chunk;
	wire [1:0] step_set;
	wire signed [11:0] step_y, step_x;
	wire [1:0] in_flight;

	// Memories and array.
	wire weight_write, frame_write, weight_read, code_read;
	wire [11:0] weight_write_address, frame_address, weight_address, code_write_address;
	wire [3:0] weight_bank, code_write;
	wire [2:0] frame_bank, code_write_bank, select;
	wire [15:0] code_write_data;
	wire [63:0] load_data, mask;
	wire [95:0] code_addresses;
	wire [511:0] memory_codes, codes;
	wire [1023:0] memory_weights, weights;
	wire array_enable, array_first, array_twice, array_subtract, array_take, epilogue_write;
	wire [3:0] epilogue_word;
	wire [1:0] epilogue_set;
	wire [16*BITS-1:0] sums;
	wire [BITS-1:0] all;

	// Epilogues.
	wire pixel_valid, pooled_valid, score_valid, beat_valid, room, result_ready;
	wire [127:0] pixel_codes, pooled_codes;
	wire [9:0] pooled_x, pooled_y;
	wire [63:0] scores, beat;

	// The tile that the steps read: resident tiles follow each other, streamed ones go round in the ring.
	wire [12:0] ring_end = {1'b0, ring_first} + {1'b0, ring_words};
	wire [12:0] available;
	reg [11:0] tile_base, ring_tile;
	reg [8:0] freeing;
	wire [12:0] ring_next = {1'b0, ring_tile} + {1'b0, tile_words};
	wire consumed = tile_finished && streamed;

	always @(posedge clock) begin
		if (start)
			tile_base <= streamed ? ring_tile : weight_base;
		else if (tile_finished)
			tile_base <= !streamed ? tile_base + tile_words :
				     ring_next >= ring_end ? ring_next[11:0] - ring_words : ring_next[11:0];
		if (reset)
			ring_tile <= ring_first;
		else if (consumed)
			ring_tile <= ring_next >= ring_end ? ring_next[11:0] - ring_words : ring_next[11:0];
		freeing <= reset ? 9'd0 : {freeing[7:0], consumed}; // its last words are still being read
	end

	twobit_registers #(.BITS(BITS)) registers (
		.clock(clock), .reset_n(aresetn), .axi_awaddr(s_axi_awaddr), .axi_awvalid(s_axi_awvalid),
		.axi_awready(s_axi_awready), .axi_wdata(s_axi_wdata), .axi_wvalid(s_axi_wvalid),
		.axi_wready(s_axi_wready), .axi_bvalid(s_axi_bvalid), .axi_bready(s_axi_bready),
		.axi_araddr(s_axi_araddr), .axi_arvalid(s_axi_arvalid), .axi_arready(s_axi_arready),
		.axi_rdata(s_axi_rdata), .axi_rvalid(s_axi_rvalid), .axi_rready(s_axi_rready),
		.interrupt(irq), .resetting(resetting), .enable(enable), .partition(partition),
		.ring_first(ring_first), .ring_words(ring_words), .slot0(slot0), .slot1(slot1),
		.two_slots(two_slots), .frame_beats(frame_beats), .descriptor_write(descriptor_write),
		.descriptor_address(descriptor_address), .loader_error(loader_error), .loader_beats(beats),
		.loading(loading), .records(records), .loaded_crc(loaded_crc), .full(full),
		.descriptor_error(descriptor_error), .computing(computing), .stalled(stalled),
		.layer_number(layer_number), .layer_ended(layer_ended), .ended(ended),
		.ended_cycles(ended_cycles), .sequence_id(sequence_id), .frame_cycles(frame_cycles),
		.frame_begins(result_begin), .frame_ends(result_end), .sending(sending),
		.result_done(result_done), .failed(failed), .error(error),
		.progress(step_valid || step_epilogue || (s_axis_tvalid && s_axis_tready) ||
			  (m_axis_tvalid && m_axis_tready) || layer_ended));

	twobit_loader loader (
		.clock(clock), .reset(reset), .stream_data(s_axis_tdata), .stream_valid(s_axis_tvalid),
		.stream_last(s_axis_tlast), .stream_ready(s_axis_tready),
		.weight_depth(13'd3072 - {2'd0, partition, 9'd0}),
		.code_depth(13'd1024 + {1'd0, partition, 10'd0}), .ring_first(ring_first),
		.ring_words(ring_words), .slot0(slot0), .slot1(slot1), .two_slots(two_slots),
		.frame_beats(frame_beats), .stop(failed), .consumed(consumed), .freed(freeing[8]),
		.consumed_words(tile_words), .freed_words(tile_words), .available(available), .full(full),
		.sequence_id0(sequence_id0), .sequence_id1(sequence_id1), .release_slot(release_slot),
		.weight_write(weight_write), .weight_address(weight_write_address), .weight_bank(weight_bank),
		.frame_write(frame_write), .frame_address(frame_address), .frame_bank(frame_bank),
		.data(load_data), .code_write(code_write != 0), .error(loader_error), .beats(beats),
		.loading(loading), .records(records), .loaded_crc(loaded_crc));

	twobit_sequencer sequencer (
		.clock(clock), .reset(reset), .enable(enable), .stop(failed), .full(full), .two_slots(two_slots),
		.slot0(slot0), .slot1(slot1), .sequence_id0(sequence_id0), .sequence_id1(sequence_id1),
		.release_slot(release_slot), .frame_base(frame_base), .descriptor_ready(descriptor_ready), .advance(advance),
		.sound(sound), .number(layer_number), .last(last), .releases(releases), .scores(gives_scores),
		.start(start), .issued(issued), .in_flight(in_flight), .quiet(quiet), .written(written),
		.result_ready(result_ready), .result_begin(result_begin), .result_end(result_end),
		.sequence_id(sequence_id), .frame_cycles(frame_cycles), .computing(computing),
		.error(descriptor_error), .layer_ended(layer_ended), .ended(ended),
		.ended_cycles(ended_cycles));

	twobit_descriptor descriptor (
		.clock(clock), .reset(reset), .write(descriptor_write), .write_address(descriptor_address),
		.write_data(s_axi_wdata), .ready(descriptor_ready), .advance(advance),
		.frame_base(frame_base), .number(layer_number), .sound(sound), .last(last),
		.releases(releases), .input_bits(input_bits), .weight_bits(weight_bits),
		.output_bits(output_bits), .plus_minus_one(plus_minus_one), .thresholds(thresholds),
		.requantises(requantises), .scores(gives_scores), .epilogue_words(epilogue_words), .to_stream(to_stream),
		.kernel_rows(kernel_rows), .kernel_steps(kernel_steps), .kernel_advance(kernel_advance),
		.pad_top(pad_top), .pad_left(pad_left), .stride(stride), .mask_step(mask_step),
		.mask_quarters(mask_quarters), .chunks(chunks), .tiles(tiles), .output_height(output_height),
		.output_width(output_width), .input_height(input_height), .input_width(input_width),
		.input_base(input_base), .input_plane(input_plane), .input_row(input_row),
		.input_block(input_block), .streamed(streamed), .weight_base(weight_base),
		.weight_plane(weight_plane), .tile_words(tile_words), .pool_size(pool_size),
		.pool_left(pool_left), .pool_top(pool_top), .pooled_height(pooled_height),
		.pooled_width(pooled_width), .output_base(output_base), .output_plane(output_plane),
		.output_row(output_row), .output_block(output_block), .first_tile(first_tile));

	twobit_steps steps (
		.clock(clock), .reset(reset), .start(start), .issued(issued), .input_bits(input_bits),
		.weight_bits(weight_bits), .output_bits(output_bits), .plus_minus_one(plus_minus_one),
		.thresholds(thresholds), .epilogue_words(epilogue_words), .to_stream(to_stream),
		.streamed(streamed), .kernel_rows(kernel_rows), .kernel_steps(kernel_steps),
		.kernel_advance(kernel_advance), .pad_top(pad_top), .pad_left(pad_left), .stride(stride),
		.mask_step(mask_step), .chunks(chunks), .tiles(tiles), .output_height(output_height),
		.output_width(output_width), .block_ready(available >= {1'b0, tile_words}), .tile_finished(tile_finished),
		.took(took), .in_flight(in_flight), .draining(draining), .step_valid(step_valid),
		.step_epilogue(step_epilogue), .step_first(step_first), .step_twice(step_twice), .step_subtract(step_subtract),
		.step_take(step_take), .step_masked(step_masked), .step_code_plane(step_code_plane),
		.step_weight_plane(step_weight_plane), .step_index(step_index), .step_chunk(step_chunk),
		.step_word(step_word), .step_set(step_set), .step_y(step_y), .step_x(step_x), .stalled(stalled));

	twobit_addresses addresses (
		.clock(clock), .reset(reset), .epilogue_words(epilogue_words), .mask_quarters(mask_quarters),
		.input_height(input_height), .input_width(input_width), .input_base(input_base),
		.input_plane(input_plane), .input_row(input_row), .input_block(input_block),
		.weight_plane(weight_plane), .tile_base(tile_base),
		.ring_end(streamed ? ring_end : 13'd0), .ring_words(ring_words), .step_valid(step_valid),
		.step_epilogue(step_epilogue), .step_first(step_first), .step_twice(step_twice),
		.step_subtract(step_subtract), .step_take(step_take), .step_masked(step_masked),
		.step_code_plane(step_code_plane), .step_weight_plane(step_weight_plane),
		.step_index(step_index), .step_chunk(step_chunk), .step_word(step_word), .step_set(step_set),
		.step_y(step_y), .step_x(step_x), .code_read(code_read), .code_addresses(code_addresses),
		.weight_read(weight_read), .weight_address(weight_address), .memory_codes(memory_codes),
		.memory_weights(memory_weights), .codes(codes), .weights(weights), .mask(mask),
		.array_enable(array_enable), .array_first(array_first), .array_twice(array_twice),
		.array_subtract(array_subtract), .array_take(array_take), .epilogue_write(epilogue_write),
		.epilogue_word(epilogue_word), .epilogue_set(epilogue_set));

	twobit_memory memory (
		.clock(clock), .partition(partition), .weight_write(weight_write),
		.weight_write_address(weight_write_address), .weight_write_bank(weight_bank),
		.weight_write_data(load_data), .frame_write(frame_write), .frame_address(frame_address),
		.frame_bank(frame_bank), .frame_data(load_data), .code_write(code_write),
		.code_write_address(code_write_address), .code_write_bank(code_write_bank),
		.code_write_data(code_write_data), .weight_read(weight_read),
		.weight_read_address(weight_address), .weights(memory_weights), .code_read(code_read),
		.code_read_addresses(code_addresses), .codes(memory_codes));

	twobit_array #(.BITS(BITS)) array (
		.clock(clock), .codes(codes), .weights(weights), .mask(mask), .enable(array_enable),
		.clear(array_first), .twice(array_twice), .subtract(array_subtract), .take(array_take),
		.select(select), .sums(sums), .all(all));

	twobit_drain #(.BITS(BITS)) drain (
		.clock(clock), .reset(reset), .start(start), .output_bits(output_bits),
		.plus_minus_one(plus_minus_one), .thresholds(thresholds), .requantises(requantises),
		.to_stream(to_stream), .stride(stride), .output_height(output_height),
		.output_width(output_width), .took(took), .room(room),
		.draining(draining), .quiet(quiet), .select(select), .sums(sums), .all(all),
		.epilogue_write(epilogue_write), .epilogue_word(epilogue_word), .epilogue_set(epilogue_set),
		.epilogues(weights), .pixel_valid(pixel_valid), .pixel_codes(pixel_codes),
		.score_valid(score_valid), .scores(scores));

	twobit_pool pool (
		.clock(clock), .reset(reset), .start(start), .pool_size(pool_size), .pool_left(pool_left),
		.pool_top(pool_top), .stride(stride), .output_height(output_height),
		.output_width(output_width), .pooled_height(pooled_height), .pooled_width(pooled_width),
		.in_valid(pixel_valid), .in_codes(pixel_codes), .out_valid(pooled_valid),
		.out_codes(pooled_codes), .out_x(pooled_x), .out_y(pooled_y));

	twobit_writeback writeback (
		.clock(clock), .reset(reset), .start(start), .output_bits(output_bits), .to_stream(to_stream),
		.pooled_height(pooled_height), .pooled_width(pooled_width), .output_base(output_base),
		.output_plane(output_plane), .output_row(output_row), .output_block(output_block),
		.tiles(tiles), .first_tile(first_tile), .in_valid(pooled_valid),
		.in_codes(pooled_codes), .in_x(pooled_x), .in_y(pooled_y), .code_write(code_write),
		.code_write_address(code_write_address), .code_write_bank(code_write_bank),
		.code_write_data(code_write_data), .beat_valid(beat_valid), .beat(beat), .written(written));

	twobit_result result (
		.clock(clock), .reset(reset), .begin_result(result_begin), .end_result(result_end),
		.sequence_id(sequence_id), .cycles(frame_cycles), .beat_valid(beat_valid || score_valid),
		.beat(score_valid ? scores : beat), .failed(failed), .error(error), .room(room),
		.ready(result_ready), .busy(sending), .done(result_done), .stream_data(m_axis_tdata),
		.stream_last(m_axis_tlast), .stream_valid(m_axis_tvalid), .stream_ready(m_axis_tready));
endmodule

`default_nettype wire
