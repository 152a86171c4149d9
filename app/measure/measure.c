/* SPDX-License-Identifier: MIT */
/* `twobit measure`: the speed of a network on this machine, of each part and of the whole. */
#include "measure/measure.h"

#include "base/error.h"
#include "base/log.h"
#include "base/output_file.h"
#include "choice/choice.h"
#include "cli/interruption.h"
#include "cli/networks.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/threads.h"
#include "machine/energy.h"
#include "measure/compare.h"
#include "measure/report.h"
#include "nn/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

struct measure_values {
	struct option_texts networks;
	struct option_text pl, kernels, source, report, trace, compare;
	struct option_text threads;
	double time_limit, power;
	int batch;
	bool all, json;
};

static const struct option options[] = {
	{"network", 0, OPTION_TEXTS, "NAME|DIR",
		"Network to measure, may be repeated [imagenet where it is fast enough, or dorefanet]",
		offsetof(struct measure_values, networks)},
	{"all", 'a', OPTION_FLAG, NULL, "Measure all networks of `twobit list networks`",
		offsetof(struct measure_values, all)},
	OPTION_ROW_PL(struct measure_values, pl),
	OPTION_ROW_KERNELS(struct measure_values, kernels),
	OPTION_ROW_THREADS(struct measure_values, threads),
	{"source", 0, OPTION_TEXT, "PICTURE|VIDEO",
		"Pictures to decode and to look at, as large as real ones [generated, small]",
		offsetof(struct measure_values, source)},
	{"batch", 0, OPTION_INTEGER, "N", "Pictures at once where the network is timed alone [1]",
		offsetof(struct measure_values, batch), 1, 1024},
	{"time-limit", 't', OPTION_DURATION, "TIME", "Longest time for a network, about [10s]",
		offsetof(struct measure_values, time_limit), 0.01, 1e6},
	{"power", 0, OPTION_NUMBER, "WATT", "What the whole machine takes, by a meter [its own counters]",
		offsetof(struct measure_values, power), 0.001, 1e5},
	{"json", 0, OPTION_FLAG, NULL, "Print the result as one JSON object",
		offsetof(struct measure_values, json)},
	{"report", 0, OPTION_TEXT, "FILE.html", "Write a web page with tables and charts",
		offsetof(struct measure_values, report)},
	OPTION_ROW_TRACE(struct measure_values, trace),
	{"compare", 0, OPTION_TEXT, "FILE.json", "Print ratios to an earlier output of --json",
		offsetof(struct measure_values, compare)},
	{0},
};

/* All that a run has open. */
struct measure_session {
	const struct invocation *invocation;
	struct measure_values values;
	struct network **networks; /* [count] */
	int count;
	struct measured_all all;
	struct energy *energy;
	struct pool *pool; /* NULL: one thread */
	struct error no_energy;
	json_t *other, *document; /* the document of --compare, and the one of this run */
	struct output_file report, trace;
};

static int add_network(struct measure_session *s, const char *name)
{
	struct error e;
	struct network **more = (struct network **)realloc(
		(void *)s->networks, ((size_t)s->count + 1) * sizeof(struct network *));

	if (!more) {
		error_set(&e, -ENOMEM, "out of memory for networks");
		return fail(FAILURE_NETWORK, &e);
	}
	s->networks = more;
	const struct choice choice = {
		.pl = s->values.pl.text, .kernels = s->values.kernels.text, .quiet = s->values.json};
	enum failure where;
	if (choice_check(&choice, &where, &e))
		return fail_at(s->invocation, where, &e);
	if (name ? networks_open_any(name, &s->networks[s->count], &e)
		 : choose_network(&choice, &s->networks[s->count], &e))
		return fail_at(s->invocation, FAILURE_NETWORK, &e);
	s->count++;
	return EX_OK;
}

/* A network that cannot be loaded is reported, and the others are still measured. */
static int add_all(struct measure_session *s)
{
	struct found_network *found;
	int code = EX_OK;

	int failed = networks_find(&found);
	if (failed) {
		struct error e;
		error_set(&e, failed, "the networks cannot be found: %s", strerror(-failed));
		return fail(FAILURE_NETWORK, &e);
	}
	for (struct found_network *f = found; f->name; f++) {
		int status = add_network(s, f->name);
		code = code ? code : status;
	}
	networks_forget(found);
	return s->count || code ? code : add_network(s, NULL);
}

