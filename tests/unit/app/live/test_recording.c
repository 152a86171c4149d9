/* SPDX-License-Identifier: MIT */
/*
 * Recordings of a whole pipeline: the test pattern's own frame numbers, a JPEG source's own bytes; and what
 * is left of one whose program was killed. TWOBIT_KILLS: how many are (10).
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "image/decode.h"
#include "live/recording.h"
#include "pipeline/pipeline.h"
#include "support/folder.h"
#include "support/memory.h"
#include "support/network_builder.h"
#include "support/random.h"
#include "support/recorded.h"
#include "support/sample_jpeg.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNTER_BITS 16

struct recording_fixture {
	char *folder;
	struct network *network;
	json_t *schema;
};

static int fixture_begin(void **state)
{
	struct recording_fixture *fixture = must_allocate(1, sizeof(*fixture));

	fixture->folder = folder_create();
	fixture->network = tiny_network(7);
	fixture->schema = json_load_file("docs/label-log.schema.json", 0, NULL);
	*state = fixture;
	return fixture->schema ? 0 : -1;
}

static int fixture_end(void **state)
{
	struct recording_fixture *fixture = *state;

	folder_destroy(fixture->folder);
	network_destroy(fixture->network);
	json_decref(fixture->schema);
	free(fixture);
	return 0;
}

/* Records a source to its end, or so many frames of it, as `record` does. */
static void record(const struct recording_fixture *fixture, const char *input,
	const struct source_options *wanted, uint64_t frames, const char *name,
	struct recorder_report *report)
{
	struct recording_values values = recording_defaults;
	struct recording recording = {0};
	struct pipeline_config config = {.network = fixture->network,
		.discard_output = true,
		.overlap = true,
		.frames = frames,
		.smoothing = 0.5};
	struct source *source;
	struct pl *pl;
	struct pipeline *pipeline;
	struct frame *frame;
	char path[PATH_MAX];
	struct error e;

	snprintf(path, sizeof(path), "%s/%s.mkv", fixture->folder, name);
	values.file.text = path;
	recording_begin(&recording, &values);
	assert_int_equal(recorder_check(&recording.options, &e), 0);
	assert_int_equal(recording_set_network(&recording, &values, fixture->network, &e), 0);
	assert_int_equal(source_open(input, wanted, &source, &e), 0);
	assert_int_equal(pl_open("software", NULL, &pl, &e), 0);
	recording_describe(&recording, &values, source_description(source), pl_name(pl), NULL);
	assert_int_equal(recorder_create(&recording.options, &config.recorder, &e), 0);
	recorder_begin(config.recorder);
	config.source = source;
	config.pl = pl;
	assert_int_equal(pipeline_start(&config, &pipeline, &e), 0);
	while ((frame = pipeline_dequeue(pipeline, INT64_MAX)))
		pipeline_release(pipeline, &frame, true);
	assert_int_equal(pipeline_join(pipeline, &e), 0);
	recorder_join(config.recorder, report);
	pipeline_destroy(pipeline);
	recorder_destroy(config.recorder);
	recording_finish(&recording);
	pl_close(pl);
	source_close(source);
}

/* The number that the test pattern has drawn along the picture's lower edge. */
static unsigned drawn_number(const struct recorded_packet *packet)
{
	const struct raw_picture raw = {.format = PIXEL_JPEG, .data = packet->data, .size = packet->size};
	struct picture picture = {0};
	unsigned number = 0;
	struct error e;

	assert_int_equal(picture_decode(&raw, 1, &picture, &e), 0);
	for (int i = 0; i < COUNTER_BITS; i++) {
		int x = (2 * i + 1) * picture.width / (2 * COUNTER_BITS), y = picture.height - 10;
		const uint8_t *pixel = picture.data + ((size_t)y * (size_t)picture.width + (size_t)x) * 4;
		assert_true(pixel[1] < 30 || pixel[1] > 225);
		number = 2 * number + (pixel[1] > 128);
	}
	picture_finish(&picture);
	return number;
}

/* Frames without a line are counted in the line after; at most those at the end are not. */
static void expect_all_counted(const struct recorded *r, size_t frames)
{
	int64_t next = 0;

	for (size_t i = 0; i < r->lines; i++) {
		if (!json_object_get(r->line[i], "top"))
			continue;
		assert_int_equal(recorded_number(r->line[i], "frame"),
			next + recorded_number(r->line[i], "dropped.line"));
		next = recorded_number(r->line[i], "frame") + 1;
	}
	assert_true(next > 0 && next <= (int64_t)frames);
}

/* 1280×720: each number is there once, in order; recorded again, each byte of each picture stays. */
static void test_nothing_is_lost(void **state)
{
	struct recording_fixture *fixture = *state;
	const struct source_options pattern = {.width = 1280, .height = 720, .rate = 30, .paced = true};
	const struct source_options once = {.once = true, .paced = true, .rate = 200};
	struct recorder_report report;
	struct recorded first, again;
	char path[PATH_MAX];

	record(fixture, "test", &pattern, 75, "first", &report);
	assert_int_equal(report.frames, 75);
	assert_true(recorded_read(fixture->folder, "first", fixture->schema, &first));
	assert_int_equal(first.frames, 75);
	assert_int_equal(first.width, 1280);
	for (size_t i = 0; i < first.frames; i++)
		assert_int_equal(drawn_number(&first.frame[i]), i);
	expect_all_counted(&first, 75);

	snprintf(path, sizeof(path), "%s/first.mkv", fixture->folder);
	record(fixture, path, &once, 0, "again", &report);
	assert_true(recorded_read(fixture->folder, "again", fixture->schema, &again));
	assert_int_equal(again.frames, 75);
	for (size_t i = 0; i < again.frames; i++) {
		assert_int_equal(again.frame[i].size, first.frame[i].size);
		assert_memory_equal(again.frame[i].data, first.frame[i].data, first.frame[i].size);
	}
	recorded_free(&first);
	recorded_free(&again);
}

