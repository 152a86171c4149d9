/* SPDX-License-Identifier: MIT */
/*
 * A network: a chain of layers with integer weights, its labels, and how it looks at a picture.
 *
 * The integers are the specification (docs/formats.md). Activations are codes: unsigned integers of
 * `bits` bits; a pixel is an 8-bit code. Tensors of codes are uint8_t [height][width][channels], one code
 * a byte, whatever their bits. Weights are int8_t [out][kernel_height][kernel_width][in / groups]: −1 or
 * +1 at 1 bit, −2^(b−1) … 2^(b−1)−1 at b = 2, 4, 8 bits. Accumulators are int32_t; the loader refuses a layer
 * that could overflow one. Padding is code 0.
 */
#ifndef NN_NETWORK_H
#define NN_NETWORK_H

#include "image/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct shape {
	int height, width, channels;
};

/* Elements of a tensor of this shape. */
static inline size_t shape_size(struct shape s)
{
	return (size_t)s.height * (size_t)s.width * (size_t)s.channels;
}

/* A fully connected layer is a convolution whose kernel spans its whole input; its kind only names it. */
enum layer_kind { LAYER_CONV, LAYER_FULLY_CONNECTED, LAYER_MAX_POOL };

/* What becomes of an accumulator. A max pool has no epilogue: codes pass through it. */
enum layer_epilogue {
	EPILOGUE_NONE,
	EPILOGUE_THRESHOLDS, /* code = number of thresholds t with accumulator ≥ t; inverted: levels − code */
	EPILOGUE_REQUANTISE, /* code = clamp((accumulator · multiplier + bias) >> shift), 64 bits, floored */
	EPILOGUE_SCORES,     /* the accumulator itself; last layer only */
};

struct layer {
	char *name;
	enum layer_kind kind;
	struct shape in, out;
	int kernel_height, kernel_width, stride;
	int pad_top, pad_left, pad_bottom, pad_right; /* pixels of code 0 around the input */
	int groups;				      /* convolution: in and out channels are split alike */
	int input_bits, weight_bits, output_bits;     /* output_bits 32: scores */
	int8_t *weights;			      /* [out][kernel_height][kernel_width][in / groups] */

	enum layer_epilogue epilogue;
	int32_t *thresholds; /* [out][2^output_bits − 1], ascending in each channel */
	uint8_t *invert;     /* [out], 0 or 1; NULL: none is inverted */
	int32_t *multiplier; /* [out] */
	uint8_t *shift;	     /* [out], 0 … 62 */
	int64_t *bias;	     /* [out], −2^62 … 2^62: no sum of it and a product overflows */
};

/* Classes with one common name: "dog" for 118 breeds. */
struct label_group {
	char *name;
	int *classes;
	int class_count;
};

struct network {
	char *name;
	char *folder;
	struct view view;
	struct layer *layers;
	int layer_count;

	int class_count; /* outputs of the last layer; 0 when it gives codes, not scores */
	float *scale;	 /* [class_count], logit = scale · score + bias, in double precision */
	float *bias;	 /* [class_count] */
	char **labels;	 /* [class_count], UTF-8 */
	struct label_group *groups;
	int group_count; /* 0: the network has none */
};

/*
 * Checks what network_load promises of a network, however it was made: chained shapes, ranges, ascending
 * thresholds, accumulators that cannot overflow. Importers call it.
 */
int network_check(const struct network *network, struct error *e);

/* Takes NULL. */
void network_destroy(struct network *network);

/* Multiply-accumulates of one layer for one picture. */
uint64_t layer_operations(const struct layer *layer);

static inline bool layer_has_weights(const struct layer *layer)
{
	return layer->kind != LAYER_MAX_POOL;
}

/*
 * Where a network is split: the layers before this one are computed with Conv0, this layer and all later ones
 * by the PL. Max pools directly behind Conv0 stay with it, since they shrink the PL's input. layer_count: the
 * PL has no layer to compute.
 */
int network_split(const struct network *network);

#endif
