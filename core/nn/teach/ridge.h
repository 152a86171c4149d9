/* SPDX-License-Identifier: MIT */
/*
 * Ridge regression in its kernel form: a linear layer from examples, of which there are fewer than features.
 * Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, 3.4.1 and 18.3.5;
 * leaving one out (7.10.2) costs no further fit.
 */
#ifndef NN_TEACH_RIDGE_H
#define NN_TEACH_RIDGE_H

#include <stddef.h>
#include <stdint.h>

struct error;

/* A fit takes count² numbers of memory and count³ / 2 operations. */
#define EXAMPLES_LIMIT 4000

/* What the layer is to tell apart. Codes are of one scale, 0 … 255. */
struct examples {
	const uint8_t *codes; /* [count][size] */
	const int *classes;   /* [count], 0 … class_count − 1 */
	int count, class_count;
	size_t size;
};

/* output[class] = Σ weights · (codes − mean) + bias; the softmax of scale · output is the confidence. */
struct ridge {
	float *weights; /* [class_count][size] */
	double *mean;	/* [size] */
	double *bias;	/* [class_count] */
	double scale;	/* fitted to the outputs of held_out: least negative log-likelihood */
	int *held_out;	/* [count]: the class of each example by a fit to all the others */
	double lambda;	/* the penalty, chosen by the fewest errors of held_out */
};

/*
 * 0; -EINVAL: fewer than two classes or examples, or too many; -EDOM: the codes allow no fit; -ENOMEM.
 * ridge_finish frees *out.
 */
int ridge_fit(const struct examples *examples, struct ridge *out, struct error *e);
void ridge_finish(struct ridge *ridge);

#endif
