/* SPDX-License-Identifier: MIT */
#include "nn/labeller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

/* cat and dog are animals, a cup is in no group. */
enum { CAT, DOG, CUP, NOTHING, CLASSES };

static char *labels[CLASSES] = {(char *)"cat", (char *)"dog", (char *)"cup", (char *)LABEL_BACKGROUND};
static float scale[CLASSES] = {0.001F, 0.001F, 0.001F, 0.001F}, bias[CLASSES];
static int animals[] = {CAT, DOG};
static struct label_group groups[] = {{(char *)"animal", animals, 2}};
static const struct network network = {.class_count = CLASSES,
	.labels = labels,
	.scale = scale,
	.bias = bias,
	.groups = groups,
	.group_count = 1};

struct labeller_fixture {
	struct labeller labeller;
	int64_t time;
};

static struct labeller_fixture begin(double seconds, float threshold)
{
	struct labeller_fixture f = {.time = 5000 * MS};

	assert_int_equal(labeller_init(&f.labeller, &network, seconds, threshold), 0);
	return f;
}

/* Shows a picture for so long, at 50 frames a second. Returns the name that is shown then. */
static const char *look(struct labeller_fixture *f, const int32_t *scores, int ms)
{
	const struct labeller *l = &f->labeller;

	for (int i = 0; i < ms; i += 20) {
		labeller_add(&f->labeller, scores, f->time);
		f->time += 20 * MS;
		/* What is shown is never less likely than another name of that picture, nor unlikely. */
		struct headline shown = classification_headline(&l->shown, l->threshold);
		assert_true(headline_same(&shown, &l->past.state.shown));
		assert_true(shown.confidence == l->past.state.shown.confidence);
		if (shown.kind == HEADLINE_NONE)
			continue;
		assert_true(shown.confidence >= l->threshold);
		assert_true(shown.confidence >= l->shown.top[0].confidence);
		assert_true(headline_confidence(&shown, &network, l->shares) >= l->threshold);
	}
	return headline_name(&l->past.state.shown, &network);
}

static void name_is(const char *name, const char *expected)
{
	assert_non_null(name);
	assert_string_equal(name, expected);
}

static const int32_t cats[CLASSES] = {9000, 2000, 0, 0}, cups[CLASSES] = {0, 0, 9000, 0},
		     unsure[CLASSES] = {0, 0, 0, 0}, wall[CLASSES] = {0, 0, 0, 9000},
		     cat_before_cup[CLASSES] = {3300, 0, 3000, 0},
		     cup_before_cat[CLASSES] = {3000, 0, 3300, 0};

static void the_likeliest_is_the_headline(void **state)
{
	struct labeller_fixture f = begin(0, 0.1F);

	(void)state;
	name_is(look(&f, cats, 20), "animal"); /* the first picture at once */
	name_is(look(&f, cups, 20), "cup");
	/* A label in no group is ahead of a group that is less likely, and behind one that is likelier. */
	name_is(look(&f, (const int32_t[]){3000, 3000, 3300, 0}, 20), "animal");
	name_is(look(&f, (const int32_t[]){3000, 0, 3300, 0}, 20), "cup");
	assert_int_equal(f.labeller.shown.member.index, CAT);
	assert_null(look(&f, wall, 20));
	labeller_finish(&f.labeller);
}

static void below_the_threshold_there_is_no_word(void **state)
{
	struct labeller_fixture f = begin(0, 0.66F);

	(void)state;
	assert_null(look(&f, unsure, 20));
	assert_int_equal(f.labeller.shown.count, 0);
	name_is(look(&f, cups, 20), "cup");
	assert_null(look(&f, unsure, 20));
	labeller_finish(&f.labeller);
}

