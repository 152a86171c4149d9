/* SPDX-License-Identifier: MIT */
/* JSON, also when memory is missing. */
#include "cli/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define ALLOCATIONS 100 /* more than the object below takes */

static int until_failure; /* allocations that succeed first */

static void *allocate(size_t size)
{
	return until_failure-- ? malloc(size) : NULL;
}

/* As a command does, with the allocation after `good` ones failing. Returns the exit code. */
static int print_object(int good)
{
	until_failure = good;
	json_set_alloc_funcs(allocate, free);
	json_t *object = json_object(), *list = json_array();
	for (int i = 0; i < 3; i++)
		output_append(list, output_pack("{s:o, s:i}", "label", output_text("cat"), "index", i));
	output_set(object, "top", list);
	output_set(object, "file", output_text("a\xff"));
	output_set(object, "share", output_share(0.25));
	output_json(object);
	return output_finish(EX_OK);
}

/* Runs it in a process of its own, whose standard output is then in `printed`. */
static int print_apart(int good, char printed[200])
{
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid_t child = fork();
	if (!child) {
		dup2(ends[1], STDOUT_FILENO);
		_exit(print_object(good));
	}
	close(ends[1]);
	FILE *file = fdopen(ends[0], "r");
	printed[fread(printed, 1, 199, file)] = '\0';
	fclose(file);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* It is whole or not there: a label that is missing would make another one the best. */
static void json_is_whole_or_not_printed(void **state)
{
	static const char whole[] =
		"{\"top\":[{\"label\":\"cat\",\"index\":0},{\"label\":\"cat\",\"index\":1},"
		"{\"label\":\"cat\",\"index\":2}],\"file\":\"a?\",\"share\":0.25}\n";
	char printed[200];
	int failures = 0;

	(void)state;
	for (int good = 0; good < ALLOCATIONS; good++) {
		int code = print_apart(good, printed);
		failures += code == EX_OSERR;
		assert_true(code == EX_OSERR || code == EX_OK);
		assert_string_equal(printed, code ? "" : whole);
	}
	assert_in_range(failures, 10, ALLOCATIONS - 1);
}

static void controls_are_escaped(void **state)
{
	int ends[2], old = dup(STDOUT_FILENO);
	char printed[100];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	output_json(output_pack("{s:o}", "name", output_text("\x1b\x7f\xc2\x9bü")));
	fflush(stdout);
	dup2(old, STDOUT_FILENO);
	close(old);
	close(ends[1]);
	ssize_t size = read(ends[0], printed, sizeof(printed) - 1);
	close(ends[0]);
	assert_true(size > 0);
	printed[size] = '\0';
	assert_string_equal(printed, "{\"name\":\"\\u001B\\u007F\\u009Bü\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_whole_or_not_printed),
		cmocka_unit_test(controls_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
