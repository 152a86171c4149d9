/* SPDX-License-Identifier: MIT */
/*
 * A convolution copies the pixels that each tap meets into rows, one row a tap and a column an output pixel,
 * and multiplies the matrix of weights with them, in blocks that stay in the cache. The inner loops run along
 * a row, so that the compiler can use vectors without changing the order of any sum.
 */
#include "nn/import/onnx/float_ops.h"

#include <math.h>
#include <string.h>

enum { TILE = 128 /* output pixels at a time */ };

/* The outputs [*begin, *end) of a row for which a tap meets a pixel of the input. */
static void span_find(int offset, int stride, int in, int out, int *begin, int *end)
{
	*begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
	*end = offset >= in ? 0 : (in - 1 - offset) / stride + 1;
	if (*end > out)
		*end = out;
	if (*begin > *end)
		*begin = *end;
}

/* Where the kernel's row or column `tap` meets the input for the output 0. */
static int row_offset(const struct float_window *w, int tap)
{
	return tap * w->dilation_height - w->pad_top;
}

static int column_offset(const struct float_window *w, int tap)
{
	return tap * w->dilation_width - w->pad_left;
}

/* The numbers that one tap meets for `count` output pixels from `first` on. */
static void row_gather(const struct float_window *w, const float *plane, int ky, int kx, int first, int count,
	float *restrict row)
{
	int offset = column_offset(w, kx), begin, end, done = 0;

	span_find(offset, w->stride_width, w->in.width, w->out.width, &begin, &end);
	while (done < count) {
		int y = (first + done) / w->out.width, x = (first + done) % w->out.width;
		int in_y = y * w->stride_height + row_offset(w, ky);
		int stop = w->out.width - x < count - done ? w->out.width : x + count - done;
		bool inside = in_y >= 0 && in_y < w->in.height;
		const float *line = inside ? plane + (size_t)in_y * (size_t)w->in.width : NULL;

		for (; x < stop; x++)
			row[done++] = line && x >= begin && x < end ? line[x * w->stride_width + offset] : 0;
	}
}

/* out[r][i] += Σ over four taps weights[r][tap] · columns[tap][i], for four rows of weights. */
static void block_add(const float *weights, size_t taps, const float *restrict columns, size_t stride,
	float *restrict out, size_t out_stride, int count)
{
	const float *restrict c0 = columns, *restrict c1 = c0 + stride, *restrict c2 = c1 + stride,
			      *restrict c3 = c2 + stride;

	for (int r = 0; r < 4; r += 2) {
		const float *a = weights + (size_t)r * taps, *b = a + taps;
		float *restrict x = out + (size_t)r * out_stride, *restrict y = x + out_stride;
		float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];

		for (int i = 0; i < count; i++) {
			x[i] += (a0 * c0[i] + a1 * c1[i]) + (a2 * c2[i] + a3 * c3[i]);
			y[i] += (b0 * c0[i] + b1 * c1[i]) + (b2 * c2[i] + b3 * c3[i]);
		}
	}
}

/* The same for any number of rows and taps. */
static void remainder_add(const float *weights, size_t taps, int rows, size_t depth, const float *columns,
	size_t stride, float *out, size_t out_stride, int count)
{
	for (int r = 0; r < rows; r++)
		for (size_t k = 0; k < depth; k++) {
			float weight = weights[(size_t)r * taps + k];
			const float *restrict column = columns + k * stride;
			float *restrict x = out + (size_t)r * out_stride;

			for (int i = 0; i < count; i++)
				x[i] += weight * column[i];
		}
}

/* out[r][i] += Σ weights[r][k] · columns[k][i]. */
static void multiply_add(const float *weights, size_t taps, int rows, const float *columns, size_t stride,
	float *out, size_t out_stride, int count)
{
	size_t whole = taps - taps % 4;

	for (int r = 0; r < rows; r += 4) {
		const float *w = weights + (size_t)r * taps;
		float *o = out + (size_t)r * out_stride;
		int height = rows - r < 4 ? rows - r : 4;
		size_t k = 0;

		for (; height == 4 && k < whole; k += 4)
			block_add(w + k, taps, columns + k * stride, stride, o, out_stride, count);
		remainder_add(
			w + k, taps, height, taps - k, columns + k * stride, stride, o, out_stride, count);
	}
}

