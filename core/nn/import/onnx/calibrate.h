/* SPDX-License-Identifier: MIT */
/*
 * Quantises a model of floats to 8 bits: computes it for some pictures, chooses the range of each tensor that
 * becomes codes and a scale for each channel of weights, and puts quantisation points into the graph.
 */
#ifndef NN_IMPORT_ONNX_CALIBRATE_H
#define NN_IMPORT_ONNX_CALIBRATE_H

#include "nn/import/model/graph.h"
#include "nn/import/onnx/float_graph.h"
#include "nn/import/onnx/import_onnx.h"

/* Which values become codes, and which of them share a range. */
struct float_points {
	bool *points; /* [value] a quantisation point follows */
	int *group;   /* [value] the first value that has the same range */
	int value_count;
};

int float_points_find(const struct float_graph *graph, struct float_points *out, struct error *e);
void float_points_finish(struct float_points *points);

/* The pixel's numbers as the model takes them. */
void picture_numbers(
	const struct import_onnx_options *options, struct shape shape, const uint8_t *pixels, float *out);

/* The range of these numbers: one code for each value of a pixel, where that can be. */
struct range picture_range(const struct import_onnx_options *options, int channels);

/*
 * Whether the layers that read the picture can read its pixels as they are, without a table of codes: one
 * scale for all channels, and no padding, which would be 0 where no pixel is.
 */
bool picture_is_exact(const struct import_onnx_options *options, const struct float_graph *graph);

/* The graph must be folded, its input known; graph_sort and graph_fold must follow. */
int calibrate(struct graph *graph, const struct import_onnx_options *options, struct layer_report *report,
	struct error *e);

#endif
