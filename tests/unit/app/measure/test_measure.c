/* SPDX-License-Identifier: MIT */
/* The results of `measure`, its JSON and its comparison. Speed is not tested. */
#include "base/error.h"
#include "machine/energy.h"
#include "measure/compare.h"
#include "measure/measure.h"
#include "nn/pool.h"
#include "pl/pl.h"
#include "support/folder.h"
#include "support/network_builder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The PL's results and cycles, which tests can change. */
static int32_t spoiled[16];
static bool spoil, count_cycles;
static const struct network *counted_network;

const int32_t *__real_pl_output(struct pl *pl, int buffer);
const int32_t *__wrap_pl_output(struct pl *pl, int buffer);
const int32_t *__wrap_pl_output(struct pl *pl, int buffer)
{
	const int32_t *scores = __real_pl_output(pl, buffer);

	if (!spoil)
		return scores;
	memcpy(spoiled, scores, 10 * sizeof(*scores));
	spoiled[9]++;
	return spoiled;
}

bool __real_pl_cycles_read(struct pl *pl, struct pl_cycles *out);
bool __wrap_pl_cycles_read(struct pl *pl, struct pl_cycles *out);
bool __wrap_pl_cycles_read(struct pl *pl, struct pl_cycles *out)
{
	if (!count_cycles)
		return __real_pl_cycles_read(pl, out);
	*out = (struct pl_cycles){.hertz = 1e9, .frame = 600, .count = 3};
	out->layers[0].layer = &counted_network->layers[1];
	out->layers[0].cycles = 300;
	out->layers[1].layer = &counted_network->layers[3];
	out->layers[1].cycles = 200;
	out->layers[2].layer = &counted_network->layers[4];
	out->layers[2].cycles = 100;
	return true;
}

struct pipeline_fixture {
	struct network *network;
	struct measurement measurement;
	struct measured_all all;
};

static struct energy *meter;	/* for the next measurement; NULL: none */
static struct pool *layer_pool; /* … NULL: one thread */

static int measured_of(struct network *network, struct pipeline_fixture *fixture, double seconds,
	bool timeline, struct error *e)
{
	struct measure_options wanted = {.pl = "software",
		.batch = 1,
		.time_limit = (int64_t)(seconds * 1e9),
		.pool = layer_pool,
		.energy = meter,
		.timeline = timeline};
	enum failure where;

	*fixture = (struct pipeline_fixture){.network = network};
	counted_network = fixture->network;
	fixture->all = (struct measured_all){.networks = &fixture->measurement,
		.count = 1,
		.no_energy = "none",
		.date = "2026-11-21T10:00:00Z"};
	machine_read("", &fixture->all.before);
	fixture->all.after = fixture->all.before;
	int status = measure_network(fixture->network, &wanted, &fixture->measurement, &where, e);
	assert_int_equal(where, FAILURE_PL);
	return status;
}

static int measured(struct pipeline_fixture *fixture, double seconds, bool timeline, struct error *e)
{
	return measured_of(tiny_network(7), fixture, seconds, timeline, e);
}

static void fixture_end(struct pipeline_fixture *fixture)
{
	measurement_finish(&fixture->measurement);
	network_destroy(fixture->network);
}

/* Measures for a second; on a busy machine, where no run of the pipeline fits into that, for longer. */
static void measured_with_pipeline(struct pipeline_fixture *fixture, bool timeline)
{
	struct error e;

	for (double seconds = 1; seconds < 100; seconds *= 4) {
		assert_int_equal(measured(fixture, seconds, timeline, &e), 0);
		if (!fixture->measurement.no_pipeline[0])
			return;
		fixture_end(fixture);
	}
	fail_msg("the machine is too slow for a run of the pipeline");
}

static void assert_sound(const struct summary *s)
{
	assert_true(s->runs > 0);
	assert_true(s->minimum > 0 && s->minimum <= s->low && s->low <= s->p50 && s->p50 <= s->high);
	assert_true(s->p50 <= s->p95 && s->p95 <= s->p99 && s->p99 <= s->maximum && s->high <= s->maximum);
}

