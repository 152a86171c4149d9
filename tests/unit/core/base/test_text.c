/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void lines_of_every_system(void **state)
{
	(void)state;
	static const char *const files[] = {"a b\n\nc", "a b\n\nc\n", "a b\r\n\r\nc\r\n",
		"\xef\xbb\xbf  a b\t\n\t\n c", "a b\n\nc\n\n\n", "a b\n\nc\r\n \t\r\n"};
	static const char *const wanted[] = {"a b", "", "c"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct text text;
		const char *line;
		size_t length;
		assert_int_equal(text_begin(&text, files[i], strlen(files[i]), NULL), 0);
		for (int n = 0; n < 3; n++) {
			assert_true(text_line(&text, &line, &length));
			assert_int_equal(length, strlen(wanted[n]));
			assert_memory_equal(line, wanted[n], length);
			assert_int_equal(text.line, n + 1);
		}
		assert_false(text_line(&text, &line, &length));
	}
}

static void nothing_has_no_lines(void **state)
{
	(void)state;
	static const char *const files[] = {"", "\n", "\xef\xbb\xbf", "\xef\xbb\xbf\r\n \n"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct text text;
		const char *line;
		size_t length;
		assert_int_equal(text_begin(&text, files[i], strlen(files[i]), NULL), 0);
		assert_false(text_line(&text, &line, &length));
	}
}

static void utf16_is_refused(void **state)
{
	(void)state;
	static const char *const files[] = {
		"\xff\xfe"
		"a",
		"\xfe\xff"};

	for (size_t i = 0; i < 2; i++) {
		struct text text;
		struct error e = {0};
		assert_int_equal(text_begin(&text, files[i], strlen(files[i]), &e), -EBADMSG);
		assert_string_equal(e.text, "is text in UTF-16; save it as UTF-8");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_every_system),
		cmocka_unit_test(nothing_has_no_lines),
		cmocka_unit_test(utf16_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
