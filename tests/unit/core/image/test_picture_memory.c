/* SPDX-License-Identifier: MIT */
/* A good picture that memory keeps from being read is not called broken, and nothing leaks. */
#include "base/error.h"
#include "image/decode.h"
#include "support/allocation_count.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A file of the fuzzer's corpus: its first byte is none of the picture. */
static size_t load(const char *name, uint8_t *file, size_t most)
{
	char path[100];

	snprintf(path, sizeof(path), "tests/fuzz/corpus/picture/%s", name);
	FILE *stream = fopen(path, "rb");
	assert_non_null(stream);
	assert_int_not_equal(getc(stream), EOF);
	size_t size = fread(file, 1, most, stream);
	fclose(stream);
	assert_in_range(size, 1, most - 1);
	return size;
}

static void check(const char *name)
{
	static uint8_t file[16384];
	size_t size = load(name, file, sizeof(file));
	int rc = -ENOMEM;
	long failures = 0;

	for (; rc && failures < 200; failures++) {
		struct allocation_count count;
		struct picture picture = {0};
		struct error e;

		allocation_count_begin();
		allocation_fail_after(failures);
		rc = picture_read(file, size, &picture, &e);
		allocation_fail_after(-1);
		if (rc && rc != -ENOMEM)
			fail_msg("%s, allocation %ld: %s", name, failures, e.text);
		picture_finish(&picture);
		count = allocation_count_end();
		assert_int_equal(count.allocations, count.frees);
	}
	assert_int_equal(rc, 0);
	assert_true(failures > 1);
}

static void test_out_of_memory(void **state)
{
	static const char *const names[] = {"bmp-24", "gif", "gif-interlaced", "jpeg", "jpeg-progressive",
		"jpeg-turned", "png", "png-palette", "png-turned"};

	(void)state;
	if (!ALLOCATION_COUNT)
		skip_uncounted();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check(names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_out_of_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