static void test_all_is_measured(void **state)
{
	struct pipeline_fixture fixture;

	(void)state;
	measured_with_pipeline(&fixture, false);
	const struct measurement *m = &fixture.measurement;
	assert_string_equal(m->pl, "software");
	assert_false(m->counted || m->simulated || m->stopped);
	for (int i = 0; i < MEASURED_TIMES; i++)
		assert_sound(&m->times[i]);
	/* the whole takes longer than its parts, in the same rounds */
	assert_true(m->times[MEASURED_ALL].minimum > m->times[MEASURED_PL].minimum);
	assert_true(m->times[MEASURED_SOFTWARE_ALL].minimum > m->times[MEASURED_SOFTWARE_LAYERS].minimum);
	for (int i = 0; i < fixture.network->layer_count; i++) {
		assert_ptr_equal(m->layers[i].layer, &fixture.network->layers[i]);
		assert_sound(&m->layers[i].software);
		assert_int_equal(m->layers[i].kernel[0] == '\0', i == 2); /* pool1 */
		if (i)
			assert_sound(&m->layers[i].pl);
		else
			assert_int_equal(m->layers[i].pl.runs, 0);
	}
	assert_string_equal(m->no_pipeline, "");
	for (int k = 0; k < PIPELINE_KINDS; k++) {
		assert_sound(&m->pipelines[k].interval);
		assert_sound(&m->pipelines[k].latency);
		assert_true(m->pipelines[k].pictures >= m->pipelines[k].latency.runs);
		assert_null(m->pipelines[k].trace);
	}
	assert_true(m->ideal > 0 && m->slowest_stage[0]);
	for (int i = 0; i < ALONE_STAGES; i++) {
		assert_sound(&m->alone[i]);
		assert_true(m->ideal >= m->alone[i].p50);
	}
	assert_float_equal(
		measured_reach(m) * (double)m->pipelines[PIPELINE_OVERLAPPED].interval.p50, m->ideal, 1);
	assert_true(m->joules < 0);
	fixture_end(&fixture);
}

/* A layer within a branch has a time in software, but cannot be alone in the PL. */
static void test_graph(void **state)
{
	static const char *const kinds[] = {
		"conv", "conv", "max_pool", "conv", "add", "concat", "average_pool", "fully_connected"};
	static const bool alone[] = {false, true, true, false, false, false, true, true};
	struct pipeline_fixture fixture;
	struct error e;

	(void)state;
	assert_int_equal(measured_of(tiny_graph(7), &fixture, 0.2, false, &e), 0);
	const struct measurement *m = &fixture.measurement;
	json_t *document = measure_json(&fixture.all);
	json_t *network = json_array_get(json_object_get(document, "networks"), 0);
	assert_int_equal(m->reach, 8);
	assert_true(json_is_null(json_object_get(network, "pl_stopped")));
	for (int i = 0; i < fixture.network->layer_count; i++) {
		json_t *layer = json_array_get(json_object_get(network, "layers"), (size_t)i);

		assert_true(m->layers[i].software.runs > 0);
		assert_int_equal(m->layers[i].pl.runs > 0, alone[i]);
		assert_string_equal(json_string_value(json_object_get(layer, "kind")), kinds[i]);
		assert_int_equal(json_is_null(json_object_get(layer, "kernel")),
			!layer_has_weights(&fixture.network->layers[i]));
	}
	json_decref(document);
	fixture_end(&fixture);
}

/* 2 × multiply-accumulates: 8·8·16·8·8·3 + 8·8·24·3·3·8 + 40·4·4·24 + 10·40. */
static void test_operations(void **state)
{
	struct network *network = tiny_network(1);

	(void)state;
	assert_int_equal(measured_operations(network), 2 * (196608 + 110592 + 15360 + 400));
	network_destroy(network);
}

static void test_wrong_pl(void **state)
{
	struct pipeline_fixture fixture;
	struct error e;

	(void)state;
	spoil = true;
	int status = measured(&fixture, 0.1, false, &e);
	spoil = false;
	assert_int_equal(status, -EBADMSG);
	assert_non_null(strstr(e.text, "another result"));
	fixture_end(&fixture);
}

