/* SPDX-License-Identifier: MIT */
/* Pictures and labels of a recording: in order, by time, of one that breaks off; and ranges of a download. */
#include "sink/http/clip.h"
#include "sink/http/download.h"
#include "support/clip_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void check_block(struct clip *c, enum clip_kind kind, int64_t time, const char *bytes)
{
	struct clip_block block;
	char read[20] = "";

	assert_int_equal(clip_next(c, &block), kind);
	assert_int_equal(block.time, time);
	assert_int_equal(block.size, strlen(bytes));
	assert_int_equal(pread(c->fd, read, block.size, (off_t)block.offset), block.size);
	assert_string_equal(read, bytes);
	assert_int_equal(block.duration, kind == CLIP_LABEL ? 77 : 0);
}

static void in_order(void **state)
{
	struct clip_block block;
	struct clip c;
	int fd = memfd_create("clip", 0);

	(void)state;
	clip_put_head(fd);
	assert_int_equal(clip_open(fd, &c), 0);
	assert_int_equal(clip_next(&c, &block), CLIP_END);
	clip_put(fd, 0, "dog 70 %", 77, "one", 3);
	clip_put(fd, 40, NULL, 0, "two", 3);
	off_t whole = lseek(fd, 0, SEEK_CUR);
	clip_put(fd, 70000, NULL, 0, "three", 5);
	off_t end = lseek(fd, 0, SEEK_CUR);
	for (off_t size = end; size >= whole; size--) { /* cut anywhere in the last cluster */
		assert_int_equal(ftruncate(fd, size), 0);
		assert_int_equal(clip_open(fd, &c), 0);
		check_block(&c, CLIP_LABEL, 0, "dog 70 %");
		check_block(&c, CLIP_PICTURE, 0, "one");
		check_block(&c, CLIP_PICTURE, 40, "two");
		if (size == end)
			check_block(&c, CLIP_PICTURE, 70000, "three");
		assert_int_equal(clip_next(&c, &block), CLIP_END);
		assert_int_equal(clip_next(&c, &block), CLIP_END);
	}
	close(fd);
}

/* A file of 60 MB, nearly all of it holes: each time is found, and what is read for it is near. */
static void by_time(void **state)
{
	struct clip_block block;
	struct clip c;
	int fd = memfd_create("clip", 0);

	(void)state;
	clip_put_head(fd);
	for (uint32_t i = 0; i < 600; i++)
		clip_put(fd, 100 * i, NULL, 0, NULL, 90000 + i * 97 % 20000);
	assert_int_equal(clip_open(fd, &c), 0);
	for (int64_t time = -50; time < 70000; time += 1999) {
		clip_seek(&c, time);
		int steps = 0;
		int64_t last = -1;
		while (clip_next(&c, &block) == CLIP_PICTURE && (last < 0 || block.time <= time)) {
			last = block.time;
			steps++;
		}
		int64_t shown = time < 0 ? 0 : time / 100 * 100;
		assert_int_equal(last, shown < 59900 ? shown : 59900);
		assert_true(steps < 60);
	}
	close(fd);
}

static void no_recordings(void **state)
{
	static const char *const texts[] = {"", "\x1a", "\x1a\x45\xdf\xa3", "\x1a\x45\xdf\xa3\x84xxxx",
		"\x1a\x45\xdf\xa3\x84xxxx\x1f\x43\xb6\x75\x80",
		"RIFF, and more than the few bytes of a head"};
	struct clip c;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = memfd_create("clip", 0);
		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		assert_int_equal(clip_open(fd, &c), -EBADMSG);
		close(fd);
	}
}

static void ranges(void **state)
{
	static const struct {
		const char *header;
		uint64_t size;
		enum range_kind kind;
		uint64_t first, count;
	} cases[] = {
		{NULL, 100, RANGE_ALL, 0, 100},
		{"bytes=0-99", 100, RANGE_PART, 0, 100},
		{"bytes=10-", 100, RANGE_PART, 10, 90},
		{"bytes=10-10", 100, RANGE_PART, 10, 1},
		{"bytes=10-500", 100, RANGE_PART, 10, 90},
		{"bytes=-30", 100, RANGE_PART, 70, 30},
		{"bytes=-300", 100, RANGE_PART, 0, 100},
		{"bytes=-0", 100, RANGE_WRONG, 100, 0},
		{"bytes=100-", 100, RANGE_WRONG, 100, 100},
		{"bytes=0-", 0, RANGE_WRONG, 0, 0},
		{"bytes=20-10", 100, RANGE_ALL, 0, 100},
		{"bytes=1-2,5-6", 100, RANGE_ALL, 0, 100},
		{"bytes=", 100, RANGE_ALL, 0, 100},
		{"bytes=-", 100, RANGE_ALL, 0, 100},
		{"bytes=x-1", 100, RANGE_ALL, 0, 100},
		{"bytes=1-x", 100, RANGE_ALL, 0, 100},
		{"bytes=99999999999999999999-", 100, RANGE_ALL, 0, 100},
		{"lines=1-2", 100, RANGE_ALL, 0, 100},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t first, count;
		enum range_kind kind = range_parse(cases[i].header, cases[i].size, &first, &count);
		if (kind != cases[i].kind || first != cases[i].first || count != cases[i].count)
			fail_msg("%s: %d, %d from %d", cases[i].header, (int)kind, (int)count, (int)first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(by_time),
		cmocka_unit_test(no_recordings),
		cmocka_unit_test(ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
