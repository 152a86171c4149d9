/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "recorder/amount.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

struct values {
	bool flag, other;
	struct option_text text;
	const char *choice;
	struct option_texts items;
	int number;
	double share, time;
	struct option_size size;
	struct amount amount;
	size_t memory;
	struct option_text own;
};

static const char *const choices[] = {"auto", "sdl", "none", NULL};

static const struct option options[] = {
	{"flag", 'f', OPTION_FLAG, NULL, "A flag", offsetof(struct values, flag)},
	{"other-flag", 'o', OPTION_FLAG, NULL, "Another", offsetof(struct values, other)},
	{"text", 't', OPTION_TEXT, "TEXT", "A text", offsetof(struct values, text)},
	{"item", 'i', OPTION_TEXTS, "TEXT", "Some texts", offsetof(struct values, items)},
	{"choice", 0, OPTION_CHOICE, "NAME", "A choice", offsetof(struct values, choice), .choices = choices},
	{"number", 'n', OPTION_INTEGER, "N", "A number", offsetof(struct values, number), -5, INT_MAX},
	{"share", 's', OPTION_NUMBER, "P", "A share", offsetof(struct values, share), 0, 1},
	{"time", 0, OPTION_DURATION, "TIME", "A time", offsetof(struct values, time), 0.001, 7200},
	{"size", 'r', OPTION_SIZE, "WxH", "A size", offsetof(struct values, size), 16, 4096},
	{"amount", 0, OPTION_AMOUNT, "TIME|SIZE", "An amount", offsetof(struct values, amount)},
	{"memory", 0, OPTION_BYTES, "SIZE", "A size", offsetof(struct values, memory), 1000, 2e9},
	{"own", 0, OPTION_TEXT, "TEXT", "Not from elsewhere", offsetof(struct values, own),
		.source = OPTION_FROM_OWN},
	{0},
};

static const struct command command = {.name = "try", .summary = "s", .usage = "X", .options = options};
static const struct command *const commands[] = {&command, NULL};

/* The last invocation that was parsed. */
static struct invocation invocation;

/* What parse and printed_later have captured of stderr. */
static char printed[1024];

