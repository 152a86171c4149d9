/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "nn/format/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char i4[] = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }";
static const int32_t numbers[6] = {1, -2, 3, INT32_MIN, INT32_MAX, 0};

/* A file in memory of exactly its size, so that a sanitizer sees a byte read past it. */
struct file {
	uint8_t *data;
	size_t size;
};

static struct file make(int version, const char *header, const void *values, size_t bytes)
{
	size_t begin = version == 1 ? 10 : 12;
	size_t length = strlen(header) + 1;
	struct file file = {NULL, begin + length + bytes};

	file.data = malloc(file.size);
	assert_non_null(file.data);
	memcpy(file.data, "\x93NUMPY", 6);
	memcpy(file.data + 6, (uint8_t[]){(uint8_t)version, 0, (uint8_t)length, (uint8_t)(length >> 8), 0, 0},
		begin - 6);
	memcpy(file.data + begin, header, length - 1);
	file.data[begin + length - 1] = '\n';
	if (bytes)
		memcpy(file.data + begin + length, values, bytes);
	return file;
}

static void refused(struct file file, const char *message)
{
	struct error e = {0};
	const uint8_t *values = NULL;
	struct npy npy;

	assert_true(npy_parse(file.data, file.size, &npy, &values, &e) < 0);
	if (!strstr(e.text, message))
		fail_msg("\"%s\" is not in \"%s\"", message, e.text);
	free(file.data);
}

static void header_refused(const char *header, const char *message)
{
	refused(make(1, header, numbers, sizeof(numbers)), message);
}

static void reads_every_version(void **state)
{
	(void)state;
	for (int version = 1; version <= 3; version++) {
		struct file file = make(version, i4, numbers, sizeof(numbers));
		const uint8_t *values = NULL;
		int32_t copy[6];
		struct npy npy;
		struct error e = {0};
		assert_int_equal(npy_parse(file.data, file.size, &npy, &values, &e), 0);
		assert_int_equal(npy_compare(&npy, &(struct npy){"i4", 2, {2, 3}}, &e), 0);
		npy_copy(copy, values, 6, 4);
		assert_memory_equal(copy, numbers, sizeof(numbers));
		free(file.data);
	}
}

static void other_writers_are_read(void **state)
{
	(void)state;
	static const char *const headers[] = {
		"{\"shape\":(2,3,),\"fortran_order\":False,\"descr\":\"<i4\"}   ",
		"{ 'fortran_order' : False , 'shape' : ( 6 , ) , 'descr' : '<i4' , }\n\n",
		/* Python 2's numbers and words; this machine's order of bytes; an order that means nothing */
		"{'descr': '<i4', 'fortran_order': False, 'shape': (6L,), }",
		"{u'descr': u'=i4', u'fortran_order': True, u'shape': (6L,)}",
		"{'descr': 'i4',\r\n'fortran_order': True, 'shape': (6,)}",
	};
	for (int i = 0; i < 5; i++) {
		struct file file = make(1, headers[i], numbers, sizeof(numbers));
		const uint8_t *values = NULL;
		struct npy npy;
		assert_int_equal(npy_parse(file.data, file.size, &npy, &values, NULL), 0);
		assert_int_equal(npy_count(&npy), 6);
		assert_int_equal(npy.dimensions, i ? 1 : 2);
		free(file.data);
	}
}

static void foreign_arrays_are_refused(void **state)
{
	(void)state;
	header_refused("{'descr': '|O', 'fortran_order': False, 'shape': (), }", "is pickled");
	header_refused("{'descr': '>i4', 'fortran_order': False, 'shape': (2, 3), }", "astype(\"<i4\")");
	header_refused(
		"{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }", "numpy.ascontiguousarray");
	header_refused("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (6,), }", "records");
	header_refused("{'descr': '<U4', 'fortran_order': False, 'shape': (6,), }", "no plain number");
	header_refused("{'descr': '', 'fortran_order': False, 'shape': (6,), }", "no plain number");
	header_refused(
		"{'descr': '<i4', 'fortran_order': False, 'shape': (1, 1, 1, 2, 3), }", "4 dimensions");
}

static void odd_headers_are_refused(void **state)
{
	(void)state;
	static const char *const headers[] = {"", "{", "{}", "[]", "{'descr': '<i4', 'fortran_order': False}",
		"{'descr': '<i4', 'descr': '<i4', 'fortran_order': False, 'shape': (6,)}",
		"{'descr': '<i4', 'fortran_order': False, 'shape': (6,), 'x': 1}",
		"{'descr': '<i4', 'fortran_order': 0, 'shape': (6,)}",
		"{'descr': '<i4', 'fortran_order': False, 'shape': (6)}",
		"{'descr': '<i4', 'fortran_order': False, 'shape': (-6,)}",
		"{'descr': '<i4', 'fortran_order': False, 'shape': (L,)}",
		"{'descr': '<i4', 'fortran_order': False, 'shape': (6LL,)}",
		"{'descr': '<i4', 'fortran_order': False, 'shape': (2 3)}",
		"{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
		"{'descr': '<i4' 'fortran_order': False, 'shape': (6,)}",
		"{'descr': '<i4', 'fortran_order': False, 'shape': (6,)} x", "{'descr': '<i4"};
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		header_refused(headers[i], "not a plain one");
}

