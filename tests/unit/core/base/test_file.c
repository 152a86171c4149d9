/* SPDX-License-Identifier: MIT */
/* Files, and what else a user may name: pipes, standard input, files that do not say how long they are. */
#include "base/error.h"
#include "base/file.h"
#include "support/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MUCH 300000 /* bytes, more than a pipe holds */

static char *folder;
static char path[256];

static int setup(void **state)
{
	(void)state;
	folder = folder_create();
	snprintf(path, sizeof(path), "%s/it", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_destroy(folder);
	return 0;
}

/* Writes MUCH bytes into the pipe, piece by piece. */
static void *much_write(void *argument)
{
	int fd = open(argument, O_WRONLY);
	char piece[1000];

	memset(piece, 'x', sizeof(piece));
	for (int i = 0; i < MUCH; i += 1000)
		assert_int_equal(write(fd, piece, sizeof(piece)), sizeof(piece));
	close(fd);
	return NULL;
}

static int stream_of(const char *name, size_t limit, uint8_t **data, size_t *size, struct error *e)
{
	int stream = stream_open(name);

	if (stream < 0)
		return stream;
	int rc = stream_read(stream, limit, data, size, e);
	close(stream);
	assert_int_equal(rc == 0, *data != NULL);
	return rc;
}

static void pipe_is_read_to_its_end(void **state)
{
	(void)state;
	uint8_t *data;
	size_t size;
	pthread_t writer;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pthread_create(&writer, NULL, much_write, path), 0);
	assert_int_equal(stream_of(path, MUCH, &data, &size, NULL), 0);
	pthread_join(writer, NULL);
	assert_int_equal(size, MUCH);
	assert_int_equal(data[MUCH - 1], 'x');
	free(data);
}

static void regular_file_is_read(void **state)
{
	(void)state;
	uint8_t *data;
	size_t size;
	struct error e = {0};

	folder_put(folder, "/it", "words");
	assert_int_equal(file_read(AT_FDCWD, path, 5, &data, &size, &e), 0);
	assert_int_equal(size, 5);
	assert_memory_equal(data, "words", 5);
	free(data);
	assert_int_equal(file_read(AT_FDCWD, path, 4, &data, &size, &e), -EFBIG);
	assert_string_equal(e.text, "is too long: 5 bytes, at most 4 expected");
	assert_null(data);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(file_read(AT_FDCWD, path, 4, &data, &size, &e), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_read(AT_FDCWD, path, 4, &data, &size, &e), -EBADMSG);
	assert_string_equal(e.text, "is not a regular file");
}

/* "-" goes on where standard input stands. */
static void standard_input_is_read(void **state)
{
	(void)state;
	uint8_t *data;
	size_t size;
	int old = dup(STDIN_FILENO);

	folder_put(folder, "/it", "words");
	int file = open(path, O_RDONLY);
	assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(lseek(file, 2, SEEK_SET), 2);
	assert_int_equal(stream_of("-", 100, &data, &size, NULL), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(data, "rds", 3);
	free(data);
	close(file);
	assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
	close(old);
}

static void odd_streams(void **state)
{
	(void)state;
	uint8_t *data;
	size_t size;
	struct error e = {0};

	/* Says 0 bytes, and has some. */
	assert_int_equal(stream_of("/proc/self/status", 1 << 20, &data, &size, &e), 0);
	assert_true(size > 10);
	free(data);
	assert_int_equal(stream_of("/dev/zero", 100000, &data, &size, &e), -EFBIG);
	assert_string_equal(e.text, "is too long: more than the 100000 bytes expected");
	assert_int_equal(stream_of(folder, 100, &data, &size, &e), -EISDIR);
	assert_int_equal(stream_open(path), -ENOENT);
}

static void pipe_is_not_waited_for_for_ever(void **state)
{
	char c = 0;

	(void)state;
	assert_int_equal(file_open_within(path, 0), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_open_within(path, 0), -ETIMEDOUT);
	int both = open(path, O_RDWR);
	assert_true(both >= 0);
	assert_int_equal(file_open_within(path, 1), -ETIMEDOUT);
	assert_int_equal(write(both, "x", 1), 1);
	int reader = file_open_within(path, 10000);
	assert_true(reader >= 0);
	assert_int_equal(read(reader, &c, 1), 1);
	assert_int_equal(c, 'x');
	assert_int_equal(fcntl(reader, F_GETFL) & O_NONBLOCK, 0);
	close(reader);
	close(both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(regular_file_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(pipe_is_read_to_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(standard_input_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(pipe_is_not_waited_for_for_ever, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_streams, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
