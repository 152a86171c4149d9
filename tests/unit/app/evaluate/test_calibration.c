/* SPDX-License-Identifier: MIT */
#include "evaluate/calibration.h"
#include "support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
static float zeros[8];

static void is_near(double value, double expected, double by)
{
	if (!(fabs(value - expected) <= by))
		fail_msg("%.9f is not %.9f", value, expected);
}

static void bins_are_closed_above(void **state)
{
	(void)state;
	const struct judgement judgements[] = {{.label = 0.90F, .label_right = true}, {.label = 0.88F},
		{.label = 1, .label_right = true}, {.label = 0.06F}, {.label = 0.07F}, {.label = 0}};
	struct reliability r = reliability_of(judgements, 6);

	assert_int_equal(r.bins[0].pictures, 2);
	assert_int_equal(r.bins[1].pictures, 1);
	assert_int_equal(r.bins[13].pictures, 2);
	assert_int_equal(r.bins[14].pictures, 1);
	is_near(r.bins[0].confidence, 0.03, 1e-6);
	is_near(r.bins[0].accuracy, 0, 0);
	is_near(r.bins[13].confidence, 0.89, 1e-6);
	is_near(r.bins[13].accuracy, 0.5, 1e-6);
	/* 2/6 · 0.03 + 1/6 · 0.07 + 2/6 · 0.39 + 1/6 · 0 */
	is_near(r.error, (0.06 + 0.07 + 0.78) / 6, 1e-6);
	r = reliability_of(judgements, 0);
	is_near(r.error, 0, 0);
}

/* An edge of two bins belongs to the lower one: (0, 1/15], (1/15, 2/15] … */
static void an_edge_belongs_to_the_lower_bin(void **state)
{
	(void)state;
	for (int i = 1; i <= 15; i++) {
		const struct judgement inside = {.label = nextafterf((float)i / 15, 0)};
		struct reliability r = reliability_of(&inside, 1);
		assert_int_equal(r.bins[i - 1].pictures, 1);
		const struct judgement above = {.label = fminf(nextafterf((float)i / 15, 2), 1)};
		r = reliability_of(&above, 1);
		assert_int_equal(r.bins[i < 15 ? i : 14].pictures, 1);
	}
}

/* Of the logits 0, 2, 1: groups {0, 2} and {1}. */
static void judgements_by_hand(void **state)
{
	(void)state;
	int first[] = {0, 2}, second[] = {1};
	char names[2][2] = {"a", "b"};
	struct label_group groups[] = {{names[0], first, 2}, {names[1], second, 1}};
	struct network network = {.class_count = 3,
		.scale = ones,
		.bias = zeros,
		.groups = groups,
		.group_count = 2,
		.temperature = 7}; /* another one is asked for */
	int32_t scores[] = {0, 2, 1, 0, 2, 1, 0, 2, 1};
	int labels[] = {1, 0, -1};
	struct scored scored = {&network, 3, scores, labels};
	struct judgement v[3];

	assert_int_equal(judge(&scored, 1, v), 0);
	is_near((double)v[0].label, 0.665240956, 1e-6);
	is_near((double)v[0].group, 0.665240956, 1e-6);
	assert_true(v[0].label_right && v[0].group_right);
	assert_true(!v[1].label_right && !v[1].group_right);
	assert_true(!v[2].label_right && !v[2].group_right);
	assert_int_equal(judge(&scored, 10, v), 0); /* 0.301, 0.367, 0.332: both others outdo the best */
	is_near((double)v[0].label, 0.367165, 1e-5);
	is_near((double)v[0].group, 0.632835, 1e-5);
	assert_true(v[0].label_right && !v[0].group_right);
	assert_true(!v[1].label_right && v[1].group_right);
	/* Right is any class of the first group, any of the second. */
	labels[0] = 3;
	labels[1] = 4;
	assert_int_equal(judge(&scored, 1, v), 0);
	assert_true(!v[0].label_right && !v[0].group_right);
	assert_true(v[1].label_right && v[1].group_right);
	assert_int_equal(judge(&scored, 10, v), 0);
	assert_true(!v[0].label_right && v[0].group_right);
	assert_true(v[1].label_right && !v[1].group_right);
}

