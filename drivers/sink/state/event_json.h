/* SPDX-License-Identifier: MIT */
/* Events and results as JSON (docs/event.schema.json). */
#ifndef SINK_STATE_EVENT_JSON_H
#define SINK_STATE_EVENT_JSON_H

#include "recorder/text.h"
#include "sink/sink.h"

/* These add one JSON object, without a line end. */
void event_json(struct text_builder *t, const struct sink_event *event, const struct sink_about *about);
void result_json(struct text_builder *t, const struct sink_result *result, const struct sink_about *about);

#endif
