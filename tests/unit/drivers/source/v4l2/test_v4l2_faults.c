/* SPDX-License-Identifier: MIT */
/*
 * Faults of a camera, and how the source recovers. The driver behind the ioctls and the clock are simulated:
 * time passes only while the camera's thread waits, so that minutes take no time and each run is the same.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "simulated_v4l2.h"

static void all_is_well(void **state)
{
	(void)state;
	struct run run;
	char text[100];

	world_begin(&run, "0", NULL);
	source_v4l2.describe(world.camera, text, sizeof(text));
	assert_string_equal(text, "Camera (/dev/video0), YUYV 64×48, 25 frames a second");
	assert_int_equal(take_until(&run, 1100 * NS_PER_S), 0);
	assert_int_equal(run.good, 2500);
	assert_int_equal(run.lost + (unsigned int)(run.broken + run.absent), 0);
	assert_int_equal(world.queued_least, world.buffers - 1);
	assert_int_equal(world.exported, 0);
	assert_logged((const char *const[]){NULL});
	world_end(&run);
}

static void losses_and_broken_frames_are_counted(void **state)
{
	(void)state;
	struct run run;

	world_begin(&run, "0", NULL);
	take_until(&run, 1001 * NS_PER_S);
	world.skip = 3;
	take_until(&run, 1002 * NS_PER_S);
	assert_int_equal(run.lost, 3);
	/* Those before a broken frame are reported with the next good one. */
	world.skip = 2;
	world.flags = V4L2_BUF_FLAG_ERROR;
	take_until(&run, world.now + FRAME_TIME);
	world.flags = 0;
	world.bytes = PICTURE - 1;
	take_until(&run, world.now + FRAME_TIME);
	world.bytes = 0;
	take_until(&run, world.now + FRAME_TIME);
	assert_int_equal(run.broken, 3);
	assert_int_equal(run.lost, 3);
	world.bytes = PICTURE;
	take_until(&run, 1003 * NS_PER_S);
	assert_int_equal(run.lost, 5);
	assert_int_equal(run.broken, 3);
	assert_int_equal(world.queued_count, world.buffers);
	assert_logged((const char *const[]){NULL});

	/* Nothing but broken frames is no picture. */
	world.flags = V4L2_BUF_FLAG_ERROR;
	take_until(&run, 1007 * NS_PER_S);
	assert_true(run.absent > 0);
	world.flags = 0;
	take_until(&run, 1008 * NS_PER_S);
	assert_logged((const char *const[]){
		"Camera gives no pictures; restarting it", "Camera gives pictures again", NULL});
	world_end(&run);
}

static void unplugged_is_waited_for(void **state)
{
	(void)state;
	static const struct happening happenings[] = {{1002 * NS_PER_S, EVENT_UNPLUG, 0},
		{1012 * NS_PER_S, EVENT_PLUG, 2}, {1014 * NS_PER_S, EVENT_UNPLUG, 0},
		{1015 * NS_PER_S, EVENT_PLUG, 0}, {0}};
	struct run run;

	world_begin(&run, "0", happenings);
	world.twin = true;
	take_until(&run, 1011 * NS_PER_S);
	assert_in_range(run.good, 49, 50);
	assert_in_range(run.absent, 44, 46); /* five a second */
	assert_true(run.gap <= 200 * NS_PER_MS);
	assert_string_equal(run.text, "no camera: Camera was unplugged; waiting for it");
	assert_int_equal(world.opened, 1);
	take_until(&run, 1020 * NS_PER_S);
	assert_in_range(run.good, 50 + 40 + 115, 50 + 50 + 125);
	assert_int_equal(run.lost, 0);
	assert_int_equal(world.opened, 3);
	assert_logged((const char *const[]){"Camera (/dev/video0) was unplugged; waiting for it",
		"Camera is back as /dev/video2", "Camera (/dev/video2) was unplugged; waiting for it",
		"Camera is back as /dev/video0", NULL});
	world_end(&run);
}

static void a_camera_without_buffers_is_refused(void **state)
{
	(void)state;
	struct source_options options = {0};
	struct error e;
	struct run run;

	world_begin(&run, "0", NULL);
	source_v4l2.close(world.camera);
	world.request_fails = ENOMEM;
	assert_int_equal(source_v4l2.open("0", &options, &world.camera, &e), -ENOMEM);
	assert_int_equal(strncmp(e.text, "/dev/video0 (Camera): ", 22), 0);
	frame_pool_destroy(run.pool);
}

