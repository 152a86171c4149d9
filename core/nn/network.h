/* SPDX-License-Identifier: MIT */
/*
 * A network: layers with integer weights in the order in which they can be computed, its labels, and how it
 * looks at a picture.
 *
 * The integers are the specification (docs/formats.md). Activations are codes: unsigned integers of `bits`
 * bits; a pixel is an 8-bit code. Tensors of codes are uint8_t [height][width][channels], one code a byte,
 * whatever their bits; sums are int32_t in the same order. Weights are int8_t
 * [out][kernel_height][kernel_width][in / groups]: −1 or +1 at 1 bit, −2^(b−1) … 2^(b−1)−1 at b = 2, 4, 8
 * bits. Accumulators are int32_t, those of an add int64_t; the loader refuses a layer that could overflow
 * one. A network that counts from a zero point (value = scale · (code − zero)) has it in its epilogues and
 * paddings.
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

/* What a layer makes, and what another reads. */
struct tensor {
	struct shape shape;
	int bits; /* 1, 2, 4, 8: uint8_t codes; TENSOR_SUMS: int32_t */
};

#define TENSOR_SUMS 32

static inline size_t tensor_bytes(struct tensor t)
{
	return shape_size(t.shape) * (t.bits == TENSOR_SUMS ? sizeof(int32_t) : 1);
}

enum layer_kind {
	LAYER_CONV,
	LAYER_FULLY_CONNECTED, /* a convolution whose kernel spans its whole input; its kind only names it */
	LAYER_MAX_POOL,
	LAYER_AVERAGE_POOL, /* accumulator: the sum of the codes in the window */
	LAYER_ADD,	    /* accumulator: Σ factor · input, each input scaled for itself */
	LAYER_CONCAT,	    /* the channels of its inputs, one after the other */
	LAYER_UPSAMPLE,	    /* each pixel `stride` times in both directions, or with pad_code in between */
	LAYER_TABLE,	    /* each code looked up */
};

#define LAYER_KINDS (LAYER_TABLE + 1)

/* How a kind of layer is called. */
struct layer_kind_names {
	const char *text; /* for people: "max pool" */
	const char *key;  /* in the output of programs: "max_pool" */
	const char *func; /* in network.json: "maxpool_layer" */
	const char *stem; /* of the names of layers without one, a number behind it: "pool" */
};
extern const struct layer_kind_names layer_kinds[LAYER_KINDS];

/* What becomes of an accumulator. Kinds without one (layer_has_accumulator) pass codes on: NONE. */
enum layer_epilogue {
	EPILOGUE_NONE,
	EPILOGUE_THRESHOLDS, /* code = number of thresholds t with accumulator ≥ t; inverted: levels − code */
	EPILOGUE_REQUANTISE, /* code = clamp((accumulator · multiplier + bias) >> shift), 64 bits, floored */
	EPILOGUE_SCORES,     /* the accumulator itself; last layer only */
	EPILOGUE_SUMS,	     /* the accumulator itself, for adds to read */
};

#define LAYER_INPUTS 8	   /* tensors that a layer can read */
#define NETWORK_INPUT (-1) /* in `from`: the network's input instead of a layer's output */

struct layer {
	char *name;
	enum layer_kind kind;
	int from[LAYER_INPUTS]; /* earlier layers that it reads, or NETWORK_INPUT; an add and a concat many */
	int from_count;		/* 0: it reads the layer before, the first one the network's input */
	struct shape in, out;	/* in: of one input; of a concat, with the channels of all */
	int kernel_height, kernel_width;
	int stride_height, stride_width; /* an upsample: the factors */
	int dilation_height, dilation_width;
	int pad_top, pad_left, pad_bottom, pad_right; /* pixels of pad_code around the input */
	int groups;				      /* convolution: in and out channels are split alike */
	int input_bits, weight_bits, output_bits; /* input_bits: of the first input; TENSOR_SUMS: int32_t */
	int8_t *weights;			  /* [out][kernel_height][kernel_width][in / groups] */
	int8_t *weight_offset; /* [out], −127 … 127, to add to each of its weights, of 8 bits; NULL: none */