static void wrong_sizes_are_refused(void **state)
{
	(void)state;
	uint8_t bytes[25] = {0};
	refused(make(1, i4, bytes, 23), "is truncated: 24 bytes of numbers expected, 23 found");
	refused(make(1, i4, bytes, 0), "is truncated");
	refused(make(1, i4, bytes, 25), "is too long: 24 bytes of numbers expected, 25 found");
	header_refused(
		"{'descr': '<i4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "memory");
	header_refused(
		"{'descr': '<i4', 'fortran_order': False, 'shape': (4611686018427387904,), }", "memory");
	header_refused(
		"{'descr': '<i4', 'fortran_order': False, 'shape': (4611686018427387903,), }", "truncated");
	/* Nothing times something is nothing, in whatever order. */
	header_refused("{'descr': '<i4', 'fortran_order': False, 'shape': (8589934592, 8589934592, 0), }",
		"too long: 0 bytes");
}

static void cut_files_are_refused(void **state)
{
	(void)state;
	for (int version = 1; version <= 2; version++) {
		struct file whole = make(version, i4, numbers, sizeof(numbers));
		for (size_t size = 0; size < whole.size; size++) {
			struct file cut = {malloc(size ? size : 1), size};
			memcpy(cut.data, whole.data, size);
			refused(cut, size < 10 ? "is no .npy file" : "is truncated");
		}
		whole.data[6] = 4;
		refused(whole, "version 4.0");
	}
	struct file file = make(2, i4, numbers, sizeof(numbers));
	file.data[11] = 0xff;
	refused(file, "over the limit");
}

static void differences_are_named(void **state)
{
	(void)state;
	struct npy found = {"i4", 2, {2, 3}};
	struct error e = {0};

	assert_true(npy_compare(&found, &(struct npy){"u1", 2, {2, 3}}, &e) < 0);
	assert_string_equal(e.text, "is of type \"i4\", \"u1\" expected");
	assert_true(npy_compare(&found, &(struct npy){"i4", 1, {6}}, &e) < 0);
	assert_string_equal(e.text, "has the wrong shape: (6,) expected, (2, 3) found");
	assert_true(npy_compare(&found, &(struct npy){"i4", 2, {3, 2}}, &e) < 0);
}

static void numbers_of_every_width_return(void **state)
{
	(void)state;
	static const int64_t wide[3] = {INT64_MIN, -1, INT64_C(1) << 62};
	static const char *const types[] = {"i1", "i4", "i8"};

	for (int i = 0; i < 3; i++) {
		const struct npy shape = {.dimensions = 1, .shape = {3}, .type = {types[i][0], types[i][1]}};
		const uint8_t *values = NULL;
		char *data = NULL;
		size_t size = 0;
		struct npy found;
		struct error e = {0};
		int64_t copy[3] = {0};
		FILE *file = open_memstream(&data, &size);

		assert_int_equal(npy_write(file, &shape, wide), 0);
		fclose(file);
		assert_int_equal(npy_parse((uint8_t *)data, size, &found, &values, &e), 0);
		assert_int_equal(npy_compare(&found, &shape, &e), 0);
		npy_copy(copy, values, 3, npy_width(&found));
		assert_memory_equal(copy, wide, 3 * npy_width(&found));
		free(data);
	}
}

static void writes_as_numpy(void **state)
{
	(void)state;
	char *data = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&data, &size);

	assert_int_equal(npy_write(file, &(struct npy){"i4", 2, {2, 3}}, numbers), 0);
	fclose(file);
	assert_int_equal(size, 128 + sizeof(numbers));
	assert_memory_equal(data, "\x93NUMPY\x01\x00\x76\x00", 10);
	assert_memory_equal(data + 10, i4, strlen(i4));
	assert_int_equal(data[127], '\n');
	assert_memory_equal(data + 128, numbers, sizeof(numbers));
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_version),
		cmocka_unit_test(other_writers_are_read),
		cmocka_unit_test(foreign_arrays_are_refused),
		cmocka_unit_test(odd_headers_are_refused),
		cmocka_unit_test(wrong_sizes_are_refused),
		cmocka_unit_test(cut_files_are_refused),
		cmocka_unit_test(differences_are_named),
		cmocka_unit_test(numbers_of_every_width_return),
		cmocka_unit_test(writes_as_numpy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
