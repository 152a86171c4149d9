/* SPDX-License-Identifier: MIT */
/* Pictures written as files: by their names, whole or not at all, and nothing else left behind. */
#include "image/decode.h"
#include "image/picture_write.h"

#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/twobit-picture-write-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* By the name's ending, and for no other ending. */
static void the_name_chooses_the_format(void **state)
{
	static const char *const good[] = {"a.png", "a.PNG", "a.jpg", "a.b.JPEG", ".jpg"};
	static const char *const bad[] = {
		"a.webp", "a.gif", "a", "png", "a.png.gif", "b.png/a", "a.jpg~", "a.jpg/", ""};
	struct picture p = {0}, q = {0};
	struct error e;

	(void)state;
	assert_int_equal(picture_resize(&p, 16, 8), 0);
	memset(p.data, 120, (size_t)16 * 8 * 4);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		unsigned char first[2] = {0};
		assert_int_equal(picture_write_check(path_of(good[i]), &e), 0);
		assert_int_equal(access(path_of(good[i]), F_OK), -1);
		assert_int_equal(picture_write(path_of(good[i]), &p, &e), 0);
		assert_int_equal(picture_write_check(path_of(good[i]), &e), 0);
		assert_int_equal(picture_read_file(path_of(good[i]), &q, &e), 0);
		assert_int_equal(q.width * 100 + q.height, 1608);
		assert_in_range(q.data[0], 118, 122);
		FILE *file = fopen(path_of(good[i]), "rb");
		assert_int_equal(fread(first, 1, 2, file), 2);
		fclose(file);
		assert_int_equal(first[0], strpbrk(good[i], "jJ") ? 0xff : 0x89);
		assert_int_equal(unlink(path_of(good[i])), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(picture_write_check(path_of(bad[i]), &e), -EINVAL);
		assert_non_null(strstr(e.text, ".jpg"));
		assert_int_equal(picture_write(path_of(bad[i]), &p, &e), -EINVAL);
	}
	picture_finish(&p);
	picture_finish(&q);
}

static void pixels_there_and_back(void **state)
{
	struct picture p = {0}, q = {0};
	struct error e;

	(void)state;
	assert_int_equal(picture_resize(&p, 37, 23), 0);
	for (size_t i = 0; i < 37 * 23 * 4; i++)
		p.data[i] = i % 4 == 3 ? 255 : (uint8_t)(i * 7 + i / 90);
	assert_int_equal(picture_write(path_of("out.png"), &p, &e), 0);
	assert_int_equal(picture_read_file(path_of("out.png"), &q, &e), 0);
	assert_int_equal(q.width, 37);
	assert_int_equal(q.height, 23);
	assert_memory_equal(p.data, q.data, 37 * 23 * 4);
	/* over the old one */
	memset(p.data, 0, 4);
	assert_int_equal(picture_write(path_of("out.png"), &p, &e), 0);
	assert_int_equal(picture_read_file(path_of("out.png"), &q, &e), 0);
	assert_int_equal(q.data[0] + q.data[1] + q.data[2], 0);
	assert_int_equal(unlink(path_of("out.png")), 0);
	picture_finish(&p);
	picture_finish(&q);
}

static void a_new_picture_replaces_nothing(void **state)
{
	struct picture p = {0}, q = {0};
	struct error e;

	(void)state;
	assert_int_equal(picture_resize(&p, 16, 8), 0);
	memset(p.data, 120, (size_t)16 * 8 * 4);
	assert_int_equal(picture_write_new(path_of("new.png"), &p, &e), 0);
	assert_int_equal(picture_write_new(path_of("new.png"), &p, &e), -EEXIST);
	assert_int_equal(picture_read_file(path_of("new.png"), &q, &e), 0);
	assert_int_equal(unlink(path_of("new.png")), 0);
	picture_finish(&p);
	picture_finish(&q);
}

static void other_places_are_refused(void **state)
{
	struct picture p = {0};
	struct error e;

	(void)state;
	assert_int_equal(picture_write(path_of("empty.png"), &p, &e), -EINVAL);
	assert_int_equal(picture_resize(&p, 16, 8), 0);
	memset(p.data, 120, (size_t)16 * 8 * 4);
	assert_int_equal(picture_write_check("/nowhere/a.png", &e), -ENOENT);
	assert_int_equal(picture_write("/nowhere/out.png", &p, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nowhere/out.png"));
	assert_int_equal(mkdir(path_of("folder.png"), 0755), 0);
	assert_int_equal(picture_write_check(path_of("folder.png"), &e), -EISDIR);
	assert_int_equal(picture_write(path_of("folder.png"), &p, &e), -EISDIR);
	assert_int_equal(rmdir(path_of("folder.png")), 0);
	assert_int_equal(mkfifo(path_of("pipe.png"), 0600), 0);
	assert_int_equal(picture_write(path_of("pipe.png"), &p, &e), -ENXIO);
	assert_int_equal(unlink(path_of("pipe.png")), 0);
	picture_finish(&p);
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	return rmdir(folder); /* fails where a temporary file was left */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_chooses_the_format),
		cmocka_unit_test(pixels_there_and_back),
		cmocka_unit_test(a_new_picture_replaces_nothing),
		cmocka_unit_test(other_places_are_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
