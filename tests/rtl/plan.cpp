/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include "pl/overlay/registers.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <zlib.h>

#define FIELD(name, value) (static_cast<uint32_t>(value) << OVERLAY_##name##_SHIFT)

static int divide_up(int a, int b)
{
	return (a + b - 1) / b;
}

std::vector<uint64_t> record(
	int type, bool last, int address, uint16_t sequence, const std::vector<uint64_t> &payload)
{
	std::vector<uint64_t> beats;

	beats.push_back(static_cast<uint64_t>(OVERLAY_RECORD_MAGIC) << OVERLAY_HEADER_MAGIC_SHIFT |
			static_cast<uint64_t>(type) << OVERLAY_HEADER_TYPE_SHIFT |
			static_cast<uint64_t>(last) << OVERLAY_HEADER_LAST_SHIFT |
			static_cast<uint64_t>(address) << OVERLAY_HEADER_ADDRESS_SHIFT |
			static_cast<uint64_t>(payload.size()) << OVERLAY_HEADER_LENGTH_SHIFT |
			static_cast<uint64_t>(sequence) << OVERLAY_HEADER_SEQUENCE_SHIFT);
	beats.insert(beats.end(), payload.begin(), payload.end());
	beats.push_back(
		crc32(0, reinterpret_cast<const Bytef *>(beats.data()), static_cast<uInt>(beats.size() * 8)));
	return beats;
}

plan::plan(const struct network *network, int first, int last, bool one_slot)
{
	for (int i = first; i < last; i++) {
		const struct layer *layer = &network->layers[i];

		if (layer->kind != LAYER_MAX_POOL) {
			chain.push_back(layer);
			pools.push_back(nullptr);
		} else if (chain.empty() || pools.back()) {
			throw std::string("a max pool must follow a convolution");
		} else {
			pools.back() = layer;
		}
	}
	lay_out();
	split();
	place_codes(one_slot);
	place_weights();
	describe();
}

/* Where each channel of each tensor lies: a consumer's group begins a chunk, a producer's a tile. */
void plan::lay_out()
{
	for (size_t i = 0; i <= chain.size(); i++) {
		const struct layer *reader = i < chain.size() ? chain[i] : nullptr;
		const struct layer *writer = i > 0 ? chain[i - 1] : nullptr;
		tensor t;

		t.shape = reader ? reader->in : pools[i - 1] ? pools[i - 1]->out : writer->out;
		t.bits = reader ? reader->input_bits : writer->output_bits;
		t.height = t.shape.height;
		t.width = t.shape.width;
		int channels = t.shape.channels;
		int read_groups = reader ? reader->groups : 1, write_groups = writer ? writer->groups : 1;
		int slot = reader && reader->weight_bits == 1 ? divide_up(channels, 16) * 16 : channels;

		if (!writer && reader->groups == 1 && slot <= 32 && reader->kernel_width > 1) {
			t.pack = std::min(64 / slot, reader->kernel_width);
			t.width += reader->pad_left + reader->pad_right;
			t.pad_left = reader->pad_left;
		}
		int place = 0;
		for (int c = 0; c < channels; c++) {
			if (c % (channels / read_groups) == 0)
				place = divide_up(place, 64) * 64;
			else if (writer && c % (channels / write_groups) == 0)
				place = divide_up(place, 16) * 16;
			t.place.push_back(place++);
		}
		t.chunks = divide_up(place, 64);
		tensors.push_back(t);
	}
}

