/* SPDX-License-Identifier: MIT */
/* Makes spans of what is shown: a label begins, changes and ends. */
#ifndef SINK_LABEL_SPAN_H
#define SINK_LABEL_SPAN_H

#include "sink/sink.h"

enum {
	LABEL_SPAN_ENDED = 1 << 0,   /* `ended` is set */
	LABEL_SPAN_BEGAN = 1 << 1,   /* `label` is new */
	LABEL_SPAN_CHANGED = 1 << 2, /* the class within the group is another */
};

/* Details change at most so often, ns: between two breeds of a dog a network may waver with each frame. */
#define LABEL_SPAN_PAUSE INT64_C(1000000000)

/* All zero: nothing is shown. */
struct label_span {
	struct sink_label label; /* name NULL: nothing is shown */
	struct sink_label ended;
	const char *told; /* the detail that was told last */
	int64_t told_at;  /* CLOCK_MONOTONIC, ns */
	uint64_t numbers; /* labels so far */
};

/* Names are compared by address: they are the network's. time: of the result's frame. Returns what changed.
 */
unsigned label_span_add(struct label_span *span, const struct sink_result *result, int64_t time);

#endif
