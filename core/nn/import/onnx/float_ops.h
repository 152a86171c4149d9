/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of float networks, for calibration. Tensors are float [channels][height][width], as ONNX has
 * them. Every sum has one order, so that calibration gives the same network on every machine.
 */
#ifndef NN_IMPORT_ONNX_FLOAT_OPS_H
#define NN_IMPORT_ONNX_FLOAT_OPS_H

#include "nn/network.h"

/* How a kernel moves over its input. */
struct float_window {
	struct shape in, out;
	int kernel_height, kernel_width;
	int stride_height, stride_width;
	int dilation_height, dilation_width;
	int pad_top, pad_left;
	int groups; /* of a convolution */
};

/* Floats of scratch memory that float_conv needs. */
size_t float_conv_scratch(const struct float_window *window);

/* weights: [out][in / groups][kernel_height][kernel_width]; bias: [out] or NULL. */
void float_conv(const struct float_window *window, const float *in, const float *weights, const float *bias,
	float *out, float *scratch);

/*
 * Adds to sums[in][kernel_height][kernel_width], for each tap, the mean over all outputs of the number that
 * the tap meets. With the means over pictures, a convolution's mean output is Σ weight · mean.
 */
void float_conv_means(const struct float_window *window, const float *in, double *sums);

void float_max_pool(const struct float_window *window, const float *in, float *out);

/* padding_counts: the mean is over the whole kernel, also where padding lies. */
void float_average_pool(const struct float_window *window, bool padding_counts, const float *in, float *out);

/* weights: [out][in]. */
void float_matrix(
	int in_count, int out_count, const float *in, const float *weights, const float *bias, float *out);

#endif
