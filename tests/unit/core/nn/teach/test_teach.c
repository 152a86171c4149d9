/* SPDX-License-Identifier: MIT */
/* A layer fitted to examples tells them apart, also without having seen them, and survives its rounding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "nn/classify.h"
#include "nn/reference.h"
#include "nn/teach/head.h"
#include "nn/teach/ridge.h"
#include "nn/teach/symmetric.h"
#include "support/memory.h"
#include "support/network_builder.h"
#include "support/random.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SIZE 40

struct sample {
	uint8_t *codes;
	int *classes;
};

/* Each class has a pattern; `noise` is added to it. */
static struct examples patterns(int count, int classes, int noise, struct sample *sample)
{
	uint32_t state = 5;
	uint8_t centre[8][SIZE];

	for (int c = 0; c < classes; c++)
		for (int d = 0; d < SIZE; d++)
			centre[c][d] = (uint8_t)random_within(&state, 60, 190);
	state = (uint32_t)(count * 31 + noise);
	sample->codes = must_allocate((size_t)count * SIZE, 1);
	sample->classes = must_allocate((size_t)count, sizeof(int));
	for (int i = 0; i < count; i++) {
		sample->classes[i] = i % classes;
		for (int d = 0; d < SIZE; d++)
			sample->codes[i * SIZE + d] =
				(uint8_t)(centre[i % classes][d] + random_within(&state, -noise, noise));
	}
	return (struct examples){sample->codes, sample->classes, NULL, count, classes, SIZE, FITTED_LIMIT};
}

static void sample_finish(struct sample *sample)
{
	free(sample->codes);
	free(sample->classes);
}

static int class_of(const struct ridge *ridge, const uint8_t *codes, int classes)
{
	double best = -INFINITY;
	int found = -1;

	for (int c = 0; c < classes; c++) {
		double output = ridge->bias[c];
		for (int d = 0; d < SIZE; d++)
			output += (double)ridge->weights[c * SIZE + d] * (codes[d] - ridge->mean[d]);
		if (output > best) {
			best = output;
			found = c;
		}
	}
	return found;
}

static int errors_of(const struct ridge *ridge, const struct examples *examples)
{
	int errors = 0;

	for (int i = 0; i < examples->count; i++)
		errors += class_of(ridge, examples->codes + (size_t)i * SIZE, examples->class_count) !=
			  examples->classes[i];
	return errors;
}

static void inverses_are_inverses(void **state)
{
	double a[] = {4, 0, 0, 2, 5, 0, 1, 3, 6}, diagonal[3], x[3], work[3];
	const double b[] = {1, -2, 3};

	(void)state;
	assert_true(symmetric_factor(a, 3));
	symmetric_inverse_diagonal(a, 3, diagonal);
	symmetric_solve(a, 3, b, work, x);
	/* of [4 2 1; 2 5 3; 1 3 6], whose determinant is 67 */
	assert_float_equal(diagonal[0], 21.0 / 67, 1e-12);
	assert_float_equal(diagonal[1], 23.0 / 67, 1e-12);
	assert_float_equal(diagonal[2], 16.0 / 67, 1e-12);
	assert_float_equal(4 * x[0] + 2 * x[1] + x[2], 1, 1e-12);
	assert_float_equal(2 * x[0] + 5 * x[1] + 3 * x[2], -2, 1e-12);
	assert_float_equal(x[0] + 3 * x[1] + 6 * x[2], 3, 1e-12);
	double block[4];
	symmetric_inverse_block(a, 3, (const int[]){2, 0}, 2, block);
	assert_float_equal(block[0], 16.0 / 67, 1e-12);
	assert_float_equal(block[1], 1.0 / 67, 1e-12);
	assert_float_equal(block[2], 1.0 / 67, 1e-12);
	assert_float_equal(block[3], 21.0 / 67, 1e-12);
	double flat[] = {1, 0, 1, 1};
	assert_false(symmetric_factor(flat, 2));
}

