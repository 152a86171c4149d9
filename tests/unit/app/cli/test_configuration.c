/* SPDX-License-Identifier: MIT */
#include "cli/configuration.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static char seen[1024];
static int stop_at; /* settings until apply fails; 0: it never does */

static int note(void *context, const struct setting *setting)
{
	size_t used = strlen(seen);

	assert_ptr_equal(context, &stop_at);
	if (setting->name)
		snprintf(seen + used, sizeof(seen) - used, "%s:%d|%s|%s|%s\n", setting->file, setting->line,
			setting->section ? setting->section : "-", setting->name, setting->value);
	else
		snprintf(seen + used, sizeof(seen) - used, "%s:%d[%s]\n", setting->file, setting->line,
			setting->section);
	return stop_at && !--stop_at ? 7 : 0;
}

static struct setting last;

static int keep(void *context, const struct setting *setting)
{
	(void)context;
	last = *setting;
	return 0;
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
		"file:3|-|network|dorefanet\nfile:4|-|format|MJPEG\nfile:5[live]\n"
		"file:6|live|snapshot|a#b=c "
		"d.png\nfile:7|live|json|\nfile:8[record]\nfile:9|record|keep|7d\n");
	assert_int_equal(parse(""), 0);
	assert_string_equal(seen, "");
}

static void quotes_are_left_out(void **state)
{
	(void)state;
	assert_int_equal(
		parse("a = \"b c\"\nwhen = 'cat>0.6' # why\nfile = \"a #1\"\nfile=it's # b\nc = \"\"\n"), 0);
	assert_string_equal(seen,
		"file:1|-|a|b c\nfile:2|-|when|cat>0.6\nfile:3|-|file|a "
		"#1\nfile:4|-|file|it's\nfile:5|-|c|\n");
	assert_int_equal(parse("a = \"b\n"), EX_CONFIG);
	assert_int_equal(parse("a = \"b\" c\n"), EX_CONFIG);
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
		"a=1\nnetwork dorefanet\n", "a=1\n[live\n", "a=1\n[]\n", "a=1\n[ ]\n", "a=1\n[", "a=1\n=2\n"};

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
	struct configuration configuration = {0};

	(void)state;
	setenv("TWOBIT_CONFIG", "/no/such/file", 1);
	assert_int_equal(configuration_read(&configuration, note, &stop_at), EX_CONFIG);
	setenv("TWOBIT_CONFIG", "/dev/zero", 1);
	assert_int_equal(configuration_read(&configuration, note, &stop_at), EX_CONFIG);
	setenv("TWOBIT_CONFIG", "/dev/null", 1);
	assert_int_equal(configuration_read(&configuration, note, &stop_at), 0);
	unsetenv("TWOBIT_CONFIG");
	configuration_finish(&configuration);
}

/* Reads a file of these bytes. */
static int read_bytes(const char *bytes, size_t size)
{
	struct configuration configuration = {0};
	char path[] = "/tmp/twobit-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	seen[0] = '\0';
	setenv("TWOBIT_CONFIG", path, 1);
	int code = configuration_read(&configuration, note, &stop_at);
	unsetenv("TWOBIT_CONFIG");
	configuration_finish(&configuration);
	unlink(path);
	return code;
}

static void files_of_other_systems_are_read(void **state)
{
	static const char marked[] =
		"\xef\xbb\xbf"
		"a = 1\r\nb = 2\r\n";

	(void)state;
	assert_int_equal(read_bytes(marked, strlen(marked)), 0);
	assert_non_null(strstr(seen, ":1|-|a|1\n"));
	assert_non_null(strstr(seen, ":2|-|b|2\n"));
	assert_int_equal(read_bytes("\xef\xbb\xbf", 3), 0);
}

/* The settings behind a zero would be passed over. */
static void zeros_are_refused(void **state)
{
	(void)state;
	assert_int_equal(read_bytes("a = 1\nb = 2\0\n", 13), EX_CONFIG);
	assert_int_equal(read_bytes("\0", 1), EX_CONFIG);
	assert_string_equal(seen, "");
}

/* The strings of the settings of both files stay valid until configuration_finish. */
static void files_are_kept(void **state)
{
	char folder[] = "/tmp/twobit-XXXXXX", path[64];
	struct configuration configuration = {0};

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CONFIG_HOME", folder, 1);
	snprintf(path, sizeof(path), "%s/twobit", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/twobit/config", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("fps = 5\n", file);
	fclose(file);
	last = (struct setting){0};
	assert_int_equal(configuration_read(&configuration, keep, NULL), 0);
	assert_string_equal(last.name, "fps");
	assert_string_equal(last.value, "5");
	assert_string_equal(last.file, path);
	assert_int_equal(last.line, 1);
	configuration_finish(&configuration);
	assert_int_equal(configuration.count, 0);
	configuration_finish(&configuration);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(folder);
	unsetenv("XDG_CONFIG_HOME");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_read),
		cmocka_unit_test(quotes_are_left_out),
		cmocka_unit_test(the_first_failure_ends_it),
		cmocka_unit_test(other_lines_are_refused),
		cmocka_unit_test(the_environment_has_options),
		cmocka_unit_test(a_file_that_is_named_must_be_there),
		cmocka_unit_test(files_of_other_systems_are_read),
		cmocka_unit_test(zeros_are_refused),
		cmocka_unit_test(files_are_kept),
	};

	log_configure(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