static void a_moments_doubt_changes_nothing(void **state)
{
	struct labeller_fixture f = begin(0.5, 0.1F);

	(void)state;
	name_is(look(&f, cat_before_cup, 2000), "animal");
	float confidence = f.labeller.past.state.shown.confidence;
	/* The cup is ahead at once, by a little, and for less than LABELLER_HOLD of 0.5 s. */
	f.labeller.past.smoothing.weight = 1e-9;
	name_is(look(&f, cup_before_cat, 200), "animal");
	assert_int_equal(f.labeller.smoothed.top[0].index, CUP);
	assert_true(f.labeller.past.state.shown.confidence == confidence); /* what was shown last stays */
	name_is(look(&f, cat_before_cup, 20), "animal");
	/* It begins anew; then it is there. */
	name_is(look(&f, cup_before_cat, 200), "animal");
	name_is(look(&f, cup_before_cat, 80), "cup");
	labeller_finish(&f.labeller);
}

static void a_name_goes_at_once_when_it_is_unlikely(void **state)
{
	struct labeller_fixture f = begin(0.5, 0.66F);

	(void)state;
	name_is(look(&f, cats, 1000), "animal");
	f.labeller.past.smoothing.weight = 1e-9;
	assert_null(look(&f, cups, 20)); /* nothing is, until the cup has been ahead for a moment */
	assert_null(look(&f, cups, 180));
	name_is(look(&f, cups, 80), "cup");
	assert_null(look(&f, wall, 20));
	labeller_finish(&f.labeller);
}

/* At this rate there is nothing to wait for. */
static void rare_pictures_speak_for_themselves(void **state)
{
	struct labeller_fixture f = begin(0.5, 0.66F);

	(void)state;
	for (int i = 0; i < 6; i++) {
		name_is(look(&f, i % 2 ? cups : cats, 20), i % 2 ? "cup" : "animal");
		f.time += 3000 * MS;
	}
	labeller_finish(&f.labeller);
}

/* No face: no word at once, and the next one begins anew. */
static void without_scores_nothing_is_shown(void **state)
{
	struct labeller_fixture f = begin(0.5, 0.66F);

	(void)state;
	name_is(look(&f, cats, 1000), "animal");
	assert_null(look(&f, NULL, 20));
	assert_int_equal(f.labeller.smoothed.count, 0);
	assert_false(f.labeller.past.smoothing.begun);
	name_is(look(&f, cups, 20), "cup");
	labeller_finish(&f.labeller);
}

/* Scores like those of a hand-held camera: two things about equally likely, with noise. */
static int changes_of_noise(double seconds, int rate)
{
	struct labeller l;
	struct headline before = {0};
	uint32_t seed = 7;
	int changes = 0;

	assert_int_equal(labeller_init(&l, &network, seconds, 0.3F), 0);
	for (int i = 0; i < 60 * rate; i++) {
		int32_t scores[CLASSES] = {0};
		for (int c = 0; c < CUP + 1; c++) {
			seed = seed * 1664525U + 1013904223U;
			scores[c] = (c == DOG ? 0 : 2000) + (int32_t)(seed >> 20) / 2;
		}
		labeller_add(&l, scores, i * 1000 * MS / rate);
		changes += i && !headline_same(&before, &l.past.state.shown);
		before = l.past.state.shown;
	}
	labeller_finish(&l);
	return changes;
}

static void noise_does_not_flicker(void **state)
{
	static const int rates[] = {10, 30, 60};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		assert_true(changes_of_noise(0, rates[i]) > 100); /* in a minute */
		assert_true(changes_of_noise(0.5, rates[i]) <= 30);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_likeliest_is_the_headline),
		cmocka_unit_test(below_the_threshold_there_is_no_word),
		cmocka_unit_test(a_moments_doubt_changes_nothing),
		cmocka_unit_test(a_name_goes_at_once_when_it_is_unlikely),
		cmocka_unit_test(rare_pictures_speak_for_themselves),
		cmocka_unit_test(without_scores_nothing_is_shown),
		cmocka_unit_test(noise_does_not_flicker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