static void held_out_foretells_new_examples(void **state)
{
	struct sample seen, unseen;
	struct examples fitted = patterns(48, 4, 45, &seen), others = patterns(400, 4, 45, &unseen);
	struct ridge ridge;
	struct error e;
	int errors = 0;

	(void)state;
	assert_int_equal(ridge_fit(&fitted, &ridge, &e), 0);
	assert_int_equal(errors_of(&ridge, &fitted), 0);
	for (int i = 0; i < fitted.count; i++)
		errors += ridge.held_out[i] != fitted.classes[i];
	double foretold = (double)errors / fitted.count;
	double found = (double)errors_of(&ridge, &others) / others.count;
	assert_true(found < 0.1);
	assert_true(fabs(foretold - found) < 0.1);
	assert_true(ridge.scale > 0.5);
	ridge_finish(&ridge);
	sample_finish(&seen);
	sample_finish(&unseen);
}

/* What no one can tell apart is not confident: labels by chance leave hardly any scale. */
static void chance_is_not_trusted(void **state)
{
	struct sample sample;
	struct examples examples = patterns(90, 1, 60, &sample);
	uint32_t random = 3;
	struct ridge ridge;
	struct error e;
	int errors = 0;

	(void)state;
	examples.class_count = 3;
	for (int i = 0; i < examples.count; i++)
		sample.classes[i] = random_within(&random, 0, 2);
	assert_int_equal(ridge_fit(&examples, &ridge, &e), 0);
	for (int i = 0; i < examples.count; i++)
		errors += ridge.held_out[i] != examples.classes[i];
	assert_true(errors > examples.count / 3);
	assert_true(ridge.scale < 1);
	ridge_finish(&ridge);
	sample_finish(&sample);
}

/* Near-copies with labels by chance: a fit to the others of a burst knows the answer, one without it does
 * not. */
static void bursts_are_left_out_together(void **state)
{
	struct sample sample;
	struct examples examples = patterns(90, 1, 60, &sample);
	int bursts[90], errors[2] = {0};
	uint32_t random = 5;
	struct ridge ridge;
	struct error e;

	(void)state;
	examples.class_count = 3;
	for (int i = 0; i < 90; i++) {
		bursts[i] = i / 3;
		sample.classes[i] = i % 3 ? sample.classes[i - 1] : random_within(&random, 0, 2);
		if (i % 3)
			memcpy(sample.codes + (size_t)i * SIZE, sample.codes + (size_t)(i - 1) * SIZE, SIZE);
		sample.codes[(size_t)i * SIZE] ^= 1;
	}
	for (int together = 0; together < 2; together++) {
		examples.bursts = together ? bursts : NULL;
		assert_int_equal(ridge_fit(&examples, &ridge, &e), 0);
		assert_int_equal(ridge.tested, 90);
		for (int i = 0; i < 90; i++) {
			errors[together] += ridge.held_out[i] != examples.classes[i];
			assert_true(ridge.confidence[i] > 0.33F && ridge.confidence[i] <= 1);
		}
		ridge_finish(&ridge);
	}
	assert_true(errors[0] < 9);
	assert_true(errors[1] > 30);
	for (int i = 0; i < 90; i++) /* all of class 0 in one burst: nothing tells what it looks like */
		bursts[i] = sample.classes[i] ? i : 0;
	examples.bursts = bursts;
	assert_int_equal(ridge_fit(&examples, &ridge, &e), 0);
	for (int i = 0; i < 90; i++)
		assert_true((ridge.held_out[i] < 0) == (sample.classes[i] == 0));
	ridge_finish(&ridge);
	sample_finish(&sample);
}

/* A class with many examples does not take those of the others. */
static void classes_count_alike(void **state)
{
	struct sample seen, unseen;
	struct examples many = patterns(1800, 6, 64, &seen), others = patterns(600, 6, 64, &unseen);
	struct ridge ridge;
	struct error e;
	int errors = 0;

	(void)state;
	many.count = 0;
	for (int i = 0; i < 1800; i++) { /* 300 of class 0, two of each other */
		if (seen.classes[i] && i >= 12)
			continue;
		memmove(seen.codes + (size_t)many.count * SIZE, seen.codes + (size_t)i * SIZE, SIZE);
		seen.classes[many.count++] = seen.classes[i];
	}
	assert_int_equal(many.count, 310);
	assert_int_equal(ridge_fit(&many, &ridge, &e), 0);
	for (int i = 0; i < others.count; i++)
		errors += others.classes[i] &&
			  class_of(&ridge, others.codes + (size_t)i * SIZE, 6) != others.classes[i];
	assert_true(errors < 100); /* of 500 of the small classes */
	ridge_finish(&ridge);
	sample_finish(&seen);
	sample_finish(&unseen);
}