/* A part for each run of channels that lie one behind the other and share a group. */
void plan::split()
{
	for (size_t i = 0; i < chain.size(); i++) {
		const struct layer *layer = chain[i];
		const std::vector<int> &place = tensors[i + 1].place;
		int per_group = layer->out.channels / layer->groups;

		for (int c = 0; c < layer->out.channels; c++) {
			if (c == 0 || c % per_group == 0 || place[c] != place[c - 1] + 1) {
				part p{};
				p.layer = layer;
				p.pool = pools[i];
				p.layer_index = static_cast<int>(i);
				p.first_place = place[c];
				parts.push_back(p);
			}
			parts.back().channels.push_back(c);
		}
	}
	for (part &p : parts) {
		const tensor &in = tensors[p.layer_index];
		const struct layer *layer = p.layer;
		int depth = layer->in.channels / layer->groups;
		int chunks = divide_up(depth, 64);
		int endings = layer->ending == ENDING_THRESHOLDS ? (1 << layer->output_bits) - 1
			      : layer->ending == ENDING_RESCALE	 ? 3
								 : 0;

		for (int c : p.channels) { /* a group's channels may lie with holes between them */
			int g = c / (layer->out.channels / layer->groups);
			chunks = in.place[(g + 1) * depth - 1] / 64 - in.place[g * depth] / 64 + 1;
		}
		p.channels.resize((p.channels.size() + 15) / 16 * 16, -1);
		p.tile_words = endings + layer->weight_bits * layer->kernel_height *
						 divide_up(layer->kernel_width, in.pack) * chunks;
		int columns = (layer->out.width - 1) * layer->stride + 1;
		p.cycles_per_word =
			static_cast<long>(layer->out.height) * divide_up(columns, 8) * layer->input_bits;
	}
}

void plan::place_codes(bool one_slot)
{
	size_t last = chain.size();
	int picture = tensors[0].words(), pair = 0;

	for (size_t i = 1; i < last; i++)
		pair = std::max(pair, tensors[i].words() + (i + 1 < last ? tensors[i + 1].words() : 0));
	for (slots = one_slot ? 1 : 2; slots > 0; slots--)
		for (partition = 0; partition <= 2; partition++) {
			code_words = 1024 * (1 + partition);
			if (slots * picture + pair > code_words)
				continue;
			slot_base[0] = 0;
			slot_base[1] = slots == 2 ? picture : 0;
			for (size_t i = 1; i < last; i++)
				tensors[i].base = i % 2 ? slots * picture : code_words - tensors[i].words();
			return;
		}
	/* Over the picture, then, when its first layers are done: the next one is loaded when this one is
	 * through. */
	slots = 1;
	partition = 2;
	release_last = true;
	for (size_t i = 1; i < last; i++)
		tensors[i].base = i % 2 ? code_words - tensors[i].words() : 0;
	if (picture + (last > 1 ? tensors[1].words() : 0) <= code_words && pair <= code_words)
		return;
	throw std::string("the codes do not fit: ") + std::to_string(picture + pair) + " words";
}

/* What is used longest streams best; the rest stays. */
void plan::place_weights()
{
	int total = 0, largest = 0, depth = 3072 - 512 * partition;

	for (const part &p : parts) {
		total += p.tiles() * p.tile_words;
		largest = std::max(largest, p.tile_words);
	}
	if (total > depth) {
		ring_words = std::max(2 * largest, std::min({512, total / 8, total - depth}));
		if (ring_words > depth)
			throw std::string("a tile's weights do not fit twice");
	}
	std::vector<size_t> order(parts.size());
	for (size_t i = 0; i < order.size(); i++)
		order[i] = i;
	std::stable_sort(order.begin(), order.end(),
		[this](size_t a, size_t b) { return parts[a].cycles_per_word > parts[b].cycles_per_word; });
	std::vector<int> streamed_tiles(parts.size(), 0);
	int left = total - (depth - ring_words);
	for (size_t first = 0, end; first < order.size() && left > 0; first = end) {
		/* Those that are used equally long share what is left, so that each waits less. */
		for (end = first; end < order.size() &&
				  parts[order[end]].cycles_per_word == parts[order[first]].cycles_per_word;)
			end++;
		for (bool more = true; more && left > 0;) {
			more = false;
			for (size_t i = first; i < end && left > 0; i++) {
				const part &p = parts[order[i]];
				if (streamed_tiles[order[i]] == p.tiles())
					continue;
				streamed_tiles[order[i]]++;
				left -= p.tile_words;
				more = true;
			}
		}
	}
	std::vector<part> all;
	for (size_t i = 0; i < parts.size(); i++) {
		int kept = parts[i].tiles() - streamed_tiles[i];
		part stays = parts[i], goes = parts[i];

		stays.channels.resize(static_cast<size_t>(kept) * 16);
		goes.channels.erase(goes.channels.begin(), goes.channels.begin() + kept * 16);
		goes.first_place += kept * 16;
		goes.streamed = true;
		if (kept) {
			stays.weight_base = weight_words;
			weight_words += kept * stays.tile_words;
			all.push_back(stays);
		}
		if (streamed_tiles[i]) {
			streamed_words += streamed_tiles[i] * goes.tile_words;
			all.push_back(goes);
		}
	}
	parts = all;
	ring_first = weight_words;
	if (ring_words)
		ring_words = depth - ring_first;
	for (const part &p : parts)
		for (int i = 0; i < p.tiles(); i++) {
			std::vector<uint64_t> words = tile(p, i);
			std::vector<uint64_t> &to = p.streamed ? streamed : resident;
			to.insert(to.end(), words.begin(), words.end());
		}
}

