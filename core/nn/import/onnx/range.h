/* SPDX-License-Identifier: MIT */
/* Which range of numbers 8 bits should stand for: from a histogram of those that occur. */
#ifndef NN_IMPORT_ONNX_RANGE_H
#define NN_IMPORT_ONNX_RANGE_H

#include <stddef.h>
#include <stdint.h>

enum { RANGE_BINS = 4096 };

/*
 * Numbers counted in bins of one width, as many below 0 as above. The bins widen when a number does not fit,
 * so that no pass is needed to know the greatest one first.
 */
struct range_histogram {
	double width; /* of a bin; 0 before the first number that is not 0 */
	double least, most;
	uint64_t zeros; /* they cost nothing: every range has a code for 0 */
	uint64_t bins[RANGE_BINS];
	double squares; /* Σ number² */
	uint64_t count;
};

/* All zero is an empty histogram. Numbers must be finite. */
void range_add(struct range_histogram *histogram, const float *numbers, size_t count);

/* A code c of 0 … 255 stands for scale · (c − zero). */
struct range {
	double scale;
	int zero;
};

/* Codes from low to high, 0 among them, moved so that a code stands for 0. */
struct range range_between(double low, double high);

/* The range with the least mean square error, between low and high (infinite: no bounds). */
struct range range_find(const struct range_histogram *histogram, double low, double high);

/*
 * The scale at which whole numbers of −127 … 127 come closest to the weights, in the sense of their
 * mean square error.
 */
double range_of_weights(const float *weights, size_t count);

#endif
