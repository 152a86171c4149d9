/* SPDX-License-Identifier: MIT */
/* Spans of labels: what begins, changes and ends, from one result to the next. */
#include "base/clock.h"
#include "sink/label_span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char cat[] = "cat", dog[] = "dog", pug[] = "pug", hound[] = "hound";

static unsigned add(
	struct label_span *span, const char *label, const char *detail, float confidence, double at)
{
	const struct sink_result result = {.label = label, .detail = detail, .confidence = confidence};

	return label_span_add(span, &result, (int64_t)(at * NS_PER_S));
}

static void begins_and_ends(void **state)
{
	struct label_span span = {0};

	(void)state;
	assert_int_equal(add(&span, NULL, NULL, 0, 1), 0);
	assert_int_equal(add(&span, cat, NULL, 0.6F, 2), LABEL_SPAN_BEGAN);
	assert_string_equal(span.label.name, cat);
	assert_int_equal(span.label.began, 2 * NS_PER_S);
	assert_int_equal(span.label.number, 1);
	assert_int_equal(add(&span, cat, NULL, 0.9F, 3), 0);
	assert_int_equal(add(&span, cat, NULL, 0.7F, 4), 0);
	assert_int_equal(add(&span, NULL, NULL, 0, 5), LABEL_SPAN_ENDED);
	assert_true(span.ended.best == 0.9F && span.ended.confidence == 0.7F);
	assert_int_equal(span.ended.began, 2 * NS_PER_S);
	assert_null(span.label.name);
	assert_int_equal(add(&span, NULL, NULL, 0, 6), 0);
	assert_int_equal(add(&span, cat, NULL, 0.6F, 7), LABEL_SPAN_BEGAN);
	assert_int_equal(span.label.number, 2);
	assert_true(span.label.best == 0.6F);
}

/* Another label ends one and begins one. */
static void another_label(void **state)
{
	struct label_span span = {0};

	(void)state;
	assert_int_equal(add(&span, cat, NULL, 0.6F, 1), LABEL_SPAN_BEGAN);
	assert_int_equal(add(&span, dog, pug, 0.5F, 2), LABEL_SPAN_ENDED | LABEL_SPAN_BEGAN);
	assert_string_equal(span.ended.name, cat);
	assert_string_equal(span.label.name, dog);
	assert_string_equal(span.label.detail, pug);
	assert_int_equal(span.label.number, 2);
}

/* A detail that wavers is told once a second at most, and only if it is another than the one told last. */
static void details_change(void **state)
{
	struct label_span span = {0};

	(void)state;
	assert_int_equal(add(&span, dog, pug, 0.5F, 1), LABEL_SPAN_BEGAN);
	assert_int_equal(add(&span, dog, hound, 0.5F, 1.5), 0);
	assert_string_equal(span.label.detail, hound);
	assert_int_equal(add(&span, dog, pug, 0.5F, 2.1), 0);
	assert_int_equal(add(&span, dog, hound, 0.5F, 2.2), LABEL_SPAN_CHANGED);
	assert_int_equal(add(&span, dog, NULL, 0.5F, 3.1), 0);
	assert_int_equal(add(&span, dog, NULL, 0.5F, 3.2), LABEL_SPAN_CHANGED);
	assert_int_equal(add(&span, dog, NULL, 0.5F, 9), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_and_ends),
		cmocka_unit_test(another_label),
		cmocka_unit_test(details_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