/* Of many examples some are fitted, and those judge the others. */
static void others_are_judged(void **state)
{
	struct sample sample;
	struct examples examples = patterns(300, 4, 45, &sample);
	struct ridge ridge;
	struct error e;
	int errors = 0;

	(void)state;
	examples.fitted = 60;
	assert_int_equal(ridge_fit(&examples, &ridge, &e), 0);
	assert_int_equal(ridge.tested, 300);
	for (int i = 0; i < 300; i++)
		errors += ridge.held_out[i] != examples.classes[i];
	assert_true(errors < 30);
	assert_true(errors >= errors_of(&ridge, &examples)); /* which has seen a fifth of them */
	ridge_finish(&ridge);
	sample_finish(&sample);
}

static void odd_examples_are_refused_or_fitted(void **state)
{
	struct sample sample;
	struct examples examples = patterns(6, 2, 0, &sample);
	struct ridge ridge;
	struct error e;

	(void)state;
	memset(sample.codes, 7, 6 * SIZE); /* all the same */
	assert_int_equal(ridge_fit(&examples, &ridge, &e), 0);
	ridge_finish(&ridge);
	examples.class_count = 1;
	assert_int_equal(ridge_fit(&examples, &ridge, &e), -EINVAL);
	assert_non_null(strstr(e.text, "1 classes"));
	examples.class_count = 2;
	examples.count = EXAMPLES_LIMIT + 1;
	assert_int_equal(ridge_fit(&examples, &ridge, &e), -EINVAL);
	sample_finish(&sample);
}

/* A network with a new last layer says what the fit said; one that ends in codes gets one more. */
static void head_is_the_fit(void **state)
{
	(void)state;
	for (int codes = 0; codes < 2; codes++) {
		struct network *network = tiny_network(3);
		struct sample sample;
		struct examples examples = patterns(30, 3, 3, &sample);
		char *labels[] = {(char *)"cup", (char *)"keys", (char *)"none of these"};
		struct ridge ridge;
		struct error e;
		int layers, errors = 0;

		if (codes)
			network_remove_last(network);
		assert_int_equal(head_features(network, &layers, &e), 0);
		assert_int_equal(layers, 4);
		assert_int_equal(shape_size(network->layers[3].out), SIZE);
		if (!codes) { /* of scores that go */
			network->temperature = 64;
			network->unknown_below = 0.9;
		}
		for (int i = 0; i < 30 * SIZE; i++)
			sample.codes[i] = (uint8_t)(sample.codes[i] / 64); /* 2 bits */
		assert_int_equal(ridge_fit(&examples, &ridge, &e), 0);
		assert_int_equal(head_replace(network, &ridge, labels, 3, &e), 0);
		assert_int_equal(network->layer_count, 5);
		assert_int_equal(network->class_count, 3);
		assert_int_equal(network->group_count, 0);
		assert_true(network->temperature == 0 && network->unknown_below == 0);
		assert_string_equal(network->labels[1], "keys");
		for (int i = 0; i < 30; i++) {
			const uint8_t *one = sample.codes + (size_t)i * SIZE;
			struct classification result;
			int32_t scores[3];
			double work[3];
			assert_int_equal(reference_run(network, 4, 5, one, scores), 0);
			classify_scores(network, scores, work, &result);
			errors += result.top[0].index != class_of(&ridge, one, 3);
		}
		assert_int_equal(errors, 0);
		ridge_finish(&ridge);
		sample_finish(&sample);
		network_destroy(network);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inverses_are_inverses),
		cmocka_unit_test(held_out_foretells_new_examples),
		cmocka_unit_test(chance_is_not_trusted),
		cmocka_unit_test(bursts_are_left_out_together),
		cmocka_unit_test(others_are_judged),
		cmocka_unit_test(classes_count_alike),
		cmocka_unit_test(odd_examples_are_refused_or_fitted),
		cmocka_unit_test(head_is_the_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
