/* SPDX-License-Identifier: MIT */
/* --events: what stands in the file, by the schema, and that a reader who reads nothing holds nobody up. */
#include "base/clock.h"
#include "base/error.h"
#include "sink/sink.h"
#include "support/folder.h"
#include "support/json_schema.h"
#include "support/network_builder.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct sinks_fixture {
	struct network *network;
	struct sink_about about;
	struct sinks *sinks;
	char *folder, path[100];
	struct error e;
};

static void fixture_begin(struct sinks_fixture *f, int every)
{
	*f = (struct sinks_fixture){.network = tiny_network(7)};
	f->about = (struct sink_about){f->network, 0.5F, "a \"source\"", "software"};
	f->folder = folder_create();
	snprintf(f->path, sizeof(f->path), "%s/events", f->folder);
	const struct sink_options options = {.events = f->path, .events_every = every};
	assert_int_equal(sinks_open(&options, &f->sinks, &f->e), 0);
	assert_int_equal(sinks_start(f->sinks, &f->about, &f->e), 0);
}

static void fixture_end(struct sinks_fixture *f)
{
	network_destroy(f->network);
	folder_destroy(f->folder);
}

/* A result in which only that class is likely; below 0: nothing is known. */
static void see(struct sinks_fixture *f, uint64_t number, int class)
{
	static const uint64_t dropped[SINK_PLACES] = {0};
	struct frame frame = {.number = number, .result = classification_none};

	frame.stamps[STAMP_CAPTURED] = clock_now();
	if (class >= 0) {
		frame.result.count = 1;
		frame.result.top[0] = (struct prediction){class, 0.75F};
	}
	sinks_result(f->sinks, &frame, dropped, false);
}

/* The file's lines, each checked; the caller calls json_decref. */
static json_t *lines_of(const char *path)
{
	json_t *schema = json_load_file("docs/event.schema.json", 0, NULL), *all = json_array();
	FILE *file = fopen(path, "r");
	char line[4096];

	assert_non_null(schema);
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		json_t *value = json_loads(line, 0, NULL);
		assert_non_null(value);
		if (!schema_allows(schema, schema, value))
			fail_msg("not as in the schema: %s", line);
		json_array_append_new(all, value);
	}
	fclose(file);
	json_decref(schema);
	return all;
}

static const char *name_of(const json_t *lines, size_t line)
{
	return json_string_value(json_object_get(json_array_get(lines, line), "event"));
}

static void check_names(const json_t *lines, const char *const *names, size_t count)
{
	assert_int_equal(json_array_size(lines), count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(name_of(lines, i), names[i]);
}

static void labels_and_events(void **state)
{
	static const char *const names[] = {"start", "label_begin", "pl_failed", "label_end", "label_begin",
		"label_end", "camera_lost", "camera_back", "label_begin", "label_end", "stop"};
	struct sinks_fixture f;

	(void)state;
	fixture_begin(&f, 0);
	see(&f, 0, -1);
	see(&f, 1, 3);
	see(&f, 2, 3);
	sinks_event(f.sinks, "pl_failed", "the PL\n\"hangs\"");
	see(&f, 3, 4);
	sinks_event(f.sinks, "camera_lost", "it was unplugged");
	sinks_event(f.sinks, "camera_back", NULL);
	see(&f, 4, 4);
	sinks_close(f.sinks);
	json_t *lines = lines_of(f.path);
	check_names(lines, names, sizeof(names) / sizeof(names[0]));
	const json_t *end = json_array_get(lines, 3);
	assert_string_equal(json_string_value(json_object_get(end, "label")), f.network->labels[3]);
	assert_int_equal(json_integer_value(json_object_get(end, "id")), 1);
	assert_int_equal(json_integer_value(json_object_get(end, "frame")), 3);
	assert_true(json_real_value(json_object_get(end, "best")) == 0.75);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(lines, 2), "text")), "the PL\n\"hangs\"");
	json_decref(lines);
	fixture_end(&f);
}

/* Results on demand, each second one here; a second run goes on in the same file. */
static void results_on_demand(void **state)
{
	static const char *const names[] = {"start", "result", "result", "stop"};
	struct sinks_fixture f;

	(void)state;
	fixture_begin(&f, 2);
	for (uint64_t i = 0; i < 5; i++)
		see(&f, i, -1);
	sinks_close(f.sinks);
	json_t *lines = lines_of(f.path);
	check_names(lines, names, 4);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, 2), "frame")), 3);
	json_decref(lines);
	const struct sink_options options = {.events = f.path};
	assert_int_equal(sinks_open(&options, &f.sinks, &f.e), 0);
	assert_int_equal(sinks_start(f.sinks, &f.about, &f.e), 0);
	sinks_close(f.sinks);
	lines = lines_of(f.path);
	assert_int_equal(json_array_size(lines), 6);
	json_decref(lines);
	fixture_end(&f);
}

/* More lines than the pipe and the queue hold. */
static void reader_reads_nothing(void **state)
{
	struct sinks_fixture f = {.network = tiny_network(7)};

	(void)state;
	f.about = (struct sink_about){f.network, 0.5F, "source", "software"};
	f.folder = folder_create();
	snprintf(f.path, sizeof(f.path), "%s/pipe", f.folder);
	assert_int_equal(mkfifo(f.path, 0600), 0);
	int reader = open(f.path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	const struct sink_options options = {.events = f.path, .events_every = 1};
	assert_int_equal(sinks_open(&options, &f.sinks, &f.e), 0);
	assert_int_equal(sinks_start(f.sinks, &f.about, &f.e), 0);
	for (uint64_t i = 0; i < 4000; i++)
		see(&f, i, 1);
	sinks_close(f.sinks);
	close(reader);
	fixture_end(&f);
}

static void cannot_be_written(void **state)
{
	const struct sink_options options = {.events = "nowhere/events"};
	struct error e = {0};
	struct sinks *sinks;

	(void)state;
	assert_int_equal(sinks_open(&options, &sinks, &e), -ENOENT);
	assert_string_equal(e.text, "nowhere/events: cannot be written: No such file or directory");
	assert_ptr_equal(e.wrong, options.events);
	assert_null(sinks);
	sinks_close(sinks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_and_events),
		cmocka_unit_test(results_on_demand),
		cmocka_unit_test(reader_reads_nothing),
		cmocka_unit_test(cannot_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
