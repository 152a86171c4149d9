/* SPDX-License-Identifier: MIT */
/*
 * How a camera that is away is found again: by a change of /dev, which is a real folder with real inotify
 * here, else by a look every 2 s. Time is simulated (see simulated_v4l2.h), so "at once" is to the
 * nanosecond.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "simulated_v4l2.h"

#define UNPLUGGED "Camera (/dev/video0) was unplugged; waiting for it"

/* Between the looks, and between frames without a picture. */
#define RETURN_TIME (1005 * NS_PER_S + 70 * NS_PER_MS + 1)

static int descriptors(void)
{
	int count = 0;
	DIR *folder = opendir("/proc/self/fd");

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void a_node_is_found_at_once(void **state)
{
	(void)state;
	static const struct happening happenings[] = {
		{1002 * NS_PER_S, EVENT_UNPLUG, 0}, {RETURN_TIME, EVENT_PLUG, 2}, {0}};
	struct run run;

	world_begin(&run, "0", happenings);
	int before = descriptors();
	take_until(&run, 1005 * NS_PER_S);
	assert_int_equal(descriptors(), before); /* inotify's in place of the camera's */
	take_until(&run, 1010 * NS_PER_S);
	assert_int_equal(world.opened_at, RETURN_TIME);
	assert_int_equal(world.opened, 2);
	assert_int_equal(descriptors(), before);
	assert_true(run.gap <= 200 * NS_PER_MS);
	assert_int_equal(world.debug_count, 0);
	assert_logged((const char *const[]){UNPLUGGED, "Camera is back as /dev/video2", NULL});
	world_end(&run);
}

/* Without counting as the attempts after which a refusal is reported. */
static void permissions_may_come_later(void **state)
{
	(void)state;
	static const struct happening happenings[] = {{1002 * NS_PER_S, EVENT_UNPLUG, 0},
		{RETURN_TIME, EVENT_PLUG, 0}, {RETURN_TIME + 1, EVENT_CHANGE, 0},
		{RETURN_TIME + 2, EVENT_CHANGE, 0}, {RETURN_TIME + 3, EVENT_CHANGE, 0},
		{RETURN_TIME + 4, EVENT_CHANGE, 0}, {RETURN_TIME + 5, EVENT_CHANGE, 0},
		{RETURN_TIME + 6, EVENT_CHANGE, 0}, {RETURN_TIME + 30 * NS_PER_MS, EVENT_PERMIT, 0}, {0}};
	struct run run;

	world_begin(&run, "0", happenings);
	world.open_fails = EACCES;
	take_until(&run, 1010 * NS_PER_S);
	assert_int_equal(world.opened_at, RETURN_TIME + 30 * NS_PER_MS);
	assert_int_equal(world.opened, 1 + 7 + 1);
	assert_logged((const char *const[]){UNPLUGGED, "Camera is back as /dev/video0", NULL});
	world_end(&run);
}

static void a_link_is_found_at_once(void **state)
{
	(void)state;
	static const struct happening happenings[] = {{1002 * NS_PER_S, EVENT_UNPLUG, 0},
		{1004 * NS_PER_S, EVENT_PLUG, 2}, {RETURN_TIME - 600 * NS_PER_MS, EVENT_FOLDER, 0},
		{RETURN_TIME - 300 * NS_PER_MS, EVENT_FOLDER, 0}, {RETURN_TIME, EVENT_LINK, 0},
		{1007 * NS_PER_S, EVENT_UNPLUG, 0}, {1008 * NS_PER_S, EVENT_PLUG, 3},
		{RETURN_TIME + 4 * NS_PER_S - 2, EVENT_FOLDER, 0},
		{RETURN_TIME + 4 * NS_PER_S - 1, EVENT_FOLDER, 0},
		{RETURN_TIME + 4 * NS_PER_S, EVENT_LINK, 0}, {0}};
	char source[100];
	struct run run;

	snprintf(source, sizeof(source), "%s/v4l/by-id/camera", world_dev);
	world_begin(&run, source, happenings);
	take_until(&run, 1003 * NS_PER_S);
	world.stranger = true; /* only the link leads to it */
	take_until(&run, 1005 * NS_PER_S);
	assert_int_equal(world.opened, 1);
	take_until(&run, 1006 * NS_PER_S);
	assert_int_equal(world.opened_at, RETURN_TIME);
	take_until(&run, 1007 * NS_PER_S);
	world.stranger = false;
	take_until(&run, 1012 * NS_PER_S);
	assert_int_equal(world.opened_at, RETURN_TIME + 4 * NS_PER_S);
	assert_int_equal(world.opened, 3);
	world_end(&run);
}

/* A camera of the same kind counts as ours only after it was away too; sysfs lists it a little longer. */
static void a_replugged_twin_is_taken(void **state)
{
	(void)state;
	static const struct happening happenings[] = {{1002 * NS_PER_S, EVENT_UNPLUG, 0},
		{RETURN_TIME, EVENT_TWIN_UNPLUG, 0}, {RETURN_TIME + NS_PER_MS, EVENT_TWIN_FORGET, 0},
		{RETURN_TIME + 300 * NS_PER_MS, EVENT_PLUG, 1}, {0}};
	struct run run;

	world_begin(&run, "0", happenings);
	world.twin = true;
	take_until(&run, 1010 * NS_PER_S);
	assert_int_equal(world.opened_at, RETURN_TIME + 300 * NS_PER_MS);
	assert_logged((const char *const[]){UNPLUGGED, "Camera is back as /dev/video1", NULL});
	world_end(&run);
}

static void other_nodes_are_no_camera(void **state)
{
	(void)state;
	static struct happening happenings[102] = {{1002 * NS_PER_S, EVENT_UNPLUG, 0}};
	struct run run;

	for (int i = 1; i <= 100; i++)
		happenings[i] = (struct happening){1003 * NS_PER_S + i * 30 * NS_PER_MS, EVENT_CHANGE, 0};
	world_begin(&run, "0", happenings);
	take_until(&run, 1007 * NS_PER_S);
	assert_int_equal(world.opened, 1);
	assert_in_range(run.absent, 24, 26); /* five a second, as without changes */
	assert_logged((const char *const[]){UNPLUGGED, NULL});
	world_end(&run);
}

static void without_inotify(int inotify_fails, int watch_fails)
{
	static const struct happening happenings[] = {
		{1002 * NS_PER_S, EVENT_UNPLUG, 0}, {RETURN_TIME, EVENT_PLUG, 0}, {0}};
	struct run run;

	world_begin(&run, "0", happenings);
	world.inotify_fails = inotify_fails;
	world.watch_fails = watch_fails;
	int before = descriptors();
	take_until(&run, 1005 * NS_PER_S);
	assert_int_equal(descriptors(), before - 1); /* the camera's */
	take_until(&run, 1010 * NS_PER_S);
	assert_int_equal(world.opened_at, 1006 * NS_PER_S);
	assert_true(run.gap <= 200 * NS_PER_MS + FRAME_TIME);
	assert_int_equal(world.debug_count, 1);
	assert_logged((const char *const[]){UNPLUGGED, "Camera is back as /dev/video0", NULL});
	world_end(&run);
}

static void a_slow_look_finds_it_without_inotify(void **state)
{
	(void)state;
	without_inotify(EMFILE, 0);
	without_inotify(0, ENOSPC);
}

static void nothing_leaks(void **state)
{
	(void)state;
	static const struct happening happenings[] = {{1002 * NS_PER_S, EVENT_UNPLUG, 0},
		{1003 * NS_PER_S, EVENT_PLUG, 0}, {1004 * NS_PER_S, EVENT_UNPLUG, 0},
		{1005 * NS_PER_S, EVENT_PLUG, 0}, {1006 * NS_PER_S, EVENT_UNPLUG, 0}, {0}};
	struct run run;
	int before = descriptors();

	world_begin(&run, "0", happenings);
	int open = descriptors();
	take_until(&run, 1005 * NS_PER_S + 500 * NS_PER_MS);
	assert_int_equal(descriptors(), open);
	take_until(&run, 1007 * NS_PER_S);
	world_end(&run); /* while the camera is away */
	assert_int_equal(descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_is_found_at_once),
		cmocka_unit_test(permissions_may_come_later),
		cmocka_unit_test(a_link_is_found_at_once),
		cmocka_unit_test(a_replugged_twin_is_taken),
		cmocka_unit_test(other_nodes_are_no_camera),
		cmocka_unit_test(a_slow_look_finds_it_without_inotify),
		cmocka_unit_test(nothing_leaks),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
