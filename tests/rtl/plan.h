/* SPDX-License-Identifier: MIT */
/*
 * What a driver makes of a network for the overlay: memory map, descriptors, weights, pictures, answers.
 * Small and plain: it is here to test the overlay; README.md in assets/overlay says what it must obey.
 */
#ifndef RTL_PLAN_H
#define RTL_PLAN_H

#include "simulation.h"

extern "C" {
#include "nn/network.h"
}

#include <string>
#include <utility>

/* A tensor of codes in the overlay's memory. */
struct tensor {
	struct shape shape; /* as the network sees it */
	int bits = 0;
	int chunks = 0;		       /* of 64 places, in a pixel */
	int height = 0, width = 0;     /* as stored */
	int pack = 1;		       /* pixels whose channels share a chunk */
	int pad_top = 0, pad_left = 0; /* stored rows and columns before the picture */
	std::vector<int> place;	       /* of each channel */
	int base = 0;

	int block_words() const
	{
		return chunks;
	}
	int row_words() const
	{
		return (width + 7) / 8 * chunks;
	}
	int plane_words() const
	{
		return height * row_words();
	}
	int words() const
	{
		return bits * plane_words();
	}
};

/* Consecutive tiles of output channels: one descriptor. */
struct part {
	const struct layer *layer, *pool; /* pool: NULL, or the max pool behind the layer */
	int layer_index;		  /* in the chain of layers with weights */
	std::vector<int> channels;	  /* of each lane; -1: none */
	int first_place = 0;		  /* of lane 0 in the output */
	bool streamed = false;
	int weight_base = 0;
	int tile_words = 0;
	long cycles_per_word = 0;

	int tiles() const
	{
		return static_cast<int>(channels.size()) / 16;
	}
};

class plan
{
      public:
	/* Layers first ... last - 1. Throws std::string, saying why, when they do not fit. */
	plan(const struct network *network, int first, int last, bool one_slot = false);

	void program(simulation &s) const; /* registers, descriptors, resident weights; then enabled */
	std::vector<std::pair<uint32_t, uint32_t>>
	writes() const; /* address, value: what program() writes first */
	std::vector<uint64_t> picture(const uint8_t *codes, uint16_t sequence) const; /* a transfer */

	/* True when the answer is that of `expected` (codes or scores of the last layer). */
	bool right(const std::vector<uint64_t> &answer, uint16_t sequence, const void *expected) const;

	int partition = 0, ring_first = 0, ring_words = 0, slots = 2, slot_base[2] = {0, 0};
	int code_words = 0, weight_words = 0, streamed_words = 0;
	std::vector<std::vector<uint32_t>> descriptors;
	std::vector<uint64_t> resident, streamed; /* payload beats */
	std::vector<part> parts;

      private:
	std::vector<tensor> tensors; /* tensors[i] is what layer i of the chain reads */
	std::vector<const struct layer *> chain, pools;

	bool release_last = false; /* tensors lie where the picture was */

	void lay_out();
	void split();
	void place_codes(bool one_slot);
	void place_weights();
	void describe();
	std::vector<uint64_t> tile(const part &p, int index) const;
};

/* The overlay's records. */
std::vector<uint64_t> record(
	int type, bool last, int address, uint16_t sequence, const std::vector<uint64_t> &payload);

#endif
