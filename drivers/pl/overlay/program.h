/* SPDX-License-Identifier: MIT */
/*
 * What the overlay needs to run a network's layers: the addresses of tensors and weights, a descriptor for
 * each part of a layer, weights, and the layout of frames and results. Computed once;
 * assets/overlay/README.md is the contract and defines the terms.
 */
#ifndef PL_OVERLAY_PROGRAM_H
#define PL_OVERLAY_PROGRAM_H

#include "nn/network.h"
#include "pl/overlay/registers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum {
	OVERLAY_PIXELS = 8,    /* in a code word */
	OVERLAY_CHANNELS = 16, /* of a tile */
	OVERLAY_BITS = 64,     /* channels of a chunk */
	OVERLAY_LAYERS = 32,   /* descriptors, at most */
	OVERLAY_CODE_BEATS = OVERLAY_PIXELS,
	OVERLAY_WEIGHT_BEATS = OVERLAY_CHANNELS,
};

/* The size of a design: registers GEOMETRY, MEMORY and LIMITS, and the DMA's longest transfer in bytes. */
struct overlay_limits {
	int weight_words, code_words; /* with no page moved */
	int pages, page_words;	      /* that move; words as weights, twice as many as codes */
	int layers, pooled_width, accumulator_bits;
	size_t transfer;
};

/* The design in assets/overlay, with a DMA of 26 bits. */
extern const struct overlay_limits overlay_limits;

/* A layer with weights, and the max pool behind it or NULL. */
struct stage {
	const struct layer *layer, *pool;
};

/* A tensor of codes as it lies in the overlay's memory; tensor i is what stage i reads. */
struct overlay_tensor {
	struct shape shape;
	int bits;
	int height, width; /* as stored */
	int chunks;	   /* of a pixel */
	int pack;	   /* pixels whose channels share a chunk */
	int slot;	   /* packed: places from one of these pixels to the next */
	int pad_left;	   /* packed: stored columns before the frame */
	int *place;	   /* of each channel: chunk · 64 + bit */
	int base;	   /* code word */
};

/* Consecutive output channels of a stage: one descriptor. */
struct layer_part {
	int stage;
	int first_channel, channels;
	int first_place;	 /* of first_channel in the output */
	int first_chunk, chunks; /* of the input, that it reads */
	int last_place;		 /* of the last input channel that it reads */
	int tiles, tile_words, epilogue_words;
	int weight_base; /* resident: weight word */
	bool streamed;
	int64_t uses; /* cycles in which a weight word is used */
};

/* Sealed records, one behind the other, cut into transfers. */
struct transfer {
	size_t offset, size; /* bytes */
};
struct records {
	uint64_t *beats;
	size_t size; /* bytes */
	struct transfer *transfers;
	int count;
};

struct program {
	struct overlay_limits limits;
	struct stage stages[OVERLAY_LAYERS];
	int stage_count;
	struct overlay_tensor tensors[OVERLAY_LAYERS + 1];
	struct layer_part parts[2 * OVERLAY_LAYERS]; /* in the order in which they run */
	int part_count;
	int partition, slots, slot_base[2];
	bool shares_slot; /* other tensors lie over the frame: it is released by the last part */
	int ring_first, ring_words;
	int weight_words;	/* resident */
	int64_t streamed_words; /* for each frame */
	uint32_t descriptors[OVERLAY_LAYERS][OVERLAY_DESCRIPTOR_USED];
	struct records resident; /* to be sent once; count may be 0 */
	struct records frame;	 /* to be sent for each: beats have no frame in them yet */
	size_t frame_beats;	 /* payload */
	size_t result_size;	 /* bytes */
};

/*
 * Layers first … last − 1, which must outlive the program. one_slot: a frame is loaded only when the previous
 * one has released its memory, even if two fit. -ENOTSUP: the overlay cannot run them; the message names the
 * layer and the limit that it exceeds.
 */
int program_create(const struct network *network, int first, int last, const struct overlay_limits *limits,
	bool one_slot, struct program **out, struct error *e);
void program_destroy(struct program *program); /* takes NULL */

/* Whether the overlay can run them: returns as program_create. */
int program_check(const struct network *network, int first, int last, const struct overlay_limits *limits,
	struct error *e);

/* Writes the registers that must be set before the first reset, in order. */
void program_write(const struct program *program,
	void (*write)(void *context, uint32_t offset, uint32_t value), void *context);

/* Writes codes [height][width][channels] into a transfer that began as a copy of program->frame.beats. */
void program_pack(const struct program *program, const uint8_t *codes, uint16_t sequence, uint64_t *transfer);

/*
 * Checks a result of `size` bytes and writes the last layer's scores (int32_t) or codes (uint8_t). -EIO: a
 * failure record, *failure is its ERROR_… code. -EBADMSG: not this frame's result, or a damaged one;
 * *failure is 0 then.
 */
int program_unpack(const struct program *program, const uint64_t *result, size_t size, uint16_t sequence,
	void *out, int *failure);

/* A record in place: header and trailer are written around the payload of `beats` beats behind record[0]. */
void record_seal(uint64_t *record, int type, bool last, int address, uint16_t sequence, size_t beats);

#endif