/* Parses a command line that is split at spaces. */
static int parse(const char *line, struct values *values, char **rest, int *count)
{
	static char copy[512];
	static char *argv[64];
	int argc = 0;
	FILE *file = tmpfile();
	int old = dup(STDERR_FILENO);

	snprintf(copy, sizeof(copy), "try %s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	invocation_finish(&invocation);
	invocation =
		(struct invocation){.command = &command, .commands = commands, .argc = argc, .argv = argv};
	int code = options_parse(&invocation, values, count);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(file);
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = 0;
	fclose(file);
	for (int i = 0; i < *count; i++)
		rest[i] = argv[i];
	return code;
}

static struct values accept(const char *line)
{
	struct values values = {.number = 42};
	char *rest[64];
	int count;

	assert_int_equal(parse(line, &values, rest, &count), OPTIONS_GO_ON);
	assert_int_equal(count, 0);
	assert_string_equal(printed, "");
	return values;
}

static void refuse(const char *line, const char *message)
{
	struct values values = {0};
	char *rest[64];
	int count;

	assert_int_equal(parse(line, &values, rest, &count), EX_USAGE);
	if (!strstr(printed, message))
		fail_msg("\"%s\" printed: %s", line, printed);
	assert_ptr_equal(strchr(printed, '\n'), printed + strlen(printed) - 1);
}

static void texts_gather(void **state)
{
	(void)state;
	struct values v = accept("-i a=1 --item=b=2 -ic");
	assert_string_equal(v.items.items[0], "a=1");
	assert_string_equal(v.items.items[1], "b=2");
	assert_string_equal(v.items.items[2], "c");
	assert_null(v.items.items[3]);
	assert_null(accept("").items.items[0]);
	char line[256] = "";
	for (int i = 0; i < OPTION_TEXTS_MAXIMUM; i++)
		strcat(line, "-i x ");
	assert_non_null(accept(line).items.items[OPTION_TEXTS_MAXIMUM - 1]);
	refuse(strcat(line, "--item y"), "--item can be given 16 times at most");
}

static void spellings(void **state)
{
	(void)state;
	assert_int_equal(accept("").number, 42);
	assert_int_equal(accept("--number 7").number, 7);
	assert_int_equal(accept("--number=7").number, 7);
	assert_int_equal(accept("-n 7").number, 7);
	assert_int_equal(accept("-n7").number, 7);
	assert_int_equal(accept("-n -5").number, -5);
	assert_int_equal(accept("-n 7 -n 8").number, 8);
	assert_string_equal(accept("--text=a=b").text.text, "a=b");
	assert_string_equal(accept("-t -n").text.text, "-n");
	struct values v = accept("-fon9");
	assert_true(v.flag && v.other && v.number == 9);
}

static void kinds(void **state)
{
	(void)state;
	assert_string_equal(accept("--choice sdl").choice, "sdl");
	assert_true(accept("-s 0.25").share == 0.25);
	assert_true(accept("--time 10").time == 10);
	assert_true(accept("--time 10s").time == 10);
	assert_true(accept("--time 500ms").time == 0.5);
	assert_true(accept("--time 1.5m").time == 90);
	assert_true(accept("--time 2h").time == 7200);
	assert_int_equal(accept("-r 1280x720").size.width, 1280);
	assert_int_equal(accept("-r 1280x720").size.height, 720);
	assert_true(accept("--amount 10min|2kB").amount.time == INT64_C(600000000000));
	assert_int_equal(accept("--amount 10min|2kB").amount.bytes, 2000);
	assert_int_equal(accept("--memory 64MB").memory, 64000000);
}

static void refusals(void **state)
{
	(void)state;
	refuse("--numbr 1", "did you mean --number?");
	refuse("--other", "did you mean --other-flag?");
	refuse("--zzz", "unknown option --zzz;");
	refuse("-z", "unknown option -z");
	refuse("-fz", "unknown option -z");
	refuse("--number", "--number needs a value, N");
	refuse("-fn", "-n needs a value, N");
	refuse("--flag=perhaps", "--flag takes yes or no, not \"perhaps\"");
	refuse("-n 7x", "from -5 to 2147483647, not \"7x\"");
	refuse("--number=", "--number needs a value, N");
	refuse("--text=", "--text needs a value, TEXT");
	refuse("-n -6", "whole number");
	refuse("-n 2147483648", "whole number");
	refuse("-n 99999999999999999999", "whole number");
	refuse("-s 1.01", "from 0 to 1");
	refuse("-s nan", "from 0 to 1");
	refuse("--time 10d", "10s, 500ms or 2m");
	refuse("--time s", "10s, 500ms or 2m");
	refuse("--time 3h", "--time takes a time from 1ms to 2h, not \"3h\"");
	refuse("--time 0", "a time from 1ms to 2h");
	refuse("--time nan", "a time from 1ms to 2h");
	refuse("--amount foo", "--amount takes a time (10min, 12h, 7d), a size (500MB, 20GB), or both");
	refuse("--amount 1h|2h", "--amount takes one time and one size at most, not \"1h|2h\"");
	refuse("--memory 3GB", "--memory takes a size from 1kB to 2GB, not \"3GB\"");
	refuse("--memory 10s", "a size from 1kB to 2GB");
	refuse("--memory much", "a size from 1kB to 2GB");
	refuse("-r 1280", "1280x720");
	refuse("-r 1280x720x3", "1280x720");
	refuse("-r 8x8", "each side from 16 to 4096, not \"8x8\"");
	refuse("-r 100000x100000", "each side from 16 to 4096, not \"100000x100000\"");
	refuse("--choice SDL", "one of auto sdl none");
	refuse("--log-level loud", "one of error warning info debug");
}

/* The message for a text that is refused after parsing. */
static const char *printed_later(const struct option_origin *origin, int code)
{
	FILE *file = tmpfile();
	int old = dup(STDERR_FILENO);

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	assert_int_equal(option_refuse(&invocation, origin, "is no good"), code);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(file);
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = 0;
	fclose(file);
	return printed;
}

static void texts_keep_their_places(void **state)
{
	(void)state;
	setenv("TWOBIT_ITEM", "a", 1);
	struct values v = accept("--text=c");
	assert_string_equal(printed_later(&v.items.origins[0], EX_CONFIG),
		"twobit: error: environment: TWOBIT_ITEM: is no good; see `twobit try --help`\n");
	v = accept("-i b --text=c");
	unsetenv("TWOBIT_ITEM");
	assert_string_equal(v.items.items[0], "b"); /* the command line goes over the environment */
	assert_null(v.items.items[1]);
	assert_string_equal(printed_later(&v.items.origins[0], EX_USAGE),
		"twobit: error: try: -i: is no good; see `twobit try --help`\n");
	assert_non_null(strstr(printed_later(&v.text.origin, EX_USAGE), "try: --text: is no good"));
	assert_non_null(strstr(printed_later(&v.own.origin, EX_USAGE), "try: is no good"));
}

/* Parses with these settings. */
static struct values accept_with(const char *settings, char path[32], const char *line)
{
	snprintf(path, 32, "/tmp/twobit-XXXXXX");
	FILE *file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	fputs(settings, file);
	fclose(file);
	setenv("TWOBIT_CONFIG", path, 1);
	struct values v = accept(line);
	unsetenv("TWOBIT_CONFIG");
	unlink(path);
	return v;
}

/* Also when there are many settings. */
static void texts_of_files_keep_their_places(void **state)
{
	char settings[2000] = "", path[32], expected[160];

	(void)state;
	for (int i = 0; i < 99; i++)
		strcat(settings, "text = a\n");
	strcat(settings, "[try]\ntext = b\nitem = c\nitem = d\n");
	struct values v = accept_with(settings, path, "");
	assert_string_equal(v.text.text, "b");
	snprintf(expected, sizeof(expected),
		"twobit: error: %s:101: text: is no good; see `twobit try --help`\n", path);
	assert_string_equal(printed_later(&v.text.origin, EX_CONFIG), expected);
	assert_string_equal(v.items.items[1], "d");
	snprintf(expected, sizeof(expected),
		"twobit: error: %s:102: item: is no good; see `twobit try --help`\n", path);
	assert_string_equal(printed_later(&v.items.origins[0], EX_CONFIG), expected);
	v = accept_with(settings, path, "-i e");
	assert_string_equal(v.items.items[0], "e");
	assert_null(v.items.items[1]);
}

/* What fail_at prints of an error about one of the values. */
static void assert_fails(const struct error *e, enum failure where, int code, const char *message)
{
	FILE *file = tmpfile();
	int old = dup(STDERR_FILENO);

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	assert_int_equal(fail_at(&invocation, where, e), code);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(file);
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = 0;
	fclose(file);
	assert_string_equal(printed, message);
}

static void errors_name_the_setting_at_fault(void **state)
{
	static struct values v; /* of the last invocation, which fail_at looks at */
	char path[32], expected[160];
	struct error e;

	(void)state;
	v = accept_with("\nitem = a\nitem = b\n", path, "--text c");
	invocation.values = &v;
	snprintf(expected, sizeof(expected), "twobit: error: %s:3: item: is unknown\n", path);
	error_refuse(&e, v.items.items[1], -EINVAL, "is unknown");
	assert_fails(&e, FAILURE_DISPLAY, EX_CONFIG, expected);
	/* The device is right, but in use: that is not the setting's fault, who should be known all the same.
	 */
	e.code = -EBUSY;
	assert_fails(&e, FAILURE_SOURCE, EX_NOINPUT, expected);
	e.code = -ENOMEM;
	assert_fails(&e, FAILURE_NETWORK, EX_OSERR, expected);
	error_refuse(&e, v.text.text, -EINVAL, "is unknown");
	assert_fails(&e, FAILURE_DISPLAY, EX_USAGE, "twobit: error: is unknown\n");
	error_set(&e, -EINVAL, "is unknown");
	assert_fails(&e, FAILURE_DISPLAY, EX_USAGE, "twobit: error: is unknown\n");
}

static void variables_that_are_nearly_options(void **state)
{
	struct values values = {0};
	char *rest[64];
	int count;

	(void)state;
	setenv("TWOBIT_NUMBRE", "1", 1);
	assert_int_equal(parse("", &values, rest, &count), OPTIONS_GO_ON);
	unsetenv("TWOBIT_NUMBRE");
	assert_string_equal(printed,
		"twobit: warning: environment: TWOBIT_NUMBRE sets nothing; did you mean TWOBIT_NUMBER?\n");
	setenv("TWOBIT_SOMETHING_ELSE", "1", 1);
	setenv("TWOBIT_NUMBER", "", 1); /* as good as none */
	assert_int_equal(accept("").number, 42);
	unsetenv("TWOBIT_SOMETHING_ELSE");
	unsetenv("TWOBIT_NUMBER");
}

static void own_options_are_not_the_environments(void **state)
{
	(void)state;
	setenv("TWOBIT_OWN", "a", 1);
	assert_null(accept("").own.text);
	assert_string_equal(accept("--own b").own.text, "b");
	unsetenv("TWOBIT_OWN");
}

static void arguments(void **state)
{
	struct values values = {0};
	char *rest[64];
	int count;

	(void)state;
	assert_int_equal(parse("a -f b - --text t c -- -n --flag", &values, rest, &count), OPTIONS_GO_ON);
	assert_true(values.flag);
	assert_string_equal(values.text.text, "t");
	const char *const expected[] = {"a", "b", "-", "c", "-n", "--flag"};
	assert_int_equal(count, 6);
	for (int i = 0; i < 6; i++)
		assert_string_equal(rest[i], expected[i]);
}

static void help_is_for_the_caller(void **state)
{
	struct values values = {0};
	char *rest[64];
	int count;

	(void)state;
	assert_int_equal(parse("-f --help --zzz", &values, rest, &count), OPTIONS_HELP);
	assert_string_equal(printed, "");
	assert_int_equal(parse("-fhz", &values, rest, &count), OPTIONS_HELP);
	refuse("--zzz --help", "unknown option --zzz;");
}

static void close_words(void **state)
{
	static const char *const words[] = {"networks", "sources", "pl", NULL};

	(void)state;
	assert_string_equal(closest_word("network", words), "networks");
	assert_string_equal(closest_word("net", words), "networks");
	assert_string_equal(closest_word("suorces", words), "sources");
	assert_null(closest_word("kernels", words));
	assert_null(closest_word("", words));
	assert_null(closest_word("x", words));
	assert_null(closest_word("a-word-that-is-longer-than-any-option-is", words));
}

static void colours(void **state)
{
	int plain = fileno(tmpfile());

	(void)state;
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	assert_false(colour_wanted(&invocation, plain));
	accept("--color always");
	assert_true(colour_wanted(&invocation, plain));
	accept("--color never");
	assert_false(colour_wanted(&invocation, plain));
	accept("--color auto");
	assert_false(quiet(&invocation));
	accept("-q");
	assert_true(quiet(&invocation));
}

static void exit_codes(void **state)
{
	static const struct {
		enum failure where;
		int code, expected;
	} cases[] = {
		{FAILURE_SOURCE, -ENOENT, 66},
		{FAILURE_SOURCE, -EACCES, 66},
		{FAILURE_SOURCE, -EBADMSG, 65},
		{FAILURE_SOURCE, -EOVERFLOW, 65},
		{FAILURE_SOURCE, -ENOMEM, 71},
		{FAILURE_SOURCE, -EMFILE, 71},
		{FAILURE_SOURCE, -EIO, 74},
		{FAILURE_SOURCE, -ENOSYS, 69},
		{FAILURE_NETWORK, -ENOENT, 78},
		{FAILURE_NETWORK, -EBADMSG, 78},
		{FAILURE_NETWORK, -ENOMEM, 71},
		{FAILURE_NETWORK, -EAGAIN, 71},
		{FAILURE_NETWORK, -EIO, 74},
		{FAILURE_KERNELS, -ENOTSUP, 69},
		{FAILURE_DISPLAY, -ENODEV, 69},
		{FAILURE_DISPLAY, -EINVAL, 64},
		{FAILURE_PL, -EIO, 69},
		{FAILURE_PL, -EINVAL, 64},
		{FAILURE_CREATE, -EEXIST, 73},
		{FAILURE_CREATE, -EACCES, 73},
		{FAILURE_CREATE, -ENOSPC, 74},
		{FAILURE_CREATE, -ENOSYS, 69},
		{FAILURE_OUTPUT, -EPIPE, 74},
		{FAILURE_OURS, -EPROTO, 70},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(failure_exit_code(cases[i].where, cases[i].code), cases[i].expected);
}

static void json_values(void **state)
{
	json_t *good = output_text("mêlée"),
	       *bad = output_text(
		       "a\xff"
		       "b"),
	       *share = output_share((double)0.1F);

	(void)state;
	assert_string_equal(json_string_value(good), "mêlée");
	assert_string_equal(json_string_value(bad), "a?b");
	assert_true(json_real_value(share) == 0.1);
	json_decref(good);
	json_decref(bad);
	json_decref(share);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),
		cmocka_unit_test(texts_gather),
		cmocka_unit_test(kinds),
		cmocka_unit_test(refusals),
		cmocka_unit_test(texts_keep_their_places),
		cmocka_unit_test(texts_of_files_keep_their_places),
		cmocka_unit_test(errors_name_the_setting_at_fault),
		cmocka_unit_test(variables_that_are_nearly_options),
		cmocka_unit_test(own_options_are_not_the_environments),
		cmocka_unit_test(arguments),
		cmocka_unit_test(help_is_for_the_caller),
		cmocka_unit_test(close_words),
		cmocka_unit_test(colours),
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(json_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
