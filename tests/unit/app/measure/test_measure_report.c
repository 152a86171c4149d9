/* SPDX-License-Identifier: MIT */
/* The page that `measure --report` writes, and the data of its charts; cli.measure_page draws it in a
 * browser. */
#include "base/error.h"
#include "cli/output.h"
#include "flow/trace.h"
#include "measure/measure.h"
#include "measure/report.h"
#include "support/network_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PICTURES 40
#define PERIOD 100000 /* ns from picture to picture */

struct fixture {
	struct network *network;
	struct measurement measurement;
	struct measured_all all;
};

/* Picture i takes (i + 1) µs, and 3 µs more without overlap; the last one is slow. */
static int latency_of(int i, int kind)
{
	return i == PICTURES - 1 ? 1000 : i + 1 + 3 * kind;
}

static void add_times(struct measured_pipeline *pipeline, int kind)
{
	assert_int_equal(samples_create(&pipeline->latencies, PICTURES), 0);
	assert_int_equal(samples_create(&pipeline->intervals, PICTURES), 0);
	for (int i = 0; i < PICTURES; i++) {
		assert_true(samples_add(&pipeline->latencies, INT64_C(1000) * latency_of(i, kind)));
		assert_true(samples_add(&pipeline->intervals, PERIOD));
	}
	assert_int_equal(samples_summarise(&pipeline->latencies, &pipeline->latency), 0);
	assert_int_equal(samples_summarise(&pipeline->intervals, &pipeline->interval), 0);
	pipeline->pictures = PICTURES;
}

enum { CONV0, PL, LABEL, STAGES };

/* Begin and end of each stage's work on a picture, as shares of a period. */
static const double work[STAGES][2] = {[CONV0] = {0, 0.25}, [PL] = {0.25, 0.75}, [LABEL] = {0.75, 0.875}};

static void add_trace(struct measured_pipeline *pipeline)
{
	static const char *const stages[] = {"conv0", "pl", "label", NULL}, *const counters[] = {NULL};

	assert_int_equal(trace_create("tiny", stages, counters, 256, &pipeline->trace), 0);
	for (int i = 0; i < PICTURES; i++)
		for (int stage = 0; stage < STAGES; stage++) {
			int64_t begun = INT64_C(5000000) + (int64_t)i * PERIOD;
			trace_span(pipeline->trace, stage, stage, begun + (int64_t)(work[stage][0] * PERIOD),
				begun + (int64_t)(work[stage][1] * PERIOD), (uint64_t)i);
		}
}

static void fixture_init(struct fixture *f, const char *name)
{
	struct error e;

	*f = (struct fixture){.network = tiny_network(7)};
	free(f->network->name);
	f->network->name = strdup(name);
	f->all = (struct measured_all){
		.networks = &f->measurement, .count = 1, .no_energy = "none", .date = "2026-11-21T10:00:00Z"};
	assert_int_equal(measurement_init(f->network, &f->measurement, &e), 0);
	strcpy(f->measurement.pl, "software");
	for (int i = 0; i < MEASURED_TIMES; i++)
		f->measurement.times[i] = summary_constant(1000 + i);
	for (int k = 0; k < PIPELINE_KINDS; k++) {
		add_times(&f->measurement.pipelines[k], k);
		add_trace(&f->measurement.pipelines[k]);
	}
}

static void fixture_finish(struct fixture *f)
{
	measurement_finish(&f->measurement);
	network_destroy(f->network);
}

static char *page_of(const json_t *document)
{
	char *page = NULL;
	size_t size;
	FILE *file = open_memstream(&page, &size);

	assert_non_null(file);
	assert_int_equal(measure_report(file, document), 0);
	fclose(file);
	return page;
}

static int occurrences(const char *text, const char *word)
{
	int count = 0;

	for (; (text = strstr(text, word)); text++)
		count++;
	return count;
}

/* The end of the content of an element that contains no others: script and style. */
static const char *skip_content(const char *name, const char *at)
{
	char end[24];

	if (strcmp(name, "script") != 0 && strcmp(name, "style") != 0)
		return at;
	snprintf(end, sizeof(end), "</%s", name);
	at = strstr(at, end);
	assert_non_null(at);
	return at - 1;
}

