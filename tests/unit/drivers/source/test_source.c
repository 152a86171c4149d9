/* SPDX-License-Identifier: MIT */
/* Sources of frames: the pattern, slide shows, videos; their ends, their errors, and stopping. */
#include "source/source.h"

#include "base/build.h"
#include "base/error.h"
#include "base/log.h"
#include "image/resize.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "image/decode.h"
#include "support/sample_jpeg.h"

static char folder[] = "/tmp/twobit-source-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void file_write(const char *name, const void *data, size_t size)
{
	FILE *file = fopen(path_of(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* `count` JPEGs one after the other; of the last only the first half where `cut`. */
static void jpegs_write(const char *name, int width, int height, int count, bool cut)
{
	size_t size;
	uint8_t *data = sample_jpeg(width, height, JCS_RGB, NULL, 0, &size);
	uint8_t *all = malloc(size * (size_t)count);

	for (int i = 0; i < count; i++)
		memcpy(all + size * (size_t)i, data, size);
	file_write(name, all, size * (size_t)count - (cut ? size / 2 : 0));
	free(all);
	free(data);
}

static struct source *source_of(const char *name, struct source_options options)
{
	struct source *source = NULL;
	struct error e = {0};

	if (source_open(name, &options, &source, &e) < 0)
		fail_msg("%s", e.text);
	return source;
}

static void frame_finish(struct frame *frame)
{
	raw_picture_finish(&frame->raw);
	picture_finish(&frame->picture);
}

static void assert_refused(const char *name, int code, const char *text)
{
	struct source_options options = {0};
	struct source *source = NULL;
	struct error e = {0};

	assert_int_equal(source_open(name, &options, &source, &e), code);
	assert_null(source);
	assert_non_null(strstr(e.text, name));
	if (!strstr(e.text, text))
		fail_msg("\"%s\" does not hold \"%s\"", e.text, text);
}

static void skip_without_video(void)
{
	if (TWOBIT_HAVE_VIDEO)
		return;
	print_message("skipped: this build has no video\n");
	skip();
}

static void refusals(void **state)
{
	(void)state;
	bool video = TWOBIT_HAVE_VIDEO;
	assert_refused(path_of("missing"), -ENOENT,
		"no such file; give a camera, a picture, a folder, a video, or \"test\"");
	assert_refused("250", -ENOENT, "no such camera");
	assert_refused("/dev/video250", -ENOENT, "no such camera");
	assert_refused("/dev/v4l/by-id/none", -ENOENT, "no such camera");
	assert_refused("/dev/null", -ENODEV, "is no camera");
	file_write("text.mp4", "this is no video at all\n", 24);
	assert_refused(path_of("text.mp4"), video ? -EBADMSG : -ENOSYS,
		video ? "is neither a picture" : "this build has no video");
	file_write("text.jpg", "this is no picture\n", 19);
	assert_refused(path_of("text.jpg"), -EBADMSG, "is not a picture that twobit reads");
	file_write("empty.avi", "", 0);
	assert_refused(path_of("empty.avi"), video ? -EBADMSG : -ENOSYS,
		video ? "is empty" : "this build has no video");
	assert_int_equal(mkdir(path_of("none"), 0700), 0);
	assert_refused(path_of("none"), -ENOENT, "holds no picture");
	file_write("none/a.png", "x", 1);
	assert_refused(path_of("none"), -EBADMSG, "none of the 1 pictures");

	static const struct source_options wrong[] = {
		{.width = -1}, {.height = 20000}, {.rate = -1}, {.rate = 1e9}};
	for (size_t i = 0; i < 4; i++) {
		struct source *source;
		assert_int_equal(source_open("test", &wrong[i], &source, NULL), -EINVAL);
	}
	source_close(NULL);
}

/* All other sources refuse a camera's options, unless they leave the choice open. */
static void camera_options_are_refused(void **state)
{
	(void)state;
	static const char *const controls[] = {"brightness=1", NULL};
	static const char *const none[] = {NULL};
	static const struct {
		struct source_options options;
		const char *text;
	} wrong[] = {{{.format = "MJPEG"}, "no format"}, {{.controls = controls}, "no control"},
		{{.exposure = "auto"}, "no exposure"}};
	struct source *source;
	struct error e;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(source_open("test", &wrong[i].options, &source, &e), -EINVAL);
		assert_non_null(strstr(e.text, wrong[i].text));
	}
	source_close(source_of("test", (struct source_options){.format = "auto", .controls = none}));
}

static void test_pattern_moves(void **state)
{
	(void)state;
	static const int sizes[][2] = {{320, 240}, {1, 1}, {7, 3}, {16384, 2}, {640, 480}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct source_options options = {.width = sizes[i][0], .height = sizes[i][1]};
		struct source *one = source_of("test", options);
		struct source *two = source_of("test", options);
		struct frame a = {0};
		struct frame b = {0};
		struct frame first = {0};
		assert_int_equal(source_next(one, &first, NULL), 0);
		assert_int_equal(source_next(two, &b, NULL), 0);
		for (uint64_t n = 1; n < 40; n++) {
			assert_int_equal(source_next(one, &a, NULL), 0);
			assert_int_equal(source_next(two, &b, NULL), 0);
			assert_int_equal(a.number, n);
			assert_int_equal(a.raw.format, PIXEL_BGRX);
			assert_int_equal(a.raw.size, sizes[i][0] * sizes[i][1] * 4);
			assert_memory_equal(a.raw.data, b.raw.data, a.raw.size);
			assert_true(a.stamps[STAMP_CAPTURED] > 0);
			if (sizes[i][1] >= 240)
				assert_memory_not_equal(a.raw.data, first.raw.data, a.raw.size);
		}
		frame_finish(&a);
		frame_finish(&b);
		frame_finish(&first);
		source_close(one);
		source_close(two);
	}
}

/* The counter along the lower edge is the frame's number. */
static void test_pattern_counts(void **state)
{
	(void)state;
	struct source *source = source_of("test", (struct source_options){.width = 320, .height = 160});
	struct frame frame = {0};

	for (int n = 0; n < 300; n++) {
		int read = 0;
		assert_int_equal(source_next(source, &frame, NULL), 0);
		for (int i = 0; i < 16; i++)
			read = read * 2 +
			       (frame.raw.data[((size_t)159 * 320 + (size_t)i * 20 + 10) * 4] > 128);
		assert_int_equal(read, n);
	}
	assert_string_equal(source_description(source), "test pattern, 320×160, 30 frames a second");
	frame_finish(&frame);
	source_close(source);
}

static void pattern_is_paced(void **state)
{
	(void)state;
	struct source *source = source_of(
		"test", (struct source_options){.width = 8, .height = 8, .rate = 100, .paced = true});
	struct frame frame = {0};

	assert_int_equal(source_next(source, &frame, NULL), 0);
	int64_t begin = frame.stamps[STAMP_CAPTURED];
	for (int i = 0; i < 10; i++)
		assert_int_equal(source_next(source, &frame, NULL), 0);
	/* Never early; how late depends on the machine. */
	assert_true(frame.stamps[STAMP_CAPTURED] - begin >= 99000000);
	frame_finish(&frame);
	source_close(source);
}

/* Two good pictures, a broken one, a text: names in order, one warning, the end. */
static void folder_is_shown(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("show"), 0700), 0);
	jpegs_write("show/b.jpg", 64, 64, 1, false);
	jpegs_write("show/c-without-a-suffix", 90, 40, 1, false);
	jpegs_write("show/a.JPG", 40, 40, 1, true);
	file_write("show/readme.txt", "x", 1);
	struct source *source = source_of(path_of("show"),
		(struct source_options){.width = 160, .height = 90, .rate = 10, .once = true});
	struct frame frame = {0};
	struct error e = {0};

	assert_string_equal(
		source_description(source), "slide show of 3 pictures, 160×90, 10 frames a second");
	for (int i = 0; i < 50; i++) {
		assert_int_equal(source_next(source, &frame, &e), 0);
		assert_string_equal(frame.name, i < 25 ? "b.jpg" : "c-without-a-suffix");
		assert_int_equal(frame.raw.width, 160);
		assert_int_equal(frame.raw.height, 90);
		assert_int_equal(frame.raw.size, 160 * 90 * 4);
		assert_int_equal(frame.number, i);
	}
	assert_int_equal(source_next(source, &frame, &e), -ENODATA);
	assert_int_equal(source_next(source, &frame, &e), -ENODATA);
	frame_finish(&frame);
	source_close(source);

	source = source_of(path_of("show"), (struct source_options){.width = 160, .height = 90, .rate = 10});
	for (int i = 0; i < 200; i++) {
		assert_int_equal(source_next(source, &frame, &e), 0);
		assert_string_equal(frame.name, i / 25 % 2 == 0 ? "b.jpg" : "c-without-a-suffix");
	}
	frame_finish(&frame);
	source_close(source);
}

