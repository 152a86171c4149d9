/* SPDX-License-Identifier: MIT */
/* The recorder on a simulated disk that takes a part, is interrupted, fails or is full for a while: what is
 * written again and when, and what the files hold then. */
#include "base/clock.h"
#include "base/error.h"
#include "support/captured_log.h"
#include "support/recorder_fixture.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM_TO_BEGIN (2 << 20) /* bytes, as in writer.c */
#define ROOM_TO_GO_ON (8 << 20)

/* The disk, for the recorder's thread and the test's. */
static struct {
	_Atomic bool interrupts; /* each second write */
	_Atomic bool halves;	 /* each write but those of one byte */
	_Atomic int video_error; /* of the next write to a video, which takes a half before */
	_Atomic int log_error;	 /* the same of a log */
	_Atomic bool lasting;	 /* these errors do not end */
	_Atomic int64_t limit;	 /* bytes to which a video may grow: -EFBIG; 0: any */
	_Atomic uint64_t room;	 /* bytes that are free */
	_Atomic int sync_fails;	 /* the sync of that number, from 1; 0: none */
	_Atomic int failures, writes;
} disk;

/* Time stands still, in the future: so what is due later is not done before the test says so. */
static _Atomic int64_t now;

int64_t __real_clock_now(void);
int64_t __wrap_clock_now(void);
ssize_t __real_pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_statvfs64(const char *path, struct statvfs *status);
int __wrap_fstatvfs64(int fd, struct statvfs *status);

int64_t __wrap_clock_now(void)
{
	return atomic_load(&now);
}

/* Whether a write fails; errno is set. *size becomes what it takes, else or before. */
static bool disk_fails(_Atomic int *error, size_t *size)
{
	if (atomic_load(&disk.interrupts) && atomic_fetch_add(&disk.writes, 1) % 2) {
		*size = 0;
		errno = EINTR;
		return true;
	}
	int code = atomic_load(&disk.lasting) ? atomic_load(error) : atomic_exchange(error, 0);
	if ((atomic_load(&disk.halves) || code) && *size > 1)
		*size /= 2;
	if (!code)
		return false;
	atomic_fetch_add(&disk.failures, 1);
	errno = code;
	return true;
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	int64_t limit = atomic_load(&disk.limit);

	if (limit && offset + (off_t)size > limit) {
		errno = EFBIG;
		return -1;
	}
	if (!disk_fails(&disk.video_error, &size))
		return __real_pwrite64(fd, data, size, offset);
	int code = errno;
	if (size)
		__real_pwrite64(fd, data, size, offset);
	errno = code;
	return -1;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	if (!disk_fails(&disk.log_error, &size))
		return __real_write(fd, data, size);
	int code = errno;
	if (size)
		__real_write(fd, data, size);
	errno = code;
	return -1;
}

int __wrap_fsync(int fd)
{
	if (!atomic_load(&disk.sync_fails) || atomic_fetch_sub(&disk.sync_fails, 1) != 1)
		return __real_fsync(fd);
	errno = EIO;
	return -1;
}

int __wrap_statvfs64(const char *path, struct statvfs *status)
{
	(void)path;
	*status =
		(struct statvfs){.f_blocks = UINT32_MAX, .f_frsize = 1, .f_bavail = atomic_load(&disk.room)};
	return 0;
}

int __wrap_fstatvfs64(int fd, struct statvfs *status)
{
	(void)fd;
	return __wrap_statvfs64("", status);
}

static int begin(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	disk.room = UINT32_MAX;
	now = __real_clock_now() + 3600 * NS_PER_S;
	captured_log_clear();
	return 0;
}

/* Returns once the recorder has tried all frames but those that memory holds now: it holds less than this. */
static void give_more_than_memory(struct recorder_fixture *fixture)
{
	fixture_give_many(fixture, 60, 1);
}

/* Frames of 100 kB, of which memory holds fewer than 40. */
static void begin_large(struct recorder_fixture *fixture, struct recorder_options options)
{
	fixture_begin(fixture, "a-%i.mkv", options);
	fixture->padding = 100000;
}

/* The frames of a file, which can be read and ends behind them, as its log does. */
static void expect_frames(
	const struct recorder_fixture *fixture, const char *name, uint64_t first, size_t count)
{
	struct recorded r;

	assert_true(recorded_read(fixture->folder, name, fixture->schema, &r));
	assert_int_equal(r.frames, count);
	for (size_t k = 0; k < r.frames; k++)
		assert_int_equal(fixture_number(fixture, &r.frame[k]), first + k);
	assert_non_null(recorded_event(&r, "closed"));
	recorded_free(&r);
}

