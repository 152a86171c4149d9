/* SPDX-License-Identifier: MIT */
#include "base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const words[] = {"cat", "car", "Network", "resolution", "no", NULL};

static void misspelled_words_are_found(void **state)
{
	(void)state;
	assert_string_equal(closest_word("kat", words), "cat");
	assert_string_equal(closest_word("netwrok", words), "Network");
	assert_string_equal(closest_word("RESOLUTON", words), "resolution");
	assert_string_equal(closest_word("res", words), "resolution");
	assert_string_equal(closest_word("cat", words), "cat");
}

static void of_equally_close_words_the_first_is_taken(void **state)
{
	(void)state;
	assert_string_equal(closest_word("cap", words), "cat");
}

static void distant_words_are_not_found(void **state)
{
	static const char long_word[] =
		"a word of more letters than any name has, at least of those that this program knows";

	(void)state;
	assert_null(closest_word("display", words));
	assert_null(closest_word("x", words)); /* every letter would change */
	assert_null(closest_word("", words));
	assert_null(closest_word(long_word, words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misspelled_words_are_found),
		cmocka_unit_test(of_equally_close_words_the_first_is_taken),
		cmocka_unit_test(distant_words_are_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
