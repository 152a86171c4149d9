/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/error.h"
#include "cli/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void amounts_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t time;
		uint64_t bytes;
	} good[] = {
		{"10min", 600 * NS_PER_S, 0},
		{"1.5h", 5400 * NS_PER_S, 0},
		{"7d", 604800 * NS_PER_S, 0},
		{"90s", 90 * NS_PER_S, 0},
		{"500MB", 0, 500000000},
		{"20GB", 0, 20000000000},
		{"2GiB", 0, UINT64_C(2) << 30},
		{"10min|500MB", 600 * NS_PER_S, 500000000},
		{"1TB|1d", 86400 * NS_PER_S, 1000000000000},
	};
	static const char *const bad[] = {"", "10", "MB", "-5min", "+5min", "5 min", "5mins", "1e3MB",
		"infMB", "nanh", "0x10MB", "10min|", "|5MB", "10min||5MB", "10min|5", "1..5h", "5mb"};
	static const char *const other[][2] = {{"0MB", "30 years"}, {"0s", "30 years"},
		{"99999999TB", "1000TB"}, {"9999999999h", "1000TB"}, {"11000d", "30 years"},
		{"10min|20min", "one time and one size"}, {"1GB|1d|1MB", "one time and one size"}};
	struct amount amount;
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(amount_parse(good[i].text, &amount, &e), 0);
		assert_int_equal(amount.time, good[i].time);
		assert_int_equal(amount.bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (amount_parse(bad[i], &amount, &e) != -EINVAL)
			fail_msg("\"%s\" was taken for an amount", bad[i]);
		assert_non_null(strstr(e.text, "a time (10min, 12h, 7d), a size"));
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_int_equal(amount_parse(other[i][0], &amount, &e), -EINVAL);
		assert_non_null(strstr(e.text, other[i][1]));
	}
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		double seconds;
	} good[] = {{"10", 10}, {"10s", 10}, {"500ms", 0.5}, {"1.5m", 90}, {"2min", 120}, {"2h", 7200}};
	static const char *const bad[] = {"", "s", "10d", "10 s", "10sec", "10S"};
	double seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(duration_parse(good[i].text, &seconds), 0);
		assert_true(seconds == good[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (duration_parse(bad[i], &seconds) != -EINVAL)
			fail_msg("\"%s\" was taken for a time", bad[i]);
}

static void numbers_are_whole(void **state)
{
	static const struct {
		double value;
		const char *duration, *bytes;
	} cases[] = {{0, "0", "0"}, {1, "1s", "1B"}, {1000, "1000s", "1kB"}, {3600, "1h", "3600B"},
		{5400, "90min", "5400B"}, {2e9, "2000000000s", "2GB"}};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		duration_print(text, sizeof(text), cases[i].value);
		assert_string_equal(text, cases[i].duration);
		bytes_print(text, sizeof(text), cases[i].value);
		assert_string_equal(text, cases[i].bytes);
	}
	duration_print(text, sizeof(text), 0.5);
	assert_string_equal(text, "500ms");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_are_read),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(numbers_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
