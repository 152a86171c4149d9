/* SPDX-License-Identifier: MIT */
#include "live/sink_options.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

int sink_values_open(
	const struct sink_values *values, const struct invocation *invocation, struct sinks **out)
{
	const struct sink_options options = {
		.events = values->events.text,
		.events_every = values->events_every,
	};
	struct error e = {0};

	return sinks_open(&options, out, &e) ? fail_at(invocation, FAILURE_CREATE, &e) : EX_OK;
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
	return sinks_start(sinks->sinks, &sinks->about, &e) ? fail(FAILURE_OURS, &e) : EX_OK;
}
