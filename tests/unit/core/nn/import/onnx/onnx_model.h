/* SPDX-License-Identifier: MIT */
/* A small network as QDQ, as QOperator and of floats, and what it computes. Only this folder's tests use it.
 */
#ifndef UNIT_ONNX_MODEL_H
#define UNIT_ONNX_MODEL_H

#include "support/onnx_builder.h"
#include "support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SIDE = 6, MIDDLE = 3, PIXELS = 2 * SIDE * SIDE, WEIGHTS = MIDDLE * 2 * 9, CLASSES = 4 };

/* A convolution 3×3 with padding, ReLU, the mean of each channel, a matrix. */
struct small {
	int weights[WEIGHTS], bias[MIDDLE], matrix[CLASSES * MIDDLE], last_bias[CLASSES];
	float pixel_scale, scales[MIDDLE], conv_scale, mean_scale, matrix_scale;
	int pixel_zero, conv_zero, mean_zero, weight_zero;
	int code_type, weight_type; /* of ONNX */
};

static struct small small_make(uint32_t seed)
{
	struct small s = {.pixel_scale = 1.0F / 128,
		.scales = {0.01F, 0.02F, 0.005F},
		.conv_scale = 0.02F,
		.mean_scale = 0.011F,
		.matrix_scale = 0.03F,
		.pixel_zero = 127,
		.conv_zero = 3,
		.mean_zero = 1,
		.code_type = 2,
		.weight_type = 3};

	for (int i = 0; i < WEIGHTS; i++)
		s.weights[i] = random_within(&seed, -127, 127);
	for (int i = 0; i < MIDDLE; i++)
		s.bias[i] = random_within(&seed, 0, 3000);
	for (int i = 0; i < CLASSES * MIDDLE; i++)
		s.matrix[i] = random_within(&seed, -127, 127);
	for (int i = 0; i < CLASSES; i++)
		s.last_bias[i] = random_within(&seed, -900, 900);
	return s;
}

static void put_number(struct onnx_buffer *graph, const char *name, float value)
{
	onnx_put_tensor(graph, name, NULL, 0, &value);
}

static void put_zero(struct onnx_buffer *graph, const char *name, int type, int value)
{
	onnx_put_integers(graph, name, type, NULL, 0, &value);
}

/* Constants that QDQ and QOperator share. Signed codes count from 128 below. */
static void put_constants(struct onnx_buffer *graph, const struct small *s)
{
	int below = s->code_type == 3 ? 128 : 0,
	    zeros[MIDDLE] = {s->weight_zero, s->weight_zero, s->weight_zero};

	put_number(graph, "xs", s->pixel_scale);
	put_number(graph, "cs", s->conv_scale);
	put_number(graph, "ms", s->mean_scale);
	put_number(graph, "gs", s->matrix_scale);
	put_zero(graph, "xz", s->code_type, s->pixel_zero - below);
	put_zero(graph, "cz", s->code_type, s->conv_zero - below);
	put_zero(graph, "mz", s->code_type, s->mean_zero - below);
	put_zero(graph, "gz", 3, 0);
	onnx_put_integers(graph, "w", s->weight_type, (const int[]){MIDDLE, 2, 3, 3}, 4, s->weights);
	onnx_put_tensor(graph, "ws", (const int[]){MIDDLE}, 1, s->scales);
	onnx_put_integers(graph, "wz", s->weight_type, (const int[]){MIDDLE}, 1, zeros);
	onnx_put_integers(graph, "b", 6, (const int[]){MIDDLE}, 1, s->bias);
	onnx_put_integers(graph, "g", 3, (const int[]){CLASSES, MIDDLE}, 2, s->matrix);
	onnx_put_integers(graph, "gb", 6, (const int[]){CLASSES}, 1, s->last_bias);
}

#define CONV "kernel_shape=3,3 pads=1,1,1,1 strides=1,1 dilations=1,1 group=1"

static void put_qdq(struct onnx_buffer *graph, const struct small *s)
{
	float bias_scales[MIDDLE], last_scale = s->mean_scale * s->matrix_scale;

	put_constants(graph, s);
	for (int i = 0; i < MIDDLE; i++)
		bias_scales[i] = s->pixel_scale * s->scales[i];
	onnx_put_tensor(graph, "bs", (const int[]){MIDDLE}, 1, bias_scales);
	put_number(graph, "gbs", last_scale);
	onnx_put_node(graph, "", "QuantizeLinear", "x xs xz", "xq", "");
	onnx_put_node(graph, "", "DequantizeLinear", "xq xs xz", "xd", "");
	onnx_put_node(graph, "", "DequantizeLinear", "w ws wz", "wd", "axis=0");
	onnx_put_node(graph, "", "DequantizeLinear", "b bs", "bd", "axis=0");
	onnx_put_node(graph, "", "Conv", "xd wd bd", "c", CONV);
	onnx_put_node(graph, "", "Relu", "c", "r", "");
	onnx_put_node(graph, "", "QuantizeLinear", "r cs cz", "cq", "");
	onnx_put_node(graph, "", "DequantizeLinear", "cq cs cz", "cd", "");
	onnx_put_node(graph, "", "GlobalAveragePool", "cd", "m", "");
	onnx_put_node(graph, "", "QuantizeLinear", "m ms mz", "mq", "");
	onnx_put_node(graph, "", "DequantizeLinear", "mq ms mz", "md", "");
	onnx_put_node(graph, "", "Flatten", "md", "f", "axis=1");
	onnx_put_node(graph, "", "DequantizeLinear", "g gs gz", "gd", "");
	onnx_put_node(graph, "", "DequantizeLinear", "gb gbs", "gbd", "");
	onnx_put_node(graph, "", "Gemm", "f gd gbd", "y", "transB=1 alpha=f1 beta=f1");
}

