/* SPDX-License-Identifier: MIT */
/* Symmetric positive definite matrices, double [size][size]. */
#ifndef NN_TEACH_SYMMETRIC_H
#define NN_TEACH_SYMMETRIC_H

#include <stdbool.h>

/* Replaces the lower triangle by the inverse of its Cholesky factor. False: not positive definite. */
bool symmetric_factor(double *matrix, int size);

/*
 * The transpose of what symmetric_factor made, times it, is the inverse: its diagonal; the block of some
 * rows, and of the same columns, [count][count]; and its product with b.
 */
void symmetric_inverse_diagonal(const double *factor, int size, double *diagonal);
void symmetric_inverse_block(const double *factor, int size, const int *rows, int count, double *block);
void symmetric_solve(const double *factor, int size, const double *b, double *work, double *x);

#endif