/* 20 pictures where 17 canvases are kept: the loader must not overwrite what is shown. */
static void large_folder_goes_round(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("many"), 0700), 0);
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), "many/%c.jpg", 'a' + i);
		jpegs_write(name, 30 + i, 30, 1, false);
	}
	struct source *source = source_of(
		path_of("many"), (struct source_options){.width = 2048, .height = 1152, .rate = 0.4});
	struct frame frame = {0};
	for (int i = 0; i < 42; i++) {
		assert_int_equal(source_next(source, &frame, NULL), 0);
		assert_int_equal(frame.name[0], 'a' + i % 20);
	}
	frame_finish(&frame);
	source_close(source);
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), "many/%c.jpg", 'a' + i);
		remove(path_of(name));
	}
}

/* The network's input from a shown picture stays close to its input from the picture itself. */
static void centre_stays_visible(void **state)
{
	(void)state;
	static const int shapes[][2] = {{64, 64}, {96, 64}, {64, 96}, {160, 90}};
	struct picture picture = {0};
	struct frame frame = {0};
	uint8_t seen[64 * 64 * 3];
	uint8_t wanted[64 * 64 * 3];

	for (size_t s = 0; s < 4; s++) {
		jpegs_write("one.jpg", shapes[s][0], shapes[s][1], 1, false);
		assert_int_equal(picture_read_file(path_of("one.jpg"), &picture, NULL), 0);
		resize_to_input(&picture, wanted, 64, 64, 3);
		struct source *source = source_of(path_of("one.jpg"),
			(struct source_options){.width = 640, .height = 360, .rate = 8, .once = true});
		for (int i = 0; source_next(source, &frame, NULL) == 0; i++) {
			if (i % 3)
				continue;
			assert_int_equal(frame.raw.width, 640);
			assert_string_equal(frame.name, "one.jpg");
			assert_int_equal(picture_decode(&frame.raw, 1, &frame.picture, NULL), 0);
			resize_to_input(&frame.picture, seen, 64, 64, 3);
			int64_t difference = 0;
			for (size_t k = 0; k < sizeof(seen); k++)
				difference += abs(seen[k] - wanted[k]);
			/* A slope of 255 across the picture: 11 means 4 % of the side, on average. */
			assert_in_range(difference / (int64_t)sizeof(seen), 0, 11);
		}
		assert_int_equal(frame.number, 20);
		source_close(source);
	}
	picture_finish(&picture);
	frame_finish(&frame);
}