static bool is_pointwise(const struct float_window *w)
{
	return w->kernel_height == 1 && w->kernel_width == 1 && w->stride_height == 1 &&
	       w->stride_width == 1 && w->in.height == w->out.height && w->in.width == w->out.width &&
	       w->pad_top == 0 && w->pad_left == 0;
}

static size_t window_taps(const struct float_window *w)
{
	return (size_t)(w->in.channels / w->groups) * (size_t)w->kernel_height * (size_t)w->kernel_width;
}

size_t float_conv_scratch(const struct float_window *window)
{
	return window_taps(window) * TILE;
}

static void group_conv(const struct float_window *w, const float *in, const float *weights, int rows,
	float *out, float *scratch)
{
	int pixels = w->out.height * w->out.width, depth = w->in.channels / w->groups;
	size_t plane = (size_t)w->in.height * (size_t)w->in.width, taps = window_taps(w);

	for (int first = 0; first < pixels; first += TILE) {
		int count = pixels - first < TILE ? pixels - first : TILE;
		float *row = scratch;

		if (is_pointwise(w)) {
			multiply_add(
				weights, taps, rows, in + first, plane, out + first, (size_t)pixels, count);
			continue;
		}
		for (int c = 0; c < depth; c++)
			for (int ky = 0; ky < w->kernel_height; ky++)
				for (int kx = 0; kx < w->kernel_width; kx++, row += TILE)
					row_gather(w, in + (size_t)c * plane, ky, kx, first, count, row);
		multiply_add(weights, taps, rows, scratch, TILE, out + first, (size_t)pixels, count);
	}
}

/* One channel in, one out: each tap adds a shifted picture. */
static void plane_conv(const struct float_window *w, const float *in, const float *weights, float *out)
{
	for (int ky = 0; ky < w->kernel_height; ky++)
		for (int kx = 0; kx < w->kernel_width; kx++) {
			float weight = weights[ky * w->kernel_width + kx];
			int offset = column_offset(w, kx), top, bottom, left, right;

			span_find(row_offset(w, ky), w->stride_height, w->in.height, w->out.height, &top,
				&bottom);
			span_find(offset, w->stride_width, w->in.width, w->out.width, &left, &right);
			for (int y = top; y < bottom; y++) {
				const float *restrict line =
					in + (size_t)(y * w->stride_height + row_offset(w, ky)) *
						     (size_t)w->in.width;
				float *restrict made = out + (size_t)y * (size_t)w->out.width;

				for (int x = left; x < right; x++)
					made[x] += weight * line[x * w->stride_width + offset];
			}
		}
}

void float_conv(const struct float_window *window, const float *in, const float *weights, const float *bias,
	float *out, float *scratch)
{
	int depth = window->in.channels / window->groups, rows = window->out.channels / window->groups;
	size_t in_plane = (size_t)window->in.height * (size_t)window->in.width;
	size_t out_plane = (size_t)window->out.height * (size_t)window->out.width;
	size_t taps = window_taps(window);

	for (size_t c = 0, i = 0; c < (size_t)window->out.channels; c++)
		for (size_t p = 0; p < out_plane; p++)
			out[i++] = bias ? bias[c] : 0;
	for (int g = 0; g < window->groups; g++) {
		const float *from = in + (size_t)g * (size_t)depth * in_plane;
		const float *w = weights + (size_t)g * (size_t)rows * taps;
		float *to = out + (size_t)g * (size_t)rows * out_plane;

		if (depth > 1 || out_plane == 1)
			group_conv(window, from, w, rows, to, scratch);
		for (int r = 0; r < rows && depth == 1 && out_plane > 1; r++)
			plane_conv(window, from, w + (size_t)r * taps, to + (size_t)r * out_plane);
	}
}