static int add_networks(struct measure_session *s)
{
	const char *const *items = s->values.networks.items;
	int code = EX_OK;

	if (s->values.all)
		return add_all(s);
	if (!items[0])
		return add_network(s, NULL);
	for (; *items && !code; items++)
		code = add_network(s, *items);
	return code;
}

/* Runs before the measurement: networks that cannot be compared would waste minutes. */
static int check_comparable(struct measure_session *s, struct error *e)
{
	struct measured_all all = {.networks = s->all.networks};
	json_t *document = NULL;
	int status = 0;

	for (; all.count < s->count && !status; all.count++)
		status = measurement_init(s->networks[all.count], &all.networks[all.count], e);
	if (!status) {
		document = measure_json(&all);
		status = comparison_check(document, s->other, s->values.compare.text, e);
	}
	json_decref(document);
	for (int i = 0; i < all.count; i++)
		measurement_finish(&all.networks[i]);
	return status;
}

/* Does everything that can fail early, before minutes of measuring. */
static int prepare(struct measure_session *s)
{
	const struct measure_values *v = &s->values;
	struct error e;

	if (v->compare.text && comparison_load(v->compare.text, &s->other, &e)) {
		e.wrong = v->compare.text;
		return fail_at(s->invocation, FAILURE_SOURCE, &e);
	}
	if ((v->report.text && output_file_open(&s->report, v->report.text, 0, &e)) ||
		(v->trace.text && output_file_open(&s->trace, v->trace.text, 0, &e)))
		return fail_at(s->invocation, FAILURE_CREATE, &e);
	s->all.networks = calloc((size_t)s->count, sizeof(*s->all.networks));
	if (!s->all.networks) {
		error_set(&e, -ENOMEM, "out of memory");
		return fail(FAILURE_OURS, &e);
	}
	if (s->other && check_comparable(s, &e))
		return fail(FAILURE_SOURCE, &e);
	double power = s->values.power;
	if (power > 0 ? energy_of_power(power, &s->energy, &s->no_energy)
		      : energy_open("", &s->energy, &s->no_energy))
		s->all.no_energy = s->no_energy.text;
	else
		s->all.energy = energy_source(s->energy);
	return EX_OK;
}

static int run(struct measure_session *s)
{
	const struct measure_values *v = &s->values;
	struct measure_options request = {.pl = v->pl.text,
		.kernels = v->kernels.text,
		.source = v->source.text,
		.pool = s->pool,
		.batch = v->batch,
		.time_limit = (int64_t)(v->time_limit * 1e9),
		.energy = s->energy,
		.timeline = v->report.text || v->trace.text,
		.progress = progress_wanted(s->invocation)};
	int code = EX_OK;

	machine_read("", &s->all.before);
	for (int i = 0; i < s->count && !interruption_came(); i++) {
		struct measurement *m = &s->all.networks[s->all.count];
		enum failure where;
		struct error e;
		int status = measure_network(s->networks[i], &request, m, &where, &e);
		if (status) {
			int failed = fail_at(s->invocation, status == -ENOTSUP ? FAILURE_KERNELS : where, &e);
			code = code ? code : failed;
			continue;
		}
		s->all.count++;
		if (m->others > MEASURE_BUSY)
			log_warning(
				"%s: the machine was busy: other programs took %.0f %% of its processors' "
				"time meanwhile",
				m->network->name, 100 * m->others);
	}
	machine_read("", &s->all.after);
	s->all.frequency = machine_frequency();
	return code;
}

static void print(struct measure_session *s)
{
	s->document = measure_json(&s->all);
	json_t *rows = s->other ? comparison_make(s->document, s->other) : NULL;

	if (!s->values.json)
		measure_print(&s->all);
	if (!s->values.json && rows)
		comparison_print(rows, s->other, s->values.compare.text);
	if (rows)
		output_set(s->document, "comparison", rows);
	if (s->values.json)
		output_json(json_incref(s->document));
}