static void motion_jpeg_is_handed_on(void **state)
{
	(void)state;
	skip_without_video();
	jpegs_write("film.mjpeg", 80, 60, 5, false);
	struct source *source = source_of(path_of("film.mjpeg"), (struct source_options){0});
	struct frame frame = {0};
	struct error e = {0};

	for (int i = 0; i < 5; i++) {
		assert_int_equal(source_next(source, &frame, &e), 0);
		assert_int_equal(frame.raw.format, PIXEL_JPEG);
		assert_int_equal(picture_decode(&frame.raw, 1, &frame.picture, &e), 0);
		assert_int_equal(frame.picture.width, 80);
		assert_int_equal(frame.picture.height, 60);
	}
	assert_int_equal(source_next(source, &frame, &e), -ENODATA);
	assert_int_equal(source_next(source, &frame, &e), -ENODATA);
	frame_finish(&frame);
	source_close(source);
}

static void *stopper(void *source)
{
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	source_stop(source);
	return NULL;
}

/* Numbers go on, and the frames come again; a pipe cannot. */
static void a_video_starts_again(void **state)
{
	(void)state;
	skip_without_video();
	jpegs_write("film.mjpeg", 80, 60, 3, false);
	struct source *source = source_of(path_of("film.mjpeg"), (struct source_options){.loop = true});
	struct raw_picture first[3] = {0};
	struct frame frame = {0};
	struct error e = {0};

	for (int i = 0; i < 11; i++) {
		assert_int_equal(source_next(source, &frame, &e), 0);
		assert_int_equal(frame.number, i);
		if (i < 3) {
			assert_int_equal(raw_picture_reserve(&first[i], frame.raw.size), 0);
			memcpy(first[i].data, frame.raw.data, first[i].size = frame.raw.size);
		}
		assert_int_equal(frame.raw.size, first[i % 3].size);
		assert_memory_equal(frame.raw.data, first[i % 3].data, frame.raw.size);
	}
	assert_int_equal(unlink(path_of("film.mjpeg")), 0);
	assert_int_equal(source_next(source, &frame, &e), 0);
	assert_true(source_next(source, &frame, &e) < 0); /* it is gone */
	assert_non_null(strstr(e.text, "film.mjpeg"));
	source_stop(source);
	source_close(source);
	frame_finish(&frame);
	for (int i = 0; i < 3; i++)
		raw_picture_finish(&first[i]);

	assert_int_equal(source_open("-", &(struct source_options){.loop = true}, &source, &e), -EINVAL);
	assert_non_null(strstr(e.text, "standard input"));
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_int_equal(
		source_open(path_of("pipe"), &(struct source_options){.loop = true}, &source, &e), -EINVAL);
	assert_int_equal(unlink(path_of("pipe")), 0);
}

