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
	const struct {
		const struct option_text *text;
		enum failure failure;
	} texts[] = {{&values->events, FAILURE_CREATE}, {&values->exec, FAILURE_DISPLAY},
		{&values->exec_on, FAILURE_DISPLAY}, {&values->serve, FAILURE_DISPLAY},
		{&values->serve_token, FAILURE_DISPLAY}, {&values->serve_cert, FAILURE_SOURCE},
		{&values->mqtt, FAILURE_DISPLAY}, {&values->mqtt_ca, FAILURE_SOURCE},
		{&values->mqtt_queue, e->code == -EBADMSG ? FAILURE_SOURCE : FAILURE_CREATE},
		{&values->mqtt_discovery, FAILURE_DISPLAY}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!e->wrong || texts[i].text->text != e->wrong)
			continue;
		return e->code == -EINVAL ? option_refuse(invocation, &texts[i].text->origin, e->text)
					  : fail_at(invocation, texts[i].failure, e);
	}
	return fail(FAILURE_OURS, e);
}

int pipeline_sinks_open(struct pipeline_sinks *sinks, const struct sink_values *values,
	const char *recordings, const struct invocation *invocation)
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
		.recordings = recordings,
		.serve_open = values->serve_open,
		.mqtt = values->mqtt.text,
		.mqtt_password = values->mqtt_password.text,
		.mqtt_authorities = values->mqtt_ca.text,
		.mqtt_queue = values->mqtt_queue.text,
		.mqtt_discovery = values->mqtt_discovery.text,
		.broker = &sinks->broker,
	};
	struct error e = {0};

	sinks->about.broker = values->mqtt.text ? &sinks->broker : NULL;
	return sinks_open(&options, &sinks->sinks, &e) ? refuse(values, invocation, &e) : EX_OK;
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

	sinks->about.network = network;
	sinks->about.threshold = config->threshold;
	sinks->about.source = source_description(config->source);
	sinks->about.pl = pl_name_with(config->pl, network, network_split(network), network->layer_count);
	config->sinks = sinks->sinks;
	return sinks_start(sinks->sinks, &sinks->about, &e) ? fail(FAILURE_SOURCE, &e) : EX_OK;
}

void pipeline_sinks_close(struct pipeline_sinks *sinks)
{
	sinks_close(sinks->sinks);
	sinks->sinks = NULL;
}
