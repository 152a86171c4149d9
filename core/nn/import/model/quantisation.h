/* SPDX-License-Identifier: MIT */
/*
 * A quantisation point: what a graph does where numbers become whole ones, whichever operators say so. It
 * turns a number x into
 *
 *     scale · (n − zero),  n = round(x / scale + zero), kept within low … high
 *
 * (zero_after: n = round(x / scale) + zero, as QuantizeLinear has it) or, if bipolar, into ± scale.
 */
#ifndef NN_IMPORT_MODEL_QUANTISATION_H
#define NN_IMPORT_MODEL_QUANTISATION_H

#include <stdbool.h>

struct graph_tensor;

struct quantisation {
	const struct graph_tensor *scale; /* positive constants of the graph, which stretch over the tensor */
	const struct graph_tensor *zero;  /* whole numbers; NULL: 0 */
	double low, high;		  /* whole numbers */
	double (*round)(double);
	bool zero_after; /* rounds before it adds the zero point */
	bool bipolar;	 /* low is −1, high +1, and nothing between them */
};

/* The function of a rounding mode by its QONNX name, in any case: "ROUND", "FLOOR" …; NULL: unknown. */
double (*rounding_find(const char *name))(double);

/* To the nearest, halves to even. */
double rounding_half_even(double number);

/*
 * The whole number n of x under this scale and zero point. A quotient within 1e-7 of a half or of a whole
 * number counts as it: there scales that are rounded numbers themselves must not decide.
 */
double quantisation_apply(const struct quantisation *quantisation, double scale, double zero, double x);

#endif