static void losses_by_hand(void **state)
{
	(void)state;
	struct network network = {.class_count = 3, .scale = ones, .bias = zeros};
	int32_t scores[] = {0, 2, 1, INT32_MAX, INT32_MIN, INT32_MIN};
	int labels[] = {1, 0};
	struct scored scored = {&network, 1, scores, labels};
	double work[3];

	is_near(likelihood_loss(&scored, 1, work), -log(0.665240956), 1e-8);
	is_near(likelihood_loss(&scored, 2, work), -log(0.506480391), 1e-8);
	scored.count = 2; /* the second is sure */
	is_near(likelihood_loss(&scored, 1, work), -log(0.665240956) / 2, 1e-8);
	labels[1] = 1; /* finite, though its share is none */
	assert_true(isfinite(likelihood_loss(&scored, 1, work)));
	/* Of a group: that it is any of its classes, 0.090030573 and 0.244728471. */
	char name[] = "a";
	int members[] = {0, 2};
	struct label_group group = {name, members, 2};
	network.groups = &group;
	network.group_count = 1;
	labels[0] = 3;
	scored.count = 1;
	is_near(likelihood_loss(&scored, 1, work), -log(0.334759044), 1e-8);
}

/* Labels drawn with the probabilities of the scores divided by `temperature`. scores: [count][4] */
static void draw(int32_t *all, int *labels, int count, double temperature, uint32_t seed)
{
	for (int i = 0; i < count; i++) {
		int32_t *scores = all + 4 * (size_t)i;
		double share[4], total = 0;
		for (int c = 0; c < 4; c++) {
			scores[c] = (int32_t)(random_next(&seed) % 12);
			total += share[c] = exp(scores[c] / temperature);
		}
		double at = total * (random_next(&seed) % 1000000) / 1e6;
		int label = 0;
		while (label < 3 && at >= share[label])
			at -= share[label++];
		labels[i] = label;
	}
}

static void the_fit_finds_the_temperature_of_the_draw(void **state)
{
	(void)state;
	static const double temperatures[] = {0.5, 1, 2.5, 6};
	static int32_t scores[4 * 20000];
	static int labels[20000];
	struct network network = {.class_count = 4, .scale = ones, .bias = zeros};

	for (int i = 0; i < 4; i++) {
		struct scored scored = {&network, 20000, scores, labels};
		double fitted;
		bool found;
		draw(scores, labels, 20000, temperatures[i], 11 + (uint32_t)i);
		assert_int_equal(temperature_fit(&scored, &fitted, &found), 0);
		assert_true(found);
		is_near(fitted / temperatures[i], 1, 0.08);
		is_near(fitted * 1000, round(fitted * 1000), 1e-9);
	}
}

/* No other temperature has less loss, and the confidences that it gives are as often right as they say. */
static void the_fit_is_a_minimum(void **state)
{
	(void)state;
	static int32_t scores[4 * 4000];
	static int labels[4000];
	static struct judgement before[4000], after[4000];
	struct network network = {.class_count = 4, .scale = ones, .bias = zeros};
	struct scored scored = {&network, 4000, scores, labels};
	double fitted, work[4];
	bool found;

	draw(scores, labels, 4000, 3, 5);
	assert_int_equal(temperature_fit(&scored, &fitted, &found), 0);
	assert_true(found);
	double least = likelihood_loss(&scored, fitted, work);
	for (int i = -14; i <= 14; i++)
		assert_true(likelihood_loss(&scored, fitted * pow(1.05, i), work) >= least - 1e-5);
	assert_int_equal(judge(&scored, 1, before), 0);
	assert_int_equal(judge(&scored, fitted, after), 0);
	assert_true(reliability_of(before, 4000).error > 0.1);
	assert_true(reliability_of(after, 4000).error < 0.03);
}

