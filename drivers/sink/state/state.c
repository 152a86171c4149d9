/* SPDX-License-Identifier: MIT */
#include "sink/state/state.h"

#include "base/build.h"
#include "base/clock.h"
#include "nn/network.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The weight of a new interval in the smoothed one. */
#define NEWEST 0.05

const double state_bounds[STATE_BUCKETS - 1] = {
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
const char *const state_time_names[STATE_TIMES] = {"decode", "conv0", "pl", "label", "total"};

void sink_state_init(struct sink_state *s)
{
	*s = (struct sink_state){.lock = PTHREAD_MUTEX_INITIALIZER, .pl = "good"};
}

void sink_state_finish(struct sink_state *s)
{
	free(s->labels);
	pthread_mutex_destroy(&s->lock);
}

void sink_state_start(struct sink_state *s, const struct sink_about *about)
{
	s->about = about;
	s->begun = clock_now();
}

/* The smoothed interval after one that began at *before. */
static double smooth(double interval, int64_t *before, int64_t now)
{
	double latest = (double)(now - *before);
	bool first = !*before;

	*before = now;
	if (first)
		return 0;
	return interval > 0 ? (1 - NEWEST) * interval + NEWEST * latest : latest;
}

void sink_state_frame(struct sink_state *s, const struct frame *frame, uint32_t broken)
{
	pthread_mutex_lock(&s->lock);
	s->absent = frame->absent;
	if (frame->absent) {
		memcpy(s->reason, frame->absent_reason, sizeof(s->reason));
		s->known = false;
		s->received_at = s->result_at = 0;
		s->interval = s->result_interval = 0;
	} else {
		s->received++;
		s->broken += broken;
		s->dropped[SINK_AT_CAMERA] += frame->lost;
		s->interval = smooth(s->interval, &s->received_at, clock_now());
	}
	pthread_mutex_unlock(&s->lock);
}

static void add_time(struct sink_state *s, enum state_time which, int64_t nanoseconds)
{
	struct state_histogram *h = &s->times[which];
	double seconds = nanoseconds > 0 ? (double)nanoseconds / 1e9 : 0;
	int bucket = 0;

	while (bucket < STATE_BUCKETS - 1 && seconds > state_bounds[bucket])
		bucket++;
	h->buckets[bucket]++;
	h->count++;
	h->sum += seconds;
	s->milliseconds[which] = 1e3 * seconds;
}

void sink_state_result(struct sink_state *s, const struct sink_result *result)
{
	const int64_t *stamps = result->frame->stamps;

	pthread_mutex_lock(&s->lock);
	s->known = true;
	s->frame = result->frame->number;
	s->wall = result->wall;
	s->label = result->label;
	s->confidence = result->confidence;
	s->detail = result->detail;
	s->detail_confidence = result->detail_confidence;
	s->shown = result->frame->result;
	s->recording = result->recording;
	s->classified++;
	s->by_software += result->frame->cpu_fallback;
	for (int i = SINK_AT_CAMERA + 1; i < SINK_PLACES; i++)
		s->dropped[i] = result->dropped[i];
	s->result_interval = smooth(s->result_interval, &s->result_at, clock_now());
	add_time(s, STATE_DECODE, stamps[STAMP_DECODED] - stamps[STAMP_DECODE_BEGUN]);
	add_time(s, STATE_CONV0, stamps[STAMP_CONV0] - stamps[STAMP_CONV0_BEGUN]);
	add_time(s, STATE_PL, stamps[STAMP_PL] - stamps[STAMP_PL_BEGUN]);
	add_time(s, STATE_LABEL, stamps[STAMP_LABELLED] - stamps[STAMP_PL]);
	add_time(s, STATE_TOTAL, stamps[STAMP_LABELLED] - stamps[STAMP_CAPTURED]);
	pthread_mutex_unlock(&s->lock);
}

static void count_label(struct sink_state *s, const char *name)
{
	for (size_t i = 0; i < s->label_count; i++) {
		if (s->labels[i].name == name) {
			s->labels[i].count++;
			return;
		}
	}
	struct state_label *grown = realloc(s->labels, (s->label_count + 1) * sizeof(*grown));
	if (!grown)
		return;
	s->labels = grown;
	s->labels[s->label_count++] = (struct state_label){name, 1};
}

void sink_state_event(struct sink_state *s, const struct sink_event *event)
{
	static const struct {
		const char *event, *pl;
	} changes[] = {{"pl_alarm", "alarm"}, {"pl_alarm_over", "good"}, {"pl_retired", "disabled"},
		{"pl_returned", "good"}};

	pthread_mutex_lock(&s->lock);
	if (strcmp(event->name, "label_begin") == 0)
		count_label(s, event->label->name);
	s->pl_failures += strcmp(event->name, "pl_failed") == 0;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (strcmp(event->name, changes[i].event) == 0)
			s->pl = changes[i].pl;
	pthread_mutex_unlock(&s->lock);
}

static void add_name(struct text_builder *t, const char *key, const char *name)
{
	text_add(t, ",\"%s\":", key);
	text_add_json(t, name);
}

static double rate(double interval)
{
	return interval > 0 ? 1e9 / interval : 0;
}

static void add_result(struct sink_state *s, struct text_builder *t)
{
	text_add(t, "{\"frame\":%" PRIu64 ",\"time\":\"", s->frame);
	text_add_time(t, s->wall);
	text_add(t, "\"");
	if (s->label) {
		add_name(t, "label", s->label);
		text_add(t, ",\"confidence\":%.4f", (double)s->confidence);
	}
	if (s->label && s->detail) {
		add_name(t, "detail", s->detail);
		text_add(t, ",\"detail_confidence\":%.4f", (double)s->detail_confidence);
	}
	text_add(t, ",\"top\":[");
	for (int i = 0; i < s->shown.count; i++) {
		text_add(t, "%s{\"label\":", i ? "," : "");
		text_add_json(t, s->about->network->labels[s->shown.top[i].index]);
		text_add(t, ",\"confidence\":%.4f}", (double)s->shown.top[i].confidence);
	}
	text_add(t, "],\"milliseconds\":{");
	for (int i = 0; i < STATE_TIMES; i++)
		text_add(t, "%s\"%s\":%.3f", i ? "," : "", state_time_names[i], s->milliseconds[i]);
	text_add(t, "}}");
}

void sink_state_json(struct sink_state *s, struct text_builder *t)
{
	pthread_mutex_lock(&s->lock);
	text_add(t, "{\"version\":\"" TWOBIT_VERSION "\"");
	add_name(t, "network", s->about->network->name);
	add_name(t, "source", s->about->source);
	add_name(t, "pl", s->about->pl);
	add_name(t, "pl_state", s->pl);
	text_add(t, ",\"uptime_seconds\":%.1f,\"threshold\":%.4f", (double)(clock_now() - s->begun) / 1e9,
		(double)s->about->threshold);
	text_add(t, ",\"camera\":%s", s->absent ? "false" : "true");
	if (s->absent)
		add_name(t, "reason", s->reason);
	text_add(t, ",\"recording\":%s,\"frames_per_second\":%.2f,\"results_per_second\":%.2f",
		s->recording ? "true" : "false", rate(s->interval), rate(s->result_interval));
	text_add(t,
		",\"frames\":%" PRIu64 ",\"broken\":%" PRIu64 ",\"classified\":%" PRIu64
		",\"by_software\":%" PRIu64 ",\"pl_failures\":%" PRIu64,
		s->received, s->broken, s->classified, s->by_software, s->pl_failures);
	text_add(t,
		",\"dropped\":{\"camera\":%" PRIu64 ",\"decode\":%" PRIu64 ",\"inference\":%" PRIu64
		",\"display\":%" PRIu64 "},\"result\":",
		s->dropped[SINK_AT_CAMERA], s->dropped[SINK_AT_DECODE], s->dropped[SINK_AT_INFERENCE],
		s->dropped[SINK_AT_DISPLAY]);
	if (s->known)
		add_result(s, t);
	else
		text_add(t, "null");
	text_add(t, "}");
	pthread_mutex_unlock(&s->lock);
}
