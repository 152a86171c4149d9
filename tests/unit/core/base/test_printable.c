/* SPDX-License-Identifier: MIT */
#include "base/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_printable(const char *text, const char *expected)
{
	assert_string_equal(PRINTABLE(text), expected);
}

static void controls_become_marks(void **state)
{
	(void)state;
	assert_printable("a\x1b]0;title\ab\n\tc\x7f", "a?]0;title?b??c?");
	assert_printable(
		"\xc2\x9b"
		"31m",
		"??31m"); /* a control sequence's beginning in one character */
	assert_printable("\xc2\x80\xc2\x9f\xc2\xa0", "????\xc2\xa0");
}

static void what_is_no_utf8_becomes_marks(void **state)
{
	(void)state;
	assert_printable("\xff\xfe", "??");
	assert_printable(
		"\x9b"
		"31m",
		"?31m");			      /* the same beginning in Latin-1 */
	assert_printable("\xc0\xaf", "??");	      /* overlong */
	assert_printable("\xed\xa0\x80", "???");      /* a surrogate */
	assert_printable("\xf4\x90\x80\x80", "????"); /* beyond U+10FFFF */
	assert_printable("\xe7\x8b", "??");	      /* cut off */
}

static void other_characters_stay(void **state)
{
	static const char text[] = "ü 狐 🦊 ~\xc3\xbf";

	(void)state;
	assert_printable(text, text);
	assert_printable("", "");
	assert_printable(NULL, "");
}

static void long_texts_are_cut(void **state)
{
	static char text[2 * PRINTABLE_BYTES];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(strlen(PRINTABLE(text)), PRINTABLE_BYTES - 1);
}

static void lengths_of_characters(void **state)
{
	(void)state;
	assert_int_equal(utf8_length("a"), 1);
	assert_int_equal(utf8_length("ü"), 2);
	assert_int_equal(utf8_length("狐"), 3);
	assert_int_equal(utf8_length("🦊"), 4);
	assert_int_equal(utf8_length("\xf0\x9f\xa6"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_become_marks),
		cmocka_unit_test(what_is_no_utf8_becomes_marks),
		cmocka_unit_test(other_characters_stay),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(lengths_of_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
