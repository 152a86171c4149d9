/* SPDX-License-Identifier: MIT */
/* What --keep deletes, in which order and when; and what it leaves alone. */
#include "base/clock.h"
#include "base/error.h"
#include "recorder/retention.h"
#include "support/captured_log.h"
#include "support/folder.h"
#include "support/memory.h"
#include "support/recorder_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MINUTE (60 * NS_PER_S)
#define BYTES 100000 /* of a video here */

/* The test is the clock, and what some file cannot be deleted for. */
static _Atomic int64_t clock_offset;
static const char *undeletable;

int64_t __real_clock_now(void);
int64_t __wrap_clock_now(void);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

int64_t __wrap_clock_now(void)
{
	return __real_clock_now() + atomic_load(&clock_offset);
}

int __wrap_unlink(const char *path)
{
	if (undeletable && strstr(path, undeletable)) {
		errno = EPERM;
		return -1;
	}
	return __real_unlink(path);
}

static void path_in(const char *folder, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", folder, name);
}

static void file_make(const char *folder, const char *name, const char *text, size_t size, int age)
{
	struct timespec times[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
	char path[PATH_MAX];
	char *bytes = must_allocate(size + strlen(text) + 1, 1);

	path_in(folder, name, path);
	memset(bytes, 'x', size + strlen(text));
	memcpy(bytes, text, strlen(text));
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size + strlen(text)), size + strlen(text));
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	free(bytes);
}

static void log_make(const char *folder, const char *stem, const char *video, const char *suffix, int age)
{
	char name[64], head[200];

	snprintf(name, sizeof(name), "%s%s", stem, suffix);
	snprintf(head, sizeof(head), "%s{\"format\":\"twobit-labels\",\"version\":1,\"video\":\"%s\",",
		suffix[1] == 'c' ? "# " : "", video);
	file_make(folder, name, head, 0, age);
}

/* A video and its log. age: s */
static void recording_make(const char *folder, const char *stem, int age)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.mkv", stem);
	file_make(folder, name, "", BYTES, age);
	log_make(folder, stem, name, ".jsonl", age);
}

static bool is_there(const char *folder, const char *name)
{
	char path[PATH_MAX];

	path_in(folder, name, path);
	return access(path, F_OK) == 0;
}

/* A folder with a retention of the pattern cam-%i.mkv, or another. */
struct retention_fixture {
	char *folder, pattern[PATH_MAX];
	struct retention retention;
};

static void retention_fixture_begin(
	struct retention_fixture *f, const char *name, struct amount keep, const char *source)
{
	char path[PATH_MAX];

	captured_log_clear();
	f->folder = folder_create();
	path_in(f->folder, name, f->pattern);
	path_in(f->folder, source ? source : "", path);
	if (source)
		recording_make(f->folder, "clip", 5000);
	retention_init(&f->retention, f->pattern, &keep, source ? path : NULL);
}

static void retention_fixture_end(struct retention_fixture *f)
{
	retention_finish(&f->retention);
	folder_destroy(f->folder);
}

/* A recording of this run that ended then. */
static void own_make(struct retention_fixture *f, const char *stem, int age, int64_t closed)
{
	char path[PATH_MAX];

	recording_make(f->folder, stem, age);
	snprintf(path, sizeof(path), "%s/%s.mkv", f->folder, stem);
	retention_opened(&f->retention, path);
	if (closed != INT64_MAX)
		retention_closed(&f->retention, closed);
}

static unsigned apply(struct retention_fixture *f)
{
	return retention_apply(&f->retention, time(NULL), clock_now());
}

static void test_limits(void **state)
{
	struct retention_fixture f;
	char stem[32];

	(void)state;
	retention_fixture_begin(&f, "cam-%i.mkv", (struct amount){.bytes = (uint64_t)3.5 * BYTES}, NULL);
	for (int i = 1; i <= 4; i++) {
		snprintf(stem, sizeof(stem), "cam-%04d", i);
		recording_make(f.folder, stem, 1000 - 10 * i);
	}
	own_make(&f, "cam-0005", 500, INT64_MAX);
	assert_int_equal(apply(&f), 3);
	assert_false(is_there(f.folder, "cam-0001.mkv"));
	assert_false(is_there(f.folder, "cam-0003.mkv"));
	assert_false(is_there(f.folder, "cam-0003.jsonl"));
	assert_true(is_there(f.folder, "cam-0004.mkv"));
	assert_int_equal(apply(&f), 0);
	assert_true(retention_delete_oldest(&f.retention, time(NULL)));
	assert_false(is_there(f.folder, "cam-0004.mkv"));
	assert_false(retention_delete_oldest(&f.retention, time(NULL))); /* the one being written */
	assert_true(is_there(f.folder, "cam-0005.mkv"));
	retention_closed(&f.retention, clock_now());
	assert_true(retention_delete_oldest(&f.retention, time(NULL)));
	assert_false(is_there(f.folder, "cam-0005.mkv"));
	retention_fixture_end(&f);
}

