/* SPDX-License-Identifier: MIT */
/*
 * The interface between the engine and the kernels. A kernel computes dot products; the engine gives it
 * windows of its input and turns the accumulators into codes, unless the kernel does so itself. A new
 * instruction set is one file that defines a `struct isa`, and a line in table.c.
 *
 * A buffer of codes has one of two layouts. Bytes: [pixel][channel]. Bits: [pixel][group][plane][64-bit
 * word]; channel c of a group is bit c % 64 of word c / 64, spare bits are zero. Sums: int32_t
 * [pixel][channel], which no kernel reads.
 */
#ifndef NN_KERNELS_KERNEL_H
#define NN_KERNELS_KERNEL_H

#include "nn/network.h"

#include <string.h>

enum layout { LAYOUT_BYTES, LAYOUT_BITS, LAYOUT_SUMS };

/* Elements that kernels and epilogues may read or write beyond the end. */
#define SLACK 64

/* Codes by thresholds are written in such numbers at most. */
#define CODES_AT_ONCE 16

/* Codes of a table that kernels look up. */
#define TABLE_CODES 256

/* For functions whose arguments become constants by inlining. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/*
 * The gemm plan of one layer: its dot products. A window is seen as `k_blocks` words in each group: of 64
 * channels of one plane for bits, of 4 codes for bytes. A depthwise kernel sees one group, in which a k-block
 * is a tap, a place of the window: a code for each channel, which has a weight of its own for it. Where the
 * window's taps are no multiple of those that it multiplies at once, the last is repeated with no weights.
 */
struct gemm_plan {
	int groups;	    /* depthwise: 1 */
	int channels;	    /* outputs of one group; depthwise: all */
	int k_blocks;	    /* words of a window in one group */
	int32_t *offsets;   /* [k_blocks] bytes from a window's first byte to its words (first plane) */
	int planes;	    /* activation bits; 1 for bytes */
	int32_t plane_size; /* bytes from one plane of a pixel to the next */
	int32_t group_size; /* bytes from one group of a pixel to the next */
	int exact;	    /* narrow bytes: k-blocks whose products can be summed in 16 bits */
	void *weights;	    /* as the kernel's pack left them, 64-byte aligned */
};

/* Which weights of an output channel, counted as in struct layer, belong to a word of its window. */
struct k_block {
	int first, count;
};

struct requantisation;

struct kernel {
	const char *name;
	enum layout layout; /* of its input */
	int lanes;	    /* output channels of a vector */
	int vectors;	    /* in a block, the most that run works on at a time */
	int word;	    /* bytes of packed weights for a k-block of an output channel */
	int taps; /* depthwise: k-blocks, of a code each, that run multiplies at once; 0: it is not */
	int cost; /* about tenths of a cycle for a vector's k-block (and plane) */
	bool (*fits)(const struct layer *layer);

	/* Weights as [group][block][k-block][vector][lane]; lanes without a channel hold zeros. */
	void (*pack)(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
		struct gemm_plan *gemm);

	/*
	 * Writes accumulators [pixel][group][channel], `stride` from one pixel to the next. Whole vectors are
	 * written in ascending order: what spills over a group is overwritten by the next one, or lands in
	 * the slack of the last. sums (bits only): [pixel][group], the sum of the codes in the window.
	 */
	void (*run)(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
		const int32_t *sums, int32_t *accumulators, size_t stride);

	/* Optional. */
	/*
	 * k-blocks that run multiplies at once: one run of bytes, the last of which may have no weights. It
	 * is faster where the windows of the pixels that it works on at once are equally far apart. It writes
	 * accumulators for a multiple of these.
	 */
	int chunk, pixels;
	/*
	 * run with an epilogue, so that accumulators stay in the nearest cache: codes of pixel p go to
	 * codes[p]. Only of one group, and of a requantisation with estimates in range and no wide channel.
	 * channel: the first of the gemm plan's in the requantisation and the codes.
	 */
	void (*run_codes)(const struct gemm_plan *gemm, const uint8_t *const *windows, int pixels,
		const struct requantisation *requantisation, int channel, uint8_t *const *codes);
	int store_cost; /* as cost, for a vector of accumulators, however many k-blocks there are */
	int stored; /* vectors whose accumulators take as long as one's: they become codes together. 0: 1 */
	void (*begin)(void); /* the thread calls this before it runs a layer, */
	void (*end)(void);   /* and this after it */
};

/*
 * Thresholds in the layout of the vector code, aligned. Up to 15: one of each channel side by side. The 255
 * of codes of 8 bits: a channel's in 16 rows, and before them a row of the last in each; the very last is
 * INT32_MAX.
 */
struct thresholds {
	int levels;	 /* thresholds of a channel */
	int stride;	 /* channels, rounded up to SLACK */
	int32_t *values; /* [levels][stride] or [stride][17][16] */
	uint8_t *flip;	 /* [stride]: levels where the channel is inverted, else 0 */
};

#define ROW 16			  /* thresholds */
#define ROWS_OF_CHANNEL (ROW + 1) /* with the one of the rows' last */

/*
 * The requantisation of each channel, aligned, with zeros up to SLACK. With a shift of 32 or more a sum's low
 * half only carries into its high half, and the rest are operations of 32 bits: vector code takes the numbers
 * of the channels that have one in the order that suits it. The few `wide` channels that have none are left
 * to requantise_wide.
 */
struct requantisation {
	int channels;
	int64_t *multipliers, *biases, *shifts;
	uint8_t least, largest; /* code */

	int32_t *high_multipliers, *high_shifts; /* shifts less 32; wide channels: zeros */
	int64_t *high_biases;			 /* of 16 channels the even ones, then the odd ones */
	int *wide, wide_count;			 /* channels */

