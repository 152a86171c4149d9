/* SPDX-License-Identifier: MIT */
/* The recorder without room: a disk that is full, files that cannot grow. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "support/folder.h"
#include "support/recorder_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs it in a child of its own; 77 from there: it cannot be tried here. */
static void in_child(void (*run)(void))
{
	int status;

	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child assert_… would go on with the tests there. */
static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "in the child: %s\n", what);
	_exit(1);
}

/* A file may grow to 300,000 bytes: the next begins, nothing is lost. */
static void limited_files(void)
{
	struct recorder_fixture fixture;
	struct recorded r;
	char name[16];
	uint64_t next = 0;

	signal(SIGXFSZ, SIG_IGN);
	fixture_begin(&fixture, "f.mkv", (struct recorder_options){0});
	fixture.padding = 5000;
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){300000, 300000});
	fixture_give_many(&fixture, 200, 1);
	fixture_join(&fixture);
	require(fixture.report.segments > 2 && fixture.report.frames == 200, "all frames, in more files");
	for (unsigned i = 1; i <= fixture.report.segments; i++) {
		snprintf(name, sizeof(name), i > 1 ? "f-%u" : "f", i);
		require(recorded_read(fixture.folder, name, fixture.schema, &r), "a readable file");
		for (size_t k = 0; k < r.frames; k++)
			require(fixture_number(&fixture, &r.frame[k]) == next++, "frames in order");
		recorded_free(&r);
	}
	require(next == 200, "all frames in the files");
	fixture_end(&fixture);
}

static void test_files_that_cannot_grow(void **state)
{
	(void)state;
	in_child(limited_files);
}

static bool file_put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	bool put = file && fputs(text, file) >= 0;

	return file && fclose(file) == 0 && put;
}

/* In a name space of its own, as root or as what passes for root there. */
static bool may_mount(void)
{
	char users[64], groups[64];

	snprintf(users, sizeof(users), "0 %u 1", (unsigned)getuid());
	snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)getgid());
	if (unshare(CLONE_NEWNS) == 0)
		return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && file_put("/proc/self/uid_map", users) &&
	       file_put("/proc/self/setgroups", "deny") && file_put("/proc/self/gid_map", groups);
}

static char *small_disk(void)
{
	char *folder = folder_create();

	if (may_mount() && mount("none", folder, "tmpfs", 0, "size=12m") == 0)
		return folder;
	print_message("a small disk cannot be mounted here: %s\n", strerror(errno));
	_exit(77);
}

/* 12 MB: the file ends cleanly before it is full; there is room again, and recording goes on by itself. */
static void full_disk(void)
{
	struct recorder_fixture fixture;
	struct recorded r;

	fixture_begin_in(&fixture, small_disk(), "d-%i.mkv", (struct recorder_options){.memory = 3000000});
	fixture.padding = 100000;
	fixture_give_many(&fixture, 200, 1); /* 20 MB */
	fixture_await_text(&fixture, "d-0001.jsonl", "\"closed\"");
	require(recorded_read(fixture.folder, "d-0001", fixture.schema, &r), "a readable file");
	require(r.frames > 90 && r.frames < 120, "as many frames as there is room for");
	for (size_t k = 0; k < r.frames; k++)
		require(fixture_number(&fixture, &r.frame[k]) == k, "frames in order");
	const json_t *closed = recorded_event(&r, "closed");
	require(recorded_event(&r, "disk_full") && closed, "an event of the full disk, and the end");
	require(recorded_number(closed, "frame") == (int64_t)r.frames, "the log's count");
	recorded_free(&r);
	require(!fixture_has(&fixture, "d-0002.mkv"), "no other file while the disk is full");

	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/d-0001.mkv", fixture.folder);
	require(unlink(path) == 0, "room again");
	fixture_await_text(&fixture, "d-0002.jsonl", "\"frame\"");
	fixture_give_many(&fixture, 10, 1);
	fixture_join(&fixture);
	require(fixture.report.failed == 0, "no failure at the end");
	require(fixture.report.dropped[DROPPED_BY_RECORDER] > 40, "lost frames are counted");
	require(fixture.report.frames + fixture.report.dropped[DROPPED_BY_RECORDER] == 210,
		"every frame is counted");
	require(recorded_read(fixture.folder, "d-0002", fixture.schema, &r), "the next file");
	require(fixture_number(&fixture, &r.frame[r.frames - 1]) == 209, "the newest frame is in it");
	require(r.frames > 20, "so are those from memory");
	recorded_free(&r);
	fixture_end(&fixture);
}

static void test_full_disk(void **state)
{
	(void)state;
	in_child(full_disk);
}

/* With --keep the oldest make room, and nothing is lost. */
static void full_disk_with_keep(void)
{
	struct recorder_fixture fixture;
	struct recorded r;
	char name[32];

	fixture_begin_in(&fixture, small_disk(), "d-%i.mkv",
		(struct recorder_options){.segment.bytes = 2000000, .keep.bytes = 1000000000});
	fixture.padding = 100000;
	fixture_give_many(&fixture, 300, 1); /* 30 MB */
	fixture_join(&fixture);
	require(fixture.report.failed == 0, "no failure at the end");
	require(fixture.report.frames == 300, "all frames were written");
	require(fixture.report.dropped[DROPPED_BY_RECORDER] == 0, "none was lost");
	require(fixture.report.deleted > 8, "the oldest were deleted");
	snprintf(name, sizeof(name), "%.6s", strrchr(fixture.report.last, '/') + 1);
	require(recorded_read(fixture.folder, name, fixture.schema, &r), "the newest file");
	require(fixture_number(&fixture, &r.frame[r.frames - 1]) == 299, "the newest frame");
	recorded_free(&r);
	fixture_end(&fixture);
}