/* The ReLU lies in the codes: those below its zero point do not exist (conv_zero 0), as onnxruntime has it.
 */
static void put_qoperator(struct onnx_buffer *graph, const struct small *s)
{
	put_constants(graph, s);
	onnx_put_node(graph, "", "QuantizeLinear", "x xs xz", "xq", "");
	onnx_put_node(graph, "", "QLinearConv", "xq xs xz w ws wz cs cz b", "cq", CONV);
	onnx_put_node(graph, "com.microsoft", "QLinearGlobalAveragePool", "cq cs cz ms mz", "mq",
		"channels_last=0");
	onnx_put_node(graph, "", "Flatten", "mq", "f", "axis=1");
	onnx_put_node(graph, "com.microsoft", "QGemm", "f ms mz g gs gz gb", "y", "transB=1 alpha=f1");
}

#define UNPADDED "kernel_shape=3,3 pads=0,0,0,0 strides=1,1 dilations=1,1 group=1"

static const int wide[8] = {0, 0, 1, 1, 0, 0, 1, 1}, narrow[8];

/*
 * The same with the padding in a Pad of codes before the convolution, and another Pad behind it, which has
 * widths of 0 and pads with anything.
 */
static void put_padded(struct onnx_buffer *graph, const struct small *s)
{
	put_constants(graph, s);
	onnx_put_integers(graph, "wide", 7, (const int[]){8}, 1, wide);
	onnx_put_integers(graph, "narrow", 7, (const int[]){8}, 1, narrow);
	put_zero(graph, "any", s->code_type, 77);
	onnx_put_node(graph, "", "QuantizeLinear", "x xs xz", "xq", "");
	onnx_put_node(graph, "", "Pad", "xq wide xz", "xp", "");
	onnx_put_node(graph, "", "QLinearConv", "xp xs xz w ws wz cs cz b", "cq", UNPADDED);
	onnx_put_node(graph, "", "Pad", "cq narrow any", "cp", "");
	onnx_put_node(graph, "com.microsoft", "QLinearGlobalAveragePool", "cp cs cz ms mz", "mq",
		"channels_last=0");
	onnx_put_node(graph, "", "Flatten", "mq", "f", "axis=1");
	onnx_put_node(graph, "com.microsoft", "QGemm", "f ms mz g gs gz gb", "y", "transB=1 alpha=f1");
}

static void put_floats(struct onnx_buffer *graph, const struct small *s)
{
	float weights[WEIGHTS], bias[MIDDLE], matrix[CLASSES * MIDDLE], last_bias[CLASSES];

	for (int i = 0; i < WEIGHTS; i++)
		weights[i] = (float)s->weights[i] * s->scales[i / 18];
	for (int i = 0; i < MIDDLE; i++)
		bias[i] = (float)s->bias[i] * s->pixel_scale * s->scales[i];
	for (int i = 0; i < CLASSES * MIDDLE; i++)
		matrix[i] = (float)s->matrix[i] * s->matrix_scale;
	for (int i = 0; i < CLASSES; i++)
		last_bias[i] = (float)s->last_bias[i] * s->mean_scale * s->matrix_scale;
	onnx_put_tensor(graph, "w", (const int[]){MIDDLE, 2, 3, 3}, 4, weights);
	onnx_put_tensor(graph, "b", (const int[]){MIDDLE}, 1, bias);
	onnx_put_tensor(graph, "g", (const int[]){CLASSES, MIDDLE}, 2, matrix);
	onnx_put_tensor(graph, "gb", (const int[]){CLASSES}, 1, last_bias);
	onnx_put_node(graph, "", "Conv", "x w b", "c", CONV);
	onnx_put_node(graph, "", "Relu", "c", "r", "");
	onnx_put_node(graph, "", "GlobalAveragePool", "r", "m", "");
	onnx_put_node(graph, "", "Flatten", "m", "f", "axis=1");
	onnx_put_node(graph, "", "Gemm", "f g gb", "y", "transB=1 alpha=f1 beta=f1");
}

static double rounded(double number, double scale, int zero)
{
	return scale * (fmin(fmax(rint(number / scale) + zero, 0), 255) - zero);
}

/* The logits as ONNX defines them, in double precision. quantised: with the roundings of the codes. */
static void small_run(const struct small *s, bool quantised, const double *x, double y[CLASSES])
{
	double means[MIDDLE] = {0};

	for (int o = 0; o < MIDDLE; o++)
		for (int at = 0; at < SIDE * SIDE; at++) {
			double sum = (double)s->bias[o] * (double)(s->pixel_scale * s->scales[o]);
			for (int k = 0; k < 18; k++) {
				int row = at / SIDE + k % 9 / 3 - 1, column = at % SIDE + k % 3 - 1;
				if (row < 0 || row >= SIDE || column < 0 || column >= SIDE)
					continue;
				double pixel = x[(k / 9 * SIDE + row) * SIDE + column];
				if (quantised)
					pixel = rounded(pixel, (double)s->pixel_scale, s->pixel_zero);
				sum += pixel * (s->weights[o * 18 + k] - s->weight_zero) *
				       (double)s->scales[o];
			}
			sum = fmax(sum, 0);
			means[o] += (quantised ? rounded(sum, (double)s->conv_scale, s->conv_zero) : sum) /
				    (SIDE * SIDE);
		}
	for (int c = 0; c < CLASSES; c++) {
		y[c] = (double)s->last_bias[c] * (double)(s->mean_scale * s->matrix_scale);
		for (int o = 0; o < MIDDLE; o++)
			y[c] += (quantised ? rounded(means[o], (double)s->mean_scale, s->mean_zero)
					   : means[o]) *
				s->matrix[c * MIDDLE + o] * (double)s->matrix_scale;
	}
}

#endif