	/*
	 * An estimate in single precision: slope · accumulator + intercept is the code's number times
	 * ESTIMATE_ONE, plus `margin`, and is less than `margin` away from that. A fraction of 2 · margin or
	 * more proves the whole part. margin 0: too far away to be of use. Up to SLACK: one half.
	 */
	float *slopes, *intercepts;
	int margin;
	bool in_range; /* whatever the codes and weights, an estimate stays within 32 bits */
};

#define ESTIMATE_ONE 65536

/* The places of a max pool's window in a feature map: bytes from a row and a column to the next. */
struct pool_window {
	int rows, columns; /* 0: it is empty */
	size_t row, column;
};

struct isa {
	const char *name;	      /* engine_create takes it */
	bool (*present)(void);	      /* whether the processor has it and the system enables it */
	const struct kernel *kernels; /* the last one has no name */

	/* Functions that every layer needs. NULL: the function of the isa before it in the table. */

	/* Codes of one pixel: writes up to CODES_AT_ONCE − 1 more than there are channels, reads up to SLACK.
	 */
	void (*codes)(const struct thresholds *thresholds, const int32_t *accumulators, int channels,
		uint8_t *codes);
	/*
	 * Codes of pixels `step` bytes apart, whose accumulators are `stride` elements apart, but for wide
	 * channels. Writes no more.
	 */
	void (*requantise)(const struct requantisation *requantisation, const int32_t *accumulators,
		size_t stride, int pixels, uint8_t *codes, size_t step);
	int requantise_bits; /* thresholds of codes of this many bits, or more, take longer. 0: as before */
	/*
	 * sums[i] += factors[i] · codes[i] for pixels whose sums are `stride` elements apart, their codes
	 * `step` bytes; works on up to SLACK − 1 channels more.
	 */
	void (*add_scaled)(int32_t *sums, size_t stride, const int32_t *factors, const uint8_t *codes,
		size_t step, int pixels, int channels);
	/*
	 * out[c] = the largest code of channel c in the window, 0 if that is empty; of pixels whose windows
	 * are `step` bytes apart, and `out_step` in `out`. Reads up to SLACK codes more, writes no more.
	 */
	void (*maxima)(const struct pool_window *window, const uint8_t *codes, size_t step, int pixels,
		int channels, uint8_t *out, size_t out_step);
	/* out: [bits][words of channels]. Reads no code past the last channel. */
	void (*planes)(const uint8_t *codes, int channels, int bits, uint64_t *out);
	/* Sum of the codes in planes [bits][words]. */
	int32_t (*sum)(const uint64_t *planes, int bits, int words);
	/*
	 * out[i] = table[codes[i]] for i < channels of pixels whose codes are `step` bytes apart, and
	 * `out_step` in `out`. table: TABLE_CODES, aligned to 64 bytes. Reads up to SLACK codes more, writes
	 * no more.
	 */
	void (*look_up)(const uint8_t *table, const uint8_t *codes, size_t step, int channels, int pixels,
		uint8_t *out, size_t out_step);
};

extern const struct isa isa_scalar;
extern const struct isa isa_neon;
extern const struct isa isa_avx2;
extern const struct isa isa_avxvnni;
extern const struct isa isa_avx512;
extern const struct isa isa_avx512vbmi;
extern const struct isa isa_avx512vpopcntdq;
extern const struct isa isa_avx512vnni;
extern const struct isa isa_amx;

/*
 * For `fits`: 1-bit weights on codes; anything that is not 1 bit only; no sum of 4 products leaves 16 bits;
 * as many groups as channels in and out.
 */
bool fits_bits(const struct layer *layer);
bool fits_bytes(const struct layer *layer);
bool fits_narrow(const struct layer *layer);
bool fits_depthwise(const struct layer *layer);

/*
 * For `pack`: 64 weights, +1 is a set bit; 4 int8_t; 2 int16_t even, then, a vector later, 2 odd ones; 4
 * int16_t, each a quarter of the k-block behind the one before. Depthwise: [vector][taps at once][part of
 * the vector][lane][tap], as interleaving the codes of these taps in each 128 bits orders channels.
 */
void pack_bits(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm);
void pack_bytes(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm);
void pack_wide(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm);
void pack_columns(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm);
void pack_depthwise(const struct kernel *kernel, const struct layer *layer, const struct k_block *k_blocks,
	struct gemm_plan *gemm);

/* Vectors that the channels of one group fill. */
static inline int gemm_vectors(const struct gemm_plan *gemm, int lanes)
{
	return (gemm->channels + lanes - 1) / lanes;
}

static inline uint8_t requantised(const struct requantisation *r, int32_t accumulator, int channel)
{
	int64_t code = (accumulator * r->multipliers[channel] + r->biases[channel]) >> r->shifts[channel];

	return (uint8_t)(code < r->least ? r->least : code > r->largest ? r->largest : code);
}

/* As an isa's requantise, for wide channels. */
static inline void requantise_wide(const struct requantisation *r, const int32_t *accumulators, size_t stride,
	int pixels, uint8_t *codes, size_t step)
{
	for (int p = 0; p < pixels; p++, accumulators += stride, codes += step)
		for (int i = 0; i < r->wide_count; i++)
			codes[r->wide[i]] = requantised(r, accumulators[r->wide[i]], r->wide[i]);
}

/* A pixel's 64 codes of word `w`; where it has fewer, they are copied to `rest`, and zeros follow. */
static inline const uint8_t *codes_of_word(const uint8_t *pixel, int channels, int w, uint8_t rest[64])
{
	const uint8_t *from = pixel + (size_t)w * 64;
	int left = channels - w * 64;

	return left < 64 ? memcpy(memset(rest, 0, 64), from, (size_t)left) : from;
}

#endif