/* The words of the thresholds t[0 … 2^bits − 2] as a heap: node n decides between codes below and from
 * `middle`. */
static void heap(const int32_t *t, int node, int low, int high, std::vector<int32_t> *words)
{
	if (high - low < 2)
		return;
	int middle = (low + high) / 2;

	(*words)[node - 1] = t[middle - 1];
	heap(t, 2 * node, low, middle, words);
	heap(t, 2 * node + 1, middle, high, words);
}

static std::vector<uint64_t> endings(const struct layer *layer, int channel)
{
	std::vector<uint64_t> words;

	if (layer->ending == ENDING_THRESHOLDS) {
		int count = (1 << layer->output_bits) - 1;
		std::vector<int32_t> values(count, INT32_MAX);
		uint64_t invert = channel >= 0 && layer->invert && layer->invert[channel];

		if (channel >= 0)
			heap(layer->thresholds + channel * count, 1, 0, count + 1, &values);
		for (int32_t value : values)
			words.push_back(static_cast<uint32_t>(value) | invert << 32);
	} else if (layer->ending == ENDING_RESCALE) {
		uint64_t shift = channel < 0 ? 0 : layer->shift[channel];
		uint32_t multiplier = channel < 0 ? 0 : static_cast<uint32_t>(layer->multiplier[channel]);
		uint64_t addend = channel < 0 ? 0 : static_cast<uint64_t>(layer->addend[channel]);

		words.push_back(multiplier | (shift & 7) << 32);
		words.push_back((addend & UINT32_MAX) | (shift >> 3) << 32);
		words.push_back(addend >> 32);
	}
	return words;
}

std::vector<uint64_t> plan::tile(const part &p, int index) const
{
	const struct layer *layer = p.layer;
	const tensor &in = tensors[p.layer_index];
	int depth = layer->in.channels / layer->groups;
	int slot = layer->weight_bits == 1 ? divide_up(depth, 16) * 16 : depth;
	int steps = divide_up(layer->kernel_width, in.pack);
	std::vector<uint64_t> words(static_cast<size_t>(p.tile_words) * 16, 0);

	for (int lane = 0; lane < 16; lane++) {
		int o = p.channels[index * 16 + lane];
		std::vector<uint64_t> head = endings(layer, o);

		for (size_t i = 0; i < head.size(); i++)
			words[i * 16 + lane] = head[i];
		if (o < 0)
			continue;
		int group = o / (layer->out.channels / layer->groups);
		int first_chunk = in.place[group * depth] / 64;
		int chunks = in.place[(group + 1) * depth - 1] / 64 - first_chunk + 1;
		const int8_t *w = layer->weights +
				  static_cast<size_t>(o) * layer->kernel_height * layer->kernel_width * depth;

		for (int ky = 0; ky < layer->kernel_height; ky++)
			for (int kx = 0; kx < layer->kernel_width; kx++)
				for (int i = 0; i < depth; i++, w++) {
					int place = in.place[group * depth + i] - first_chunk * 64;
					int chunk = place / 64, bit = place % 64 + kx % in.pack * slot;
					int step = (ky * steps + kx / in.pack) * chunks + chunk;

					for (int b = 0; b < layer->weight_bits; b++) {
						uint64_t one = layer->weight_bits == 1 ? *w > 0 : *w >> b & 1;
						size_t word = head.size() +
							      static_cast<size_t>(b) * layer->kernel_height *
								      steps * chunks +
							      step;
						words[word * 16 + lane] |= one << bit;
					}
				}
	}
	return words;
}