static void test_full_disk_with_keep(void **state)
{
	(void)state;
	in_child(full_disk_with_keep);
}

/* What fills the disk besides recordings. */
static void ballast_make(const char *folder, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/ballast", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	require(fd >= 0 && posix_fallocate(fd, 0, (off_t)size) == 0, "a file that fills the disk");
	close(fd);
}

static bool ballast_remove(const char *folder)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/ballast", folder);
	return unlink(path) == 0;
}

/* Little room just before the end is enough for what memory holds. */
static void full_disk_at_the_end(void)
{
	struct recorder_fixture fixture;

	fixture_begin_in(&fixture, small_disk(), "d-%i.mkv", (struct recorder_options){.memory = 3000000});
	ballast_make(fixture.folder, 6000000);
	fixture.padding = 100000;
	fixture_give_many(&fixture, 75, 1);
	fixture_await_text(&fixture, "d-0001.jsonl", "\"closed\"");
	require(fixture_has(&fixture, "d-0001.mkv") && !fixture_has(&fixture, "d-0002.mkv"),
		"the disk is full");
	require(ballast_remove(fixture.folder), "room again");
	fixture_join(&fixture);
	require(fixture.report.failed == 0, "no failure at the end");
	require(fixture.report.dropped[DROPPED_BY_RECORDER] == 0, "none was lost");
	require(fixture.report.frames == 75 && fixture.report.segments == 2, "all frames were written");
	fixture_end(&fixture);
}

static void test_full_disk_at_the_end(void **state)
{
	(void)state;
	in_child(full_disk_at_the_end);
}

/* Once the source waits for room. */
static void wait_until_stuck(const struct recorder_fixture *fixture)
{
	while (!recorder_waits(fixture->recorder))
		usleep(1000);
	usleep(50000);
	require(recorder_waits(fixture->recorder), "it waits as long as there is no room");
}

static void *make_room_later(void *argument)
{
	const struct recorder_fixture *fixture = argument;

	wait_until_stuck(fixture);
	require(ballast_remove(fixture->folder), "room again");
	return NULL;
}

static void *flush_later(void *argument)
{
	const struct recorder_fixture *fixture = argument;

	wait_until_stuck(fixture);
	recorder_flush(fixture->recorder);
	return NULL;
}

/* So many times 0.1 MB into 3 MB, and 9 MB that come later, if they do. */
static void fill_lossless(struct recorder_fixture *fixture, int frames, void *(*meanwhile)(void *))
{
	pthread_t thread;

	fixture_begin_in(fixture, small_disk(), "d-%i.mkv",
		(struct recorder_options){.memory = 2000000, .lossless = true, .waits_for_room = true});
	ballast_make(fixture->folder, 9000000);
	require(pthread_create(&thread, NULL, meanwhile, fixture) == 0, "a thread");
	fixture->padding = 100000;
	fixture_give_many(fixture, frames, 1);
	while (!recorder_drain(fixture->recorder, clock_now() + NS_PER_S / 20))
		;
	pthread_join(thread, NULL);
	fixture_join(fixture);
	require(fixture->report.frames + fixture->report.dropped[DROPPED_BY_RECORDER] == (uint64_t)frames,
		"every frame is counted");
}

/* The source waits until there is room, and no frame is lost. */
static void full_disk_waited_for(void)
{
	struct recorder_fixture fixture;

	fill_lossless(&fixture, 80, make_room_later);
	require(fixture.report.frames == 80, "none was lost");
	require(fixture.report.failed == 0, "no failure at the end");
	require(!recorder_waits(fixture.recorder), "it waits no longer");
	fixture_end(&fixture);
}

static void *make_room_at_the_end(void *argument)
{
	const struct recorder_fixture *fixture = argument;

	fixture_await_text(fixture, "d-0001.jsonl", "\"disk_full\"");
	require(ballast_remove(fixture->folder), "room again");
	return NULL;
}

/* So does the end, for what memory holds. */
static void full_disk_waited_for_at_the_end(void)
{
	struct recorder_fixture fixture;

	fill_lossless(&fixture, 40, make_room_at_the_end);
	require(fixture.report.frames == 40 && fixture.report.segments == 2, "none was lost");
	require(fixture.report.failed == 0, "no failure at the end");
	fixture_end(&fixture);
}

static void test_full_disk_waited_for_at_the_end(void **state)
{
	(void)state;
	in_child(full_disk_waited_for_at_the_end);
}

static void test_full_disk_waited_for(void **state)
{
	(void)state;
	in_child(full_disk_waited_for);
}

/* Waiting ends with the recording. */
static void full_disk_not_waited_for(void)
{
	struct recorder_fixture fixture;

	fill_lossless(&fixture, 80, flush_later);
	require(fixture.report.frames > 0 && fixture.report.frames < 40, "as many as there was room for");
	require(fixture.report.failed == -ENOSPC, "a failure at the end");
	fixture_end(&fixture);
}

static void test_full_disk_not_waited_for(void **state)
{
	(void)state;
	in_child(full_disk_not_waited_for);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_that_cannot_grow),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_full_disk_with_keep),
		cmocka_unit_test(test_full_disk_at_the_end),
		cmocka_unit_test(test_full_disk_waited_for),
		cmocka_unit_test(test_full_disk_waited_for_at_the_end),
		cmocka_unit_test(test_full_disk_not_waited_for),
	};

	log_configure(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