/* A frame without a picture has lost none, whatever it held before. */
static void absent_frames_count_nothing(void **state)
{
	(void)state;
	struct error e;
	struct run run;

	world_begin(&run, "0", NULL);
	take_until(&run, 1001 * NS_PER_S);
	happen(&(struct happening){.event = EVENT_UNPLUG});
	struct frame *frame = frame_acquire(run.pool);
	frame->lost = 9;
	while (!frame->absent)
		assert_int_equal(source_v4l2.next(world.camera, frame, &e), 0);
	assert_int_equal(frame->lost, 0);
	frame_release(&frame);
	world_end(&run);
}

static void a_refused_open_is_reported_once(void **state)
{
	(void)state;
	static const struct happening happenings[] = {
		{1002 * NS_PER_S, EVENT_UNPLUG, 0}, {1003 * NS_PER_S, EVENT_PLUG, 0}, {0}};
	struct run run;

	world_begin(&run, "0", happenings);
	world.open_fails = EACCES;
	take_until(&run, 1030 * NS_PER_S);
	assert_in_range(world.opened, 50, 60); /* twice a second */
	assert_string_equal(run.text, "no camera: it is closed");
	world.open_fails = 0;
	take_until(&run, 1031 * NS_PER_S);
	assert_logged((const char *const[]){"Camera (/dev/video0) was unplugged; waiting for it",
		"Camera is plugged in again, but it is closed", "Camera is back as /dev/video0", NULL});
	world_end(&run);
}

static void silent_is_started_again(void **state)
{
	(void)state;
	static const struct happening happenings[] = {
		{1003 * NS_PER_S, EVENT_STALL, 0}, {1013 * NS_PER_S, EVENT_FLOW, 0}, {0}};
	struct run run;

	world_begin(&run, "0", happenings);
	take_until(&run, 1006 * NS_PER_S);
	assert_int_equal(world.started, 2); /* after 2 s */
	assert_int_equal(world.opened, 1);
	assert_string_equal(run.text, "Camera gives no pictures; restarted");
	take_until(&run, 1012 * NS_PER_S);
	assert_int_equal(world.opened, 3); /* after 2, and after 4 s more */
	assert_in_range(run.absent, 30, 36);
	assert_in_range(run.gap, 1900 * NS_PER_MS, 2000 * NS_PER_MS);
	take_until(&run, 1020 * NS_PER_S);
	assert_in_range(run.good, 75 + 170, 75 + 175);
	assert_logged((const char *const[]){
		"Camera gives no pictures; restarting it", "Camera gives pictures again", NULL});
	world_end(&run);
}

static void frozen_is_started_again(void **state)
{
	(void)state;
	static const struct happening happenings[] = {
		{1003 * NS_PER_S, EVENT_FREEZE, 0}, {1013 * NS_PER_S, EVENT_MOVE, 0}, {0}};
	struct run run;

	world_begin(&run, "0", happenings);
	take_until(&run, 1020 * NS_PER_S);
	assert_int_equal(world.started, 3); /* after 2 s, and after 4 s more */
	assert_int_equal(world.opened, 1);
	assert_int_equal(run.absent, 0);
	assert_in_range(run.good, 495, 500); /* the picture stays */
	assert_logged((const char *const[]){"Camera gives the same picture again and again; restarting it",
		"Camera gives new pictures again", NULL});
	world_end(&run);
}

static void a_failing_driver_is_opened_again(void **state)
{
	(void)state;
	struct run run;

	world_begin(&run, "0", NULL);
	take_until(&run, 1002 * NS_PER_S);
	world.queue_fails = EINVAL;
	take_until(&run, 1004 * NS_PER_S);
	assert_int_equal(world.opened, 2);
	assert_in_range(run.good, 97, 100);
	assert_logged((const char *const[]){
		"Camera fails (Invalid argument); restarting it", "Camera gives pictures again", NULL});
	world_end(&run);
}

/* With an error each second, attempts and messages become ever rarer. */
static void a_relapse_waits(void **state)
{
	(void)state;
	struct run run;

	world_begin(&run, "0", NULL);
	for (int i = 1; i <= 120; i++) {
		take_until(&run, (1000 + i) * NS_PER_S);
		world.queue_fails = world.streaming ? EIO : 0;
	}
	assert_in_range(world.opened, 5, 9);
	assert_in_range(world.line_count, 8, 17);
	world_end(&run);
}

