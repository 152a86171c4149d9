/* SPDX-License-Identifier: MIT */
/* What the recorder is made of: names, conditions, the pre-roll ring, the log and its reader. */
#include "base/clock.h"
#include "base/error.h"
#include "recorder/frame_ring.h"
#include "recorder/log_reader.h"
#include "recorder/names.h"
#include "recorder/when.h"
#include "support/folder.h"
#include "support/json_schema.h"
#include "support/memory.h"
#include "support/network_builder.h"
#include "support/random.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_names_checked(void **state)
{
	static const char *const good[] = {
		"a.mkv", "/x/y/%Y%m%d-%H%M%S.mkv", "./%i.mkv", "100%%.mkv", "%j %s.mkv"};
	static const char *const bad[] = {
		"", ".mkv", "/tmp/.mkv", "a.mp4", "a", "%Y/a.mkv", "%q.mkv", "a%.mkv", "%F.mkv"};
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(names_check(good[i], &e), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (names_check(bad[i], &e) != -EINVAL)
			fail_msg("\"%s\" was taken for a name", bad[i]);
	char many[260] = "";
	for (int i = 0; i < 30; i++)
		memcpy(many + 2 * (size_t)i, "%s", 3);
	strcat(many, ".mkv");
	assert_int_equal(names_check(many, &e), -EINVAL); /* 300 digits */
}

static char *path_in(const char *folder, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}

static void file_make(const char *folder, const char *name)
{
	char *path = path_in(folder, name);

	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	free(path);
}

/* The next name of the pattern in the folder, without the folder; the file is then made. */
static void expect_name(const char *folder, const char *name, unsigned *number, const char *expected)
{
	char *pattern = path_in(folder, name);
	char path[PATH_MAX];
	time_t when = 1700000000; /* 2023-11-14 22:13:20 UTC */

	assert_int_equal(names_next(pattern, when, number, path), 0);
	assert_string_equal(strrchr(path, '/') + 1, expected);
	assert_true(names_match(pattern, expected));
	file_make(folder, expected);
	free(pattern);
}

static void test_names_made(void **state)
{
	char *folder = folder_create();
	unsigned number = 1, again = 1;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	expect_name(folder, "a.mkv", &number, "a.mkv");
	expect_name(folder, "a.mkv", &number, "a-2.mkv");
	expect_name(folder, "a.mkv", &number, "a-3.mkv");
	number = 1;
	expect_name(folder, "%Y%m%d-%H%M%S 100%%.mkv", &number, "20231114-221320 100%.mkv");
	expect_name(folder, "%y %j %s.mkv", &number, "23 318 1700000000.mkv");
	file_make(folder, "cam-0002.jsonl"); /* a log is in the way as well */
	expect_name(folder, "cam-%i.mkv", &number, "cam-0001.mkv");
	expect_name(folder, "cam-%i.mkv", &number, "cam-0003.mkv");
	assert_int_equal(number, 3);
	expect_name(folder, "cam-%i.mkv", &again, "cam-0004.mkv");
	folder_destroy(folder);
}

static void test_names_matched(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{"x/%Y%m%d-%H%M%S.mkv", "20231114-221320.mkv", true},
		{"x/%Y%m%d-%H%M%S.mkv", "20231114-221320-17.mkv", true},
		{"x/%Y%m%d-%H%M%S.mkv", "20231114-22132.mkv", false},
		{"x/%Y%m%d-%H%M%S.mkv", "20231114-2213200.mkv", false},
		{"x/%Y%m%d-%H%M%S.mkv", "20231114-221320.mkv~", false},
		{"x/%Y%m%d-%H%M%S.mkv", "20231114-221320.jsonl", false},
		{"x/%Y%m%d-%H%M%S.mkv", "my 20231114-221320.mkv", false},
		{"cam-%i.mkv", "cam-0001.mkv", true},
		{"cam-%i.mkv", "cam-123456.mkv", true},
		{"cam-%i.mkv", "cam-.mkv", false},
		{"cam-%i.mkv", "cam-x.mkv", false},
		{"cam-%i.mkv", "cam-0001-2.mkv", false}, /* what is numbered gets no other number */
		{"a.mkv", "a.mkv", true},
		{"a.mkv", "a-2.mkv", true},
		{"a.mkv", "a-10.mkv", true},
		{"a.mkv", "a-1.mkv", false}, /* the second is -2 */
		{"a.mkv", "a-02.mkv", false},
		{"a.mkv", "a-.mkv", false},
		{"a.mkv", "a-2b.mkv", false},
		{"a.mkv", "ab.mkv", false},
		{"a.mkv", "", false},
		{"100%%.mkv", "100%.mkv", true},
		{"%i%Y.mkv", "00012023.mkv", true},
		{"%i%i9.mkv", "119.mkv", true},
		{"%i%i9.mkv", "19.mkv", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (names_match(cases[i].pattern, cases[i].name) != cases[i].matches)
			fail_msg("%s and %s", cases[i].pattern, cases[i].name);
}

/* tiny_network with all odd classes in its group "odd", and a label that has a sign in it. */
static struct network *grouped_network(void)
{
	struct network *network = tiny_network(7);
	int *odd = must_allocate(5, sizeof(*odd));

	for (int i = 0; i < 5; i++)
		odd[i] = 2 * i + 1;
	assert_int_equal(network->group_count, 2);
	free(network->groups[1].name);
	free(network->groups[1].classes);
	network->groups[1] = (struct label_group){strdup("odd"), odd, 5};
	free(network->labels[3]);
	network->labels[3] = strdup("a > \"b\"");
	return network;
}

static void test_conditions(void **state)
{
	static const char *const bad[] = {"", "odd", ">0.5", "odd>", "odd>1.5", "odd>-1", "odd>x",
		"prime>0.5", "odd>0.5x", "odd>nan", "label 99>0.1", "odd=0.5", "odd 0.5"};
	struct network *network = grouped_network();
	double shares[10] = {0};
	struct when when;
	struct error e;

	(void)state;
	shares[1] = 3;
	shares[3] = 2;
	shares[4] = 5; /* of 10 */
	assert_int_equal(when_parse("odd>0.49", network, &when, &e), 0);
	assert_true(when_holds(&when, network, shares));
	assert_int_equal(when_parse(" ODD > 0.51 ", network, &when, &e), 0);
	assert_false(when_holds(&when, network, shares));
	assert_int_equal(when_parse("Label 4>0.4", network, &when, &e), 0);
	assert_true(when_holds(&when, network, shares));
	assert_int_equal(when_parse("label 4<0.4", network, &when, &e), 0);
	assert_false(when_holds(&when, network, shares));
	assert_int_equal(when_parse("label 0<0.4", network, &when, &e), 0);
	assert_true(when_holds(&when, network, shares));
	assert_int_equal(when_parse("a > \"b\">0.1", network, &when, &e), 0);
	assert_int_equal(when.index, 3);
	assert_true(when_holds(&when, network, shares));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (when_parse(bad[i], network, &when, &e) != -EINVAL)
			fail_msg("\"%s\" was taken for a condition", bad[i]);
	network_destroy(network);
}

/* Frames of random sizes go in and come out whole and in order; memory is reused; what has no room is
 * refused. */
static void test_frame_ring(void **state)
{
	uint8_t data[4096];
	struct frame_ring *ring;
	uint32_t seed = 5;
	uint64_t in = 100, out = 100;

	(void)state;
	assert_int_equal(frame_ring_create(10000, 16, 4, &ring), 0);
	assert_false(frame_ring_could_hold(ring, 10001));
	assert_true(frame_ring_could_hold(ring, 10000));
	assert_null(frame_ring_find(ring, 0));
	for (int step = 0; step < 20000; step++) {
		struct ring_frame frame = {
			.number = in, .size = (size_t)random_within(&seed, 1, 4000), .data = data};
		if (random_within(&seed, 0, 9) == 0) {
			frame.data = NULL;
			frame.size = 0;
		}
		memset(data, (int)(in & 0xff), frame.size);
		if (random_within(&seed, 0, 2) && frame_ring_push(ring, &frame)) {
			frame_ring_find(ring, in)->scores[3] = (int32_t)in;
			in++;
		} else if (frame_ring_count(ring)) {
			const struct ring_frame *first = frame_ring_at(ring, 0);
			assert_int_equal(first->number, out);
			assert_int_equal(first->scores[3], (int32_t)out);
			for (size_t i = 0; i < first->size; i++)
				assert_int_equal(first->data[i], (uint8_t)out);
			frame_ring_pop(ring);
			out++;
		}
		assert_int_equal(frame_ring_count(ring), in - out);
		assert_null(frame_ring_find(ring, in));
		assert_null(frame_ring_find(ring, out - 1));
	}
	assert_true(in > 5000);
	frame_ring_destroy(ring);
}

/* Frames that found no room leave gaps in the numbers. */
static void test_frame_ring_with_gaps(void **state)
{
	struct frame_ring *ring;
	uint64_t number = 7;

	(void)state;
	assert_int_equal(frame_ring_create(1, 16, 1, &ring), 0);
	for (uint64_t i = 0; i < 100; i++, number += 1 + i % 5) {
		if (frame_ring_count(ring) == 16)
			frame_ring_pop(ring);
		assert_true(frame_ring_push(ring, &(struct ring_frame){.number = number}));
		for (uint64_t n = 0; n <= number + 1; n++) {
			struct ring_frame *expected = NULL;
			for (int place = 0; place < frame_ring_count(ring); place++)
				if (frame_ring_at(ring, place)->number == n)
					expected = frame_ring_at(ring, place);
			assert_ptr_equal(frame_ring_find(ring, n), expected);
		}
	}
	frame_ring_destroy(ring);
}

static const char about_line[] =
	"{\"format\":\"twobit-labels\",\"version\":2,\"video\":\"a.mkv\",\"segment\":1,"
	"\"monotonic\":5,\"wall\":\"2023-11-14T22:13:20.000000Z\",\"width\":64,\"height\":48,"
	"\"burn_in\":false,\"top_k\":3,\"smoothing\":0.7,\"threshold\":0.1,\"network\":\"tiny\","
	"\"pl\":\"software\"}";

/* Any confidence that a float can be, and labels with all that needs care. */
static struct verdict random_verdict(uint32_t *seed, const struct network *network)
{
	struct classification own = {.count = 5}, smoothed = {.count = 5};
	struct verdict verdict;

	for (int i = 0; i < 5; i++) {
		own.top[i] = (struct prediction){random_within(seed, 0, 9),
			(float)random_next(seed) / 16777216.0F / (float)random_within(seed, 1, 1000)};
		smoothed.top[i] = own.top[i];
	}
	own.group = (struct prediction){random_within(seed, -1, 0), own.top[4].confidence};
	smoothed.group = own.group;
	smoothed.top[0].confidence = nextafterf(own.top[0].confidence, 1);
	verdict_make(&verdict, network, 3, &own, &smoothed);
	struct headline shown = {(enum headline_kind)random_within(seed, HEADLINE_NONE, HEADLINE_LABEL), 0,
		nextafterf(own.top[0].confidence, 0)};
	verdict_set_shown(&verdict, network, &shown);
	return verdict;
}

static struct label_log *log_begin(const char *path, enum label_log_kind kind)
{
	struct label_log *log;
	struct error e;

	assert_int_equal(label_log_open(path, kind, 3, about_line, &log, &e), 0);
	return log;
}

static const struct label_past past = {
	.smoothing = {.class_count = 3, .past = (double[]){1.5, -1e-300, 1.0 / 3}, .begun = true, .time = 6},
	.state = {{HEADLINE_GROUP, 0, 0.1F}, {HEADLINE_LABEL, 2, 0.7F}, 5}};

static void log_fill(struct label_log *log, const struct network *network, int frames, uint32_t seed)
{
	int64_t stamps[STAMP_COUNT] = {0};
	struct error e;

	for (int i = 0; i < STAMP_COUNT; i++)
		stamps[i] = 1000000 + 5000 * i;
	struct label_event event = {"smoothing", 0, 7, 1700000000 * NS_PER_S, NULL, &past};
	assert_int_equal(label_log_event(log, &event, &e), 0);
	for (int i = 0; i < frames; i++) {
		struct label_line line = {.frame = (uint64_t)i,
			.sequence = UINT64_C(5000000000) + (uint64_t)i,
			.wall = 1700000000 * NS_PER_S + 123456789,
			.dropped = {1, 2, 3, 4},
			.stamps = stamps,
			.by = "software",
			.verdict = random_verdict(&seed, network)};
		assert_int_equal(label_log_frame(log, &line, &e), 0);
	}
	event = (struct label_event){
		"camera_lost", 9, 8, 1700000000 * NS_PER_S, "\"x\",\n\x01 \xff\xc3\xa9\\", NULL};
	assert_int_equal(label_log_event(log, &event, &e), 0);
	assert_int_equal(label_log_close(log, &e), 0);
}

/* What is written is read back with the same bits, and each line matches the schema. */
static void test_log_there_and_back(void **state)
{
	char *folder = folder_create(), *path = path_in(folder, "a.jsonl");
	struct network *network = grouped_network();
	json_t *schema = json_load_file("docs/label-log.schema.json", 0, NULL);
	struct text_builder written = {0}, read = {0};
	struct log_reader *reader;
	struct log_entry entry;
	struct error e;
	uint32_t seed = 99;

	(void)state;
	assert_non_null(schema);
	log_fill(log_begin(path, LABEL_LOG_JSON), network, 300, seed);
	assert_int_equal(log_reader_open(path, &reader, &e), 0);
	assert_string_equal(log_reader_about(reader)->network, "tiny");
	assert_true(log_reader_about(reader)->smoothing == 0.7);
	assert_int_equal(log_reader_next(reader, &entry, &e), 0);
	assert_string_equal(entry.event, "smoothing");
	assert_true(json_real_value(json_array_get(entry.scores, 2)) == 1.0 / 3);
	assert_true(json_real_value(json_array_get(entry.scores, 1)) == -1e-300);
	assert_int_equal(entry.time, 6);
	assert_true(headline_same(&entry.state.shown, &past.state.shown));
	assert_true(entry.state.shown.confidence == 0.1F);
	assert_true(headline_same(&entry.state.challenger, &past.state.challenger));
	assert_int_equal(entry.state.since, 5);
	for (int i = 0; i < 300; i++) {
		struct verdict expected = random_verdict(&seed, network);
		assert_int_equal(log_reader_next(reader, &entry, &e), 0);
		assert_int_equal(entry.frame, i);
		assert_int_equal(entry.time, 1000000);
		for (int k = 0; k < expected.count; k++)
			assert_true(
				(float)entry.verdict.top[k].confidence == (float)expected.top[k].confidence);
		assert_true((float)entry.verdict.smoothed.confidence == (float)expected.smoothed.confidence);
		text_clear(&written);
		text_clear(&read);
		verdict_print(&written, &expected);
		verdict_print(&read, &entry.verdict);
		assert_string_equal(written.data, read.data);
	}
	assert_int_equal(log_reader_next(reader, &entry, &e), 0);
	assert_string_equal(entry.event, "camera_lost");
	assert_int_equal(log_reader_next(reader, &entry, &e), -ENODATA);
	log_reader_close(reader);

	char *line = NULL;
	size_t capacity = 0;
	int lines = 0;
	FILE *file = fopen(path, "re");
	while (getline(&line, &capacity, file) > 0) {
		json_t *value = json_loads(line, 0, NULL);
		if (!schema_allows(schema, schema, value))
			fail_msg("against the schema: %s", line);
		/* A stranger among the members is not allowed. */
		json_object_set_new(value, "stranger", json_true());
		assert_false(schema_allows(schema, schema, value));
		json_decref(value);
		lines++;
	}
	assert_int_equal(lines, 303);
	fclose(file);
	free(line);
	text_finish(&written);
	text_finish(&read);
	json_decref(schema);
	network_destroy(network);
	free(path);
	folder_destroy(folder);
}

static int columns_of(const char *line)
{
	bool quoted = false;
	int columns = 1;

	for (; *line; line++) {
		quoted ^= *line == '"';
		columns += *line == ',' && !quoted;
	}
	return columns;
}

/* CSV: as many columns in each row, whatever is in the labels. */
static void test_log_csv(void **state)
{
	char *folder = folder_create(), *path = path_in(folder, "a.csv");
	struct network *network = grouped_network();
	char line[4096];
	int columns = 0, rows = 0;

	(void)state;
	log_fill(log_begin(path, LABEL_LOG_CSV), network, 50, 3);
	FILE *file = fopen(path, "re");
	assert_non_null(fgets(line, sizeof(line), file));
	assert_int_equal(strncmp(line, "# {", 3), 0);
	while (fgets(line, sizeof(line), file)) {
		/* The last event's text has a line end in it. */
		if (strncmp(line, "camera_lost", 11) == 0)
			break;
		columns = columns ? columns : columns_of(line);
		assert_int_equal(columns_of(line), columns);
		rows++;
	}
	assert_int_equal(rows, 1 + 1 + 50);
	fclose(file);
	network_destroy(network);
	free(path);
	folder_destroy(folder);
}

/* The text of a row's column that the header calls by this name. */
static char *column(const char *header, char *row, const char *name)
{
	const char *at = strstr(header, name);

	assert_non_null(at);
	for (; at > header; at--)
		if (at[-1] == ',')
			row = strchr(row, ',') + 1;
	row[strcspn(row, ",")] = '\0';
	return row;
}

static void test_log_csv_has_the_face(void **state)
{
	static const char *const expected[] = {"", "none", "10 20 30 40"};
	char *folder = folder_create(), *path = path_in(folder, "a.csv"), header[1000], row[1000];
	struct label_log *log = log_begin(path, LABEL_LOG_CSV);
	int64_t stamps[STAMP_COUNT] = {0};
	struct error e;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct label_line line = {.stamps = stamps, .by = "software", .looks_for_faces = i > 0};
		if (i == 2)
			line.face = (struct picture_area){10, 20, 30, 40};
		assert_int_equal(label_log_frame(log, &line, &e), 0);
	}
	assert_int_equal(label_log_close(log, &e), 0);
	FILE *file = fopen(path, "re");
	assert_non_null(fgets(header, sizeof(header), file));
	assert_non_null(fgets(header, sizeof(header), file));
	for (int i = 0; i < 3; i++) {
		assert_non_null(fgets(row, sizeof(row), file));
		assert_string_equal(column(header, row, "face"), expected[i]);
	}
	fclose(file);
	free(path);
	folder_destroy(folder);
}

#define FRAME_LINE(time, shown)                                                                              \
	"{\"frame\":0,\"by\":\"x\",\"monotonic\":" time                                                      \
	",\"top\":[{\"label\":\"a\",\"index\":0,\"confidence\":1}],\"group\":null,\"smoothed\":{\"label\":"  \
	"\"a\","                                                                                             \
	"\"index\":0,\"confidence\":1},\"smoothed_group\":null" shown "}"

/* No log, a later one, a damaged one; one that breaks off in a line is whole before it. */
static void test_log_damaged(void **state)
{
	static const char *const heads[] = {"", "hello\n", "{}\n", "[1]\n",
		"{\"format\":\"twobit-labels\",\"version\":3}\n",
		"{\"format\":\"twobit-labels\",\"version\":1}\n"};
	static const char *const lines[] = {"nonsense", "[]", "{}", "{\"frame\":-1,\"event\":\"opened\"}",
		"{\"frame\":1}", "{\"frame\":1,\"by\":\"x\",\"top\":[]}",
		"{\"frame\":0,\"event\":\"smoothing\"}",
		"{\"frame\":0,\"event\":\"smoothing\",\"scores\":[]}",
		"{\"frame\":0,\"event\":\"smoothing\",\"scores\":[],\"before\":1,\"shown\":null,"
		"\"challenger\":{\"group\":-1,\"confidence\":0},\"since\":null}",
		FRAME_LINE("-1", ",\"shown\":null"), FRAME_LINE("1", "")};
	struct log_reader *reader;
	struct log_entry entry;
	struct error e;
	char text[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		FILE *file = fmemopen((void *)heads[i], strlen(heads[i]) ? strlen(heads[i]) : 1, "r");
		assert_int_equal(log_reader_open_file(file, "x.jsonl", &reader, &e), -EBADMSG);
		assert_null(reader);
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "%s\n%s\n", about_line, lines[i]);
		assert_int_equal(
			log_reader_open_file(fmemopen(text, strlen(text), "r"), "x.jsonl", &reader, &e), 0);
		assert_int_equal(log_reader_next(reader, &entry, &e), -EBADMSG);
		assert_non_null(strstr(e.text, "line 2"));
		log_reader_close(reader);
	}
	snprintf(text, sizeof(text), "%s\n{\"frame\":0,\"event\":\"opened\"}\n{\"frame\":1,\"ev", about_line);
	assert_int_equal(log_reader_open_file(fmemopen(text, strlen(text), "r"), "x.jsonl", &reader, &e), 0);
	assert_int_equal(log_reader_next(reader, &entry, &e), 0);
	assert_int_equal(log_reader_next(reader, &entry, &e), -ENODATA);
	log_reader_close(reader);
	/* What is refused above is one fault away from this. */
	snprintf(text, sizeof(text), "%s\n%s\n", about_line, FRAME_LINE("1", ",\"shown\":null"));
	assert_int_equal(log_reader_open_file(fmemopen(text, strlen(text), "r"), "x.jsonl", &reader, &e), 0);
	assert_int_equal(log_reader_next(reader, &entry, &e), 0);
	assert_null(entry.verdict.shown.label);
	log_reader_close(reader);
}

/* A builder that was given nothing but empty text holds an empty text. */
static void test_empty_text(void **state)
{
	struct text_builder text = {0};

	(void)state;
	text_add(&text, "%s", "");
	assert_false(text.failed);
	assert_non_null(text.data);
	assert_string_equal(text.data, "");
	text_finish(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_text),
		cmocka_unit_test(test_names_checked),
		cmocka_unit_test(test_names_made),
		cmocka_unit_test(test_names_matched),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_frame_ring),
		cmocka_unit_test(test_frame_ring_with_gaps),
		cmocka_unit_test(test_log_there_and_back),
		cmocka_unit_test(test_log_csv),
		cmocka_unit_test(test_log_csv_has_the_face),
		cmocka_unit_test(test_log_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