static void test_nothing_set(void **state)
{
	struct retention_fixture f;

	(void)state;
	retention_fixture_begin(&f, "cam-%i.mkv", (struct amount){0}, NULL);
	recording_make(f.folder, "cam-0001", 100000);
	assert_int_equal(apply(&f), 0);
	assert_false(retention_delete_oldest(&f.retention, time(NULL)));
	assert_true(is_there(f.folder, "cam-0001.mkv"));
	retention_fixture_end(&f);
}

/* Files without a log of twobit stay, whatever their names are; a log of any kind makes a recording. */
static void test_strangers(void **state)
{
	static const char *const stay[] = {"holiday-2019.mkv", "holiday-2018.mkv", "holiday-2018.jsonl",
		"holiday-2017.mkv", "holiday-2017.jsonl", "holiday-2015.mkv", "holiday-2015.jsonl",
		"holiday-2014.jsonl", "holiday-2011", "clip.mkv", "clip.jsonl"};
	static const char *const go[] = {"holiday-2016.mkv", "holiday-2016.csv", "holiday-2013.mkv",
		"holiday-2013.jsonl", "holiday-2012.mkv"};
	struct retention_fixture f;

	(void)state;
	retention_fixture_begin(&f, "holiday.mkv", (struct amount){.time = 100 * NS_PER_S}, NULL);
	recording_make(f.folder, "clip", 5000);
	file_make(f.folder, "holiday-2019.mkv", "", BYTES, 5000); /* no log */
	file_make(f.folder, "holiday-2018.mkv", "", BYTES, 5000); /* another program's */
	file_make(f.folder, "holiday-2018.jsonl", "{\"format\":\"other\"}\n", 0, 5000);
	file_make(f.folder, "holiday-2017.mkv", "", BYTES, 5000); /* a recording that was given this name */
	log_make(f.folder, "holiday-2017", "cat.mkv", ".jsonl", 5000);
	file_make(f.folder, "holiday-2016.mkv", "", BYTES, 5000);
	log_make(f.folder, "holiday-2016", "holiday-2016.mkv", ".csv", 5000);
	recording_make(f.folder, "holiday-2015", 50); /* not old enough */
	file_make(f.folder, "holiday-2014.jsonl", "[]\n", 0, 5000);
	file_make(f.folder, "holiday-2013.mkv", "", BYTES, 5000); /* what a power cut left */
	file_make(f.folder, "holiday-2013.jsonl", "", 0, 5000);
	file_make(f.folder, "holiday-2012.mkv", "", BYTES, 5000);
	log_make(f.folder, "holiday-2012", "holiday-2012.mkv", ".jsonl", 5000);
	file_make(f.folder, "holiday-2011", "", BYTES, 5000);
	assert_int_equal(apply(&f), 3);
	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		if (!is_there(f.folder, stay[i]))
			fail_msg("%s is gone", stay[i]);
	for (size_t i = 0; i < sizeof(go) / sizeof(go[0]); i++)
		if (is_there(f.folder, go[i]))
			fail_msg("%s stayed", go[i]);
	retention_fixture_end(&f);
}

static void test_source(void **state)
{
	struct retention_fixture f;

	(void)state;
	retention_fixture_begin(
		&f, "clip.mkv", (struct amount){.time = 100 * NS_PER_S, .bytes = 1000}, "clip.mkv");
	recording_make(f.folder, "clip-2", 5000);
	assert_int_equal(apply(&f), 1);
	assert_true(is_there(f.folder, "clip.mkv") && is_there(f.folder, "clip.jsonl"));
	assert_false(is_there(f.folder, "clip-2.mkv"));
	assert_false(retention_delete_oldest(&f.retention, time(NULL)));
	retention_fixture_end(&f);
}