void plan::describe()
{
	size_t last_reader = 0;
	for (size_t i = 0; i < parts.size(); i++)
		if (parts[i].layer_index == 0 || release_last)
			last_reader = i;
	if (parts.size() > 32)
		throw std::string("more than 32 descriptors");

	for (size_t i = 0; i < parts.size(); i++) {
		const part &p = parts[i];
		const struct layer *layer = p.layer;
		const tensor &in = tensors[p.layer_index], &out = tensors[p.layer_index + 1];
		bool from_picture = p.layer_index == 0,
		     to_stream = p.layer_index + 1 == static_cast<int>(chain.size());
		bool plus_minus = layer->weight_bits == 1;
		int depth = layer->in.channels / layer->groups;
		int group = p.channels[0] / (layer->out.channels / layer->groups);
		int first_chunk = in.place[group * depth] / 64;
		int last_place = in.place[(group + 1) * depth - 1];
		int chunks = last_place / 64 - first_chunk + 1;
		int steps = divide_up(layer->kernel_width, in.pack);
		int slot_quarters = divide_up(depth, 16);
		int quarters = last_place % 64 / 16 + 1, mask_step = 0;
		const struct layer *pool = p.pool;
		struct shape written = pool ? pool->out : layer->out;
		std::vector<uint32_t> words(OVERLAY_DESCRIPTOR_USED);

		if (in.pack > 1) {
			mask_step = layer->kernel_width % in.pack != 0;
			quarters = mask_step ? layer->kernel_width % in.pack * slot_quarters
					     : in.pack * slot_quarters;
		}
		if (layer->stride != 1 && layer->stride != 2 && layer->stride != 4)
			throw std::string("a stride other than 1, 2, 4");
		if (layer->kernel_height > 15 || steps > 15)
			throw std::string("a kernel over 15");
		if (pool) {
			int right = layer->out.width - 1 + pool->pad_left,
			    low = layer->out.height - 1 + pool->pad_top;
			if (pool->kernel_height != pool->kernel_width || pool->kernel_width < 2 ||
				pool->kernel_width > 3 || pool->stride != 2 || pool->pad_left > 1 ||
				pool->pad_top > 1 || pool->out.width > 64)
				throw std::string("a max pool other than 2 x 2 or 3 x 3 with stride 2");
			if (pool->kernel_width == 3 &&
				((right % 2 == 0 && right && right / 2 < pool->out.width) ||
					(low % 2 == 0 && low && low / 2 < pool->out.height)))
				throw std::string("a max pool whose last window holds one row or column");
		}
		words[OVERLAY_WORD_SHAPE] =
			FIELD(SHAPE_INPUT_BITS, layer->input_bits) |
			FIELD(SHAPE_WEIGHT_BITS, layer->weight_bits) |
			FIELD(SHAPE_OUTPUT_BITS, layer->ending == ENDING_SCORES ? 0 : layer->output_bits) |
			FIELD(SHAPE_ENDING, layer->ending == ENDING_THRESHOLDS ? OVERLAY_ENDING_THRESHOLDS
					    : layer->ending == ENDING_RESCALE  ? OVERLAY_ENDING_RESCALE
									       : OVERLAY_ENDING_SCORES) |
			FIELD(SHAPE_PLUS_MINUS_ONE, plus_minus) | FIELD(SHAPE_FROM_PICTURE, from_picture) |
			FIELD(SHAPE_RELEASES, i == last_reader) | FIELD(SHAPE_STREAMED, p.streamed) |
			FIELD(SHAPE_TO_STREAM, to_stream) | FIELD(SHAPE_LAST, i + 1 == parts.size()) |
			FIELD(SHAPE_POOL, pool ? pool->kernel_width : 0) |
			FIELD(SHAPE_POOL_LEFT, pool ? pool->pad_left : 0) |
			FIELD(SHAPE_POOL_TOP, pool ? pool->pad_top : 0) |
			FIELD(SHAPE_STRIDE, layer->stride / 2) | FIELD(SHAPE_MASK_STEP, mask_step) |
			FIELD(SHAPE_MASK, (1 << quarters) - 1);
		words[OVERLAY_WORD_INPUT] = FIELD(INPUT_HEIGHT, in.height) | FIELD(INPUT_WIDTH, in.width);
		words[OVERLAY_WORD_KERNEL] = FIELD(KERNEL_ROWS, layer->kernel_height) |
					     FIELD(KERNEL_STEPS, steps) | FIELD(KERNEL_ADVANCE, in.pack) |
					     FIELD(KERNEL_PAD_TOP, layer->pad_top) |
					     FIELD(KERNEL_PAD_LEFT, in.pack > 1 ? 0 : layer->pad_left);
		words[OVERLAY_WORD_OUTPUT] = FIELD(OUTPUT_HEIGHT, layer->out.height) |
					     FIELD(OUTPUT_WIDTH, (layer->out.width - 1) * layer->stride + 1);
		words[OVERLAY_WORD_POOLED] =
			FIELD(POOLED_HEIGHT, written.height) | FIELD(POOLED_WIDTH, written.width);
		words[OVERLAY_WORD_INPUT_PLACE] = FIELD(INPUT_PLACE_BASE, in.base + first_chunk) |
						  FIELD(INPUT_PLACE_PLANE, in.plane_words());
		words[OVERLAY_WORD_INPUT_STEP] =
			FIELD(INPUT_STEP_ROW, in.row_words()) | FIELD(INPUT_STEP_BLOCK, in.block_words());
		words[OVERLAY_WORD_CHUNKS] = FIELD(CHUNKS_COUNT, chunks) |
					     FIELD(CHUNKS_PLANE, layer->kernel_height * steps * chunks);
		if (!to_stream) {
			words[OVERLAY_WORD_OUTPUT_PLACE] = FIELD(OUTPUT_PLACE_BASE, out.base) |
							   FIELD(OUTPUT_PLACE_PLANE, out.plane_words());
			words[OVERLAY_WORD_OUTPUT_STEP] = FIELD(OUTPUT_STEP_ROW, out.row_words()) |
							  FIELD(OUTPUT_STEP_BLOCK, out.block_words());
		}
		words[OVERLAY_WORD_TILES] =
			FIELD(TILES_COUNT, p.tiles()) | FIELD(TILES_FIRST, p.first_place / 16);
		words[OVERLAY_WORD_WEIGHTS] =
			FIELD(WEIGHTS_BASE, p.weight_base) | FIELD(WEIGHTS_TILE, p.tile_words);
		descriptors.push_back(words);
	}
}

