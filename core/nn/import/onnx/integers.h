/* SPDX-License-Identifier: MIT */
/*
 * Models of integers: QuantizeLinear and DequantizeLinear with operators of floats between them (QDQ), and
 * operators of integers with scales and zero points of their own (QOperator). Both become quantisation
 * points.
 */
#ifndef NN_IMPORT_ONNX_INTEGERS_H
#define NN_IMPORT_ONNX_INTEGERS_H

#include "nn/import/model/graph.h"

/* Makes the node a quantisation point of codes as QuantizeLinear has them. zero: NULL for uint8 and 0. */
int integers_point(struct graph *graph, struct graph_node *node, const struct graph_tensor *scale,
	const struct graph_tensor *zero, struct error *e);

/* For graph_fold: QuantizeLinear becomes a quantisation point, the DequantizeLinear behind it nothing. */
int qdq_point(struct graph *graph, struct graph_node *node, struct error *e);

/*
 * For graph_fold: a Gather that takes all numbers in their order, as PyTorch's exporter writes a view,
 * becomes a Reshape.
 */
int view_point(struct graph *graph, struct graph_node *node, struct error *e);

/*
 * A picture of [1, height, width, channels] that a Transpose turns at once, as Keras models have it, becomes
 * one of [1, channels, height, width].
 */
int picture_turn(struct graph *graph, struct error *e);

/*
 * Makes operators of floats with quantisation points behind them out of those of QOperator. Refuses dynamic
 * quantisation. Constants must be folded; graph_fold and graph_sort must follow.
 */
int qoperators_rewrite(struct graph *graph, struct error *e);

/* Codes padded with their zero point are numbers padded with 0. Call it behind qoperators_rewrite. */
int pads_rewrite(struct graph *graph, struct error *e);

#endif