/* A machine that draws 5 W takes, for each picture, 5 W times the interval. */
static void test_energy(void **state)
{
	char *root = folder_create();
	struct pipeline_fixture fixture;
	struct error e;

	(void)state;
	folder_put(root, "/sys/class/hwmon/hwmon0/name", "sensor\n");
	folder_put(root, "/sys/class/hwmon/hwmon0/power1_input", "5000000\n");
	assert_int_equal(energy_open(root, &meter, &e), 0);
	measured_with_pipeline(&fixture, false);
	const struct summary *interval = &fixture.measurement.pipelines[PIPELINE_OVERLAPPED].interval;
	assert_true(fixture.measurement.joules > 5e-9 * (double)interval->minimum / 5);
	assert_true(fixture.measurement.joules < 5e-9 * (double)interval->maximum * 5);
	energy_close(meter);
	meter = NULL;
	fixture_end(&fixture);
	folder_destroy(root);
}

/* A PL that reports 600 ns and takes far longer is simulated: its cycles give its times, and the pipeline
 * does not run. */
static void test_simulated_pl(void **state)
{
	struct pipeline_fixture fixture;
	struct error e;

	(void)state;
	count_cycles = true;
	int status = measured(&fixture, 0.1, true, &e);
	count_cycles = false;
	assert_int_equal(status, 0);
	const struct measurement *m = &fixture.measurement;
	assert_true(m->counted && m->simulated);
	assert_int_equal(m->times[MEASURED_PL].p50, 600);
	assert_int_equal(m->pl_alone, 600);
	assert_int_equal(m->times[MEASURED_ALL].p50,
		m->times[MEASURED_CONV0].p50 + 600 + m->times[MEASURED_LABEL].p50);
	assert_int_equal(m->layers[1].pl.p50, 300);
	assert_true(m->layers[2].merged);
	assert_int_equal(m->layers[2].pl.runs, 0);
	assert_int_equal(m->layers[4].pl.p50, 100);
	assert_true(m->no_pipeline[0]);
	assert_null(m->pipelines[0].trace);
	json_t *document = measure_json(&fixture.all);
	json_t *network = json_array_get(json_object_get(document, "networks"), 0);
	assert_true(json_is_true(json_object_get(network, "simulated")));
	assert_true(json_is_string(json_object_get(json_object_get(network, "pipeline"), "not_run")));
	json_decref(document);
	fixture_end(&fixture);
}

/* With threads there is a third pipeline, in which they share the layers. */
static void test_threads(void **state)
{
	struct pipeline_fixture fixture;
	struct error e;

	(void)state;
	assert_int_equal(pool_create(2, &layer_pool), 0);
	assert_int_equal(measured(&fixture, 0.2, false, &e), 0);
	pool_destroy(layer_pool);
	layer_pool = NULL;
	assert_int_equal(fixture.measurement.threads, 2);
	json_t *document = measure_json(&fixture.all);
	json_t *network = json_array_get(json_object_get(document, "networks"), 0);
	json_t *shared = json_object_get(json_object_get(network, "pipeline"), "threads");
	if (fixture.measurement.no_pipeline[0]) { /* a slow machine */
		assert_null(shared);
	} else {
		assert_sound(&fixture.measurement.pipelines[PIPELINE_SHARED].interval);
		assert_true(json_integer_value(json_object_get(shared, "pictures")) > 0);
	}
	json_decref(document);
	fixture_end(&fixture);
}

/* Without overlap, Conv0 and the PL never work at the same time. */
static void test_timelines(void **state)
{
	struct pipeline_fixture fixture;

	(void)state;
	measured_with_pipeline(&fixture, true);
	const struct trace *trace = fixture.measurement.pipelines[PIPELINE_IN_TURN].trace;
	assert_non_null(trace);
	assert_non_null(fixture.measurement.pipelines[PIPELINE_OVERLAPPED].trace);
	assert_int_equal(trace_left_out(trace), 0);
	const int conv0 = 2, pl = 3;
	assert_string_equal(trace_track_name(trace, conv0), "conv0");
	assert_string_equal(trace_track_name(trace, pl), "pl");
	for (size_t i = 0; i < trace_size(trace, conv0); i++)
		for (size_t j = 0; j < trace_size(trace, pl); j++) {
			const struct trace_event *a = trace_event(trace, conv0, i),
						 *b = trace_event(trace, pl, j);
			if (a->counter < 0 && b->counter < 0)
				assert_true(a->ended <= b->begun || b->ended <= a->begun);
		}
	json_t *document = measure_json(&fixture.all);
	json_t *pipeline =
		json_object_get(json_array_get(json_object_get(document, "networks"), 0), "pipeline");
	assert_non_null(json_object_get(pipeline, "histogram"));
	assert_non_null(json_object_get(pipeline, "timeline"));
	json_decref(document);
	fixture_end(&fixture);
}