static int write_trace(struct measure_session *s, struct error *e)
{
	int count = 0;
	const struct trace **traces =
		(const struct trace **)calloc((size_t)s->all.count * PIPELINES + 1, sizeof(struct trace *));

	for (int i = 0; traces && i < s->all.count; i++)
		for (int j = 0; j < PIPELINES; j++)
			if (s->all.networks[i].pipelines[j].trace)
				traces[count++] = s->all.networks[i].pipelines[j].trace;
	int status = traces ? trace_write(s->trace.file, traces, count) : -ENOMEM;
	free((void *)traces);
	return output_file_close(&s->trace, status, e);
}

static int write_files(struct measure_session *s)
{
	struct error e;

	if (s->report.file && output_file_close(&s->report, measure_report(s->report.file, s->document), &e))
		return fail(FAILURE_CREATE, &e);
	if (s->trace.file && write_trace(s, &e))
		return fail(FAILURE_CREATE, &e);
	return EX_OK;
}

static void close_session(struct measure_session *s)
{
	for (int i = 0; i < s->all.count; i++)
		measurement_finish(&s->all.networks[i]);
	for (int i = 0; i < s->count; i++)
		network_destroy(s->networks[i]);
	free(s->all.networks);
	free((void *)s->networks);
	energy_close(s->energy);
	pool_destroy(s->pool);
	json_decref(s->other);
	json_decref(s->document);
	output_file_drop(&s->report);
	output_file_drop(&s->trace);
}

static int measure(struct measure_session *s)
{
	time_t now = time(NULL);
	struct tm utc;
	int code = add_networks(s);

	if (!s->count)
		return code;
	interruption_catch(); /* temporary files exist from here on */
	int prepared = prepare(s);
	if (prepared)
		return prepared;
	if (code && !s->values.all)
		return code;
	strftime(s->all.date, sizeof(s->all.date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	int ran = run(s);
	code = code ? code : ran;
	if (!s->all.count)
		return code;
	print(s);
	int written = write_files(s);
	return code ? code : written;
}

static int measure_run(struct invocation *invocation)
{
	struct measure_session s = {
		.invocation = invocation, .values = {.pl = {"auto"}, .time_limit = 10, .batch = 1}};
	int count;
	int code = options_parse(invocation, &s.values, &count);

	if (code != OPTIONS_GO_ON)
		return code;
	if (count)
		return usage_error(invocation, "\"%s\" is no option; networks are named by --network",
			invocation->argv[0]);
	/* A network of the environment or a file is for other calls. */
	if (s.values.all && s.values.networks.items[0] && !s.values.networks.origins[0].place)
		return usage_error(invocation, "--all and --network exclude each other");
	const struct output_name written[] = {
		{"--report", s.values.report.text}, {"--trace", s.values.trace.text}};
	if (output_names_check(invocation, written, 2))
		return EX_USAGE;
	code = threads_start(invocation, &s.values.threads, &s.pool);
	if (code != OPTIONS_GO_ON)
		return code;
	code = measure(&s);
	close_session(&s);
	return output_finish(code);
}

const struct command measure_command = {
	.name = "measure",
	.summary = "Measure the speed of a network: layers, PL, pipeline",
	.usage = "[OPTION]…",
	.details =
		"Times each layer in software and in the PL, then whole pictures, then the pipeline with\n"
		"and without overlap of Conv0 and PL. The pictures are generated in the network's size, or\n"
		"those of --source in their own.\n"
		"Each time is measured until its median is stable or the time limit is reached. Close\n"
		"other programs first; a busy machine is reported. Ctrl-C ends early and prints the\n"
		"results so far.",
	.examples =
		"twobit measure\n"
		"twobit measure --network dorefanet --pl software --time-limit 30s\n"
		"twobit measure --threads auto --batch 16\n"
		"twobit measure --source clip.mkv\n"
		"twobit measure --all --json >before.json\n"
		"twobit measure --all --compare before.json\n"
		"twobit measure --report report.html --trace trace.json\n",
	.options = options,
	.run = measure_run,
};
