/* SPDX-License-Identifier: MIT */
#include "sink/label_span.h"

static void begin(struct label_span *span, const struct sink_result *result, int64_t time)
{
	span->label = (struct sink_label){.name = result->label,
		.detail = result->detail,
		.confidence = result->confidence,
		.detail_confidence = result->detail_confidence,
		.best = result->confidence,
		.began = time,
		.number = ++span->numbers};
	span->told = result->detail;
	span->told_at = time;
}

static bool changes(struct label_span *span, const struct sink_result *result, int64_t time)
{
	struct sink_label *label = &span->label;

	label->detail = result->detail;
	label->confidence = result->confidence;
	label->detail_confidence = result->detail_confidence;
	if (result->confidence > label->best)
		label->best = result->confidence;
	if (result->detail == span->told || time - span->told_at < LABEL_SPAN_PAUSE)
		return false;
	span->told = result->detail;
	span->told_at = time;
	return true;
}

unsigned label_span_add(struct label_span *span, const struct sink_result *result, int64_t time)
{
	unsigned what = 0;

	if (span->label.name && span->label.name == result->label)
		return changes(span, result, time) ? LABEL_SPAN_CHANGED : 0;
	if (span->label.name) {
		span->ended = span->label;
		span->label.name = NULL;
		what |= LABEL_SPAN_ENDED;
	}
	if (result->label) {
		begin(span, result, time);
		what |= LABEL_SPAN_BEGAN;
	}
	return what;
}