static void expect_whole(struct recorder_fixture *fixture)
{
	fixture_give_many(fixture, 20, 1);
	fixture_join(fixture);
	assert_int_equal(fixture->report.failed, 0);
	assert_int_equal(fixture->report.frames, 20);
	expect_frames(fixture, "a-0001", 0, 20);
	assert_int_equal(captured_log_count(""), 0);
	fixture_end(fixture);
}

static void test_signals_lose_nothing(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	fixture_begin(&fixture, "a-%i.mkv", (struct recorder_options){0});
	disk.interrupts = true;
	expect_whole(&fixture);
}

static void test_short_writes_lose_nothing(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	fixture_begin(&fixture, "a-%i.mkv", (struct recorder_options){0});
	disk.halves = true;
	expect_whole(&fixture);
}

static off_t size_of(const struct recorder_fixture *fixture, const char *name)
{
	char path[PATH_MAX];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

/* What a failed write has left behind the last whole frame is cut off; then the next file begins. */
static void test_failed_frame_is_cut_off(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	begin_large(&fixture, (struct recorder_options){0});
	fixture_give_many(&fixture, 5, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"frame\":4,");
	off_t whole = size_of(&fixture, "a-0001.mkv");
	disk.video_error = EIO;
	fixture_give_many(&fixture, 1, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"closed\"");
	fixture_join(&fixture);
	assert_int_equal(size_of(&fixture, "a-0001.mkv"), whole);
	expect_frames(&fixture, "a-0001", 0, 5);
	expect_frames(&fixture, "a-0002", 5, 1);
	assert_int_equal(fixture.report.frames, 6);
	assert_int_equal(fixture.report.failed, 0);
	assert_int_equal(
		captured_log_count("a-0001.mkv: Input/output error; recording goes on when writing works"),
		1);
	fixture_end(&fixture);
}

/* Nor is there half a line; the frame is in the video. */
static void test_failed_line_is_cut_off(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	begin_large(&fixture, (struct recorder_options){0});
	fixture_give_many(&fixture, 5, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"frame\":4,");
	disk.log_error = ENOSPC;
	fixture_give_many(&fixture, 1, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"disk_full\"");
	fixture_give_many(&fixture, 1, 1);
	fixture_join(&fixture);
	expect_frames(&fixture, "a-0001", 0, 6);
	expect_frames(&fixture, "a-0002", 6, 1);
	assert_int_equal(fixture.report.frames, 7);
	assert_int_equal(
		captured_log_count("No space left on device; recording goes on when there is room"), 1);
	fixture_end(&fixture);
}

/* A file's end that does not reach the disk is told by its name, be it the video's or the log's. */
static void test_failed_sync_is_named(void **state)
{
	static const char *const names[] = {
		"a-0001.mkv: Input/output error", "a-0001.jsonl: Input/output error"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct recorder_fixture fixture;

		captured_log_clear();
		fixture_begin(&fixture, "a-%i.mkv", (struct recorder_options){0});
		fixture_give_many(&fixture, 2, 1);
		disk.sync_fails = 1 + i;
		fixture_join(&fixture);
		assert_int_equal(fixture.report.failed, -EIO);
		assert_int_equal(captured_log_count(names[i]), 1);
		assert_int_equal(captured_log_count(""), 1);
		fixture_end(&fixture);
	}
}

/* A disk quota that is used up is a full disk, too. */
static void test_used_up_quota(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	fixture_begin(&fixture, "a-%i.mkv", (struct recorder_options){0});
	fixture_give_many(&fixture, 2, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"frame\":1,");
	disk.video_error = EDQUOT;
	fixture_give_many(&fixture, 1, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"disk_full\"");
	fixture_join(&fixture);
	assert_int_equal(captured_log_count("recording goes on when there is room"), 1);
	fixture_end(&fixture);
}

/* A disk that fails is tried again after a second, not with each frame. */
static void test_retries_once_a_second(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	begin_large(&fixture, (struct recorder_options){0});
	disk.lasting = true;
	disk.video_error = EIO;
	give_more_than_memory(&fixture);
	assert_int_equal(disk.failures, 1);
	now += NS_PER_S - 1;
	give_more_than_memory(&fixture);
	assert_int_equal(disk.failures, 1);
	now += 1;
	give_more_than_memory(&fixture);
	assert_int_equal(disk.failures, 2);
	disk.video_error = 0;
	now += NS_PER_S;
	give_more_than_memory(&fixture);
	fixture_join(&fixture);
	assert_int_equal(disk.failures, 2);
	assert_int_equal(fixture.report.failed, 0);
	assert_true(fixture.report.frames >= 60);
	assert_int_equal(fixture.report.frames + fixture.report.dropped[DROPPED_BY_RECORDER], fixture.next);
	assert_int_equal(captured_log_count(""), 1); /* one line for all that */
	fixture_end(&fixture);
}

/* What waits for room on a full disk does not wait for one that fails: nobody would end that. */
static void test_failing_disk_is_not_waited_for(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	begin_large(&fixture, (struct recorder_options){.lossless = true, .waits_for_room = true});
	fixture_give_many(&fixture, 5, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"frame\":4,");
	disk.lasting = true;
	disk.video_error = EIO;
	give_more_than_memory(&fixture);
	assert_false(recorder_waits(fixture.recorder));
	assert_true(recorder_drain(fixture.recorder, now + NS_PER_S));
	fixture_join(&fixture);
	assert_int_equal(fixture.report.failed, -EIO);
	assert_int_equal(fixture.report.frames, 5);
	assert_int_equal(fixture.report.dropped[DROPPED_BY_RECORDER], 60);
	assert_int_equal(disk.failures, 2); /* at first, and once more at the end */
	fixture_end(&fixture);
}

static void test_recording_begins_with_room(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	disk.room = ROOM_TO_BEGIN - 1;
	begin_large(&fixture, (struct recorder_options){0});
	give_more_than_memory(&fixture);
	assert_false(fixture_has(&fixture, "a-0001.mkv"));
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 0);
	assert_int_equal(fixture.report.failed, -ENOSPC);
	fixture_end(&fixture);

	disk.room = ROOM_TO_BEGIN;
	begin_large(&fixture, (struct recorder_options){0});
	fixture_give_many(&fixture, 1, 1);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.frames, 1);
	fixture_end(&fixture);
}

