/* SPDX-License-Identifier: MIT */
/* What a caption says of a classification never contradicts itself. */
#include "flow/caption.h"

#include "support/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Eight classes; the first five are in groups. */
enum { CLASSES = 8 };

static char *labels[CLASSES] = {(char *)"a0", (char *)"a1", (char *)"a2", (char *)"b0", (char *)"b1",
	(char *)"c", (char *)"d", (char *)"e"};
static int members_a[] = {0, 1, 2}, members_b[] = {3, 4};
static struct label_group groups[] = {{(char *)"a", members_a, 3}, {(char *)"b", members_b, 2}};
static float scale[CLASSES] = {0.01F, 0.01F, 0.01F, 0.01F, 0.01F, 0.01F, 0.01F, 0.01F}, bias[CLASSES];
static struct layer layer = {.in = {28, 28, 1}};
static struct network network = {.class_count = CLASSES,
	.labels = labels,
	.scale = scale,
	.bias = bias,
	.groups = groups,
	.group_count = 2,
	.layers = &layer,
	.layer_count = 1};

static void no_name_is_likelier_than_the_headline(void **state)
{
	uint32_t seed = 5;
	int grouped = 0, alone = 0, silent = 0, detailed = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int32_t scores[CLASSES];
		double work[CLASSES];
		struct classification found;
		float threshold = (float)random_within(&seed, 0, 90) / 100;
		for (int c = 0; c < CLASSES; c++)
			scores[c] = random_within(&seed, 0, 400);
		classify_scores(&network, scores, work, &found);
		struct caption caption = caption_of(&network, &found, threshold);
		caption_add_bars(&caption, &network, &found, i % (CAPTION_BARS + 1));
		if (!caption.headline) {
			assert_true(
				found.top[0].confidence < threshold && found.group.confidence < threshold);
			assert_null(caption.detail);
			assert_int_equal(caption.bar_count, 0);
			silent++;
			continue;
		}
		assert_true(caption.confidence >= threshold);
		assert_true(caption.confidence >= found.top[0].confidence);
		int most = i % (CAPTION_BARS + 1);
		assert_int_equal(caption.bar_count, most < CLASSES ? most : CLASSES);
		for (int b = 0; b < caption.bar_count; b++)
			assert_true(caption.bars[b].confidence <= caption.confidence);
		bool group = strlen(caption.headline) == 1 && caption.headline[0] <= 'b';
		grouped += group;
		alone += !group;
		if (!caption.detail)
			continue;
		detailed++;
		assert_true(group && caption.detail[0] == caption.headline[0]);
		assert_true(caption.detail_confidence >= threshold);
		assert_true(caption.detail_confidence <= caption.confidence);
	}
	assert_true(grouped > 1000 && alone > 1000 && silent > 1000 && detailed > 1000);
}

static void nothing_shown_says_nothing(void **state)
{
	struct classification none = {0};

	(void)state;
	struct caption caption = caption_of(&network, &none, 0);
	caption_add_bars(&caption, &network, &none, 5);
	assert_null(caption.headline);
	assert_int_equal(caption.bar_count, 0);
}

static void only_calibrated_networks_have_colours(void **state)
{
	struct classification some = {.top = {{5, 0.9F}}, .count = 1, .group = {-1, 0}, .member = {-1, 0}};
	struct network calibrated = network;

	(void)state;
	calibrated.unknown_below = 0.5;
	assert_false(caption_of(&network, &some, 0).calibrated);
	assert_true(caption_of(&calibrated, &some, 0).calibrated);
}

static void is_near(double value, double expected)
{
	if (!(value > expected - 1e-9 && value < expected + 1e-9))
		fail_msg("%.9f is not %.9f", value, expected);
}

static void every_view_is_drawn(void **state)
{
	struct network other = network;

	(void)state;
	struct caption_view view = caption_view_of(&other, 640, 480); /* the middle square */
	is_near(view.x, 80.0 / 640);
	is_near(view.y, 0);
	is_near(view.width, 480.0 / 640);
	is_near(view.height, 1);
	is_near(view.aspect, 4.0 / 3);
	assert_null(view.hint);
	for (enum view_kind kind = VIEW_BOX; kind <= VIEW_INK; kind++) {
		other.view = (struct view){.kind = kind, .size = 0.5};
		view = caption_view_of(&other, 480, 640);
		is_near(view.x, 0.25);
		is_near(view.y, 200.0 / 640);
		is_near(view.width, 0.5);
		is_near(view.height, 240.0 / 640);
		assert_non_null(view.hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_is_likelier_than_the_headline),
		cmocka_unit_test(nothing_shown_says_nothing),
		cmocka_unit_test(only_calibrated_networks_have_colours),
		cmocka_unit_test(every_view_is_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
