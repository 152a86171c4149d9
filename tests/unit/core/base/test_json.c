/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "support/allocation_count.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char good[] = "{\"name\": \"caf\\u00e9\", \"numbers\": [1, 2.5e3, -7], \"on\": true}";

static void test_reads(void **state)
{
	json_error_t fault;
	json_t *json;

	(void)state;
	assert_int_equal(json_from_text(good, sizeof(good) - 1, &json, &fault), 0);
	assert_string_equal(json_string_value(json_object_get(json, "name")), "caf\xc3\xa9");
	json_decref(json);
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {"", "{", "{\"a\": 1, \"a\": 2}", "[1] 2", "{\"a\": \xff}", "nil"};
	json_error_t fault;
	json_t *json;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(json_from_text(bad[i], strlen(bad[i]), &json, &fault), -EBADMSG);
		assert_null(json);
		assert_true(fault.text[0] != '\0');
	}
}

/* Good text is never called bad for want of memory. */
static void test_out_of_memory(void **state)
{
	json_error_t fault;
	json_t *json = NULL;
	int rc = -ENOMEM;
	long failures = 0;

	(void)state;
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	for (; rc && failures < 200; failures++) {
		allocation_fail_after(failures);
		rc = json_from_text(good, sizeof(good) - 1, &json, &fault);
		allocation_fail_after(-1);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
	}
	assert_int_equal(rc, 0);
	assert_true(failures > 10);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
