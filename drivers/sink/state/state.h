/* SPDX-License-Identifier: MIT */
/*
 * What is known of a running pipeline: the latest result, counts, times. One thread gives frames, another
 * results and events; any thread reads.
 */
#ifndef SINK_STATE_STATE_H
#define SINK_STATE_STATE_H

#include "recorder/text.h"
#include "sink/sink.h"

#include <pthread.h>

/* The stages of which times are kept. */
enum state_time { STATE_DECODE, STATE_CONV0, STATE_PL, STATE_LABEL, STATE_TOTAL, STATE_TIMES };

/* Upper bounds of a histogram's buckets, seconds; the last has none. */
#define STATE_BUCKETS 13
extern const double state_bounds[STATE_BUCKETS - 1];
extern const char *const state_time_names[STATE_TIMES];

struct state_histogram {
	uint64_t buckets[STATE_BUCKETS], count;
	double sum; /* seconds */
};

/* How often a label began. */
struct state_label {
	const char *name;
	uint64_t count;
};

struct sink_state {
	const struct sink_about *about;
	int64_t begun; /* CLOCK_MONOTONIC, ns */

	pthread_mutex_t lock; /* guards what follows */
	uint64_t received, broken, classified, by_software, pl_failures;
	uint64_t dropped[SINK_PLACES];
	double interval, result_interval; /* between frames, between results, smoothed, ns; 0: not known */
	int64_t received_at, result_at;	  /* CLOCK_MONOTONIC, ns */
	bool absent, recording, known;	  /* known: there is a result */
	char reason[FRAME_TEXT_BYTES];	  /* why it is absent */
	const char *pl;			  /* "good", "alarm", "disabled" */
	uint64_t frame;
	int64_t wall; /* of the result */
	const char *label, *detail;
	float confidence, detail_confidence;
	struct classification shown;
	double milliseconds[STATE_TIMES]; /* of the latest result */
	struct state_histogram times[STATE_TIMES];
	struct state_label *labels;
	size_t label_count;
};

void sink_state_init(struct sink_state *s);
void sink_state_finish(struct sink_state *s);
void sink_state_start(struct sink_state *s, const struct sink_about *about);

void sink_state_frame(struct sink_state *s, const struct frame *frame, uint32_t broken);
void sink_state_result(struct sink_state *s, const struct sink_result *result);
void sink_state_event(struct sink_state *s, const struct sink_event *event);

/* Adds one JSON object (docs/state.schema.json). */
void sink_state_json(struct sink_state *s, struct text_builder *t);

/*
 * Adds it for Prometheus: as OpenMetrics 1.0 (openmetrics.io), or as its older text format, whose families
 * have the names of their samples. temperature: °C; NAN: not known.
 */
void sink_state_metrics(struct sink_state *s, struct text_builder *t, bool openmetrics, double temperature);

#endif
