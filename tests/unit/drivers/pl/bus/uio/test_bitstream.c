/* SPDX-License-Identifier: MIT */
/* Bitstreams: what is read of them, and which are refused with which message. */
#include "base/error.h"
#include "pl/bus/uio/bitstream.h"
#include "support/bitstream_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE 0x13727093U /* with a revision */

static uint8_t bytes[BITSTREAM_ROOM];

static void check_swapped(const struct bitstream *b)
{
	assert_int_equal(b->size, 4 * BITSTREAM_WORDS);
	assert_memory_equal(b->data + 20, "\x66\x55\x99\xaa", 4);
	assert_memory_equal(b->data + 32, "\x93\x70\x72\x13", 4);
	assert_memory_equal(b->data + 44, "\x78\x56\x34\x12", 4);
}

static void test_bit(void **state)
{
	size_t size = bitstream_build_bit(bytes, "7z020clg400", CODE);
	struct bitstream b;
	struct error e = {0};

	(void)state;
	assert_int_equal(bitstream_parse(bytes, size, &b, &e), 0);
	assert_string_equal(b.design, "overlay;UserID=0XFFFFFFFF;Version=2022.2");
	assert_string_equal(b.part, "7z020clg400");
	assert_string_equal(b.date, "2026/11/21");
	assert_string_equal(b.time, "10:46:08");
	check_swapped(&b);
	bitstream_finish(&b);
}

static void test_bin(void **state)
{
	size_t size = bitstream_build_bin(bytes, CODE);
	struct bitstream b, again;
	struct error e = {0};

	(void)state;
	assert_int_equal(bitstream_parse(bytes, size, &b, &e), 0);
	assert_string_equal(b.part, "");
	check_swapped(&b);
	assert_int_equal(bitstream_parse(b.data, b.size, &again, &e), 0); /* swapped already */
	check_swapped(&again);
	bitstream_finish(&b);
	bitstream_finish(&again);
}

static void refused(size_t size, int code, const char *text)
{
	uint8_t *copy = malloc(size ? size : 1); /* so that a sanitizer sees a byte too many */
	struct bitstream b;
	struct error e = {0};

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	assert_int_equal(bitstream_parse(copy, size, &b, &e), code);
	assert_non_null(strstr(e.text, text));
	assert_null(b.data);
	free(copy);
}

static void test_refusals(void **state)
{
	size_t size = bitstream_build_bit(bytes, "7z020clg400", CODE);

	(void)state;
	for (size_t cut = 0; cut < size; cut++)
		refused(cut, -EBADMSG, cut < 13 ? "no bitstream" : "header");
	refused(size + 1, -EBADMSG, "copy it again");
	bitstream_build_bit(bytes, "7z010clg400", CODE);
	refused(size, -EINVAL, "7z010clg400");
	bitstream_build_bit(bytes, "7z020clg400", 0x03722093); /* the header lies */
	refused(size, -EINVAL, "0x03722093");
	size = bitstream_build_bin(bytes, 0x03722093);
	refused(size, -EINVAL, "0x03722093");
	refused(32, -EBADMSG, "name its part");
	refused(20, -EBADMSG, "no sync word");
	refused(size - 1, -EBADMSG, "no bitstream");
	size = bitstream_build_bit(bytes, "7z020\n\x1b[2J", CODE);
	bytes[size - 4 * BITSTREAM_WORDS - 6] = 'x'; /* time without its end */
	refused(size, -EBADMSG, "header");
	size = bitstream_build_bit(bytes, "xc7z\x1b[2J", CODE);
	refused(size, -EINVAL, "xc7z?[2J");
}

static void test_file(void **state)
{
	char path[] = "/tmp/twobit-bitstream-XXXXXX";
	int fd = mkstemp(path);
	size_t size = bitstream_build_bit(bytes, "7z020clg484", CODE);
	struct bitstream b;
	struct error e = {0};

	(void)state;
	assert_true(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	assert_int_equal(bitstream_load(path, &b, &e), 0);
	check_swapped(&b);
	bitstream_finish(&b);
	assert_int_equal(ftruncate(fd, (off_t)size - 4), 0);
	assert_int_equal(bitstream_load(path, &b, &e), -EBADMSG);
	assert_non_null(strstr(e.text, path));
	close(fd);
	unlink(path);
	assert_int_equal(bitstream_load(path, &b, &e), -ENOENT);
	assert_int_equal(bitstream_load("/tmp", &b, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bit),
		cmocka_unit_test(test_bin),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