/* Every element is closed, and in the right order. */
static void check_elements(const char *page)
{
	static const char *const alone[] = {"meta", "!DOCTYPE", "!--", NULL};
	char stack[32][16];
	int depth = 0;

	for (const char *at = page; (at = strchr(at, '<')); at++) {
		char name[16];
		const char *end = strchr(at, '>');
		assert_non_null(end);
		assert_int_equal(sscanf(at + 1, "%15[^ >]", name), 1);
		bool single = end[-1] == '/';
		for (int i = 0; alone[i]; i++)
			single |= strcmp(name, alone[i]) == 0;
		if (single)
			continue;
		if (name[0] != '/') {
			assert_true(depth < 32);
			memcpy(stack[depth++], name, sizeof(name));
			at = skip_content(name, end);
		} else {
			if (!depth || strcmp(stack[depth - 1], name + 1) != 0)
				fail_msg("%s closes %s", name, depth ? stack[depth - 1] : "nothing");
			depth--;
		}
	}
	assert_int_equal(depth, 0);
}

/* The page fetches nothing, and no text becomes HTML. */
static void check_page(const char *page)
{
	static const char *const refused[] = {"http:", "https:", "src=", "url(", "<link", "@import", "fetch(",
		"XMLHttpRequest", "import(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
		"eval(", "Function(", NULL};

	for (int i = 0; refused[i]; i++)
		if (strstr(page, refused[i]))
			fail_msg("the page holds %s", refused[i]);
	assert_int_equal(occurrences(page, "<script"), 2);
	assert_int_equal(occurrences(page, "</script>"), 2);
	assert_int_equal(occurrences(page, "<!--"), 1); /* the licence */
	assert_non_null(strstr(page, "Content-Security-Policy"));
	assert_non_null(strstr(page, "default-src 'none'"));
	assert_non_null(strstr(page, "prefers-color-scheme: dark"));
	check_elements(page);
}

/* The text of the element that holds the document, as a browser finds it. */
static char *embedded(const char *page)
{
	const char *begin = strstr(page, "<script type=\"application/json\" id=\"measurement\">");

	assert_non_null(begin);
	begin = strchr(begin, '>') + 1;
	const char *end = strstr(begin, "</script");
	assert_non_null(end);
	return strndup(begin, (size_t)(end - begin));
}

/* The page's document is the output of `measure --json`. */
static void assert_same_document(const char *page, const json_t *document)
{
	char *text = embedded(page), *wanted = json_dumps(document, OUTPUT_JSON_FLAGS);
	json_t *read = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	char *found = json_dumps(read, OUTPUT_JSON_FLAGS);

	assert_non_null(read);
	assert_string_equal(found, wanted);
	for (const char *c = text; *c; c++)
		assert_true(*c != '<' && (unsigned char)*c < 0x80);
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	free(found);
	free(wanted);
	free(text);
	json_decref(read);
}

static void test_report(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "tiny");
	json_t *document = measure_json(&f.all);
	char *page = page_of(document);
	check_page(page);
	assert_same_document(page, document);
	free(page);
	json_object_set_new(document, "comparison", json_pack("[{s:s}]", "network", "tiny"));
	page = page_of(document);
	assert_same_document(page, document);
	free(page);
	json_decref(document);
	fixture_finish(&f);
}

/* No name can end or begin an element. */
static void test_hostile_names(void **state)
{
	static const char *const names[] = {"</script><script>alert(1)</script>", "<!--<script>", "-->",
		"]]></SCRIPT >", "a\xe2\x80\xa8\xe2\x80\xa9z", "<b>\"tiny\" & 'co'</b>", "\\\"</script>",
		"µ \xf0\x9f\x98\x80"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fixture f;
		fixture_init(&f, names[i]);
		snprintf(f.all.before.processor, sizeof(f.all.before.processor), "%s", names[i]);
		json_t *document = measure_json(&f.all);
		char *page = page_of(document);
		check_page(page);
		assert_same_document(page, document);
		free(page);
		json_decref(document);
		fixture_finish(&f);
	}
}

static void test_failures(void **state)
{
	FILE *full = fopen("/dev/full", "w"), *null = fopen("/dev/null", "w");
	json_t *document = json_object();

	(void)state;
	if (full) {
		assert_int_equal(measure_report(full, document), -ENOSPC);
		fclose(full);
	}
	assert_non_null(null);
	assert_int_equal(measure_report(null, NULL), -ENOMEM);
	fclose(null);
	json_decref(document);
}

