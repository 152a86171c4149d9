/* SPDX-License-Identifier: MIT */
/* What the graph's own files share. */
#ifndef NN_IMPORT_MODEL_GRAPH_PARTS_H
#define NN_IMPORT_MODEL_GRAPH_PARTS_H

#include "nn/import/model/graph.h"

/* graph.c */
struct graph_tensor *graph_tensor_find(const struct graph *graph, const char *name);

/* A tensor of exactly this name, which it takes, also when it fails. */
int graph_tensor_named(struct graph *graph, char *name, struct graph_tensor **out, struct error *e);

/* An empty node at the end. */
int graph_node_put(struct graph *graph, struct graph_node **out, struct error *e);

/* Makes the tensor a constant, of its dimensions, of zeros. */
int graph_constant_make(
	struct graph *graph, struct graph_tensor *tensor, int64_t type, bool quantised, struct error *e);

/* constant.c: of a tensor of the file. `node` is for messages. */
int graph_constant_read(struct graph *graph, const struct graph_node *node, struct graph_tensor *tensor,
	const struct onnx_tensor *from, struct error *e);

/* The same as graph_constant_make, but what nodes make is bounded by the size of the model. */
int graph_constant_fold(
	struct graph *graph, const struct graph_node *node, int64_t type, bool quantised, struct error *e);

/* shapes.c: finds the dimensions of what the node makes from those of what it reads, if it can. */
int shapes_infer(struct graph *graph, struct graph_node *node, struct error *e);

/* fold_*.c: the node's outputs[0] as a constant; 1: it cannot. */
int fold_elements(struct graph *graph, struct graph_node *node, struct error *e);
int fold_shape(struct graph *graph, struct graph_node *node, struct error *e);
int fold_move(struct graph *graph, struct graph_node *node, struct error *e);
int fold_quantised(struct graph *graph, struct graph_node *node, struct error *e);

/* The dimensions that a Reshape, Squeeze … asks for; 1: they depend on the picture. */
int shape_of_reshape(
	struct graph *graph, const struct graph_node *node, int *rank, int dims[GRAPH_RANK], struct error *e);

#endif
