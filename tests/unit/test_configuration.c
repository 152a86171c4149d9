/* SPDX-License-Identifier: MIT */
#include "configuration.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static char seen[1024];
static int stop_at; /* settings until apply fails; 0: it never does */

static int note(void *context, const struct setting *setting)
{
	size_t used = strlen(seen);

	assert_ptr_equal(context, &stop_at);
	snprintf(seen + used, sizeof(seen) - used, "%s|%s|%s|%s\n", setting->place,
		setting->section ? setting->section : "-", setting->name, setting->value);
	return stop_at && !--stop_at ? 7 : 0;
}

static int parse(const char *text)
{
	static char copy[1024];

	seen[0] = '\0';
	snprintf(copy, sizeof(copy), "%s", text);
	return configuration_parse("file", copy, note, &stop_at);
}

static void settings_are_read(void **state)
{
	(void)state;
	assert_int_equal(parse("# a comment\n\n network=dorefanet \r\nformat =  MJPEG # why\n[ live ]\n"
			       "snapshot = a#b=c d.png\njson =\n[record]\nkeep = 7d"),
		0);
	assert_string_equal(seen,
		"file:3|-|network|dorefanet\nfile:4|-|format|MJPEG\n"
		"file:6|live|snapshot|a#b=c d.png\nfile:7|live|json|\nfile:9|record|keep|7d\n");
	assert_int_equal(parse(""), 0);
	assert_string_equal(seen, "");
}

static void the_first_failure_ends_it(void **state)
{
	(void)state;
	stop_at = 2;
	assert_int_equal(parse("a=1\nb=2\nc=3\n"), 7);
	assert_string_equal(seen, "file:1|-|a|1\nfile:2|-|b|2\n");
}

static void other_lines_are_refused(void **state)
{
	static const char *const texts[] = {
		"a=1\nnetwork dorefanet\n", "a=1\n[live\n", "a=1\n[]\n", "a=1\n[ ]\n", "a=1\n["};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(parse(texts[i]), EX_CONFIG);
		assert_string_equal(seen, "file:1|-|a|1\n");
	}
}

static void the_environment_has_options(void **state)
{
	char variable[40];

	(void)state;
	setenv("TWOBIT_PRE_ROLL", "5s", 1);
	assert_string_equal(configuration_environment("pre-roll", variable, sizeof(variable)), "5s");
	assert_string_equal(variable, "TWOBIT_PRE_ROLL");
	assert_null(configuration_environment("post-roll", variable, sizeof(variable)));
}

static void a_file_that_is_named_must_be_there(void **state)
{
	(void)state;
	setenv("TWOBIT_CONFIG", "/no/such/file", 1);
	assert_int_equal(configuration_read(note, &stop_at), EX_CONFIG);
	setenv("TWOBIT_CONFIG", "/dev/zero", 1);
	assert_int_equal(configuration_read(note, &stop_at), EX_CONFIG);
	setenv("TWOBIT_CONFIG", "/dev/null", 1);
	assert_int_equal(configuration_read(note, &stop_at), 0);
	unsetenv("TWOBIT_CONFIG");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_read),
		cmocka_unit_test(the_first_failure_ends_it),
		cmocka_unit_test(other_lines_are_refused),
		cmocka_unit_test(the_environment_has_options),
		cmocka_unit_test(a_file_that_is_named_must_be_there),
	};

	log_configure(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
