/* SPDX-License-Identifier: MIT */
/* The options of `live` and `record` that switch sinks on. */
#ifndef APP_LIVE_SINK_OPTIONS_H
#define APP_LIVE_SINK_OPTIONS_H

#include "cli/command.h"
#include "cli/options.h"
#include "pipeline/pipeline.h"

#include <limits.h>

struct sink_values {
	struct option_text events, exec, exec_on, serve, serve_token, serve_cert;
	bool serve_open;
	double exec_pause; /* s */
	int events_every;
};

/* Rows of an options table; the command's struct `type` has a member `struct sink_values sinks`. */
#define OPTION_ROWS_SINKS(type)                                                                              \
	{"serve", 0, OPTION_TEXT, "[ADDRESS:]PORT",                                                          \
		"Serve picture, labels and metrics for browsers and programs [nowhere; at 127.0.0.1]",       \
		offsetof(type, sinks.serve), 0, 0, NULL},                                                    \
		{"serve-token", 0, OPTION_TEXT, "TOKEN",                                                     \
			"Serve only those who give this password or bearer's token",                         \
			offsetof(type, sinks.serve_token), 0, 0, NULL},                                      \
		{"serve-cert", 0, OPTION_TEXT, "FILE.pem",                                                   \
			"Serve with TLS; the file holds the certificate and its key",                        \
			offsetof(type, sinks.serve_cert), 0, 0, NULL},                                       \
		{"serve-open", 0, OPTION_FLAG, NULL, "Serve the network without a token",                    \
			offsetof(type, sinks.serve_open), 0, 0, NULL},                                       \
		{"events", 0, OPTION_TEXT, "FILE|-",                                                         \
			"Write a line of JSON when a label begins, changes or ends; \"-\": standard output", \
			offsetof(type, sinks.events), 0, 0, NULL},                                           \
		{"exec", 0, OPTION_TEXT, "COMMAND",                                                          \
			"Run a program when a label begins, without a shell; EVENT_LABEL … tell it more",    \
			offsetof(type, sinks.exec), 0, 0, NULL},                                             \
		{"exec-on", 0, OPTION_TEXT, "EVENTS",                                                        \
			"With --exec: on these instead, such as label_begin,label_end,camera_lost",          \
			offsetof(type, sinks.exec_on), 0, 0, NULL},                                          \
		{"exec-pause", 0, OPTION_DURATION, "TIME",                                                   \
			"With --exec: start it so often at most; it never runs twice at once [1s]",          \
			offsetof(type, sinks.exec_pause), 0, 86400, NULL},                                   \
	{                                                                                                    \
		"events-every", 0, OPTION_INTEGER, "N", "With --events: also a line for each N-th result",   \
			offsetof(type, sinks.events_every), 1, INT_MAX, NULL                                 \
	}

#define SINK_VALUES_DEFAULT                                                                                  \
	{                                                                                                    \
		.exec_pause = 1                                                                              \
	}

/* Opens the sinks that the values want; NULL: none. Returns an exit code; errors are reported. */
int sink_values_open(
	const struct sink_values *values, const struct invocation *invocation, struct sinks **out);

/* Whether events go to standard output: then no report for people does. */
bool sink_values_print(const struct sink_values *values);

/* The file that they go to; NULL: none. */
const char *sink_values_file(const struct sink_values *values);

/* A pipeline's sinks, which outlive it. */
struct pipeline_sinks {
	struct sinks *sinks;
	struct sink_about about;
};

/* Starts them and adds them to the config, whose network, names, source and PL are set. Returns as above. */
int pipeline_sinks_start(struct pipeline_sinks *sinks, struct pipeline_config *config);

#endif
