/* SPDX-License-Identifier: MIT */
/* The options of `live` and `record` that switch sinks on. */
#ifndef APP_LIVE_SINK_OPTIONS_H
#define APP_LIVE_SINK_OPTIONS_H

#include "cli/command.h"
#include "cli/options.h"
#include "pipeline/pipeline.h"

#include <limits.h>

struct sink_values {
	struct option_text events, exec, exec_on, serve, serve_token, serve_cert, mqtt, mqtt_password,
		mqtt_ca, mqtt_queue, mqtt_discovery;
	bool serve_open;
	double exec_pause; /* s */
	int events_every;
};

#define OPTION_ROW_SINK(type, name, argument, help, member)                                                  \
	{                                                                                                    \
		name, 0, OPTION_TEXT, argument, help, offsetof(type, sinks.member), 0, 0, NULL               \
	}

/* Rows of an options table; the command's struct `type` has a member `struct sink_values sinks`. */
#define OPTION_ROWS_SINKS(type)                                                                              \
	OPTION_ROW_SINK(type, "serve", "[ADDRESS:]PORT",                                                     \
		"Serve picture, labels and metrics for browsers and programs [nowhere; at 127.0.0.1]",       \
		serve),                                                                                      \
		OPTION_ROW_SINK(type, "serve-token", "TOKEN",                                                \
			"Serve only those who give this password or bearer's token", serve_token),           \
		OPTION_ROW_SINK(type, "serve-cert", "FILE.pem",                                              \
			"Serve with TLS; the file holds the certificate and its key", serve_cert),           \
		{"serve-open", 0, OPTION_FLAG, NULL, "Serve the network without a token",                    \
			offsetof(type, sinks.serve_open), 0, 0, NULL},                                       \
		OPTION_ROW_SINK(type, "mqtt", "mqtt://HOST/TOPIC",                                           \
			"Publish events at a broker; mqtts://: with TLS; USER@ and :PORT may stand there",   \
			mqtt),                                                                               \
		OPTION_ROW_SINK(type, "mqtt-password", "PASSWORD",                                           \
			"The user's; better in TWOBIT_MQTT_PASSWORD or a settings file", mqtt_password),     \
		OPTION_ROW_SINK(type, "mqtt-ca", "FILE.pem",                                                 \
			"With mqtts: certificates of who may vouch for the broker [the system's]", mqtt_ca), \
		OPTION_ROW_SINK(type, "mqtt-queue", "FILE",                                                  \
			"Where events wait while the broker is away [~/.local/state/twobit/…]", mqtt_queue), \
		OPTION_ROW_SINK(type, "mqtt-discovery", "PREFIX",                                            \
			"Tell Home Assistant below this topic; \"-\": not [homeassistant]", mqtt_discovery), \
		OPTION_ROW_SINK(type, "events", "FILE|-",                                                    \
			"Write a line of JSON when a label begins, changes or ends; \"-\": standard output", \
			events),                                                                             \
		OPTION_ROW_SINK(type, "exec", "COMMAND",                                                     \
			"Run a program when a label begins, without a shell; EVENT_LABEL … tell it more",    \
			exec),                                                                               \
		OPTION_ROW_SINK(type, "exec-on", "EVENTS",                                                   \
			"With --exec: on these instead, such as label_begin,label_end,camera_lost",          \
			exec_on),                                                                            \
		{"exec-pause", 0, OPTION_DURATION, "TIME",                                                   \
			"With --exec: start it so often at most; it never runs twice at once [1s]",          \
			offsetof(type, sinks.exec_pause), 0, 86400, NULL},                                   \
	{                                                                                                    \
		"events-every", 0, OPTION_INTEGER, "N", "With --events and --mqtt: also each N-th result",   \
			offsetof(type, sinks.events_every), 1, INT_MAX, NULL                                 \
	}

#define SINK_VALUES_DEFAULT                                                                                  \
	{                                                                                                    \
		.exec_pause = 1                                                                              \
	}

/* A pipeline's sinks, which outlive it. */
struct pipeline_sinks {
	struct sinks *sinks; /* NULL: none */
	struct sink_about about;
	struct sink_broker broker;
};

/* Opens the sinks that the values want. recordings: the pattern of videos that can be looked at; NULL: none.
 * Returns an exit code; errors are reported. */
int pipeline_sinks_open(struct pipeline_sinks *sinks, const struct sink_values *values,
	const char *recordings, const struct invocation *invocation);

/* Whether events go to standard output: then no report for people does. */
bool sink_values_print(const struct sink_values *values);

/* The file that they go to; NULL: none. */
const char *sink_values_file(const struct sink_values *values);

/* Starts them and adds them to the config, whose network, names, source and PL are set. Returns as above. */
int pipeline_sinks_start(struct pipeline_sinks *sinks, struct pipeline_config *config);

/* Ends and closes them, if they are open. No frame may come any more. */
void pipeline_sinks_close(struct pipeline_sinks *sinks);

#endif
