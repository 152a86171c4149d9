/* SPDX-License-Identifier: MIT */
#include "sink/state/event_json.h"

#include "nn/network.h"

#include <inttypes.h>

/* How many of the likeliest labels a result tells. */
#define TOP 5

static void add_name(struct text_builder *t, const char *key, const char *name)
{
	text_add(t, ",\"%s\":", key);
	text_add_json(t, name);
}

static void add_number(struct text_builder *t, const char *key, double number)
{
	text_add(t, ",\"%s\":", key);
	text_add_number(t, number);
}

/* The members that all have. */
static void begin(struct text_builder *t, const char *name, int64_t wall, int64_t monotonic, uint64_t frame,
	const struct sink_about *about)
{
	text_add(t, "{\"event\":");
	text_add_json(t, name);
	text_add(t, ",\"time\":\"");
	text_add_time(t, wall);
	text_add(t, "\",\"monotonic_ns\":%" PRId64 ",\"frame\":%" PRIu64, monotonic, frame);
	add_name(t, "network", about->network->name);
}

static void add_found(struct text_builder *t, const char *label, float confidence, const char *detail,
	float detail_confidence)
{
	add_name(t, "label", label);
	add_number(t, "confidence", (double)confidence);
	if (!detail)
		return;
	add_name(t, "detail", detail);
	add_number(t, "detail_confidence", (double)detail_confidence);
}

void event_json(struct text_builder *t, const struct sink_event *event, const struct sink_about *about)
{
	const struct sink_label *label = event->label;

	begin(t, event->name, event->wall, event->monotonic, event->frame, about);
	if (label) {
		text_add(t, ",\"id\":%" PRIu64, label->number);
		add_found(t, label->name, label->confidence, label->detail, label->detail_confidence);
		add_number(t, "best", (double)label->best);
		add_number(t, "seconds", (double)(event->monotonic - label->began) / 1e9);
	}
	if (event->text)
		add_name(t, "text", event->text);
	text_add(t, "}");
}

void result_json(struct text_builder *t, const struct sink_result *result, const struct sink_about *about)
{
	const struct frame *frame = result->frame;
	const struct classification *shown = &frame->result;

	begin(t, "result", result->wall, frame->stamps[STAMP_CAPTURED], frame->number, about);
	if (result->label)
		add_found(t, result->label, result->confidence, result->detail, result->detail_confidence);
	text_add(t, ",\"top\":[");
	for (int i = 0; i < shown->count && i < TOP; i++) {
		text_add(t, "%s{\"label\":", i ? "," : "");
		text_add_json(t, about->network->labels[shown->top[i].index]);
		add_number(t, "confidence", (double)shown->top[i].confidence);
		text_add(t, "}");
	}
	text_add(t, "]}");
}