std::vector<std::pair<uint32_t, uint32_t>> plan::writes() const
{
	std::vector<std::pair<uint32_t, uint32_t>> list;

	list.emplace_back(OVERLAY_REG_PARTITION, partition);
	list.emplace_back(OVERLAY_REG_RING, FIELD(RING_FIRST, ring_first) | FIELD(RING_WORDS, ring_words));
	list.emplace_back(OVERLAY_REG_PICTURE, FIELD(PICTURE_SLOT0, slot_base[0]) |
						       FIELD(PICTURE_SLOT1, slot_base[1]) |
						       FIELD(PICTURE_SLOTS, slots == 2));
	list.emplace_back(OVERLAY_REG_PICTURE_BEATS, tensors[0].words() * 8);
	for (size_t i = 0; i < descriptors.size(); i++)
		for (size_t j = 0; j < descriptors[i].size(); j++)
			list.emplace_back(static_cast<uint32_t>(OVERLAY_REG_DESCRIPTORS +
								4 * (i * OVERLAY_DESCRIPTOR_WORDS + j)),
				descriptors[i][j]);
	return list;
}

void plan::program(simulation &s) const
{
	for (const auto &one : writes())
		s.write(one.first, one.second);
	s.reset_by_register(); /* the ring begins at its new place */
	if (!resident.empty())
		s.send(record(OVERLAY_RECORD_WEIGHTS, true, 0, 0, resident));
	while (!s.to_send.empty())
		s.tick();
	s.tick(8);
	s.write(OVERLAY_REG_CONTROL, 1U << OVERLAY_CONTROL_ENABLE_SHIFT);
}