static json_t *pipeline_of(const json_t *document)
{
	return json_object_get(json_array_get(json_object_get(document, "networks"), 0), "pipeline");
}

static double number_at(const json_t *list, size_t i)
{
	return json_number_value(json_array_get(list, i));
}

/* The bins reach from 2 % below the fastest to 5 % above the slowest p95; slower pictures are in the last
 * one. */
static void test_histogram(void **state)
{
	static const char *const kinds[] = {"overlap", "in_turn"};
	struct fixture f;

	(void)state;
	fixture_init(&f, "tiny");
	json_t *document = measure_json(&f.all);
	json_t *histogram = json_object_get(pipeline_of(document), "histogram");
	double from = json_number_value(json_object_get(histogram, "from_us"));
	double step = json_number_value(json_object_get(histogram, "bin_us"));
	assert_float_equal(from, 0.98, 1e-9);
	assert_float_equal(from + 64 * step, (38 + 3) * 1.05, 1e-9);
	for (int k = 0; k < 2; k++) {
		json_t *counts = json_object_get(histogram, kinds[k]);
		int wanted[65] = {[64] = 1};
		for (int i = 0; i < PICTURES - 1; i++)
			wanted[(int)((latency_of(i, k) - from) / step)]++;
		assert_int_equal(json_array_size(counts), 65);
		for (size_t i = 0; i < 65; i++)
			assert_int_equal(json_integer_value(json_array_get(counts, i)), wanted[i]);
	}
	json_decref(document);
	fixture_finish(&f);
}

/* The timeline has five pictures at the median rate, from the first one's Conv0 to the last one's label. */
static void check_spans(const json_t *spans, double length)
{
	int count[STAGES] = {0};
	const json_t *span;
	size_t i;

	json_array_foreach(spans, i, span)
	{
		json_int_t stage = json_integer_value(json_array_get(span, 0));
		double picture = number_at(span, 1) - 12; /* 12 pictures fill the pipeline */
		assert_in_range(stage, 0, STAGES - 1);
		assert_float_equal(number_at(span, 2), (picture + work[stage][0]) * PERIOD / 1e3, 1e-9);
		assert_float_equal(number_at(span, 3), (picture + work[stage][1]) * PERIOD / 1e3, 1e-9);
		assert_true(number_at(span, 3) >= 0 && number_at(span, 2) <= length);
		count[stage]++;
	}
	for (int stage = 0; stage < STAGES; stage++)
		assert_int_equal(count[stage], 5);
}

static void test_timeline(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "tiny");
	json_t *document = measure_json(&f.all);
	json_t *timeline = json_object_get(pipeline_of(document), "timeline");
	json_t *stages = json_object_get(timeline, "stages");
	double length = json_number_value(json_object_get(timeline, "length_us"));
	assert_float_equal(length, 4.875 * PERIOD / 1e3, 1e-9);
	assert_int_equal(json_array_size(stages), STAGES);
	assert_string_equal(json_string_value(json_array_get(stages, CONV0)), "conv0");
	assert_string_equal(json_string_value(json_array_get(stages, PL)), "pl");
	assert_string_equal(json_string_value(json_array_get(stages, LABEL)), "label");
	check_spans(json_object_get(timeline, "overlap"), length);
	check_spans(json_object_get(timeline, "in_turn"), length);
	json_decref(document);
	fixture_finish(&f);
}

/* Without runs there is no chart. */
static void test_no_charts(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "tiny");
	f.measurement.pipelines[PIPELINE_IN_TURN].latency.runs = 0;
	trace_destroy(f.measurement.pipelines[PIPELINE_OVERLAPPED].trace);
	f.measurement.pipelines[PIPELINE_OVERLAPPED].trace = NULL;
	json_t *document = measure_json(&f.all);
	assert_non_null(json_object_get(pipeline_of(document), "overlap"));
	assert_null(json_object_get(pipeline_of(document), "histogram"));
	assert_null(json_object_get(pipeline_of(document), "timeline"));
	json_decref(document);
	strcpy(f.measurement.no_pipeline, "too slow & so on");
	document = measure_json(&f.all);
	assert_string_equal(
		json_string_value(json_object_get(pipeline_of(document), "not_run")), "too slow & so on");
	assert_null(json_object_get(pipeline_of(document), "overlap"));
	json_decref(document);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_no_charts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