static void labels_that_are_all_right_have_no_temperature(void **state)
{
	(void)state;
	struct network network = {.class_count = 2, .scale = ones, .bias = zeros};
	int32_t scores[] = {5, 1, 9, 0, 2, 6};
	int labels[] = {0, 0, 1};
	struct scored scored = {&network, 3, scores, labels};
	double fitted;
	bool found = true;

	assert_int_equal(temperature_fit(&scored, &fitted, &found), 0);
	assert_false(found);
	memset(scores, 0, sizeof(scores)); /* nothing to learn from: the loss is the same everywhere */
	assert_int_equal(temperature_fit(&scored, &fitted, &found), 0);
	assert_false(found);
	scored.count = 0;
	assert_int_equal(temperature_fit(&scored, &fitted, &found), 0);
	assert_false(found);
}

static const struct judgement known[] = {{0.9F, 0.95F, true, true}, {0.7F, 0.9F, false, true},
	{0.6F, 0.6F, true, true}, {0.3F, 0.8F, true, true}, {0.2F, 0.55F, false, false}};
static const struct judgement unknown[] = {{0.65F, 0.65F, false, false}, {0.4F, 0.58F, false, false},
	{0.1F, 0.2F, false, false}, {0.05F, 0.1F, false, false}};

static void effects_by_hand(void **state)
{
	(void)state;
	const struct threshold_data data = {known, unknown, 5, 4};

	struct threshold_effect e = threshold_effect(&data, 0.25);
	assert_int_equal(e.named, 5);
	assert_int_equal(e.right, 3); /* the second's label is wrong; the last has a wrong group */
	assert_int_equal(e.false_words, 2);
	assert_int_equal(e.false_labels, 2);
	e = threshold_effect(&data, 0.56);
	assert_int_equal(e.named, 4);
	assert_int_equal(e.right, 3); /* of the fourth its group alone is shown, and right */
	assert_int_equal(e.false_words, 2);
	assert_int_equal(e.false_labels, 1);
	e = threshold_effect(&data, 0.92);
	assert_int_equal(e.named, 1);
	assert_int_equal(e.right, 1); /* the label is not shown, but the group */
	assert_int_equal(e.false_words, 0);
	e = threshold_effect(&data, 0.2);
	assert_int_equal(e.false_words, 3); /* a threshold that is reached */
}

static void the_fewest_false_words_at_the_lowest_threshold(void **state)
{
	(void)state;
	const struct threshold_data data = {known, unknown, 5, 4};
	struct threshold_effect e = {0};

	assert_true(threshold_suggest(&data, 0.6, &e)); /* three of five, so up to 0.8 */
	is_near(e.threshold, 0.66, 1e-9);
	assert_int_equal(e.named, 3);
	assert_int_equal(e.false_words, 0);
	assert_true(threshold_suggest(&data, 0.8, &e)); /* four of five, so up to 0.6 */
	is_near(e.threshold, 0.59, 1e-9);
	assert_int_equal(e.false_words, 1);
	assert_true(threshold_suggest(&data, 1, &e));
	is_near(e.threshold, 0.21, 1e-9);
	assert_int_equal(e.false_words, 2);
	const struct judgement none[] = {{.label = 0.001F}};
	const struct threshold_data hopeless = {none, unknown, 1, 4};
	assert_false(threshold_suggest(&hopeless, 0.5, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bins_are_closed_above),
		cmocka_unit_test(an_edge_belongs_to_the_lower_bin),
		cmocka_unit_test(judgements_by_hand),
		cmocka_unit_test(losses_by_hand),
		cmocka_unit_test(the_fit_finds_the_temperature_of_the_draw),
		cmocka_unit_test(the_fit_is_a_minimum),
		cmocka_unit_test(labels_that_are_all_right_have_no_temperature),
		cmocka_unit_test(effects_by_hand),
		cmocka_unit_test(the_fewest_false_words_at_the_lowest_threshold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