/* A file with an flock stays, and no other file is deleted in its place. */
static void test_held(void **state)
{
	struct retention_fixture f;
	char path[PATH_MAX];

	(void)state;
	retention_fixture_begin(
		&f, "cam-%i.mkv", (struct amount){.bytes = (uint64_t)1.5 * BYTES + BYTES}, NULL);
	recording_make(f.folder, "cam-0001", 3000);
	recording_make(f.folder, "cam-0002", 2000);
	path_in(f.folder, "cam-0001.mkv", path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(apply(&f), 0);
	assert_true(retention_delete_oldest(&f.retention, time(NULL)));
	assert_true(is_there(f.folder, "cam-0001.mkv"));
	assert_false(retention_delete_oldest(&f.retention, time(NULL)));
	close(fd);
	assert_true(retention_delete_oldest(&f.retention, time(NULL)));
	assert_false(is_there(f.folder, "cam-0001.mkv"));
	retention_fixture_end(&f);
}

/* Two recorders whose names fit each other: what the one is writing is nothing to the other. */
static void test_two_recorders(void **state)
{
	struct recorder_options small = {.segment.bytes = 200000, .keep.bytes = 100000};
	struct recorder_fixture first, second;

	(void)state;
	captured_log_clear();
	fixture_begin(&first, "cam-2.mkv", (struct recorder_options){0});
	fixture_give_many(&first, 20, 1);
	fixture_await_text(&first, "cam-2.jsonl", "\"frame\":19,");
	assert_true(fixture_has(&first, "cam-2.mkv"));
	fixture_begin_in(&second, first.folder, "cam.mkv", small);
	second.padding = 30000;
	fixture_give_many(&second, 40, 1);
	fixture_join(&second);
	assert_true(second.report.segments > 3);
	assert_int_equal(second.report.deleted, second.report.segments - 1);
	assert_true(fixture_has(&first, "cam-2.mkv") && fixture_has(&first, "cam-2.jsonl"));
	fixture_join(&first);
	fixture_end(&second);
	first.folder = folder_create(); /* the one of both is gone */
	fixture_end(&first);
}

/* The clock was set back: what was recorded before comes from the future, and goes first. */
static void test_clock_set_back(void **state)
{
	struct retention_fixture f;

	(void)state;
	retention_fixture_begin(&f, "cam-%i.mkv", (struct amount){.bytes = (uint64_t)(4.7 * BYTES)}, NULL);
	recording_make(f.folder, "cam-0001", -90000);
	recording_make(f.folder, "cam-0002", -80000);
	recording_make(f.folder, "cam-0003", 70000);
	own_make(&f, "cam-0004", 80000, NS_PER_S); /* older than all by the clock */
	own_make(&f, "cam-0005", -95000, 2 * NS_PER_S);
	own_make(&f, "cam-0006", 90000, INT64_MAX);
	assert_int_equal(apply(&f), 2);
	assert_true(is_there(f.folder, "cam-0003.mkv"));
	assert_true(retention_delete_oldest(&f.retention, time(NULL)));
	assert_false(is_there(f.folder, "cam-0003.mkv"));
	assert_true(is_there(f.folder, "cam-0004.mkv"));
	assert_true(is_there(f.folder, "cam-0005.mkv"));
	assert_true(is_there(f.folder, "cam-0006.mkv"));
	assert_true(retention_delete_oldest(&f.retention, time(NULL)));
	assert_false(is_there(f.folder, "cam-0004.mkv"));
	retention_fixture_end(&f);
}

/* The clock jumps forward by a year: this run's files are as old as they are. */
static void test_clock_jumps_forward(void **state)
{
	struct retention_fixture f;
	time_t later = time(NULL) + 365 * 86400;

	(void)state;
	retention_fixture_begin(&f, "cam-%i.mkv", (struct amount){.time = 100 * NS_PER_S}, NULL);
	own_make(&f, "cam-0001", 10, 1000 * NS_PER_S);
	own_make(&f, "cam-0002", 0, 1050 * NS_PER_S);
	own_make(&f, "cam-0003", 0, INT64_MAX);
	assert_int_equal(retention_apply(&f.retention, later, 1090 * NS_PER_S), 0);
	assert_int_equal(retention_apply(&f.retention, 0, 1101 * NS_PER_S), 1);
	assert_false(is_there(f.folder, "cam-0001.mkv"));
	assert_int_equal(retention_apply(&f.retention, later, 1149 * NS_PER_S), 0);
	assert_int_equal(retention_apply(&f.retention, later, 9999 * NS_PER_S), 1);
	assert_true(is_there(f.folder, "cam-0003.mkv"));
	retention_fixture_end(&f);
}

/* What cannot be deleted is reported once; the next oldest goes, as many as must. */
static void test_undeletable(void **state)
{
	struct retention_fixture f;
	char stem[32];

	(void)state;
	retention_fixture_begin(&f, "cam-%i.mkv", (struct amount){.bytes = (uint64_t)(2.5 * BYTES)}, NULL);
	for (int i = 1; i <= 5; i++) {
		snprintf(stem, sizeof(stem), "cam-%04d", i);
		recording_make(f.folder, stem, 1000 - 10 * i);
	}
	undeletable = "cam-0001.mkv";
	assert_int_equal(apply(&f), 3);
	assert_true(is_there(f.folder, "cam-0001.mkv") && is_there(f.folder, "cam-0001.jsonl"));
	assert_false(is_there(f.folder, "cam-0004.mkv"));
	assert_true(is_there(f.folder, "cam-0005.mkv"));
	assert_true(retention_delete_oldest(&f.retention, time(NULL)));
	assert_false(is_there(f.folder, "cam-0005.mkv"));
	assert_false(retention_delete_oldest(&f.retention, time(NULL)));
	assert_int_equal(captured_log_count("cam-0001.mkv: cannot be deleted: Operation not permitted"), 1);
	assert_int_equal(captured_log_count(""), 1);
	undeletable = NULL;
	assert_true(retention_delete_oldest(&f.retention, time(NULL)));
	assert_false(is_there(f.folder, "cam-0001.mkv"));
	retention_fixture_end(&f);
}

static void test_no_folder(void **state)
{
	struct amount keep = {.time = NS_PER_S};
	struct retention retention;

	(void)state;
	captured_log_clear();
	retention_init(&retention, "/nowhere/a.mkv", &keep, NULL);
	assert_int_equal(retention_apply(&retention, 0, 0), 0);
	assert_false(retention_delete_oldest(&retention, 0));
	assert_int_equal(captured_log_count("/nowhere: "), 1);
	retention_finish(&retention);
}

/* A log that outlived its video goes in its turn, and is no recording. */
static void test_logs_alone(void **state)
{
	struct retention_fixture f;

	(void)state;
	retention_fixture_begin(&f, "cam-%i.mkv", (struct amount){.time = 100 * NS_PER_S}, NULL);
	log_make(f.folder, "cam-0001", "cam-0001.mkv", ".jsonl", 5000);
	log_make(f.folder, "cam-0002", "cam-0002.mkv", ".csv", 5000);
	log_make(f.folder, "cam-0003", "cam-0003.mkv", ".jsonl", 10);
	log_make(f.folder, "dam-0004", "dam-0004.mkv", ".jsonl", 5000);
	assert_int_equal(apply(&f), 0);
	assert_false(is_there(f.folder, "cam-0001.jsonl"));
	assert_false(is_there(f.folder, "cam-0002.csv"));
	assert_true(is_there(f.folder, "cam-0003.jsonl"));
	assert_true(is_there(f.folder, "dam-0004.jsonl"));
	retention_fixture_end(&f);
}

static void wait_until_gone(const char *folder, const char *name)
{
	for (int i = 0; i < 2000 && is_there(folder, name); i++)
		usleep(5000);
	if (is_there(folder, name))
		fail_msg("%s is not deleted", name);
}

/* Old files go at the start, a minute later, and at the end, though no frame ever comes. */
static void test_without_frames(void **state)
{
	char *folder = folder_create();
	struct recorder_fixture fixture;

	(void)state;
	captured_log_clear();
	recording_make(folder, "cam-0001", 5000);
	atomic_store(&clock_offset, NS_PER_S / 4 - MINUTE);
	fixture_begin_in(
		&fixture, folder, "cam-%i.mkv", (struct recorder_options){.keep.time = 100 * NS_PER_S});
	recorder_end(fixture.recorder);
	wait_until_gone(folder, "cam-0001.mkv");
	wait_until_gone(folder, "cam-0001.jsonl");
	recording_make(folder, "cam-0002", 5000);
	usleep(50000);
	assert_true(is_there(folder, "cam-0002.mkv"));
	atomic_store(&clock_offset, 0);
	wait_until_gone(folder, "cam-0002.mkv");
	wait_until_gone(folder, "cam-0002.jsonl");
	recording_make(folder, "cam-0003", 5000);
	fixture_join(&fixture);
	assert_false(is_there(folder, "cam-0003.mkv"));
	assert_int_equal(fixture.report.deleted, 3);
	fixture_end(&fixture);
}

/* One file that nothing ends is within no size: reported at the start, once. */
static void test_no_segments(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	captured_log_clear();
	fixture_begin(&fixture, "cam.mkv", (struct recorder_options){.keep.bytes = 1000000});
	fixture_end(&fixture);
	assert_int_equal(captured_log_count("--keep without --segment"), 1);
	captured_log_clear();
	fixture_begin(&fixture, "cam.mkv",
		(struct recorder_options){.keep.bytes = 1000000, .segment.time = 60 * NS_PER_S});
	fixture_end(&fixture);
	fixture_begin(&fixture, "cam.mkv", (struct recorder_options){.keep.time = 60 * NS_PER_S});
	fixture_end(&fixture);
	assert_int_equal(captured_log_count("--keep"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nothing_set),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_two_recorders),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_clock_jumps_forward),
		cmocka_unit_test(test_undeletable),
		cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_logs_alone),
		cmocka_unit_test(test_without_frames),
		cmocka_unit_test(test_no_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
