/* SPDX-License-Identifier: MIT */
#include "nn/classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static float ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static float zeros[12];

static void is_near(double value, double expected)
{
	if (!(value > expected - 1e-6 && value < expected + 1e-6))
		fail_msg("%.9f is not %.9f", value, expected);
}

static void figures_by_hand(void **state)
{
	(void)state;
	/* Logits: scale · score + bias = 0, 2, 1. e^0, e^2, e^1 over their sum 11.107337928. */
	float scale[] = {0.5F, -1, 0.25F}, bias[] = {-1, 0, 0};
	struct network network = {.class_count = 3, .scale = scale, .bias = bias};
	const int32_t scores[] = {2, -2, 4};
	struct classification out;
	double work[3];

	classify_scores(&network, scores, work, &out);
	assert_int_equal(out.count, 3);
	assert_int_equal(out.top[0].index, 1);
	assert_int_equal(out.top[1].index, 2);
	assert_int_equal(out.top[2].index, 0);
	is_near(out.top[0].confidence, 0.665240956);
	is_near(out.top[1].confidence, 0.244728471);
	is_near(out.top[2].confidence, 0.090030573);
	assert_int_equal(out.group.index, -1);
	is_near(out.group.confidence, 0);
}

static void equal_logits_keep_their_order(void **state)
{
	(void)state;
	struct network network = {.class_count = 12, .scale = ones, .bias = zeros};
	const int32_t scores[12] = {3, 7, 3, 7, 3, 3, 7, 3, 3, 3, 3, 9};
	static const int order[TOP_MAXIMUM] = {11, 1, 3, 6, 0, 2, 4, 5, 7, 8};
	struct classification out;
	double work[12];

	classify_scores(&network, scores, work, &out);
	assert_int_equal(out.count, TOP_MAXIMUM);
	for (int i = 0; i < TOP_MAXIMUM; i++)
		assert_int_equal(out.top[i].index, order[i]);
}

static void extreme_scores_stay_finite(void **state)
{
	(void)state;
	struct network network = {.class_count = 3, .scale = ones, .bias = zeros};
	struct classification out;
	double work[3];

	classify_scores(&network, (const int32_t[]){INT32_MIN, INT32_MAX, INT32_MAX - 1}, work, &out);
	assert_int_equal(out.top[0].index, 1);
	is_near(out.top[0].confidence, 0.731058579);
	is_near(out.top[2].confidence, 0);
}

/* 2^24 + 1 and 2^24 are one number in single precision. */
static void the_ranking_is_of_doubles(void **state)
{
	(void)state;
	struct network network = {.class_count = 2, .scale = ones, .bias = zeros};
	struct classification out;
	double work[2];

	classify_scores(&network, (const int32_t[]){1 << 24, (1 << 24) + 1}, work, &out);
	assert_int_equal(out.top[0].index, 1);
}

static void a_group_is_the_sum_of_its_members(void **state)
{
	(void)state;
	/* The best class is alone; three weaker ones together outdo it. */
	int alone[] = {0}, together[] = {3, 1, 2};
	char names[][9] = {"alone", "together"};
	struct label_group groups[] = {{names[0], alone, 1}, {names[1], together, 3}};
	struct network network = {
		.class_count = 4, .scale = ones, .bias = zeros, .groups = groups, .group_count = 2};
	struct classification out;
	double work[4];

	classify_scores(&network, (const int32_t[]){1, 0, 0, 1}, work, &out);
	assert_int_equal(out.top[0].index, 0);
	assert_int_equal(out.group.index, 1);
	is_near(out.group.confidence, (2 + 2.718281828) / (2 + 2 * 2.718281828));
	network.groups[1].class_count = 1; /* equal: the first group */
	classify_scores(&network, (const int32_t[]){1, 0, 0, 1}, work, &out);
	assert_int_equal(out.group.index, 0);
}

/* Of the logits 2, 1 and 0: divided by 2, the best has 1 of 1 + e^−0.5 + e^−1. */
static void a_temperature_flattens_and_keeps_the_ranking(void **state)
{
	(void)state;
	struct network network = {.class_count = 3, .scale = ones, .bias = zeros, .temperature = 2};
	const int32_t scores[] = {0, 2, 1};
	struct classification out;
	double work[3];

	classify_scores(&network, scores, work, &out);
	assert_int_equal(out.top[0].index, 1);
	assert_int_equal(out.top[1].index, 2);
	is_near(out.top[0].confidence, 0.506480392);
	is_near(out.top[1].confidence, 0.307195920);
	network.temperature = 0.5;
	classify_scores(&network, scores, work, &out);
	assert_int_equal(out.top[0].index, 1);
	is_near(out.top[0].confidence, 0.866813332);
	network.temperature = 100;
	classify_scores(&network, (const int32_t[]){INT32_MIN, INT32_MAX, INT32_MAX - 1}, work, &out);
	assert_int_equal(out.top[0].index, 1);
	is_near(out.top[0].confidence, 0.502499979);
}

