/* SPDX-License-Identifier: MIT */
/* Videos from a named pipe: one whose writer comes late, and those whose opening is given up. */
#include "source/source.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/sample_jpeg.h"
#include "support/video_file.h"

static char folder[] = "/tmp/twobit-pipe-XXXXXX";
static char path[64], video[64];

static int pipe_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/pipe", folder);
	snprintf(video, sizeof(video), "%s/video.mov", folder);
	return mkfifo(path, 0600);
}

static int pipe_remove(void **state)
{
	(void)state;
	unlink(video);
	return unlink(path) || rmdir(folder);
}

/* Five pictures, one after the other. Opening waits for a reader, and the reader for us. */
static void *write_late(void *argument)
{
	size_t size;
	uint8_t *jpeg = sample_jpeg(80, 60, JCS_RGB, NULL, 0, &size);
	FILE *file = fopen(path, "wb");

	(void)argument;
	for (int i = 0; file && i < 5; i++)
		fwrite(jpeg, 1, size, file);
	if (file)
		fclose(file);
	free(jpeg);
	return NULL;
}

static void late_writer_is_waited_for(void **state)
{
	const struct source_options options = {0};
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};
	pthread_t thread;
	int frames = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, write_late, NULL), 0);
	assert_int_equal(source_open(path, &options, &source, &e), 0);
	while (source_next(source, &frame, NULL) == 0)
		frames++;
	assert_int_equal(frames, 5);
	pthread_join(thread, NULL);
	raw_picture_finish(&frame.raw);
	source_close(source);
}

/* Its index at its end, where libavformat puts it, far from the first picture. */
static void video_make(void)
{
	const struct video_recipe recipe = {
		"mov", AV_CODEC_ID_RAWVIDEO, AV_PIX_FMT_RGB24, 320, 240, 5, .alpha = 255};

	assert_true(video_write(video, &recipe));
}

static void *copy_video(void *argument)
{
	char command[160];

	(void)argument;
	snprintf(command, sizeof(command), "cat %s >%s", video, path);
	return system(command) ? NULL : path;
}

/* A pipe cannot go back from the index to the pictures: a sentence says so. */
static void index_at_the_end_is_refused(void **state)
{
	const struct source_options options = {0};
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};
	pthread_t thread;

	(void)state;
	video_make();
	assert_int_equal(pthread_create(&thread, NULL, copy_video, NULL), 0);
	assert_int_equal(source_open(path, &options, &source, &e), 0);
	assert_int_equal(source_next(source, &frame, &e), -ENOMSG);
	assert_non_null(strstr(e.text, "its index is at its end, and a pipe cannot go back"));
	source_close(source);
	pthread_join(thread, NULL);
	raw_picture_finish(&frame.raw);
}

/* A file on standard input (<video.mov) can go back. */
static void file_on_standard_input_is_read(void **state)
{
	const struct source_options options = {0};
	struct source *source = NULL;
	struct frame frame = {0};
	struct error e = {0};
	int keep = dup(STDIN_FILENO);
	int frames = 0;

	(void)state;
	video_make();
	int file = open(video, O_RDONLY | O_CLOEXEC);
	assert_true(file >= 0 && keep >= 0);
	dup2(file, STDIN_FILENO);
	close(file);
	assert_int_equal(source_open("-", &options, &source, &e), 0);
	while (source_next(source, &frame, &e) == 0)
		frames++;
	assert_int_equal(frames, 5);
	source_close(source);
	raw_picture_finish(&frame.raw);
	dup2(keep, STDIN_FILENO);
	close(keep);
}

static void *give_up_soon(void *argument)
{
	usleep(50000);
	eventfd_write(*(int *)argument, 1);
	return NULL;
}

static void assert_given_up(int give_up, bool before)
{
	const struct source_options options = {.give_up = give_up};
	struct source *source = NULL;
	struct error e = {0};
	pthread_t thread;
	eventfd_t value;

	assert_int_equal(pthread_create(&thread, NULL, give_up_soon, &give_up), 0);
	if (before)
		pthread_join(thread, NULL);
	assert_int_equal(source_open(path, &options, &source, &e), -ECANCELED);
	assert_null(source);
	assert_non_null(strstr(e.text, "pipe: was no longer waited for"));
	if (!before)
		pthread_join(thread, NULL);
	assert_int_equal(eventfd_read(give_up, &value), 0);
}

static void waiting_is_given_up(void **state)
{
	int give_up = eventfd(0, EFD_CLOEXEC);

	(void)state;
	assert_true(give_up > 0);
	assert_given_up(give_up, false);
	int writer = open(path, O_RDWR | O_CLOEXEC); /* which writes nothing */
	assert_true(writer >= 0);
	assert_given_up(give_up, false);
	assert_given_up(give_up, true);
	close(writer);
	close(give_up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_writer_is_waited_for),
		cmocka_unit_test(index_at_the_end_is_refused),
		cmocka_unit_test(file_on_standard_input_is_read),
		cmocka_unit_test(waiting_is_given_up),
	};

	return cmocka_run_group_tests(tests, pipe_make, pipe_remove);
}
