/* SPDX-License-Identifier: MIT */
/* The final report of `live`, and what it has in common with that of `record`. */
#ifndef APP_LIVE_REPORT_H
#define APP_LIVE_REPORT_H

#include "pipeline/pipeline.h"

#include <jansson.h>

/*
 * Prints a table for people, or one JSON object (docs/guide.md lists its fields). broker: NULL: none.
 * display: its description. caption: the last picture's.
 */
void live_report_print(const struct pipeline_report *report, const struct sink_broker *broker,
	const char *display, const char *caption, bool json);

/* A line about the broker, or the member "mqtt" of a report; nothing where there is none. */
void broker_report_print(const struct sink_broker *broker);
void broker_report_add(const struct sink_broker *broker, json_t *report);

#endif
