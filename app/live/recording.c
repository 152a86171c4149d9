/* SPDX-License-Identifier: MIT */
#include "live/recording.h"

#include "base/build.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/output.h"
#include "live/service.h"
#include "live/signals.h"
#include "nn/classify.h"
#include "nn/smoothing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* How long signals wait at most, ns. */
#define ATTENTION INT64_C(50000000)

const struct recording_values recording_defaults = {
	.file = {RECORDING_NAME},
	.log = "json",
	.memory = 64000000,
	.post_roll = 10,
	.pre_roll = 5,
	.threshold = -1,
	.smoothing = SMOOTHING_DEFAULT,
	.sync = 5,
	.flush = 5,
	.quality = 90,
	.top_k = 5,
};

static const char *log_suffix(const struct recording_values *values)
{
	return strcmp(values->log, "csv") == 0 ? ".csv" : ".jsonl";
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return length > tail && strcmp(name + length - tail, suffix) == 0;
}

/* A log alone may be named as the log. */
static const char *pattern_of(struct recording *recording, const struct recording_values *values)
{
	const char *name = values->file.text, *suffix = log_suffix(values);
	size_t length = strlen(name);

	if (!values->log_only || length >= PATH_MAX || !ends_in(name, suffix))
		return name;
	snprintf(recording->pattern, PATH_MAX, "%.*s.mkv", (int)(length - strlen(suffix)), name);
	return recording->pattern;
}

void recording_begin(struct recording *recording, const struct recording_values *values)
{
	recording->options = (struct recorder_options){.pattern = pattern_of(recording, values),
		.log = strcmp(values->log, "csv") == 0 ? LABEL_LOG_CSV : LABEL_LOG_JSON,
		.pre_roll = (int64_t)(values->pre_roll * NS_PER_S),
		.post_roll = (int64_t)(values->post_roll * NS_PER_S),
		.sync = (int64_t)(values->sync * NS_PER_S),
		.flush_time = (int64_t)(values->flush * NS_PER_S),
		.quality = values->quality,
		.burn_in = values->burn_in,
		.log_only = values->log_only,
		.lossless = values->every_frame,
		.top_k = values->top_k,
		.segment = values->segment,
		.keep = values->keep,
		.memory = values->memory,
		.smoothing = values->smoothing};
}

/* Members of the log's first line. */
static json_t *about(const struct recording_values *values, const char *source, const char *kernels)
{
	json_t *all = json_object(), *when = json_array();

	for (int i = 0; values->when.items[i]; i++)
		output_append(when, output_text(values->when.items[i]));
	output_set(all, "program", json_string("twobit " TWOBIT_VERSION));
	output_set(all, "source", output_text(source));
	output_set(all, "kernels", output_text(kernels ? kernels : "auto"));
	/* How the network looks at the file's pictures: docs/formats.md. */
	output_set(all, "view", json_string("camera"));
	output_set(all, "every_frame", json_boolean(values->every_frame));
	output_set(all, "when", when);
	return all;
}

int recording_set_network(struct recording *recording, const struct recording_values *values,
	const struct network *network, struct error *e)
{
	struct recorder_options *o = &recording->options;

	o->network = network;
	o->threshold = classification_threshold(network, values->threshold);
	o->when = recording->when;
	for (; values->when.items[o->when_count]; o->when_count++) {
		int i = o->when_count;
		int status = when_parse(values->when.items[i], network, &recording->when[i], e);
		if (status)
			return status;
	}
	if (!o->when_count)
		o->pre_roll = o->post_roll = 0;
	return 0;
}

void recording_describe(struct recording *recording, const struct recording_values *values,
	const char *source, const char *pl, const char *kernels)
{
	recording->about = about(values, source, kernels);
	recording->options.about = recording->about;
	recording->options.pl = pl;
}

int recording_refuse(
	const struct invocation *invocation, const struct recording_values *values, struct error *e)
{
	const char *name = values->file.text, *suffix = log_suffix(values);

	if (e->code == -EINVAL && values->log_only && !ends_in(name, suffix) && !ends_in(name, ".mkv"))
		error_set(e, -EINVAL,
			"\"%s\": the name of a log must end in %s, or in .mkv as its video's would", name,
			suffix);
	e->wrong = name;
	return e->code == -EINVAL ? option_refuse(invocation, &values->file.origin, e->text)
				  : fail_at(invocation, FAILURE_CREATE, e);
}

void recording_finish(struct recording *recording)
{
	json_decref(recording->about);
	recording->about = NULL;
}

bool recording_join(struct recorder *recorder, struct recorder_report *report)
{
	while (!recorder_drain(recorder, clock_now() + ATTENTION)) {
		service_frame();
		if (signals_end())
			recorder_flush(recorder);
	}
	service_stopping();
	return recorder_join(recorder, report);
}

void recording_abandon(int code)
{
	_exit(output_finish(code ? code : EX_IOERR));
}
