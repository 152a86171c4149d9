/* SPDX-License-Identifier: MIT */
/* What the parts of float_build.h share. */
#ifndef NN_IMPORT_ONNX_FLOAT_BUILDER_H
#define NN_IMPORT_ONNX_FLOAT_BUILDER_H

#include "nn/import/onnx/float_build.h"

#include <errno.h>

struct builder {
	struct graph *graph;
	struct float_graph *out;
	struct graph_node *node; /* the one that becomes an operation */
	struct float_op *op;
	struct float_value *made;
};

/* float_builder.c */
int builder_memory(const struct builder *b, struct error *e);

/* Numbers of tensors of up to two dimensions are channels; others lie as they are. */
int builder_shape(
	const struct builder *b, const struct graph_tensor *tensor, struct shape *out, struct error *e);

/* The value that the tensor became; -1: none. */
int builder_value(const struct builder *b, const struct graph_tensor *tensor);

/* Input `index` of the node becomes the next one of the operation. */
int builder_input(struct builder *b, int index, struct error *e);

/* The shape of the operation's first input. */
struct shape builder_read(const struct builder *b);

/* A copy of constant numbers, of which there must be `count`. */
int builder_numbers(
	struct builder *b, int index, const char *what, size_t count, float **out, struct error *e);

/* Room for a number for each channel that the node makes, all 0. */
int builder_channels(const struct builder *b, float **out, struct error *e);

/* Each makes the operation of a node. */
typedef int float_builder(struct builder *b, struct error *e);

/* float_layers.c */
float_builder conv_build, transposed_build, matrix_build, concat_build, pool_build, global_build, copy_build,
	transpose_build, pad_build, upsample_build;

/* float_elements.c */
float_builder batch_norm_build, arithmetic_build, clip_build, relu_build, leaky_build, sigmoid_build,
	hard_sigmoid_build, tanh_build, sum_build;

#endif