/* source_stop wakes a source that waits for minutes, and it stays stopped. */
static void stop_wakes(void **state)
{
	(void)state;
	jpegs_write("film.mjpeg", 80, 60, 5, false);
	jpegs_write("one.jpg", 64, 64, 1, false);
	const char *sources[] = {"test", path_of("one.jpg"), path_of("film.mjpeg")};

	for (size_t i = 0; i < (TWOBIT_HAVE_VIDEO ? 3 : 2); i++) {
		struct source *source = source_of(sources[i],
			(struct source_options){.width = 64, .height = 48, .rate = 0.01, .paced = true});
		struct frame frame = {0};
		struct error e = {0};
		pthread_t thread;
		assert_int_equal(source_next(source, &frame, &e), 0);
		assert_int_equal(pthread_create(&thread, NULL, stopper, source), 0);
		assert_int_equal(source_next(source, &frame, &e), -ECANCELED);
		pthread_join(thread, NULL);
		assert_int_equal(source_next(source, &frame, &e), -ECANCELED);
		frame_finish(&frame);
		source_close(source);
	}
}

struct feed {
	int fd;
	const char *path;
};

static void *feeder(void *argument)
{
	struct feed *feed = argument;
	uint8_t data[4096];
	FILE *file = fopen(feed->path, "rb");

	for (size_t got; file && (got = fread(data, 1, sizeof(data), file)) > 0;)
		if (write(feed->fd, data, got) < 0)
			break;
	if (file)
		fclose(file);
	close(feed->fd);
	return NULL;
}

static void standard_input_is_read(void **state)
{
	(void)state;
	skip_without_video();
	int ends[2];
	int keep = dup(STDIN_FILENO);
	char path[256];
	pthread_t thread;

	jpegs_write("film.mjpeg", 80, 60, 5, false);
	snprintf(path, sizeof(path), "%s", path_of("film.mjpeg"));
	assert_int_equal(pipe(ends), 0);
	struct feed feed = {ends[1], path};
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	assert_int_equal(pthread_create(&thread, NULL, feeder, &feed), 0);
	struct source *source = source_of("-", (struct source_options){0});
	struct frame frame = {0};
	int frames = 0;
	while (source_next(source, &frame, NULL) == 0)
		frames++;
	assert_int_equal(frames, 5);
	pthread_join(thread, NULL);
	frame_finish(&frame);
	source_close(source);
	if (keep >= 0) {
		dup2(keep, STDIN_FILENO);
		close(keep);
	}
}

