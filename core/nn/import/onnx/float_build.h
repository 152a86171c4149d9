/* SPDX-License-Identifier: MIT */
/* A graph of floats that can be computed, of a model's graph. */
#ifndef NN_IMPORT_ONNX_FLOAT_BUILD_H
#define NN_IMPORT_ONNX_FLOAT_BUILD_H

#include "nn/import/model/graph.h"
#include "nn/import/onnx/float_graph.h"

enum {
	FLOAT_OPS_MAXIMUM = 4096,
	FLOAT_TENSOR_MAXIMUM = 1 << 26, /* numbers */
};

/*
 * The graph must be folded and all its dimensions known. float_graph_finish in any case. Fails with a message
 * that names the node which cannot be computed.
 */
int float_build(struct graph *graph, struct float_graph *out, struct error *e);

#endif
