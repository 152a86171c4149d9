/* SPDX-License-Identifier: MIT */
/* Picture files that libtwobit reads have the pixels that the program's own reader gives. */
#include "base/error.h"
#include "image/decode.h"
#include "support/folder.h"
#include "support/sample_jpeg.h"
#include "twobit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WIDTH 37
#define HEIGHT 23

static void assert_same_pixels(const struct twobit_picture *read, const struct picture *expected)
{
	assert_int_equal(read->width, expected->width);
	assert_int_equal(read->height, expected->height);
	assert_int_equal(read->format, TWOBIT_RGB);
	assert_int_equal(read->stride, 0);
	for (int i = 0; i < expected->width * expected->height; i++)
		for (int c = 0; c < 3; c++)
			assert_int_equal(read->pixels[3 * i + c], expected->data[4 * i + 2 - c]);
}

static void a_file_in_memory_is_read(void **state)
{
	struct picture expected = {0};
	struct twobit_picture read;
	struct error e;
	size_t size;
	uint8_t *file = sample_jpeg(WIDTH, HEIGHT, JCS_RGB, NULL, 0, &size);

	(void)state;
	assert_int_equal(picture_read(file, size, &expected, &e), 0);
	assert_int_equal(expected.width, WIDTH);
	assert_int_equal(twobit_picture_read(file, size, &read, NULL), 0);
	assert_same_pixels(&read, &expected);
	twobit_picture_free(&read);
	assert_null(read.pixels);
	twobit_picture_free(&read);
	picture_finish(&expected);
	free(file);
}

static void a_file_is_read_where_it_lies(void **state)
{
	struct picture expected = {0};
	struct twobit_picture read;
	struct error e;

	(void)state;
	assert_int_equal(picture_read_file("assets/samples/coffee.jpg", &expected, &e), 0);
	assert_int_equal(twobit_picture_read_file("assets/samples/coffee.jpg", &read, NULL), 0);
	assert_same_pixels(&read, &expected);
	twobit_picture_free(&read);
	picture_finish(&expected);
}

static void what_is_no_picture_is_refused(void **state)
{
	struct twobit_picture read = {.width = 1};
	struct twobit_error error;
	char *folder = folder_create(), path[256];
	size_t size;
	uint8_t *file = sample_jpeg(WIDTH, HEIGHT, JCS_RGB, NULL, 0, &size);

	(void)state;
	assert_int_equal(twobit_picture_read("", 0, &read, &error), -EBADMSG);
	assert_string_equal(error.text, "the picture: is empty");
	assert_null(read.pixels);
	assert_int_equal(read.width, 0);
	assert_int_equal(twobit_picture_read("no picture", 10, &read, &error), -EBADMSG);
	assert_non_null(strstr(error.text, "is not a picture that twobit reads"));
	assert_int_equal(twobit_picture_read(file, size / 2, &read, &error), -EBADMSG);
	assert_int_equal(error.code, -EBADMSG);
	assert_null(read.pixels);

	folder_put(folder, "/a.png", "no picture");
	snprintf(path, sizeof(path), "%s/a.png", folder);
	assert_int_equal(twobit_picture_read_file(path, &read, &error), -EBADMSG);
	assert_non_null(strstr(error.text, path));
	snprintf(path, sizeof(path), "%s/b.png", folder);
	assert_int_equal(twobit_picture_read_file(path, &read, &error), -ENOENT);
	assert_non_null(strstr(error.text, path));
	assert_int_equal(twobit_picture_read_file(path, &read, NULL), -ENOENT);
	folder_destroy(folder);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_in_memory_is_read),
		cmocka_unit_test(a_file_is_read_where_it_lies),
		cmocka_unit_test(what_is_no_picture_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