static void the_threshold_is_the_users_or_the_networks(void **state)
{
	(void)state;
	struct network network = {.class_count = 3};

	is_near(classification_threshold(&network, -1), 0.1);
	is_near(classification_threshold(&network, 0), 0);
	is_near(classification_threshold(&network, 0.7), 0.7);
	network.unknown_below = 0.35;
	is_near(classification_threshold(&network, -1), 0.35);
	is_near(classification_threshold(&network, 0), 0);
	is_near(classification_threshold(&network, 0.7), 0.7);
}

static void a_label_or_a_group_is_known(void **state)
{
	(void)state;
	struct classification result = {.top = {{4, 0.25F}}, .count = 1, .group = {-1, 0}};

	assert_true(classification_known(&result, 0.25F));
	assert_false(classification_known(&result, 0.26F));
	result.group = (struct prediction){2, 0.5F};
	assert_true(classification_known(&result, 0.5F));
	assert_false(classification_known(&result, 0.51F));
	result.background = true;
	assert_false(classification_known(&result, 0));
}

/* Of a group the best label is told; a label that is likelier than every group is in none. */
static void the_headline_is_the_likeliest_name(void **state)
{
	(void)state;
	char *labels[] = {(char *)"cat", (char *)"dog", (char *)"cup"};
	int animals[] = {0, 1};
	struct label_group groups[] = {{(char *)"animal", animals, 2}};
	float scale[] = {1, 1, 1}, bias[] = {0, 0, 0};
	struct network network = {.class_count = 3,
		.labels = labels,
		.scale = scale,
		.bias = bias,
		.groups = groups,
		.group_count = 1};
	struct classification out;
	double work[3];

	classify_scores(&network, (const int32_t[]){2, 3, 3}, work, &out);
	assert_int_equal(out.member.index, 1);
	struct headline group = classification_headline(&out, 0.1F);
	assert_string_equal(headline_name(&group, &network), "animal");
	assert_true(group.confidence == out.group.confidence);
	assert_true(headline_confidence(&group, &network, work) == out.group.confidence);
	classify_scores(&network, (const int32_t[]){1, 2, 4}, work, &out);
	struct headline label = classification_headline(&out, 0.1F);
	assert_string_equal(headline_name(&label, &network), "cup");
	assert_true(label.confidence == out.top[0].confidence);
	assert_true(headline_confidence(&label, &network, work) == out.top[0].confidence);
	is_near(headline_confidence(&group, &network, work), 1 - label.confidence);
	label = classification_headline(&out, 0.95F);
	assert_null(headline_name(&label, &network));
	assert_false(headline_same(&label, &group));
}

static void a_class_can_mean_nothing(void **state)
{
	(void)state;
	char *labels[] = {(char *)"cup", (char *)LABEL_BACKGROUND};
	float scale[] = {1, 1}, bias[] = {0, 0};
	struct network network = {.class_count = 2, .labels = labels, .scale = scale, .bias = bias};
	struct classification out;
	double work[2];

	classify_scores(&network, (const int32_t[]){3, 2}, work, &out);
	assert_false(out.background);
	classify_scores(&network, (const int32_t[]){2, 3}, work, &out);
	assert_true(out.background);
	assert_false(classification_known(&out, 0.1F));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_by_hand),
		cmocka_unit_test(the_headline_is_the_likeliest_name),
		cmocka_unit_test(a_class_can_mean_nothing),
		cmocka_unit_test(equal_logits_keep_their_order),
		cmocka_unit_test(extreme_scores_stay_finite),
		cmocka_unit_test(the_ranking_is_of_doubles),
		cmocka_unit_test(a_group_is_the_sum_of_its_members),
		cmocka_unit_test(a_temperature_flattens_and_keeps_the_ranking),
		cmocka_unit_test(the_threshold_is_the_users_or_the_networks),
		cmocka_unit_test(a_label_or_a_group_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