/* The document of a measurement, read as a file is. */
static json_t *document_of(const struct measured_all *all)
{
	struct error e;
	json_t *document = measure_json(all), *read;
	char *text = json_dumps(document, JSON_COMPACT);

	assert_non_null(text);
	if (comparison_read(text, strlen(text), "own.json", &read, &e))
		fail_msg("%s", e.text);
	free(text);
	json_decref(document);
	return read;
}

static json_t *at(json_t *document, const char *key)
{
	return json_object_get(json_array_get(json_object_get(document, "networks"), 0), key);
}

static void test_compare(void **state)
{
	struct pipeline_fixture fixture;
	struct error e;
	size_t i;

	(void)state;
	measured_with_pipeline(&fixture, false);
	json_t *ours = document_of(&fixture.all), *theirs = document_of(&fixture.all), *row;
	assert_int_equal(comparison_check(ours, theirs, "x.json", &e), 0);
	/* in theirs the label takes twice as long, and the intervals do not touch */
	json_t *label = json_object_get(at(theirs, "times_us"), "label");
	json_t *mine = json_object_get(at(ours, "times_us"), "label");
	json_t *long_before = json_pack(
		"{s:f, s:f, s:f, s:i, s:b}", "p50", 20.0, "low", 19.0, "high", 21.0, "runs", 50, "stable", 1);
	json_t *now = json_pack(
		"{s:f, s:f, s:f, s:i, s:b}", "p50", 10.0, "low", 9.0, "high", 11.0, "runs", 50, "stable", 1);
	json_object_update(label, long_before);
	json_object_update(mine, now);
	json_decref(long_before);
	json_decref(now);
	json_t *rows = comparison_make(ours, theirs);
	int labels = 0;
	json_array_foreach(rows, i, row)
	{
		double ratio = json_real_value(json_object_get(row, "ratio"));
		bool is_label = strcmp(json_string_value(json_object_get(row, "what")), "label") == 0;
		labels += is_label;
		assert_float_equal(ratio, is_label ? 2 : 1, 1e-12);
		assert_int_equal(json_is_true(json_object_get(row, "differs")), is_label);
		assert_null(json_object_get(row, "this_by"));
		assert_null(json_object_get(row, "other_by"));
	}
	assert_int_equal(labels, 1);
	/* layers: 5 in software, 4 in the PL; 6 times; 2 of each of 2 pipelines */
	assert_int_equal(json_array_size(rows), 19);
	json_decref(rows);
	json_decref(ours);
	json_decref(theirs);
	fixture_end(&fixture);
}

static void assert_means(const json_t *ours, const json_t *theirs, const char *mine, const char *other)
{
	json_t *rows = comparison_make(ours, theirs), *row;
	size_t i;

	assert_int_equal(json_array_size(rows), 1);
	json_array_foreach(rows, i, row)
	{
		assert_string_equal(json_string_value(json_object_get(row, "this_by")), mine);
		assert_string_equal(json_string_value(json_object_get(row, "other_by")), other);
	}
	json_decref(rows);
}

/* Rows name PL and kernels if these differ. */
static void test_compare_means(void **state)
{
	struct pipeline_fixture fixture = {.network = tiny_network(7)};
	struct error e;

	(void)state;
	fixture.all = (struct measured_all){.networks = &fixture.measurement, .count = 1};
	assert_int_equal(measurement_init(fixture.network, &fixture.measurement, &e), 0);
	strcpy(fixture.measurement.pl, "rtl");
	fixture.measurement.layers[0].kernel = "a-bytes";
	fixture.measurement.layers[1].kernel = fixture.measurement.layers[4].kernel = "a-bits";
	fixture.measurement.times[MEASURED_LABEL] = summary_constant(1000);
	json_t *ours = document_of(&fixture.all), *theirs = json_deep_copy(ours);
	json_object_set_new(json_array_get(at(theirs, "layers"), 4), "kernel", json_string("b-bits"));
	assert_means(
		ours, theirs, "PL rtl; kernels a-bytes, a-bits", "PL rtl; kernels a-bytes, a-bits, b-bits");
	json_decref(theirs);
	theirs = json_deep_copy(ours);
	json_object_set_new(json_array_get(json_object_get(theirs, "networks"), 0), "simulated", json_true());
	assert_means(ours, theirs, "PL rtl; kernels a-bytes, a-bits",
		"PL rtl, simulated; kernels a-bytes, a-bits");
	json_object_set_new(json_array_get(json_object_get(ours, "networks"), 0), "simulated", json_true());
	json_object_set_new(json_array_get(json_object_get(ours, "networks"), 0), "pl", json_string("x\ny"));
	assert_means(ours, theirs, "PL x?y, simulated; kernels a-bytes, a-bits",
		"PL rtl, simulated; kernels a-bytes, a-bits");
	json_decref(ours);
	json_decref(theirs);
	fixture_end(&fixture);
}