/* After a full disk it goes on with more room than it takes to begin: else a file would follow the other. */
static void test_recording_goes_on_with_more_room(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	begin_large(&fixture, (struct recorder_options){0});
	fixture_give_many(&fixture, 5, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"frame\":4,");
	disk.room = 0;
	give_more_than_memory(&fixture);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"closed\"");
	disk.room = ROOM_TO_GO_ON - 1;
	now += NS_PER_S;
	give_more_than_memory(&fixture);
	assert_false(fixture_has(&fixture, "a-0002.mkv"));
	disk.room = ROOM_TO_GO_ON;
	now += NS_PER_S;
	give_more_than_memory(&fixture);
	assert_true(fixture_has(&fixture, "a-0002.mkv"));
	fixture_join(&fixture);
	assert_int_equal(fixture.report.failed, 0);
	assert_int_equal(fixture.report.frames + fixture.report.dropped[DROPPED_BY_RECORDER], fixture.next);
	fixture_end(&fixture);
}

/* Where no file may grow so far that two frames fit, a new one for each would be of no use. */
static void test_files_that_hold_little(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	disk.limit = 150000;
	begin_large(&fixture, (struct recorder_options){0});
	fixture_give_many(&fixture, 3, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"write_failed\"");
	fixture_join(&fixture);
	assert_int_equal(captured_log_count("File too large; recording goes on when"), 1);
	assert_int_equal(fixture.report.frames, 2); /* one before, and one of those tried again at the end */
	assert_int_equal(fixture.report.segments, 2);
	fixture_end(&fixture);

	captured_log_clear();
	disk.limit = 250000;
	begin_large(&fixture, (struct recorder_options){0});
	fixture_give_many(&fixture, 6, 1);
	fixture_join(&fixture);
	for (uint64_t i = 0; i < 3; i++) {
		char name[16];
		snprintf(name, sizeof(name), "a-%04u", (unsigned)i + 1);
		expect_frames(&fixture, name, 2 * i, 2);
	}
	assert_int_equal(captured_log_count(""), 0);
	fixture_end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_signals_lose_nothing, begin),
		cmocka_unit_test_setup(test_short_writes_lose_nothing, begin),
		cmocka_unit_test_setup(test_failed_frame_is_cut_off, begin),
		cmocka_unit_test_setup(test_failed_line_is_cut_off, begin),
		cmocka_unit_test_setup(test_failed_sync_is_named, begin),
		cmocka_unit_test_setup(test_used_up_quota, begin),
		cmocka_unit_test_setup(test_retries_once_a_second, begin),
		cmocka_unit_test_setup(test_failing_disk_is_not_waited_for, begin),
		cmocka_unit_test_setup(test_recording_begins_with_room, begin),
		cmocka_unit_test_setup(test_recording_goes_on_with_more_room, begin),
		cmocka_unit_test_setup(test_files_that_hold_little, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
