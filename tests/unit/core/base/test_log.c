/* SPDX-License-Identifier: MIT */
/* The progress line, and what messages do to it. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int kept; /* stderr */
static FILE *captured;
static char printed[8192];

static int capture(void **state)
{
	(void)state;
	captured = tmpfile();
	kept = dup(STDERR_FILENO);
	log_configure(LOG_INFO, false);
	return captured && dup2(fileno(captured), STDERR_FILENO) >= 0 ? 0 : -1;
}

/* Ends the capture; `printed` is what came. */
static void end_capture(void)
{
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(captured);
	printed[fread(printed, 1, sizeof(printed) - 1, captured)] = '\0';
	fclose(captured);
}

static void messages_stand_above_progress(void **state)
{
	(void)state;
	log_progress("1 of %d", 2);
	log_warning("a picture is broken");
	log_progress("2 of %d", 2);
	log_progress_end();
	log_info("done");
	end_capture();
	assert_string_equal(printed,
		"\r\033[K1 of 2"
		"\r\033[Ktwobit: warning: a picture is broken\n1 of 2"
		"\r\033[K2 of 2"
		"\r\033[Ktwobit: done\n");
}

static void progress_is_printable_and_fits(void **state)
{
	char letters[200], expected[200];

	(void)state;
	memset(letters, 'x', sizeof(letters) - 1);
	letters[sizeof(letters) - 1] = '\0';
	log_progress("\033[2J%s", letters);
	log_progress("狐%s", letters);
	log_progress_end();
	end_capture();
	snprintf(expected, sizeof(expected), "\r\033[K?[2J%.75s\r\033[K狐%.77s\r\033[K", letters, letters);
	assert_string_equal(printed, expected);
}

static void an_end_without_progress_prints_nothing(void **state)
{
	(void)state;
	log_progress_end();
	end_capture();
	assert_string_equal(printed, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(messages_stand_above_progress, capture),
		cmocka_unit_test_setup(progress_is_printable_and_fits, capture),
		cmocka_unit_test_setup(an_end_without_progress_prints_nothing, capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
