/* SPDX-License-Identifier: MIT */
/* The recorder on a simulated disk that is late, never answers, or fails: who waits, what is lost and synced.
 */
#include "base/clock.h"
#include "base/log.h"
#include "support/recorder_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

/* While the disk stands still, writes to it do not return. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool still;
static int held; /* writes that do not return now */

ssize_t __real_pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset);

ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	pthread_mutex_lock(&lock);
	held++;
	pthread_cond_broadcast(&changed);
	while (still)
		pthread_cond_wait(&changed, &lock);
	held--;
	pthread_mutex_unlock(&lock);
	return __real_pwrite64(fd, data, size, offset);
}

/* How often each was called, and the error that it gives; 0: none. */
static struct {
	int data, whole, error;
} syncs;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static int count_sync(int *count)
{
	pthread_mutex_lock(&lock);
	++*count;
	pthread_cond_broadcast(&changed);
	errno = syncs.error;
	bool fails = syncs.error;
	pthread_mutex_unlock(&lock);
	return fails ? -1 : 0;
}

int __wrap_fdatasync(int fd)
{
	return count_sync(&syncs.data) ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
	return count_sync(&syncs.whole) ? -1 : __real_fsync(fd);
}

static int errors; /* that were logged */

void __wrap_log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void __wrap_log_line(enum log_level level, const char *format, ...)
{
	(void)format;
	pthread_mutex_lock(&lock);
	errors += level == LOG_ERROR;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void syncs_reset(int error)
{
	pthread_mutex_lock(&lock);
	syncs.data = syncs.whole = errors = 0;
	syncs.error = error;
	pthread_mutex_unlock(&lock);
}

static void await_data_syncs(int count)
{
	pthread_mutex_lock(&lock);
	while (syncs.data < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void disk_set_still(bool value)
{
	pthread_mutex_lock(&lock);
	still = value;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void await_held_write(void)
{
	pthread_mutex_lock(&lock);
	while (!held)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* The source goes on: what the memory cannot hold is lost and counted, and nothing else. */
static void test_source_never_waits(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;
	int64_t missed = 0;

	(void)state;
	fixture_begin(&fixture, "a.mkv", (struct recorder_options){.memory = 1000000, .never_waits = true});
	fixture.padding = 100000;
	fixture_give_many(&fixture, 2, 1);
	disk_set_still(true);
	fixture_give_many(&fixture, 1, 1);
	await_held_write();
	/* What the camera lost and broke before them counts, whether they are taken or not. */
	for (int i = 0; i < 200; i++) {
		fixture_give(&fixture, 2, 3);
		fixture_label(&fixture, 1);
	}
	disk_set_still(false);
	/* What comes next finds room at some time; its line counts what was lost before. */
	for (int i = 0; i < 1000 && !fixture.frame->recorded; i++) {
		usleep(1000);
		fixture_give_many(&fixture, 1, 1);
	}
	fixture_join(&fixture);
	uint64_t lost = fixture.report.dropped[DROPPED_BY_RECORDER];
	assert_true(lost > 150);
	assert_int_equal(fixture.report.frames + lost, fixture.next);
	assert_int_equal(fixture.report.dropped[DROPPED_BY_CAMERA], 200 * 2);
	assert_int_equal(fixture.report.dropped[DROPPED_BROKEN], 200 * 3);
	assert_int_equal(fixture.report.failed, 0);
	assert_true(recorded_read(fixture.folder, "a", fixture.schema, &r));
	assert_int_equal(r.frames, fixture.report.frames);
	for (size_t i = 0; i < r.lines; i++)
		if (json_object_get(r.line[i], "top"))
			missed += recorded_number(r.line[i], "dropped.recorder");
	assert_int_equal(missed, lost);
	assert_int_equal(fixture_number(&fixture, &r.frame[r.frames - 1]), fixture.next - 1);
	recorded_free(&r);
	fixture_end(&fixture);
}

/* A disk that does not answer: the end comes all the same, and what is lost is counted. */
static void test_end_does_not_wait_for_ever(void **state)
{
	struct recorder_fixture fixture;
	struct recorder_report report;

	(void)state;
	fixture_begin(&fixture, "a.mkv", (struct recorder_options){.flush_time = NS_PER_S / 10});
	fixture_give_many(&fixture, 1, 1);
	fixture_await_text(&fixture, "a.jsonl", "\"top\"");
	disk_set_still(true);
	fixture_give_many(&fixture, 20, 1);
	await_held_write();
	assert_false(recorder_join(fixture.recorder, &report));
	assert_int_equal(report.failed, -ETIMEDOUT);
	assert_int_equal(report.frames, 1);
	assert_int_equal(report.dropped[DROPPED_BY_RECORDER], 20);
	disk_set_still(false);
	fixture_end(&fixture);
}

static void *give_fifty(void *fixture)
{
	fixture_give_many(fixture, 50, 1);
	return NULL;
}

/* A source that waits for room goes on when the time after recorder_flush is over. */
static void test_source_waits_until_the_flush_is_over(void **state)
{
	struct recorder_fixture fixture;
	struct recorder_report report;
	pthread_t thread;

	(void)state;
	fixture_begin(
		&fixture, "a.mkv", (struct recorder_options){.memory = 1000000, .flush_time = NS_PER_S / 10});
	fixture.padding = 100000;
	fixture_give_many(&fixture, 1, 1);
	fixture_await_text(&fixture, "a.jsonl", "\"top\"");
	disk_set_still(true);
	assert_int_equal(pthread_create(&thread, NULL, give_fifty, &fixture), 0);
	await_held_write();
	recorder_flush(fixture.recorder);
	pthread_join(thread, NULL);
	assert_int_equal(fixture.next, 51);
	assert_false(recorder_join(fixture.recorder, &report));
	assert_int_equal(report.frames + report.dropped[DROPPED_BY_RECORDER], 51);
	disk_set_still(false);
	fixture_end(&fixture);
}

/* The folder once, video and log again and again; at the end video, log and folder once more. */
static void test_files_are_synced_meanwhile(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	syncs_reset(0);
	fixture_begin(&fixture, "a.mkv", (struct recorder_options){.sync = NS_PER_S / 100});
	fixture_give_many(&fixture, 5, 1);
	await_data_syncs(6);
	fixture_join(&fixture);
	assert_int_equal(syncs.whole, 1 + 3);
	assert_int_equal(fixture.report.failed, 0);
	fixture_end(&fixture);
}

/* What a failed sync did not take is not on the disk, even if a later one succeeds. */
static void test_failed_sync_is_reported(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	syncs_reset(EIO);
	fixture_begin(&fixture, "a.mkv", (struct recorder_options){.sync = NS_PER_S / 100});
	fixture_give_many(&fixture, 5, 1);
	pthread_mutex_lock(&lock);
	while (!errors)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	syncs_reset(0);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.failed, -EIO);
	fixture_end(&fixture);
}

static void test_failed_sync_at_the_end_is_reported(void **state)
{
	struct recorder_fixture fixture;

	(void)state;
	syncs_reset(EDQUOT);
	fixture_begin(&fixture, "a.mkv", (struct recorder_options){0});
	fixture_give_many(&fixture, 5, 1);
	fixture_join(&fixture);
	assert_int_equal(fixture.report.failed, -EDQUOT);
	assert_int_equal(syncs.data, 0);
	syncs_reset(0);
	fixture_end(&fixture);
}

/* Gives frames until so many files were begun: one was found to be deleted. */
static void give_until(struct recorder_fixture *fixture, const char *name)
{
	while (!fixture_has(fixture, name)) {
		fixture_give_many(fixture, 1, 1);
		usleep(10000);
	}
}

/* A file that someone deletes is noticed, counts no longer, and the next one begins. */
static void test_deleted_file_is_noticed(void **state)
{
	struct recorder_fixture fixture;
	struct recorded r;
	char path[PATH_MAX];

	(void)state;
	syncs_reset(0);
	fixture_begin(&fixture, "a-%i.mkv", (struct recorder_options){0});
	fixture_give_many(&fixture, 10, 1);
	fixture_await_text(&fixture, "a-0001.jsonl", "\"frame\":9");
	snprintf(path, sizeof(path), "%s/a-0001.mkv", fixture.folder);
	assert_int_equal(unlink(path), 0);
	give_until(&fixture, "a-0002.mkv");
	fixture_await_text(&fixture, "a-0002.jsonl", "\"top\"");
	snprintf(path, sizeof(path), "%s/a-0002.jsonl", fixture.folder);
	assert_int_equal(unlink(path), 0);
	give_until(&fixture, "a-0003.mkv");
	fixture_join(&fixture);
	assert_int_equal(errors, 2); /* one for each that was deleted */
	assert_int_equal(fixture.report.segments, 2);
	assert_int_equal(fixture.report.frames + fixture.report.dropped[DROPPED_BY_RECORDER], fixture.next);
	assert_int_equal(fixture.report.failed, -ENOENT);
	assert_true(recorded_read(fixture.folder, "a-0003", fixture.schema, &r));
	assert_int_equal(fixture.report.labelled, r.frames);
	assert_non_null(recorded_event(&r, "opened"));
	recorded_free(&r);
	fixture_end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_source_never_waits),
		cmocka_unit_test(test_end_does_not_wait_for_ever),
		cmocka_unit_test(test_source_waits_until_the_flush_is_over),
		cmocka_unit_test(test_files_are_synced_meanwhile),
		cmocka_unit_test(test_failed_sync_is_reported),
		cmocka_unit_test(test_failed_sync_at_the_end_is_reported),
		cmocka_unit_test(test_deleted_file_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
