/* SPDX-License-Identifier: MIT */
/* The arithmetic of float networks against plain loops in double precision. */
#include "nn/import/onnx/float_ops.h"
#include "support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static float *random_numbers(uint32_t *random, size_t count)
{
	float *numbers = malloc(count * sizeof(*numbers));

	assert_non_null(numbers);
	for (size_t i = 0; i < count; i++)
		numbers[i] = (float)random_within(random, -1000, 1000) / 500;
	return numbers;
}

/* The number that a tap meets; NAN: it lies outside. */
static double met(const struct float_window *w, const float *in, int channel, int y, int x, int ky, int kx)
{
	int in_y = y * w->stride_height - w->pad_top + ky * w->dilation_height;
	int in_x = x * w->stride_width - w->pad_left + kx * w->dilation_width;

	if (in_y < 0 || in_y >= w->in.height || in_x < 0 || in_x >= w->in.width)
		return NAN;
	return (double)in[((size_t)channel * (size_t)w->in.height + (size_t)in_y) * (size_t)w->in.width +
			  (size_t)in_x];
}

static double conv_at(
	const struct float_window *w, const float *in, const float *weights, int channel, int y, int x)
{
	int depth = w->in.channels / w->groups, first = channel / (w->out.channels / w->groups) * depth;
	double sum = 0;

	weights += channel * depth * w->kernel_height * w->kernel_width;
	for (int c = 0; c < depth; c++)
		for (int ky = 0; ky < w->kernel_height; ky++)
			for (int kx = 0; kx < w->kernel_width; kx++, weights++) {
				double number = met(w, in, first + c, y, x, ky, kx);
				sum += isnan(number) ? 0 : number * (double)*weights;
			}
	return sum;
}

static void conv_compare(uint32_t *random, const struct float_window *w)
{
	size_t taps = (size_t)(w->in.channels / w->groups * w->kernel_height * w->kernel_width);
	float *in = random_numbers(random, shape_size(w->in));
	float *weights = random_numbers(random, taps * (size_t)w->out.channels);
	float *bias = random_numbers(random, (size_t)w->out.channels);
	float *out = calloc(shape_size(w->out), sizeof(*out));
	float *scratch = calloc(float_conv_scratch(w), sizeof(*scratch));
	size_t i = 0;

	float_conv(w, in, weights, bias, out, scratch);
	for (int c = 0; c < w->out.channels; c++)
		for (int y = 0; y < w->out.height; y++)
			for (int x = 0; x < w->out.width; x++, i++)
				assert_true(fabs(conv_at(w, in, weights, c, y, x) + (double)bias[c] -
						    (double)out[i]) < 1e-3);
	free(in);
	free(weights);
	free(bias);
	free(out);
	free(scratch);
}

static const struct float_window windows[] = {
	{{5, 7, 3}, {5, 7, 4}, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{{9, 6, 8}, {5, 3, 6}, 3, 3, 2, 2, 1, 1, 1, 1, 2},     /* groups */
	{{14, 13, 6}, {14, 13, 6}, 3, 5, 1, 1, 1, 1, 1, 2, 6}, /* depthwise */
	{{14, 13, 4}, {7, 5, 8}, 3, 3, 2, 3, 1, 1, 1, 0, 4},   /* two outputs a channel */
	{{13, 11, 5}, {13, 11, 9}, 1, 1, 1, 1, 1, 1, 0, 0, 1}, /* more pixels than a tile */
	{{8, 9, 7}, {4, 3, 5}, 3, 2, 1, 2, 2, 3, 0, 0, 1},     /* dilated */
	{{3, 3, 6}, {1, 1, 7}, 3, 3, 1, 1, 1, 1, 0, 0, 1}, {{1, 1, 6}, {1, 1, 6}, 1, 1, 1, 1, 1, 1, 0, 0, 6},
	{{2, 2, 2}, {6, 6, 3}, 1, 1, 1, 1, 1, 1, 2, 2, 1}, /* padding alone at the edges */
};

static void convolutions(void **state)
{
	uint32_t random = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++)
		conv_compare(&random, &windows[i]);
}

/* Σ weight · mean is the mean of what a convolution makes. */
static void means(void **state)
{
	uint32_t random = 8;

	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
		const struct float_window *w = &windows[i];
		size_t taps = (size_t)(w->kernel_height * w->kernel_width),
		       pixels = (size_t)(w->out.height * w->out.width);
		size_t depth = (size_t)(w->in.channels / w->groups) * taps;
		float *in = random_numbers(&random, shape_size(w->in));
		float *weights = random_numbers(&random, depth * (size_t)w->out.channels);
		double *sums = calloc((size_t)w->in.channels * taps, sizeof(*sums));

		float_conv_means(w, in, sums);
		for (int c = 0; c < w->out.channels; c++) {
			size_t first = (size_t)(c / (w->out.channels / w->groups)) * depth;
			double mean = 0, expected = 0;

			for (size_t k = 0; k < depth; k++)
				mean += sums[first + k] * (double)weights[(size_t)c * depth + k];
			for (size_t p = 0; p < pixels; p++)
				expected += conv_at(
					w, in, weights, c, (int)p / w->out.width, (int)p % w->out.width);
			assert_true(fabs(mean - expected / (double)pixels) < 1e-4);
		}
		free(in);
		free(weights);
		free(sums);
	}
}

static void pools(void **state)
{
	static const struct float_window w = {{6, 7, 2}, {3, 4, 2}, 3, 3, 2, 2, 1, 1, 1, 1, 1};
	uint32_t random = 9;
	float *in = random_numbers(&random, shape_size(w.in)), most[24], mean[24], whole[24];

	(void)state;
	float_max_pool(&w, in, most);
	float_average_pool(&w, false, in, mean);
	float_average_pool(&w, true, in, whole);
	for (int i = 0; i < 24; i++) {
		double sum = 0, greatest = -INFINITY;
		int count = 0;

		for (int k = 0; k < 9; k++) {
			double number = met(&w, in, i / 12, i % 12 / 4, i % 4, k / 3, k % 3);
			if (isnan(number))
				continue;
			sum += number;
			greatest = fmax(greatest, number);
			count++;
		}
		assert_true((double)most[i] == greatest);
		assert_true(fabs((double)mean[i] - sum / count) < 1e-6);
		assert_true(fabs((double)whole[i] - sum / 9) < 1e-6);
	}
	free(in);
}

static void matrices(void **state)
{
	uint32_t random = 10;
	float *in = random_numbers(&random, 37), *weights = random_numbers(&random, 3 * 37),
	      *bias = random_numbers(&random, 3), out[3];

	(void)state;
	float_matrix(37, 3, in, weights, bias, out);
	for (int o = 0; o < 3; o++) {
		double sum = (double)bias[o];

		for (int i = 0; i < 37; i++)
			sum += (double)in[i] * (double)weights[o * 37 + i];
		assert_true(fabs(sum - (double)out[o]) < 1e-4);
	}
	free(in);
	free(weights);
	free(bias);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convolutions),
		cmocka_unit_test(means),
		cmocka_unit_test(pools),
		cmocka_unit_test(matrices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
