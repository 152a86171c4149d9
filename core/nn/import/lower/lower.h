/* SPDX-License-Identifier: MIT */
/*
 * Makes a network of a graph with quantisation points (core/nn/import/model): convolutions and matrices with
 * quantised weights, and between their sums and the next quantisation point any monotone functions. The codes
 * are those of the graph computed in double precision. docs/formats.md lists the operators.
 */
#ifndef NN_IMPORT_LOWER_LOWER_H
#define NN_IMPORT_LOWER_LOWER_H

#include "nn/import/model/graph.h"
#include "nn/network.h"

struct lower_options {
	/*
	 * What a pixel p stands for in channel c: (p / 255 − mean[c]) / std[c]. NULL: p / 255; or p, where
	 * only that gives each pixel a code of its own in the quantisation point behind it.
	 */
	const double *mean, *std;
	int channels;	    /* numbers in mean and std: 1 for all, or one a channel */
	bool single;	    /* round each step from pixel to code to single precision, as runtimes do */
	const char *advice; /* what to do where a number is not quantised: "put QuantIdentity(…) before it" */
	const char *weights_advice; /* the same for weights: "use QuantConv2d or QuantLinear" */
	const char *labels; /* the path of a file of labels; NULL: labels.txt beside the model, if there */
};

/*
 * Call graph_fold first. The network has the name of the model's file. On success *out passed network_check
 * and is owned by the caller; the graph is not changed.
 */
int lower(struct graph *graph, const struct lower_options *options, struct network **out, struct error *e);

#endif