/* The sum of what one tap meets in a channel. */
static double tap_sum(const struct float_window *w, const float *plane, int ky, int kx)
{
	int offset = column_offset(w, kx), top, bottom, left, right;
	double sum = 0;

	span_find(row_offset(w, ky), w->stride_height, w->in.height, w->out.height, &top, &bottom);
	span_find(offset, w->stride_width, w->in.width, w->out.width, &left, &right);
	for (int y = top; y < bottom; y++) {
		const float *line =
			plane + (size_t)(y * w->stride_height + row_offset(w, ky)) * (size_t)w->in.width;
		double a = 0, b = 0;
		int x = left;

		for (; x + 1 < right; x += 2) {
			a += (double)line[x * w->stride_width + offset];
			b += (double)line[(x + 1) * w->stride_width + offset];
		}
		if (x < right)
			a += (double)line[x * w->stride_width + offset];
		sum += a + b;
	}
	return sum;
}

void float_conv_means(const struct float_window *window, const float *in, double *sums)
{
	size_t plane = (size_t)window->in.height * (size_t)window->in.width;
	double pixels = (double)window->out.height * window->out.width;

	for (int c = 0; c < window->in.channels; c++, in += plane)
		for (int ky = 0; ky < window->kernel_height; ky++)
			for (int kx = 0; kx < window->kernel_width; kx++)
				*sums++ += tap_sum(window, in, ky, kx) / pixels;
}

/* The greatest number of a window, or the sum of its numbers and how many there are. */
static void window_reduce(
	const struct float_window *w, const float *plane, int y, int x, float *most, double *sum, int *count)
{
	*most = -INFINITY;
	*sum = 0;
	*count = 0;
	for (int ky = 0; ky < w->kernel_height; ky++)
		for (int kx = 0; kx < w->kernel_width; kx++) {
			int in_y = y * w->stride_height + row_offset(w, ky);
			int in_x = x * w->stride_width + column_offset(w, kx);

			if (in_y < 0 || in_y >= w->in.height || in_x < 0 || in_x >= w->in.width)
				continue;
			float number = plane[(size_t)in_y * (size_t)w->in.width + (size_t)in_x];
			*most = number > *most ? number : *most;
			*sum += (double)number;
			++*count;
		}
}

void float_max_pool(const struct float_window *window, const float *in, float *out)
{
	size_t plane = (size_t)window->in.height * (size_t)window->in.width;
	double sum;
	int count;

	for (int c = 0; c < window->out.channels; c++)
		for (int y = 0; y < window->out.height; y++)
			for (int x = 0; x < window->out.width; x++, out++)
				window_reduce(window, in + (size_t)c * plane, y, x, out, &sum, &count);
}

void float_average_pool(const struct float_window *window, bool padding_counts, const float *in, float *out)
{
	size_t plane = (size_t)window->in.height * (size_t)window->in.width;
	double sum;
	float most;
	int count;

	for (int c = 0; c < window->out.channels; c++)
		for (int y = 0; y < window->out.height; y++)
			for (int x = 0; x < window->out.width; x++) {
				window_reduce(window, in + (size_t)c * plane, y, x, &most, &sum, &count);
				if (padding_counts)
					count = window->kernel_height * window->kernel_width;
				*out++ = count ? (float)(sum / count) : 0;
			}
}

void float_matrix(
	int in_count, int out_count, const float *in, const float *weights, const float *bias, float *out)
{
	for (int o = 0; o < out_count; o++, weights += in_count) {
		float parts[16] = {0}, sum = 0;
		int i = 0;

		for (; i + 16 <= in_count; i += 16)
			for (int k = 0; k < 16; k++)
				parts[k] += weights[i + k] * in[i + k];
		for (; i < in_count; i++)
			sum += weights[i] * in[i];
		for (int k = 0; k < 16; k++)
			sum += parts[k];
		out[o] = sum + (bias ? bias[o] : 0);
	}
}
