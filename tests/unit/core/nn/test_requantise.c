/* SPDX-License-Identifier: MIT */
#include "nn/requantise.h"

#include "nn/reference.h"
#include "support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LEVELS = 255 };

/* One channel with thresholds, and room for a requantisation. */
struct channel {
	int32_t thresholds[LEVELS], multiplier;
	uint8_t invert, shift;
	int64_t bias;
	struct layer layer;
};

static void channel_make(struct channel *c)
{
	*c = (struct channel){.layer = {.output_bits = 8, .epilogue = EPILOGUE_THRESHOLDS}};
	c->layer.thresholds = c->thresholds;
	c->layer.invert = &c->invert;
	c->layer.multiplier = &c->multiplier;
	c->layer.shift = &c->shift;
	c->layer.bias = &c->bias;
}

/* Thresholds of floor(slope · accumulator + summand). */
static void channel_line(struct channel *c, double slope, double summand)
{
	channel_make(c);
	c->invert = slope < 0;
	for (int i = 0; i < LEVELS; i++) {
		/* inverted: the first accumulator below code LEVELS − i */
		double at = slope < 0 ? floor((LEVELS - i - summand) / slope) + 1
				      : ceil((i + 1 - summand) / slope);
		c->thresholds[i] = at > INT32_MAX ? INT32_MAX : at < INT32_MIN ? INT32_MIN : (int32_t)at;
	}
}

static void same_codes(struct channel *c, int32_t low, int32_t high)
{
	struct layer requantised = c->layer;

	assert_true(requantise_fit(&c->layer, 0, low, high));
	assert_true(c->shift <= 62);
	assert_true(c->bias >= -(INT64_C(1) << 62) && c->bias <= INT64_C(1) << 62);
	requantised.epilogue = EPILOGUE_REQUANTISE;
	for (int64_t a = low; a <= high; a++)
		assert_int_equal(reference_code(&requantised, 0, (int32_t)a),
			reference_code(&c->layer, 0, (int32_t)a));
}

static void lines_fit(void **state)
{
	(void)state;
	struct channel c;

	random_state = 3;
	for (int i = 0; i < 40; i++) {
		int reach = 1 << (6 + random_below(12));
		double slope = 255.0 / reach * (1 + random_below(1000)) / 300;
		double summand = random_below(100000) / 300.0 - 80;

		channel_line(&c, random_below(3) ? slope : -slope, summand);
		same_codes(&c, -reach, reach);
		assert_int_equal(c.multiplier < 0, c.invert);
	}
}

/* What lies beyond the accumulators may be anything. */
static void only_the_reach_counts(void **state)
{
	(void)state;
	struct channel c;

	channel_line(&c, 0.1, 3.25);
	c.thresholds[0] = INT32_MIN;
	c.thresholds[200] += 7; /* code 201, near 1977 */
	same_codes(&c, 0, 1900);
	same_codes(&c, 2000, 2600);
	assert_false(requantise_fit(&c.layer, 0, 0, 2600));
}

static void constants_fit(void **state)
{
	(void)state;
	const int codes[] = {0, 7, 255};
	struct channel c;

	for (int i = 0; i < 6; i++) {
		channel_make(&c);
		c.invert = i % 2;
		for (int k = 0; k < LEVELS; k++)
			c.thresholds[k] =
				k < (c.invert ? 255 - codes[i / 2] : codes[i / 2]) ? INT32_MIN : INT32_MAX;
		assert_int_equal(reference_code(&c.layer, 0, 5), codes[i / 2]);
		same_codes(&c, -300, 300);
	}
}

static void what_is_no_line_does_not_fit(void **state)
{
	(void)state;
	struct channel c;

	channel_line(&c, 0.37, -20);
	for (int i = 0; i < LEVELS; i++)
		c.thresholds[i] += i > 100 ? 4 : 0;
	assert_false(requantise_fit(&c.layer, 0, -3000, 3000));
	/* codes that a requantisation would not stop at */
	channel_line(&c, 0.37, -20);
	for (int i = 127; i < LEVELS; i++)
		c.thresholds[i] = INT32_MAX;
	assert_false(requantise_fit(&c.layer, 0, -3000, 3000));
}

/* The widest accumulators and the flattest lines. */
static void the_ends_of_the_range_fit(void **state)
{
	(void)state;
	struct channel c;

	channel_line(&c, 1.0 / (1 << 30), 2.5);
	assert_true(requantise_fit(&c.layer, 0, -INT32_MAX, INT32_MAX - 1));
	channel_line(&c, -1.0 / (1 << 30), 0.5);
	assert_true(requantise_fit(&c.layer, 0, -INT32_MAX, INT32_MAX - 1));
	channel_line(&c, 1000, 0); /* every accumulator but 0 is at an end */
	same_codes(&c, -1000, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_fit),
		cmocka_unit_test(only_the_reach_counts),
		cmocka_unit_test(constants_fit),
		cmocka_unit_test(what_is_no_line_does_not_fit),
		cmocka_unit_test(the_ends_of_the_range_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