	enum layer_epilogue epilogue;
	int32_t *thresholds;	   /* [out][2^output_bits − 1], ascending in each channel */
	uint8_t *invert;	   /* [out], 0 or 1; NULL: none is inverted */
	int32_t *multiplier;	   /* [out]; an add has none */
	uint8_t *shift;		   /* [out], 0 … 62 */
	int64_t *bias;		   /* [out], −2^62 … 2^62: no sum of it and a product overflows */
	int clamp_low, clamp_high; /* bounds of requantised codes, an add's sums; both 0: all that fits */

	int32_t *factors; /* add: [input][out] */
	uint8_t *table;	  /* table: [table_rows][2^input_bits] codes */
	int table_rows;	  /* 1: one for all channels; or a row for each */
	uint8_t pad_code; /* the code that stands for 0 */
	bool stuffed;	  /* upsample: pad_code between the pixels; no pixel repeated */
	int pixels; /* average pool: what each sum is scaled to, so that padding does not count; 0: it does */
};

/* For an initialiser: every pixel, and every tap next to the one before. */
#define LAYER_STEPS_OF_ONE .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1

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

	double temperature;   /* logits are divided by it before the softmax; 0: they are not */
	double unknown_below; /* confidence under which nothing is known; 0: not calibrated */
};

/*
 * Checks what network_load promises of a network, however it was made: layers that read earlier ones of the
 * right shape and are read themselves, ranges, ascending thresholds, accumulators that cannot overflow.
 * Importers call it.
 */
int network_check(const struct network *network, struct error *e);

/* Takes NULL. */
void network_destroy(struct network *network);

/* Frees what a layer points to, but for its name. */
void layer_free_arrays(struct layer *layer);

/* Removes the last layer; the network's classes stay. */
void network_remove_last(struct network *network);

/* Removes labels, groups, scale and bias, and what belongs to their confidences; the last layer stays. */
void network_remove_classes(struct network *network);

/* "convolution", "max pool" …, for people. */
const char *layer_kind_name(const struct layer *layer);

/* Multiply-accumulates of one layer for one picture. */
uint64_t layer_operations(const struct layer *layer);

/* A convolution or a fully connected layer. */
static inline bool layer_has_weights(const struct layer *layer)
{
	return layer->kind == LAYER_CONV || layer->kind == LAYER_FULLY_CONNECTED;
}

/* Whether it sums, and so has an epilogue. */
static inline bool layer_has_accumulator(const struct layer *layer)
{
	return layer_has_weights(layer) || layer->kind == LAYER_AVERAGE_POOL || layer->kind == LAYER_ADD;
}

/* How many tensors a layer reads. */
static inline int layer_reads(const struct layer *layer)
{
	return layer->from_count ? layer->from_count : 1;
}

/* The layer, or NETWORK_INPUT, that layer `index` reads as its input number `input`. */
static inline int network_from(const struct network *network, int index, int input)
{
	const struct layer *layer = &network->layers[index];

	return layer->from_count ? layer->from[input] : index - 1;
}

/* What a layer makes; NETWORK_INPUT: what the network reads. */
struct tensor network_tensor(const struct network *network, int index);

/*
 * Whether the network falls apart before this layer: it and all later layers read of what is before them only
 * the codes of the layer before.
 */
bool network_cuts(const struct network *network, int index);

/*
 * Where a network is split: the layers before this one are computed with Conv0, this layer and all later ones
 * by the PL. It is the first cut behind Conv0, or behind max pools that follow there, since they shrink the
 * PL's input. 0: it falls apart nowhere behind Conv0, and all layers are the PL's, which reads the pixels.
 */
int network_split(const struct network *network);

#endif
