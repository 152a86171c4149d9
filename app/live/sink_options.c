/* SPDX-License-Identifier: MIT */
#include "live/sink_options.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

/* Reports what sinks_open says of one of the texts. */
static int refuse(
	const struct sink_values *values, const struct invocation *invocation, const struct error *e)
{
	const struct option_text *texts[] = {&values->events, &values->exec, &values->exec_on, &values->serve,
		&values->serve_token, &values->serve_cert};
	const enum failure failures[] = {FAILURE_CREATE, FAILURE_DISPLAY, FAILURE_DISPLAY, FAILURE_DISPLAY,
		FAILURE_DISPLAY, FAILURE_SOURCE};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!e->wrong || texts[i]->text != e->wrong)
			continue;
		return e->code == -EINVAL ? option_refuse(invocation, &texts[i]->origin, e->text)
					  : fail_at(invocation, failures[i], e);
	}
	return fail(FAILURE_OURS, e);
}

int sink_values_open(
	const struct sink_values *values, const struct invocation *invocation, struct sinks **out)
{
	const struct sink_options options = {
		.events = values->events.text,
		.events_every = values->events_every,
		.exec = values->exec.text,
		.exec_on = values->exec_on.text,
		.exec_pause = (int64_t)(values->exec_pause * NS_PER_S),
		.serve = values->serve.text,
		.serve_token = values->serve_token.text,
		.serve_cert = values->serve_cert.text,
		.serve_open = values->serve_open,
	};
	struct error e = {0};

	return sinks_open(&options, out, &e) ? refuse(values, invocation, &e) : EX_OK;
}

bool sink_values_print(const struct sink_values *values)
{
	return values->events.text && strcmp(values->events.text, "-") == 0;
}

const char *sink_values_file(const struct sink_values *values)
{
	return sink_values_print(values) ? NULL : values->events.text;
}

int pipeline_sinks_start(struct pipeline_sinks *sinks, struct pipeline_config *config)
{
	const struct network *network = config->network;
	struct error e = {0};

	sinks->about = (struct sink_about){.network = network,
		.threshold = config->threshold,
		.source = source_description(config->source),
		.pl = pl_name_with(config->pl, network, network_split(network), network->layer_count)};
	config->sinks = sinks->sinks;
	return sinks_start(sinks->sinks, &sinks->about, &e) ? fail(FAILURE_SOURCE, &e) : EX_OK;
}