std::vector<uint64_t> plan::picture(const uint8_t *codes, uint16_t sequence) const
{
	const tensor &in = tensors[0];
	const struct layer *layer = chain[0];
	int slot = layer->weight_bits == 1 ? divide_up(in.shape.channels, 16) * 16 : in.shape.channels;
	std::vector<uint64_t> words(static_cast<size_t>(in.words()) * 8, 0);

	for (int y = 0; y < in.shape.height; y++)
		for (int x = 0; x < in.shape.width; x++)
			for (int c = 0; c < in.shape.channels; c++, codes++)
				for (int j = 0; j < in.pack; j++) {
					int at = x + in.pad_left - j, bit = in.place[c] + j * slot;

					for (int b = 0; at >= 0 && b < in.bits; b++)
						words[(static_cast<size_t>(b) * in.plane_words() +
							      y * in.row_words() + at / 8 * in.chunks +
							      bit / 64) *
								8 +
							at % 8] |= static_cast<uint64_t>(*codes >> b & 1)
								   << bit % 64;
				}
	std::vector<uint64_t> transfer = record(OVERLAY_RECORD_PICTURE, streamed.empty(), 0, sequence, words);
	if (!streamed.empty()) {
		std::vector<uint64_t> weights = record(OVERLAY_RECORD_STREAMED, true, 0, 0, streamed);
		transfer.insert(transfer.end(), weights.begin(), weights.end());
	}
	return transfer;
}

bool plan::right(const std::vector<uint64_t> &answer, uint16_t sequence, const void *expected) const
{
	const uint8_t *codes = static_cast<const uint8_t *>(expected);
	const int32_t *scores = static_cast<const int32_t *>(expected);
	size_t at = 1, wrong = 0;

	if (answer.size() < 2 || (answer[0] & 0x7ff) != (OVERLAY_RECORD_MAGIC | OVERLAY_RECORD_ANSWER << 8) ||
		answer[0] >> OVERLAY_HEADER_SEQUENCE_SHIFT != sequence) {
		std::fprintf(stderr, "not the answer: %zu beats, header %016llx\n", answer.size(),
			answer.empty() ? 0ULL : static_cast<unsigned long long>(answer[0]));
		return false;
	}
	if ((answer.back() & UINT32_MAX) != crc32(0, reinterpret_cast<const Bytef *>(answer.data()),
						    static_cast<uInt>(answer.size() * 8 - 8))) {
		std::fprintf(stderr, "the answer's CRC is wrong\n");
		return false;
	}
	for (const part &p : parts) {
		if (p.layer_index + 1 != static_cast<int>(chain.size()))
			continue;
		struct shape shape = p.pool ? p.pool->out : p.layer->out;
		bool is_scores = p.layer->ending == ENDING_SCORES;
		int beats = is_scores ? 8 : p.layer->output_bits > 4 ? 2 : 1;

		for (int t = 0; t < p.tiles(); t++)
			for (int i = 0; i < shape.height * shape.width; i++, at += beats) {
				if (at + beats >= answer.size()) {
					std::fprintf(
						stderr, "the answer is short: %zu beats\n", answer.size());
					return false;
				}
				for (int lane = 0; lane < 16; lane++) {
					int c = p.channels[t * 16 + lane];
					if (c < 0)
						continue;
					if (is_scores) {
						int32_t got = static_cast<int32_t>(
							answer[at + lane / 2] >> lane % 2 * 32);
						wrong += got != scores[i * shape.channels + c];
						continue;
					}
					int got = 0;
					for (int b = 0; b < p.layer->output_bits; b++)
						got |= static_cast<int>(
							       answer[at + b / 4] >> (b % 4 * 16 + lane) & 1)
						       << b;
					wrong += got != codes[i * shape.channels + c];
				}
			}
	}
	if (at + 1 != answer.size())
		std::fprintf(stderr, "the answer has %zu beats, %zu expected\n", answer.size(), at + 1);
	if (wrong)
		std::fprintf(stderr, "%zu wrong values\n", wrong);
	return at + 1 == answer.size() && wrong == 0;
}
