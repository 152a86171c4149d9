/* SPDX-License-Identifier: MIT */
/*
 * A network of floats that can be computed, beside what it becomes with 8 bits. Operations are in an order in
 * which they can be computed; operation i makes value i + 1, and value 0 is the picture.
 */
#ifndef NN_IMPORT_ONNX_FLOAT_GRAPH_H
#define NN_IMPORT_ONNX_FLOAT_GRAPH_H

#include "nn/import/onnx/float_ops.h"
#include "nn/import/onnx/range.h"

struct error;
struct graph_node;
struct graph_tensor;

enum float_kind {
	FLOAT_CONV,
	FLOAT_MATRIX,	/* of all numbers of its input, in their order */
	FLOAT_AFFINE,	/* factor · x + summand, of each channel */
	FLOAT_FUNCTION, /* of each number */
	FLOAT_ADD,	/* factors[i] · input i */
	FLOAT_CONCAT,	/* channels, one input after the other */
	FLOAT_MAX_POOL,
	FLOAT_AVERAGE_POOL,
	FLOAT_COPY, /* the same numbers, perhaps in another shape */
	FLOAT_PAD,  /* zeros around */
	FLOAT_UPSAMPLE,
};

enum float_function {
	FUNCTION_CLIP,	/* to a … b */
	FUNCTION_LEAKY, /* a · x below 0, of each channel */
	FUNCTION_SIGMOID,
	FUNCTION_HARD_SIGMOID, /* a · x + b, clipped to 0 … 1 */
	FUNCTION_TANH,
};

struct float_op {
	enum float_kind kind;
	int inputs[LAYER_INPUTS], input_count; /* values */
	/* of a convolution and of pools; of an upsample its strides, of a padding pad_top and pad_left */
	struct float_window window;
	bool padding_counts; /* average pool */
	bool stuffed;	     /* upsample: zeros between the numbers, not copies of them */
	enum float_function function;
	double a, b;
	float *weights;	  /* of a convolution, a matrix */
	float *quantised; /* the numbers that 8-bit weights stand for; NULL: none yet */
	float *scales;	  /* [out] of 8-bit weights */
	float *bias;	  /* [out] or NULL; its correction is in `quantised_bias` */
	float *quantised_bias;
	float *factor, *summand; /* [channels]: affine, leaky (factor) */
	float factors[LAYER_INPUTS];
	struct graph_node *node; /* of the model, from which it comes */
};

struct float_value {
	struct shape shape;
	struct graph_tensor *tensor; /* of the model */
	int readers;
	bool quantised;	    /* its numbers become codes */
	struct range range; /* if so */
};

struct float_graph {
	struct float_op *ops;
	struct float_value *values; /* [op_count + 1] */
	int op_count, output;	    /* output: the value that ends the network */
};

void float_graph_finish(struct float_graph *graph);

/* The numbers of one picture, as floats or as 8 bits give them. */
struct float_run {
	const struct float_graph *graph;
	bool quantised;
	float **data;	/* [value]: NULL before it is computed and after its last reader */
	int *unread;	/* [value] readers still to come */
	float *scratch; /* of convolutions */
};

int float_run_create(
	const struct float_graph *graph, bool quantised, struct float_run **out, struct error *e);
void float_run_destroy(struct float_run *run); /* takes NULL */

/* Begins with a picture, of the shape of value 0; forgets the one before. */
int float_run_begin(struct float_run *run, const float *picture, struct error *e);

/* Computes operation `index`, in their order. The value stays until its last reader has been computed. */
int float_run_step(struct float_run *run, int index, struct error *e);

#endif
