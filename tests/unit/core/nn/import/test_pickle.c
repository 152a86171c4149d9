/* SPDX-License-Identifier: MIT */
/*
 * Files that Python's pickle and NumPy wrote, in all protocols, from tests/fuzz/corpus/pickle: the arrays are
 * those that they were given. Files that hold anything else are refused.
 */
#include "base/error.h"
#include "nn/import/pickle.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static uint8_t file[4096];

static size_t file_read(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "tests/fuzz/corpus/pickle/%s", name);
	FILE *stream = fopen(path, "rb");

	assert_non_null(stream);
	size_t size = fread(file, 1, sizeof(file), stream);
	assert_in_range(size, 1, sizeof(file) - 1);
	assert_int_equal(fclose(stream), 0);
	return size;
}

static struct pickle *pickle_of(const char *name)
{
	struct pickle *pickle = NULL;
	struct error e = {0};

	if (pickle_open(file, file_read(name), &pickle, &e))
		fail_msg("%s: %s", name, e.text);
	assert_non_null(pickle);
	return pickle;
}

static const uint8_t *array_of(
	const struct pickle *pickle, const char *name, const char *type, int dimensions, uint64_t count)
{
	const uint8_t *values = NULL;
	struct npy npy = {0};
	struct error e = {0};

	if (pickle_find(pickle, name, &npy, &values, &e))
		fail_msg("%s: %s", name, e.text);
	assert_string_equal(npy.type, type);
	assert_int_equal(npy.dimensions, dimensions);
	assert_int_equal(npy_count(&npy), count);
	return values;
}

static void thresholds_compare(const struct pickle *pickle)
{
	static const float expected[] = {5.0F / 6, 0.5F, 1.0F / 6};
	float numbers[3];

	npy_copy(numbers, array_of(pickle, "conv0/T", "f4", 1, 3), 3, sizeof(*numbers));
	assert_memory_equal(numbers, expected, sizeof(numbers));
}

static void arrays_are_those_given(void **state)
{
	static const char *const names[] = {"protocol0", "protocol1", "protocol2", "protocol3", "protocol4",
		"protocol5", "plain-dict", "numpy2"};
	static const uint8_t bytes[] = {10, 39, 92, 0, 255, 128, 13};

	(void)state;
	for (size_t n = 0; n < COUNT(names); n++) {
		struct pickle *pickle = pickle_of(names[n]);
		float weights[24];
		int32_t number;

		npy_copy(weights, array_of(pickle, "conv0/W", "f4", 4, 24), 24, sizeof(*weights));
		for (int i = 0; i < 24; i++)
			assert_true(weights[i] == (float)(i - 12) / 8);
		thresholds_compare(pickle);
		npy_copy(&number, array_of(pickle, "count", "i4", 0, 1), 1, sizeof(number));
		assert_int_equal(number, 7);
		assert_memory_equal(array_of(pickle, "bytes", "u1", 1, 7), bytes, sizeof(bytes));
		pickle_close(pickle);
	}
}

static void python_2_wrote_such_files(void **state)
{
	static const char *const names[] = {"python2", "python2-protocol0"};

	(void)state;
	for (size_t n = 0; n < COUNT(names); n++) {
		struct pickle *pickle = pickle_of(names[n]);

		thresholds_compare(pickle);
		pickle_close(pickle);
	}
}

static void refused(const uint8_t *bytes, size_t size, const char *name, const char *message)
{
	struct pickle *pickle = (void *)file;
	struct error e = {0};
	int rc = pickle_open(bytes, size, &pickle, &e);

	if (rc == 0)
		fail_msg("%s: read, but \"%s\" is expected", name, message);
	assert_null(pickle);
	assert_int_equal(rc, e.code);
	if (!strstr(e.text, message))
		fail_msg("%s: \"%s\" should hold \"%s\"", name, e.text, message);
}

static void what_is_no_data_is_refused(void **state)
{
	static const struct {
		const char *name, *message;
	} cases[] = {
		{"calls", "wants to call posix.system, and is not allowed to"},
		{"calls4", "wants to call posix.system"},
		{"object", "wants to call __main__.O"},
		{"list", "holds no dictionary of arrays"},
		{"text", "beyond Latin-1"},
		{"cut", "ends too early"},
		{"memo", "takes what it has not kept"},
		{"recursive", "no dictionary"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT(cases); n++)
		refused(file, file_read(cases[n].name), cases[n].name, cases[n].message);
}

static void arrays_of_another_kind_are_refused(void **state)
{
	static const struct {
		const char *name, *message;
	} cases[] = {
		{"big-endian", "holds \"conv0/W\", which is big-endian; save it after astype(\"<f4\")"},
		{"fortran", "is in Fortran order"},
		{"complex", "is of type \"c8\""},
		{"number", "is no array"},
		{"short-data", "does not hold the numbers of its shape"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT(cases); n++) {
		struct pickle *pickle = pickle_of(cases[n].name);
		const uint8_t *values;
		struct npy npy;
		struct error e = {0};

		assert_int_equal(pickle_find(pickle, "conv0/W", &npy, &values, &e), -EBADMSG);
		if (!strstr(e.text, cases[n].message))
			fail_msg("\"%s\" should hold \"%s\"", e.text, cases[n].message);
		assert_int_equal(pickle_find(pickle, "conv0/V", &npy, &values, &e), -ENOENT);
		assert_string_equal(e.text, "holds no array \"conv0/V\"");
		pickle_close(pickle);
	}
}

/* Each operation that makes objects, of what Python's pickle has. */
static void operations_that_make_objects_are_refused(void **state)
{
	static const uint8_t operations[] = {'i', 'o', 'P', 'Q', 'F', 'G', '0', '1', '2', 0x81, 0x82, 0x83,
		0x84, 0x8b, 0x8f, 0x90, 0x91, 0x92, 0x97, 0x98, 0xff};

	(void)state;
	size_t header = file_read("memo") - 6;
	for (size_t n = 0; n < COUNT(operations); n++) {
		char message[64];

		memcpy(file + header, (const uint8_t[]){0x80, 2, '}', operations[n], '.'}, 5);
		snprintf(message, sizeof(message), "(operation 0x%02x of its pickle)", operations[n]);
		refused(file, header + 5, "operation", message);
	}
	refused(file, 20, "cut", "ends within its header");
	refused((const uint8_t *)"plain text, and no array", 24, "text", "is no .npy file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_are_those_given),
		cmocka_unit_test(python_2_wrote_such_files),
		cmocka_unit_test(what_is_no_data_is_refused),
		cmocka_unit_test(arrays_of_another_kind_are_refused),
		cmocka_unit_test(operations_that_make_objects_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
