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

/* A fit of n examples takes n² numbers of memory and n³ / 2 operations. */
#define FITTED_LIMIT 4000
#define EXAMPLES_LIMIT 50000

/* What the layer is to tell apart. Codes are of one scale, 0 … 255. */
struct examples {
	const uint8_t *codes; /* [count][size] */
	const int *classes;   /* [count], 0 … class_count − 1 */
	const int *bursts; /* [count], 0 … count − 1: those of one number are left out together. NULL: none
			      are */
	int count, class_count;
	size_t size;
	int fitted; /* of more examples only so many are fitted, of all classes alike; the others are judged
		     */
};

/* output[class] = Σ weights · (codes − mean) + bias; the softmax of scale · output is the confidence. */
struct ridge {
	float *weights; /* [class_count][size] */
	double *mean;	/* [size] */
	double *bias;	/* [class_count] */
	double scale;	/* fitted to the outputs of held_out: least negative log-likelihood */
	/* [count]: the class of each example by a fit without its burst, and its confidence. −1: nothing else
	 * is of its class, or its burst was fitted, but not all examples */
	int *held_out;
	float *confidence;
	int tested;    /* examples that have such a class */
	double lambda; /* the penalty, chosen by the fewest errors of held_out; an example's is in proportion
			  to the size of its class, so that classes count alike */
};

/*
 * 0; -EINVAL: fewer than two classes or examples, or too many; -EDOM: the codes allow no fit; -ENOMEM.
 * ridge_finish frees *out.
 */
int ridge_fit(const struct examples *examples, struct ridge *out, struct error *e);
void ridge_finish(struct ridge *ridge);

#endif