static void test_compare_refuses(void **state)
{
	struct pipeline_fixture fixture;
	struct error e;

	(void)state;
	fixture = (struct pipeline_fixture){.network = tiny_network(7)};
	fixture.all = (struct measured_all){.networks = &fixture.measurement, .count = 1};
	assert_int_equal(measurement_init(fixture.network, &fixture.measurement, &e), 0);
	json_t *ours = document_of(&fixture.all), *theirs = json_deep_copy(ours);
	json_object_set_new(json_array_get(at(theirs, "layers"), 1), "weight_bits", json_integer(2));
	assert_int_equal(comparison_check(ours, theirs, "x.json", &e), -EBADMSG);
	assert_string_equal(
		e.text, "x.json: its tiny is another network: layer 2 (\"conv1\") has other shapes or bits");
	json_array_remove(at(theirs, "layers"), 4);
	assert_int_equal(comparison_check(ours, theirs, "x.json", &e), -EBADMSG);
	assert_string_equal(e.text, "x.json: its tiny is another network: it has 4 layers, this one has 5");
	json_object_set_new(
		json_array_get(json_object_get(theirs, "networks"), 0), "network", json_string("other"));
	assert_int_equal(comparison_check(ours, theirs, "x.json", &e), -EBADMSG);
	assert_string_equal(e.text, "x.json: has no measurement of tiny to compare with");
	json_decref(ours);
	json_decref(theirs);
	fixture_end(&fixture);
}

/* A document that is cut off, or has a field of another type, is refused. */
static void test_read_refuses(void **state)
{
	static const char *const members[] = {"network", "pl", "layers", "times_us", "pipeline"};
	struct pipeline_fixture fixture;
	struct error e;
	json_t *read;

	(void)state;
	fixture = (struct pipeline_fixture){.network = tiny_network(7)};
	fixture.all = (struct measured_all){.networks = &fixture.measurement, .count = 1};
	assert_int_equal(measurement_init(fixture.network, &fixture.measurement, &e), 0);
	json_t *document = measure_json(&fixture.all);
	char *text = json_dumps(document, JSON_COMPACT);
	size_t length = strlen(text);
	for (size_t cut = 0; cut < length; cut++) {
		char *part = malloc(cut + 1);
		assert_non_null(part);
		memcpy(part, text, cut);
		assert_int_equal(comparison_read(part, cut, "x.json", &read, &e), -EBADMSG);
		assert_null(read);
		free(part);
	}
	free(text);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		json_t *spoilt = json_deep_copy(document);
		json_object_set_new(
			json_array_get(json_object_get(spoilt, "networks"), 0), members[i], json_integer(3));
		text = json_dumps(spoilt, JSON_COMPACT);
		assert_int_equal(comparison_read(text, strlen(text), "x.json", &read, &e), -EBADMSG);
		assert_non_null(strstr(e.text, "x.json: its network 1 has missing or wrong fields"));
		free(text);
		json_decref(spoilt);
	}
	assert_int_equal(
		comparison_read("{\"measure\":2,\"networks\":[]}", 27, "x.json", &read, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "format 2, this version reads 1"));
	assert_int_equal(comparison_load("/nonexistent/x.json", &read, &e), -ENOENT);
	assert_int_equal(comparison_load("/dev/zero", &read, &e), -EOVERFLOW);
	json_decref(document);
	fixture_end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_measured),
		cmocka_unit_test(test_graph),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_wrong_pl),
		cmocka_unit_test(test_energy),
		cmocka_unit_test(test_simulated_pl),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_timelines),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_compare_means),
		cmocka_unit_test(test_compare_refuses),
		cmocka_unit_test(test_read_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