/* The sample videos that may lie beside the repository. */
static const char *sample_path(const char *name)
{
	static char path[1024];
	const char *shared = getenv("TWOBIT_SHARED");

	snprintf(path, sizeof(path), "%s/data/media/%s", shared ? shared : "../shared", name);
	if (access(path, R_OK) < 0) {
		print_message("skipped: %s is not there (TWOBIT_SHARED names its folder)\n", path);
		skip();
	}
	return path;
}

static int count_frames(const char *path, int *broken, enum pixel_format *format)
{
	struct source *source = source_of(path, (struct source_options){0});
	struct frame frame = {0};
	struct error e = {0};
	int good = 0;
	int status;

	*broken = 0;
	while ((status = source_next(source, &frame, &e)) == 0 || status == -EBADMSG) {
		if (status == 0 && picture_decode(&frame.raw, 1, &frame.picture, &e) == 0) {
			good++;
			*format = frame.raw.format;
		} else {
			(*broken)++;
			assert_true(e.text[0] != 0);
		}
		assert_true(good + *broken < 100000);
	}
	assert_int_equal(status, -ENODATA);
	frame_finish(&frame);
	source_close(source);
	return good;
}

static void copy_damaged(const char *from, const char *name, double share, bool flip)
{
	FILE *file = fopen(from, "rb");
	struct stat status;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	uint8_t *data = malloc((size_t)status.st_size);
	assert_int_equal(fread(data, 1, (size_t)status.st_size, file), status.st_size);
	fclose(file);
	for (size_t i = (size_t)status.st_size / 4; flip && i < (size_t)status.st_size * 3 / 4; i += 1500)
		data[i] ^= 0x5a;
	file_write(name, data, (size_t)((double)status.st_size * share));
	free(data);
}

static void samples_are_read(void **state)
{
	(void)state;
	skip_without_video();
	enum pixel_format format;
	int broken;

	assert_true(count_frames(sample_path("fruit-480x270-15fps.mjpeg.avi"), &broken, &format) > 10);
	assert_int_equal(broken, 0);
	assert_int_equal(format, PIXEL_JPEG);
	int whole = count_frames(sample_path("bottle-detection.mp4"), &broken, &format);
	assert_true(whole > 10);
	assert_int_equal(broken, 0);
	assert_int_not_equal(format, PIXEL_JPEG);
}

static void damaged_samples_end(void **state)
{
	(void)state;
	skip_without_video();
	enum pixel_format format;
	int broken;
	int whole = count_frames(sample_path("fruit-480x270-15fps.mjpeg.avi"), &broken, &format);

	copy_damaged(sample_path("fruit-480x270-15fps.mjpeg.avi"), "cut.avi", 0.5, false);
	int good = count_frames(path_of("cut.avi"), &broken, &format);
	assert_in_range(good, whole / 4, whole * 3 / 4);
	copy_damaged(sample_path("bottle-detection.mp4"), "flip.mp4", 1, true);
	assert_true(count_frames(path_of("flip.mp4"), &broken, &format) > 0);
}

static int folder_make(void **state)
{
	(void)state;
	log_configure(LOG_ERROR, false);
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	static const char *const names[] = {"text.mp4", "text.jpg", "empty.avi", "none/a.png", "show/a.JPG",
		"show/b.jpg", "show/c-without-a-suffix", "show/readme.txt", "one.jpg", "film.mjpeg",
		"cut.avi", "flip.mp4", "none", "show", "many"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(path_of(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(camera_options_are_refused),
		cmocka_unit_test(test_pattern_moves),
		cmocka_unit_test(test_pattern_counts),
		cmocka_unit_test(pattern_is_paced),
		cmocka_unit_test(folder_is_shown),
		cmocka_unit_test(large_folder_goes_round),
		cmocka_unit_test(centre_stays_visible),
		cmocka_unit_test(motion_jpeg_is_handed_on),
		cmocka_unit_test(standard_input_is_read),
		cmocka_unit_test(a_video_starts_again),
		cmocka_unit_test(stop_wakes),
		cmocka_unit_test(samples_are_read),
		cmocka_unit_test(damaged_samples_end),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