static void stop_wakes(void **state)
{
	(void)state;
	static const struct happening while_it_runs[] = {{1002 * NS_PER_S + 1, EVENT_STOP, 0}, {0}};
	static const struct happening while_it_waits[] = {
		{1002 * NS_PER_S, EVENT_UNPLUG, 0}, {1003 * NS_PER_S + 1, EVENT_STOP, 0}, {0}};
	struct run run;

	world_begin(&run, "0", while_it_runs);
	assert_int_equal(take_until(&run, 1010 * NS_PER_S), -ECANCELED);
	assert_int_equal(world.now, 1002 * NS_PER_S + 1);
	assert_int_equal(take_until(&run, 1010 * NS_PER_S), -ECANCELED);
	assert_int_equal(world.now, 1002 * NS_PER_S + 1);
	world_end(&run);
	world_begin(&run, "0", while_it_waits);
	assert_int_equal(take_until(&run, 1010 * NS_PER_S), -ECANCELED);
	assert_int_equal(world.now, 1003 * NS_PER_S + 1);
	world_end(&run);
}

static void *release(void *argument)
{
	struct frame **frames = argument;

	for (int i = 0; i < 14; i++)
		frame_release(&frames[i]);
	return NULL;
}

/* However many are borrowed, the camera has four to fill; a borrowed one outlives the camera. */
static void buffers_are_exported(void **state)
{
	(void)state;
	struct run run;
	struct frame *held[14] = {NULL};
	struct error e;
	pthread_t thread;
	int exported = 0;

	world_begin(&run, "0", NULL);
	source_v4l2.export_dmabuf(world.camera, true);
	for (int i = 0; i < 13; i++) {
		held[i] = frame_acquire(run.pool);
		assert_int_equal(source_v4l2.next(world.camera, held[i], &e), 0);
		const struct borrowed_buffer *borrowed = &held[i]->borrowed;
		if (!borrowed->release)
			continue;
		exported++;
		uint64_t content;
		assert_int_equal(borrowed->stride, WIDTH * 2);
		assert_int_equal(
			pread(borrowed->dmabuf, &content, sizeof(content), (off_t)borrowed->index * SLOT),
			sizeof(content));
		assert_memory_equal(&content, held[i]->raw.data, sizeof(content));
	}
	assert_int_equal(world.queued_count, 4);
	assert_int_equal(exported, world.buffers - 4);
	take_until(&run, world.now + NS_PER_S);
	assert_true(world.queued_least >= 3);

	/* Released buffers are used again; each is exported once. */
	pthread_create(&thread, NULL, release, held);
	pthread_join(thread, NULL);
	assert_int_equal(world.queued_count, world.buffers);
	take_until(&run, world.now + 2 * NS_PER_S);
	assert_true(world.exported <= world.buffers);

	/* The camera goes, comes back and is closed while some are borrowed. */
	held[0] = frame_acquire(run.pool);
	source_v4l2.next(world.camera, held[0], &e);
	held[1] = frame_acquire(run.pool);
	source_v4l2.next(world.camera, held[1], &e);
	int old = held[0]->borrowed.dmabuf;
	happen(&(struct happening){.event = EVENT_UNPLUG});
	take_until(&run, world.now + NS_PER_S);
	happen(&(struct happening){.event = EVENT_PLUG});
	take_until(&run, world.now + NS_PER_S);
	assert_int_equal(world.queued_count, world.buffers);
	assert_true(fcntl(old, F_GETFD) >= 0);
	frame_release(&held[0]);
	assert_int_equal(world.queued_count, world.buffers); /* it is not the new stream's */
	source_v4l2.close(world.camera);
	assert_true(fcntl(held[1]->borrowed.dmabuf, F_GETFD) >= 0);
	old = held[1]->borrowed.dmabuf;
	frame_release(&held[1]);
	assert_true(fcntl(old, F_GETFD) < 0);
	frame_pool_destroy(run.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(losses_and_broken_frames_are_counted),
		cmocka_unit_test(unplugged_is_waited_for),
		cmocka_unit_test(a_camera_without_buffers_is_refused),
		cmocka_unit_test(absent_frames_count_nothing),
		cmocka_unit_test(a_refused_open_is_reported_once),
		cmocka_unit_test(silent_is_started_again),
		cmocka_unit_test(frozen_is_started_again),
		cmocka_unit_test(a_failing_driver_is_opened_again),
		cmocka_unit_test(a_relapse_waits),
		cmocka_unit_test(stop_wakes),
		cmocka_unit_test(buffers_are_exported),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