#define PADDING 20000

/* The next frame: a JPEG, behind it its number and much of nothing. */
static void frame_fill(struct frame *frame, uint64_t number, const uint8_t *jpeg, size_t size)
{
	frame->number = frame->sequence = number;
	frame->raw.format = PIXEL_JPEG;
	frame->raw.size = size + PADDING;
	if (raw_picture_reserve(&frame->raw, frame->raw.size))
		_exit(1);
	memset(frame->raw.data, (int)number, frame->raw.size);
	memcpy(frame->raw.data, jpeg, size);
	memcpy(frame->raw.data + size, &number, sizeof(number));
	for (int i = 0; i <= STAMP_LABELLED; i++)
		frame->stamps[i] = clock_now();
	memset(frame->scores, (int)number, 10 * sizeof(*frame->scores));
}

/* Feeds a recorder until it is killed: about a frame a millisecond, two of three labelled, new files often.
 */
_Noreturn static void feed(const struct recording_fixture *fixture, const char *pattern)
{
	struct recorder_options options = {.pattern = pattern,
		.memory = 4000000,
		.quality = 90,
		.top_k = 5,
		.network = fixture->network,
		.pl = "software",
		.smoothing = 0.5,
		.segment.bytes = 1000000};
	size_t size;
	uint8_t *jpeg = sample_jpeg(64, 48, JCS_RGB, NULL, 0, &size);
	struct frame_pool *pool;
	struct recorder *recorder;
	struct error e;

	if (frame_pool_create(1, 1, fixture->network->class_count, &pool) ||
		recorder_create(&options, &recorder, &e))
		_exit(1);
	struct frame *frame = frame_acquire(pool);
	recorder_begin(recorder);
	for (uint64_t number = 0;; number++) {
		frame_fill(frame, number, jpeg, size);
		recorder_frame(recorder, frame, 0);
		if (number % 3)
			recorder_label(recorder, frame);
		usleep(1000);
	}
}

static uint64_t number_in(const struct recorded_packet *packet)
{
	uint64_t number;

	assert_true(packet->size > PADDING);
	memcpy(&number, packet->data + packet->size - PADDING, sizeof(number));
	return number;
}

/*
 * What is left of one: whole frames in order without a gap, whole lines, none of them about a missing frame.
 * Before its first frame is whole, a file is no video to libavformat, and its log has no frame.
 */
static uint64_t expect_sound(
	const struct recording_fixture *fixture, const char *pattern_name, unsigned *broken_off)
{
	uint64_t next = 0;

	for (unsigned i = 1;; i++) {
		struct recorded r = {0};
		char video[PATH_MAX], log[PATH_MAX];
		snprintf(video, sizeof(video), "%s/%s-%04u.mkv", fixture->folder, pattern_name, i);
		snprintf(log, sizeof(log), "%s/%s-%04u.jsonl", fixture->folder, pattern_name, i);
		if (access(log, F_OK) != 0)
			return next;
		recorded_read_video(video, &r);
		if (!recorded_read_log(log, fixture->schema, &r))
			fail_msg("%s: a line is not what the schema allows", log);
		for (size_t k = 0; k < r.frames; k++)
			assert_int_equal(number_in(&r.frame[k]), next++);
		for (size_t k = 1; k < r.lines; k++)
			if (json_object_get(r.line[k], "top"))
				assert_true(recorded_number(r.line[k], "frame") < (int64_t)r.frames);
		*broken_off += !recorded_event(&r, "closed");
		recorded_free(&r);
	}
}

static void test_killed(void **state)
{
	struct recording_fixture *fixture = *state;
	const char *text = getenv("TWOBIT_KILLS");
	int kills = text ? atoi(text) : 10;
	uint32_t seed = (uint32_t)getpid();
	unsigned broken_off = 0;
	uint64_t frames = 0;
	char name[16], pattern[PATH_MAX];

	/* On a busy machine some more, until one came after the first frame. */
	for (int i = 0; i < kills || (!frames && i < 100 * kills); i++) {
		int status;
		snprintf(name, sizeof(name), "k%d", i);
		snprintf(pattern, sizeof(pattern), "%s/%s-%%i.mkv", fixture->folder, name);
		fflush(NULL);
		pid_t child = fork();
		assert_true(child >= 0);
		if (!child)
			feed(fixture, pattern);
		usleep((unsigned)random_within(&seed, 20000, 320000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		frames += expect_sound(fixture, name, &broken_off);
	}
	print_message("%d kills, %u files left unfinished, %llu frames, all of them whole and in order\n",
		kills, broken_off, (unsigned long long)frames);
	assert_true(broken_off > 0 && frames > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_lost, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_killed, fixture_begin, fixture_end),
	};

	log_configure(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
