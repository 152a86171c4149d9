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
	double finest;	 /* the number is first rounded to a multiple of this; 0: it is not */
	double gain;	 /* what it makes is times this; 0: it is not */
	bool zero_after; /* rounds before it adds the zero point */
	bool bipolar;	 /* low is −1, high +1, and nothing between them */
};

/* The function of a rounding mode by its QONNX name, in any case: "ROUND", "FLOOR" …; NULL: unknown. */
double (*rounding_find(const char *name))(double);

/* To the nearest, halves to even. */
double rounding_half_even(double number);

/*
 * The whole number n of x under this scale and zero point. A quotient that is a half or a whole number but
 * for this share of it counts as it: scales that are rounded to single precision must not decide there.
 */
double quantisation_apply(
	const struct quantisation *quantisation, double scale, double zero, double x, double tolerance);

#define QUANTISATION_ROUNDED 1.2e-7 /* a share that two roundings to single precision can make */

#endif
