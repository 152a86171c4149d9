/* SPDX-License-Identifier: MIT */
#include "nn/teach/symmetric.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static double dot(const double *restrict a, const double *restrict b, int count)
{
	double sums[4] = {0};
	int i = 0;

	for (; i + 4 <= count; i += 4)
		for (int k = 0; k < 4; k++)
			sums[k] += a[i + k] * b[i + k];
	for (; i < count; i++)
		sums[0] += a[i] * b[i];
	return sums[0] + sums[1] + sums[2] + sums[3];
}

static bool cholesky(double *matrix, int size)
{
	for (int i = 0; i < size; i++) {
		double *row = matrix + (size_t)i * (size_t)size;

		for (int k = 0; k < i; k++) {
			const double *other = matrix + (size_t)k * (size_t)size;
			row[k] = (row[k] - dot(row, other, k)) / other[k];
		}
		double rest = row[i] - dot(row, row, i);
		if (!(rest > 0))
			return false;
		row[i] = sqrt(rest);
	}
	return true;
}

/* Row by row from the first: row i of the inverse is a sum of rows above it, which are done. */
static void invert_triangle(double *matrix, int size)
{
	for (int i = 0; i < size; i++) {
		double *row = matrix + (size_t)i * (size_t)size, scale = 1 / row[i];

		for (int k = 0; k < i; k++) {
			const double *done = matrix + (size_t)k * (size_t)size;
			double factor = -row[k];

			row[k] = 0;
			for (int j = 0; j <= k; j++)
				row[j] += factor * done[j];
		}
		for (int k = 0; k < i; k++)
			row[k] *= scale;
		row[i] = scale;
	}
}

bool symmetric_factor(double *matrix, int size)
{
	if (!cholesky(matrix, size))
		return false;
	invert_triangle(matrix, size);
	return true;
}

void symmetric_inverse_diagonal(const double *factor, int size, double *diagonal)
{
	memset(diagonal, 0, (size_t)size * sizeof(*diagonal));
	for (int i = 0; i < size; i++) {
		const double *row = factor + (size_t)i * (size_t)size;
		for (int k = 0; k <= i; k++)
			diagonal[k] += row[k] * row[k];
	}
}

void symmetric_inverse_block(const double *factor, int size, const int *rows, int count, double *block)
{
	memset(block, 0, (size_t)count * (size_t)count * sizeof(*block));
	for (int k = 0; k < size; k++) {
		const double *row = factor + (size_t)k * (size_t)size;

		for (int a = 0; a < count; a++)
			for (int b = 0; b < count && rows[a] <= k; b++)
				if (rows[b] <= k)
					block[a * count + b] += row[rows[a]] * row[rows[b]];
	}
}

void symmetric_solve(const double *factor, int size, const double *b, double *work, double *x)
{
	memset(x, 0, (size_t)size * sizeof(*x));
	for (int i = 0; i < size; i++) {
		const double *row = factor + (size_t)i * (size_t)size;

		work[i] = dot(row, b, i + 1);
		for (int k = 0; k <= i; k++)
			x[k] += row[k] * work[i];
	}
}
